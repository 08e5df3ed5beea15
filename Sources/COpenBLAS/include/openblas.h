#ifndef LAM_OPENBLAS_H
#define LAM_OPENBLAS_H

/// Loads libopenblas and makes it single-threaded: our own pool splits the work. Returns 0 if it is not installed.
/// OpenBLAS 0.3.21 knows no CPU newer than Ice Lake and falls back to its AVX2 kernels there, at half speed; it reads
/// OPENBLAS_CORETYPE while it is being loaded, so the library is opened here, after that is set, and never linked.
int lam_openblas_load(void);

/// C = alpha op(A) op(B) + beta C, row-major, as cblas_sgemm. Call only after lam_openblas_load() returned 1.
void lam_openblas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc);

/// Makes OpenMP regions that the calling thread starts (inside oneDNN and OpenBLAS) run on that thread alone.
/// Costs nothing from the second call on.
void lam_openmp_run_on_this_thread(void);

#endif
