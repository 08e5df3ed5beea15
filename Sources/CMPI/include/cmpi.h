#ifndef LAM_CMPI_H
#define LAM_CMPI_H

// MPI for Swift: its constants and handles are macros, which Swift cannot import. Nothing here decides anything.
//
// All calls come from the thread that called lam_mpi_start. Functions that return int give an MPI error code, 0 for
// success.

#include <stddef.h>

/// A non-blocking operation under way.
typedef struct {
    void *handle;
} lam_mpi_request;

/// Communicators with the same ranks. Collectives on one must start in the same order on all ranks; those on different
/// ones are independent.
typedef enum {
    LAM_MPI_SMALL,
    LAM_MPI_EXCHANGE,
    LAM_MPI_COLLECT,
    LAM_MPI_CONTROL,
    LAM_MPI_CHANNELS
} lam_mpi_channel;

/// Name and version of the library, at most 256 bytes with the final zero. May be called before anything else.
void lam_mpi_version(char text[256]);
/// Starts MPI for calls from this thread alone.
int lam_mpi_start(int *rank, int *size);
/// Ends MPI; waits for the other ranks.
int lam_mpi_finish(void);
/// Asks the launcher to end all ranks with this exit code.
void lam_mpi_abort(int code);
/// A sentence about an error code; at most 256 bytes with the final zero.
void lam_mpi_error_text(int code, char text[256]);

/// Every rank gets every rank's bytes: `counts[r]` bytes of rank r at `offsets[r]` of `receive`. A null `send` says that
/// the own bytes are in their place already.
int lam_mpi_all_gather(lam_mpi_channel channel, const void *send, int count, void *receive, const int *counts,
    const int *offsets, lam_mpi_request *request);
/// Rank r gets `send_counts[r]` bytes at `send_offsets[r]` of `send`.
int lam_mpi_all_to_all(lam_mpi_channel channel, const void *send, const int *send_counts, const int *send_offsets,
    void *receive, const int *receive_counts, const int *receive_offsets, lam_mpi_request *request);
/// Whether an operation has ended; also moves all others on.
int lam_mpi_test(lam_mpi_request *request, int *is_done);

/// A message to one rank; `bytes` must stay as they are until the request has ended.
int lam_mpi_send(const void *bytes, int count, int rank, lam_mpi_request *request);
/// Takes a message of `count` bytes from any rank, if one has arrived: `sender` is -1 if not.
int lam_mpi_receive(void *bytes, int count, int *sender);

#endif
