#include "kernels.h"

#include <string.h>

extern const LamKernels lam_kernels_portable;

#if defined(__x86_64__)
#if defined(__linux__)
int lam_amx_is_usable(void);
extern const LamKernels lam_kernels_amx;
#endif
extern const LamKernels lam_kernels_avx2;
extern const LamKernels lam_kernels_avx512;
extern const LamKernels lam_kernels_avx512bf16;

const LamKernels *lam_kernels_named(const char *name) {
    __builtin_cpu_init();
    const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#if defined(__linux__)
    if (strcmp(name, "amx") == 0) return avx512 && lam_amx_is_usable() ? &lam_kernels_amx : 0;
#endif
    if (strcmp(name, "avx512bf16") == 0)
        return avx512 && __builtin_cpu_supports("avx512bf16") ? &lam_kernels_avx512bf16 : 0;
    if (strcmp(name, "avx512") == 0) return avx512 ? &lam_kernels_avx512 : 0;
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
    static const char *const names[] = {"amx", "avx512bf16", "avx512", "avx2"};
    for (int i = 0; i < 4; i++) {
#if defined(__x86_64__)
        // Intel's processors make dot products of bf16 at half the rate of f32 multiply-adds: see docs/performance.md.
        if (strcmp(names[i], "avx512bf16") == 0 && __builtin_cpu_is("intel")) continue;
#endif
        const LamKernels *kernels = lam_kernels_named(names[i]);
        if (kernels) return kernels;
    }
    return &lam_kernels_portable;
}
