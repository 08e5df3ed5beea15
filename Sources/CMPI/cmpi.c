#include "cmpi.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(MPI_Request) <= sizeof(lam_mpi_request), "an MPI request fits into a pointer");

static MPI_Comm channels[LAM_MPI_CHANNELS];

static MPI_Request *mpi(lam_mpi_request *request) { return (MPI_Request *)&request->handle; }

int lam_mpi_start(int *rank, int *size) {
    int provided;
    int error = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (!error && provided < MPI_THREAD_FUNNELED) error = MPI_ERR_UNSUPPORTED_OPERATION;
    if (!error) error = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (!error) error = MPI_Comm_rank(MPI_COMM_WORLD, rank);
    if (!error) error = MPI_Comm_size(MPI_COMM_WORLD, size);
    // Duplicates inherit the error handler.
    for (int i = 0; !error && i < LAM_MPI_CHANNELS; i++) error = MPI_Comm_dup(MPI_COMM_WORLD, &channels[i]);
    return error;
}

int lam_mpi_finish(void) { return MPI_Finalize(); }

void lam_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

void lam_mpi_error_text(int code, char text[256]) {
    char longest[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    if (MPI_Error_string(code, longest, &length)) length = 0;
    longest[length] = 0;
    snprintf(text, 256, "%s", longest);
}

int lam_mpi_all_gather(lam_mpi_channel channel, const void *send, int count, void *receive, const int *counts,
    const int *offsets, lam_mpi_request *request) {
    return MPI_Iallgatherv(send ? send : MPI_IN_PLACE, count, MPI_BYTE, receive, counts, offsets, MPI_BYTE,
        channels[channel], mpi(request));
}

int lam_mpi_all_to_all(lam_mpi_channel channel, const void *send, const int *send_counts, const int *send_offsets,
    void *receive, const int *receive_counts, const int *receive_offsets, lam_mpi_request *request) {
    return MPI_Ialltoallv(send, send_counts, send_offsets, MPI_BYTE, receive, receive_counts, receive_offsets, MPI_BYTE,
        channels[channel], mpi(request));
}

int lam_mpi_test(lam_mpi_request *request, int *is_done) { return MPI_Test(mpi(request), is_done, MPI_STATUS_IGNORE); }

int lam_mpi_send(const void *bytes, int count, int rank, lam_mpi_request *request) {
    return MPI_Isend(bytes, count, MPI_BYTE, rank, 0, channels[LAM_MPI_CONTROL], mpi(request));
}

int lam_mpi_receive(void *bytes, int count, int *sender) {
    int has_arrived = 0;
    MPI_Status status;
    *sender = -1;
    int error = MPI_Iprobe(MPI_ANY_SOURCE, 0, channels[LAM_MPI_CONTROL], &has_arrived, &status);
    if (error || !has_arrived) return error;
    error = MPI_Recv(bytes, count, MPI_BYTE, status.MPI_SOURCE, 0, channels[LAM_MPI_CONTROL], MPI_STATUS_IGNORE);
    if (!error) *sender = status.MPI_SOURCE;
    return error;
}

void lam_mpi_version(char text[256]) {
    char whole[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(whole, &length);
    snprintf(text, 256, "%s", whole);
}
