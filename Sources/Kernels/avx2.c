#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define NAMED(x) x##_avx2
#define ISA_NAME "avx2"
#include "table.h"
#pragma clang attribute pop
#endif
