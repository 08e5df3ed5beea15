#include <hdf5.h>

// Names for macros that Swift does not import.

static inline hid_t lam_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t lam_h5p_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t lam_h5p_link_access(void) { return H5P_LINK_ACCESS; }
static inline hid_t lam_h5t_int8(void) { return H5T_NATIVE_INT8; }
static inline hid_t lam_h5t_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t lam_h5t_int16(void) { return H5T_NATIVE_INT16; }
static inline hid_t lam_h5t_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t lam_h5t_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t lam_h5t_uint32(void) { return H5T_NATIVE_UINT32; }
static inline hid_t lam_h5t_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t lam_h5t_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t lam_h5t_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t lam_h5t_double(void) { return H5T_NATIVE_DOUBLE; }

static const hid_t lam_h5_default = H5P_DEFAULT;
static const hid_t lam_h5_all = H5S_ALL;
static const hid_t lam_h5e_default = H5E_DEFAULT;
static inline unsigned lam_h5f_read_only(void) { return H5F_ACC_RDONLY; }

// Keeps the library from following a link into another file, wherever on a path it stands.
static inline herr_t lam_h5_refuse_link(const char *parent_file, const char *parent_group, const char *child_file,
                                        const char *child_object, unsigned *flags, hid_t access, void *data) {
    return -1;
}
static inline herr_t lam_h5_refuse_external_links(hid_t access) {
    return H5Pset_elink_cb(access, lam_h5_refuse_link, NULL);
}
