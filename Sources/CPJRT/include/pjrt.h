/* What this program calls of PJRT, the C interface of XLA's plugins: the order of the functions in a plugin's table and the
   arguments of those used. Facts of the interface alone; the same in all versions from 0.33 on.

   Every argument structure begins with its size. A plugin refuses one below the size it knows and takes a larger one, so
   that each ends with zeros for fields that a newer plugin may have. */
#ifndef LAM_PJRT_H
#define LAM_PJRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PJRT_HEADER \
    size_t struct_size; \
    void *extension
#define PJRT_TAIL uint64_t reserved[8]

typedef struct PjrtErrorObject PjrtErrorObject;
typedef struct PjrtClient PjrtClient;
typedef struct PjrtDevice PjrtDevice;
typedef struct PjrtDeviceDescription PjrtDeviceDescription;
typedef struct PjrtBuffer PjrtBuffer;
typedef struct PjrtEvent PjrtEvent;
typedef struct PjrtExecutable PjrtExecutable;
typedef struct PjrtLoadedExecutable PjrtLoadedExecutable;

typedef struct {
    PJRT_HEADER;
    struct {
        size_t struct_size;
        void *extension;
        int32_t major, minor;
    } version;
    void *functions[];
} PjrtTable;

/* Places of functions in the table. */
typedef enum PjrtSlot {
    PJRT_ERROR_DESTROY = 0,
    PJRT_ERROR_MESSAGE = 1,
    PJRT_ERROR_GET_CODE = 2,
    PJRT_PLUGIN_INITIALIZE = 3,
    PJRT_PLUGIN_ATTRIBUTES = 4,
    PJRT_EVENT_DESTROY = 5,
    PJRT_EVENT_AWAIT = 8,
    PJRT_EVENT_ON_READY = 9,
    PJRT_CLIENT_CREATE = 10,
    PJRT_CLIENT_DESTROY = 11,
    PJRT_CLIENT_PLATFORM_NAME = 12,
    PJRT_CLIENT_PLATFORM_VERSION = 14,
    PJRT_CLIENT_ADDRESSABLE_DEVICES = 16,
    PJRT_CLIENT_COMPILE = 20,
    PJRT_CLIENT_BUFFER_FROM_HOST = 22,
    PJRT_DEVICE_DESCRIPTION_ID = 23,
    PJRT_DEVICE_DESCRIPTION_KIND = 26,
    PJRT_DEVICE_GET_DESCRIPTION = 29,
    PJRT_DEVICE_MEMORY_STATS = 34,
    PJRT_EXECUTABLE_DESTROY = 40,
    PJRT_EXECUTABLE_NUM_OUTPUTS = 44,
    PJRT_EXECUTABLE_OPTIMIZED_PROGRAM = 48,
    PJRT_EXECUTABLE_SERIALIZE = 49,
    PJRT_LOADED_DESTROY = 50,
    PJRT_LOADED_GET_EXECUTABLE = 51,
    PJRT_LOADED_EXECUTE = 55,
    PJRT_EXECUTABLE_DESERIALIZE_AND_LOAD = 56,
    PJRT_BUFFER_DESTROY = 58,
    PJRT_BUFFER_TO_HOST = 70,
    PJRT_BUFFER_READY_EVENT = 72,
    PJRT_BUFFER_UNSAFE_POINTER = 73,
    /* Functions that a table must have at least. */
    PJRT_FUNCTION_COUNT = 74,
    /* Of later versions; looked for before it is called. */
    PJRT_EXECUTABLE_MEMORY_STATS = 96
} PjrtSlot;

typedef enum PjrtType { PJRT_TYPE_PRED = 1, PJRT_TYPE_S32 = 4, PJRT_TYPE_S64 = 5, PJRT_TYPE_U8 = 6, PJRT_TYPE_U32 = 8, PJRT_TYPE_F32 = 11, PJRT_TYPE_F64 = 12, PJRT_TYPE_BF16 = 13 } PjrtType;
typedef enum PjrtValueType { PJRT_VALUE_STRING = 0, PJRT_VALUE_INT64 = 1, PJRT_VALUE_INT64_LIST = 2, PJRT_VALUE_FLOAT = 3, PJRT_VALUE_BOOL = 4 } PjrtValueType;
/* The bytes of the host are read before the call returns. */
typedef enum PjrtHostSemantics { PJRT_HOST_DURING_CALL = 0 } PjrtHostSemantics;

/* Of exactly this size, as it lies in arrays. */
typedef struct {
    PJRT_HEADER;
    const char *name;
    size_t name_size;
    int32_t type;
    union {
        const char *string;
        int64_t integer;
        const int64_t *integers;
        float real;
        bool boolean;
    } value;
    size_t value_size;
} PjrtNamedValue;

typedef struct { PJRT_HEADER; PJRT_TAIL; } PjrtInitialize;
typedef struct { PJRT_HEADER; const PjrtErrorObject *error; PJRT_TAIL; } PjrtErrorDestroy;
typedef struct { PJRT_HEADER; const PjrtErrorObject *error; const char *message; size_t size; PJRT_TAIL; } PjrtErrorMessage;
typedef struct { PJRT_HEADER; const PjrtErrorObject *error; int32_t code; PJRT_TAIL; } PjrtErrorCode;
typedef struct { PJRT_HEADER; const PjrtNamedValue *attributes; size_t count; PJRT_TAIL; } PjrtAttributes;
typedef struct { PJRT_HEADER; PjrtEvent *event; PJRT_TAIL; } PjrtEventCall;
typedef void (*PjrtReadyCallback)(PjrtErrorObject *error, void *user);
typedef struct { PJRT_HEADER; PjrtEvent *event; PjrtReadyCallback callback; void *user; PJRT_TAIL; } PjrtEventOnReady;

/* Callbacks of clients that span several processes lie between; one process leaves them out. */
typedef struct {
    PJRT_HEADER;
    const PjrtNamedValue *options;
    size_t option_count;
    void *get, *get_user, *put, *put_user;
    PjrtClient *client;
    void *try_get, *try_get_user;
    PJRT_TAIL;
} PjrtClientCreate;
typedef struct { PJRT_HEADER; PjrtClient *client; PJRT_TAIL; } PjrtClientCall;
typedef struct { PJRT_HEADER; PjrtClient *client; const char *text; size_t size; PJRT_TAIL; } PjrtClientText;
typedef struct { PJRT_HEADER; PjrtClient *client; PjrtDevice *const *devices; size_t count; PJRT_TAIL; } PjrtClientDevices;

typedef struct { PJRT_HEADER; PjrtDevice *device; PjrtDeviceDescription *description; PJRT_TAIL; } PjrtDeviceGetDescription;
typedef struct { PJRT_HEADER; PjrtDeviceDescription *description; int32_t id; PJRT_TAIL; } PjrtDescriptionID;
typedef struct { PJRT_HEADER; PjrtDeviceDescription *description; const char *text; size_t size; PJRT_TAIL; } PjrtDescriptionText;
/* Statistics after the first are pairs of a value and whether it is known. */
typedef struct {
    PJRT_HEADER;
    PjrtDevice *device;
    int64_t bytes_in_use;
    int64_t peak_bytes_in_use;
    bool peak_is_set;
    int64_t others[12];
    int64_t bytes_limit_area[12];
    PJRT_TAIL;
} PjrtMemoryStats;

typedef struct { PJRT_HEADER; char *code; size_t code_size; const char *format; size_t format_size; PJRT_TAIL; } PjrtProgram;
typedef struct {
    PJRT_HEADER;
    PjrtClient *client;
    const PjrtProgram *program;
    const char *options;
    size_t options_size;
    PjrtLoadedExecutable *executable;
    PJRT_TAIL;
} PjrtCompile;
typedef struct { PJRT_HEADER; PjrtLoadedExecutable *executable; PJRT_TAIL; } PjrtLoadedCall;
typedef struct { PJRT_HEADER; PjrtLoadedExecutable *loaded; PjrtExecutable *executable; PJRT_TAIL; } PjrtGetExecutable;
typedef struct { PJRT_HEADER; PjrtExecutable *executable; PJRT_TAIL; } PjrtExecutableCall;
typedef struct { PJRT_HEADER; PjrtExecutable *executable; size_t count; PJRT_TAIL; } PjrtNumOutputs;
typedef struct { PJRT_HEADER; PjrtExecutable *executable; PjrtProgram *program; PJRT_TAIL; } PjrtOptimizedProgram;
/* Bytes on the device, then the same on the host, of which nothing is used. */
typedef struct {
    PJRT_HEADER;
    PjrtExecutable *executable;
    int64_t code, arguments, outputs, aliased, temporary;
    int64_t others[11];
    PJRT_TAIL;
} PjrtProgramMemory;
typedef struct {
    PJRT_HEADER;
    const PjrtExecutable *executable;
    const char *bytes;
    size_t size;
    void *owner;
    void (*destroy)(void *owner);
    PJRT_TAIL;
} PjrtSerialize;
typedef struct {
    PJRT_HEADER;
    PjrtClient *client;
    const char *bytes;
    size_t size;
    PjrtLoadedExecutable *executable;
    PJRT_TAIL;
} PjrtDeserialize;

typedef struct {
    PJRT_HEADER;
    PjrtClient *client;
    const void *data;
    int32_t type;
    const int64_t *extents;
    size_t rank;
    const int64_t *strides;
    size_t stride_count;
    int32_t semantics;
    PjrtDevice *device;
    void *memory, *layout;
    PjrtEvent *done;
    PjrtBuffer *buffer;
    PJRT_TAIL;
} PjrtBufferFromHost;
typedef struct { PJRT_HEADER; PjrtBuffer *buffer; PJRT_TAIL; } PjrtBufferCall;
typedef struct { PJRT_HEADER; PjrtBuffer *buffer; PjrtEvent *event; PJRT_TAIL; } PjrtBufferReady;
typedef struct { PJRT_HEADER; PjrtBuffer *buffer; uint64_t address; PJRT_TAIL; } PjrtBufferAddress;
typedef struct { PJRT_HEADER; PjrtBuffer *source; void *layout; void *target; size_t size; PjrtEvent *event; PJRT_TAIL; } PjrtBufferToHost;

typedef struct {
    PJRT_HEADER;
    void *send, *receive;
    size_t send_count, receive_count;
    int32_t launch;
    const int64_t *kept;
    size_t kept_count;
    void *context;
    const char *call_location;
    size_t task_count;
    int32_t *tasks;
    int64_t *incarnations;
    PJRT_TAIL;
} PjrtExecuteOptions;
typedef struct {
    PJRT_HEADER;
    PjrtLoadedExecutable *executable;
    PjrtExecuteOptions *options;
    PjrtBuffer *const *const *arguments;
    size_t device_count, argument_count;
    PjrtBuffer **const *outputs;
    PjrtEvent **done;
    PjrtDevice *device;
    PJRT_TAIL;
} PjrtExecute;

#endif
