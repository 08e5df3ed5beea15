// What processors with bf16 units have besides: AVX-512, and conversions from f32.

#define LAM_HALF_UNITS
typedef __bf16 LamRounded __attribute__((vector_size(32)));
#define LAM_ROUND_ONE(v) __builtin_ia32_cvtneps2bf16_512_mask(v, (LamRounded){0}, 0xffff)
#define LAM_ROUND_TWO(high, low) __builtin_ia32_cvtne2ps2bf16_512(high, low)
/// The larger of each two; that of b where one is NaN.
#define LAM_LARGER(a, b) ((floats16)_mm512_max_ps((__m512)(a), (__m512)(b)))
/// The smaller of x and a limit; NaN passes through.
#define LAM_LIMITED(x, limit) ((floats16)_mm512_min_ps(_mm512_set1_ps(limit), (__m512)(x)))
/// x - floor(x).
#define LAM_FRACTION(x) ((floats16)_mm512_reduce_ps((__m512)(x), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC))
/// p 2^floor(x), but 0 for x below -126.
#define LAM_TIMES_POWER(p, x)                                                                                          \
    ((floats16)_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask((__m512)(x), _mm512_set1_ps(-126), _CMP_NLT_UQ), (__m512)(p), \
                                      (__m512)(x)))
/// 1 / x to 2^-14.
#define LAM_ESTIMATED_RECIPROCAL(x) ((floats16)_mm512_rcp14_ps((__m512)(x)))
/// Asks for the line at `p`, to write there.
#define LAM_ASK_TO_WRITE(p) _m_prefetchw((void *)(p))
