// Vectors of LANES floats through the compiler's own vector types: the same source becomes AVX-512, AVX2, SSE or NEON
// code. The including file defines LANES (4, 8, 16) and NAMED(x), which gives each instruction set its own symbols.

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float vf __attribute__((vector_size(LANES * 4)));
typedef int32_t vi __attribute__((vector_size(LANES * 4)));

static inline vf load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(float *p, vf v) { memcpy(p, &v, sizeof v); }

static inline vf splat(float x) { return (vf){0} + x; }

static inline vf load_part(const float *p, long count, float fill) {
    vf v = splat(fill);
    memcpy(&v, p, (size_t)count * 4);
    return v;
}

static inline void store_part(float *p, vf v, long count) { memcpy(p, &v, (size_t)count * 4); }

/// Lanes are added in a fixed tree, so the sum depends on the lane count alone.
static inline float sum_lanes(vf v) {
    float lane[LANES];
    memcpy(lane, &v, sizeof v);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) lane[i] += lane[i + width];
    return lane[0];
}

static inline float max_lanes(vf v) {
    float lane[LANES];
    memcpy(lane, &v, sizeof v);
    float best = lane[0];
    for (int i = 1; i < LANES; i++) best = lane[i] > best ? lane[i] : best;
    return best;
}

static inline vf choose(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

static inline vf maximum(vf a, vf b) { return choose(a > b, a, b); }

static inline vf minimum(vf a, vf b) { return choose(a < b, a, b); }

static inline vf absolute(vf x) { return (vf)((vi)x & 0x7fffffff); }

/// e^x, relative error below 2e-7 for |x| <= 87; 0 below -87.3 and for -inf, saturates above 88.3; NaN passes through.
/// x = n ln 2 + r with |r| <= ln2 / 2 (Cody-Waite in two parts), e^r as its degree-7 Taylor polynomial.
static inline vf exponential(vf x) {
    vf clamped = minimum(maximum(x, splat(-88.0f)), splat(88.3f));
    vf shifted = clamped * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: rounds to nearest in the low mantissa bits
    vf n = shifted - 12582912.0f;
    vf r = clamped - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vf p = splat(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vi exponent = ((vi)shifted - 0x4b400000 + 127) << 23;
    vf result = p * (vf)exponent;
    result = choose(x < -87.3f, splat(0.0f), result);
    return choose(x == x, result, x);
}

/// erf(x), absolute error below 2e-7: an odd polynomial for |x| <= 0.9277, 1 - e^q(|x|) beyond.
/// Minimax coefficients: N. Juffa, "erff", published 2013.
static inline vf error_function(vf x) {
    vf t = absolute(x);
    vf s = x * x;
    vf far = (t * -1.72853470e-5f + 3.83197126e-4f) * s + (t * -3.88396438e-3f + 2.42546219e-2f);
    far = far * t + -1.06777877e-1f;
    far = far * t + -6.34846687e-1f;
    far = far * t + -1.28717512e-1f;
    far = far * t - t;
    far = 1.0f - exponential(far);
    far = (vf)((vi)far | ((vi)x & (int32_t)0x80000000));
    vf near = splat(-5.96761703e-4f);
    near = near * s + 4.99119423e-3f;
    near = near * s + -2.67681349e-2f;
    near = near * s + 1.12819925e-1f;
    near = near * s + -3.76125336e-1f;
    near = near * s + 1.28379166e-1f;
    near = near * x + x;
    return choose(t > 0.927734375f, far, near);
}
