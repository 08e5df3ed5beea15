#include "kernels.h"

#include <string.h>

extern const LamKernels lam_kernels_portable;

#if defined(__x86_64__)
extern const LamKernels lam_kernels_avx2;
extern const LamKernels lam_kernels_avx512;

const LamKernels *lam_kernels_named(const char *name) {
    __builtin_cpu_init();
    if (strcmp(name, "avx512") == 0) {
        int runs = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
        return runs ? &lam_kernels_avx512 : 0;
    }
    if (strcmp(name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &lam_kernels_avx2 : 0;
    return strcmp(name, "portable") == 0 ? &lam_kernels_portable : 0;
}
#else
const LamKernels *lam_kernels_named(const char *name) {
    return strcmp(name, "portable") == 0 ? &lam_kernels_portable : 0;
}
#endif

const LamKernels *lam_kernels_best(void) {
    const LamKernels *widest = lam_kernels_named("avx512");
    if (!widest) widest = lam_kernels_named("avx2");
    return widest ? widest : &lam_kernels_portable;
}
