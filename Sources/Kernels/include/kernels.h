#ifndef LAM_KERNELS_H
#define LAM_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Where a small attention problem lies in memory. Strides are in floats. Sequence element `t` of a unit starts at
/// `base + t * stride`; its heads are contiguous runs of `head_dim` floats.
typedef struct {
    long length;
    long heads;
    long head_dim;
    long qkv_stride;
    long out_stride;
    int causal;
    float scale;
    /// Added to the scaled scores, [heads, length, length]; may be null. The backward kernel knows none.
    const float *bias;
} LamSmallAttention;

/// Constants of one AdamW step. `bias_correction1 = 1 - beta1^t`, `bias_correction2 = 1 - beta2^t`.
typedef struct {
    float learning_rate;
    float beta1;
    float beta2;
    float epsilon;
    float weight_decay;
    float bias_correction1;
    float bias_correction2;
    float gradient_scale;
} LamAdamW;

/// A matrix in memory, row-major: bf16 where `is_half`, f32 elsewhere.
typedef struct {
    const void *values;
    int is_half;
    long stride;
    long rows;
    long columns;
} LamHalfSource;

/// The left operand of a bf16 product: row `r`, value `p` of k is at
/// `(r / 32) * block + (r % 32) * row + (p / 32) * step + p % 32`.
typedef struct {
    const uint16_t *values;
    long block;
    long row;
    long step;
} LamHalfLeft;

/// The vector kernels no library has, for one instruction set. All arrays are f32, row-major, any alignment.
/// Every reduction runs in a fixed order, so a result depends on the arguments alone.
typedef struct {
    const char *name;

    /// out[i] = a[i] + b[i]
    void (*add)(const float *a, const float *b, float *out, long count);
    /// out[i] *= factor
    void (*scale)(float *out, float factor, long count);
    /// out[i] = a[i] * b[i]
    void (*multiply)(const float *a, const float *b, float *out, long count);
    /// Sum of squares, accumulated in double per 512 elements.
    double (*sum_of_squares)(const float *x, long count);
    /// Sum of (a - b)^2, accumulated in double per 512 elements.
    double (*sum_of_squared_differences)(const float *a, const float *b, long count);
    /// out[i] = factor * (a[i] - b[i]), added to out when `accumulate`.
    void (*scaled_difference)(const float *a, const float *b, float factor, float *out, long count, int accumulate);
    /// sums[j] += sum over rows of x[row * stride + j], j < columns.
    void (*column_sums)(const float *x, long rows, long columns, long stride, float *sums);

    /// y = (x - mean) * rstd * weight + bias for each row; writes mean and rstd when not null.
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, long rows,
                       long columns, float *y, float *mean, float *rstd);
    /// dx for each row, added to dx when `accumulate`; adds this call's rows to dweight and dbias when not null.
    void (*layer_norm_backward)(const float *dy, const float *x, const float *weight, const float *mean,
                                const float *rstd, long rows, long columns, float *dx, int accumulate,
                                float *dweight, float *dbias);

    /// y = x * rstd * weight for each row, rstd = 1 / sqrt(mean(x^2) + epsilon).
    void (*rms_norm)(const float *x, const float *weight, float epsilon, long rows, long columns, float *y);

    /// activated = u * Phi(u) with the exact (erf) normal distribution.
    void (*gelu)(const float *u, float *activated, long count);
    /// activated = gelu(u); derivative = gelu'(u). `derivative` may be `u`.
    void (*gelu_with_derivative)(const float *u, float *activated, float *derivative, long count);

    /// out = x * Phi(x) with Phi approximated by a tanh. `out` may be `x`.
    void (*tanh_gelu)(const float *x, float *out, long count);
    /// out = max(0, x); NaN stays NaN. `out` may be `x`.
    void (*relu)(const float *x, float *out, long count);

    /// In-place softmax of scale * scores + mask + bias over each row. Columns past `limit0 + row` are masked when `causal`;
    /// `mask` (length columns, may be null) holds 0 or -inf, or finite values; `bias` (as scores, may be null). A row
    /// of -inf becomes NaN, as in PyTorch.
    void (*softmax)(float *scores, long rows, long columns, float scale, int causal, long first_row,
                    const float *mask, const float *bias);
    /// In place: dp becomes scale * p * (dp - sum(p * dp)) for each row.
    void (*softmax_backward)(const float *p, float *dp, long rows, long columns, float scale);

    /// Attention over sequences of a few elements (the two frames of a pair), one unit.
    void (*small_attention)(const LamSmallAttention *shape, const float *q, const float *k, const float *v,
                            const float *mask, float *out);
    void (*small_attention_backward)(const LamSmallAttention *shape, const float *q, const float *k, const float *v,
                                     const float *mask, const float *dout, float *dq, float *dk, float *dv);

    /// In place, for `heads` runs of `2 * half` floats (a, b): a, b = a cos - b sin, b cos + a sin. `cosines` and `sines`
    /// have `half` elements, the same for all heads.
    void (*rotate_halves)(float *x, const float *cosines, const float *sines, long heads, long half);

    /// One decoupled-weight-decay Adam step over a run of parameters.
    void (*adamw)(const LamAdamW *step, float *parameter, const float *gradient, float *exp_avg, float *exp_avg_sq,
                  long count);

    /// Patches of normalised 8-bit images: image [3, height, width] u8 -> [rows * columns, 3 * patch * patch] f32 with
    /// value u8 * factor[c] + shift[c].
    void (*patchify)(const uint8_t *image, long height, long width, long patch, const float *factor,
                     const float *shift, float *out);

    // bf16: see half.h for the layout of packed operands.

    /// out = x, rounded to nearest even.
    void (*half_from_float)(const float *x, uint16_t *out, long count);
    void (*half_to_float)(const uint16_t *x, float *out, long count);
    /// Packs panels of 32 columns of the right operand of a product, which is the source or its transpose.
    void (*half_pack_right)(const LamHalfSource *source, int transposed, long first_panel, long panels, uint16_t *out);
    /// Packs blocks of 32 rows of the left operand, which is the source or its transpose.
    void (*half_pack_left)(const LamHalfSource *source, int transposed, long first_block, long blocks, uint16_t *out);
    /// c [m, 32 panels] = a b, or c += a b, in f32; k a multiple of 32; b packed, `right_stride` values from panel to
    /// panel.
    void (*half_product)(long m, long panels, long k, const LamHalfLeft *left, const uint16_t *right,
                         long right_stride, float *c, long c_stride, int accumulate);
    /// out = x + bias; `bias` may be null.
    void (*half_add_bias)(const float *x, const float *bias, uint16_t *out, long count);
    /// activated = gelu(x + bias), and its derivative where wanted. Destroys x; `scratch` has `count` floats.
    void (*half_gelu)(float *x, const float *bias, uint16_t *activated, uint16_t *derivative, float *scratch,
                      long count);
    /// `column_sums` of bf16.
    void (*half_column_sums)(const uint16_t *x, long rows, long columns, long stride, float *sums);
    /// out[i] = a[i] * b[i]; `out` may be `a`.
    void (*half_multiply)(const uint16_t *a, const uint16_t *b, uint16_t *out, long count);
    /// `layer_norm` with a bf16 result; `scratch` has `columns` floats.
    void (*half_layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, long rows,
                            long columns, uint16_t *y, float *mean, float *rstd, float *scratch);
    void (*half_layer_norm_backward)(const uint16_t *dy, const float *x, const float *weight, const float *mean,
                                     const float *rstd, long rows, long columns, float *dx, int accumulate,
                                     float *dweight, float *dbias, float *scratch);
    /// `softmax` over rows of `stride` values, of which those past `columns` become 0; the result also goes to `out`.
    void (*half_softmax)(float *scores, long rows, long columns, long stride, float scale, int causal, long first_row,
                         const float *mask, uint16_t *out);
    /// `softmax_backward` over such rows, into `out`; destroys dp.
    void (*half_softmax_backward)(const float *p, float *dp, long rows, long columns, long stride, float scale,
                                  uint16_t *out);
} LamKernels;

/// The widest instruction set of this CPU that has kernels: "amx", "avx512bf16", "avx512", "avx2" or "portable".
const LamKernels *lam_kernels_best(void);

/// The kernels called `name`, or null if this CPU or build cannot run them.
const LamKernels *lam_kernels_named(const char *name);

/// CPUs in this process's affinity mask, at least 1.
int lam_usable_cpus(void);

#endif
