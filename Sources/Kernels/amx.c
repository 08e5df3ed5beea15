// Intel's matrix units (AMX).
#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#if defined(LAM_EMULATED_TILES)
#include <stdint.h>
#include <string.h>

#include "emulated_tiles.h"
#endif

#pragma clang attribute push(                                                                                          \
    __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,prfchw"))),             \
    apply_to = function)
#include "half_units.h"
#define LAM_TILES
#define LANES 16
#define NAMED(x) x##_amx
#define ISA_NAME "amx"
#include "table.h"
#pragma clang attribute pop
#endif
