// AVX-512 with bf16 dot products: AMD since Zen 4, Intel Cooper Lake.
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,prfchw"))),     \
                             apply_to = function)
#include "half_units.h"
typedef __bf16 LamDotOperand __attribute__((vector_size(64)));
#define LAM_DOT_PAIRS(sum, x, y) __builtin_ia32_dpbf16ps_512(sum, (LamDotOperand)(x), (LamDotOperand)(y))
#define LANES 16
#define NAMED(x) x##_avx512bf16
#define ISA_NAME "avx512bf16"
#include "table.h"
#pragma clang attribute pop
#endif
