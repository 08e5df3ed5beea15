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
} LamSource;

/// The left operand of a bf16 product: row `r`, value `p` of k is at
/// `(r / 32) * block + (r % 32) * row + (p / 32) * step + p % 32`.
typedef struct {
    const uint16_t *values;
    long block;
    long row;
    long step;
} LamHalfLeft;

/// What a product's epilogue applies: nothing, the exact `gelu(x)`, `x gelu'(u)` of an earlier input u, the tanh
/// approximation of the GELU, or max(0, x).
enum { LAM_NO_ACTIVATION, LAM_GELU, LAM_GELU_BACKWARD, LAM_TANH_GELU, LAM_RELU };

/// The left operand of an f32 product: rows of the source, or of its transpose, from `first` on.
typedef struct {
    LamSource source;
    int transposed;
    long first;
} LamLeft;

/// Rows of a task of an f32 product, whose strips stay in the second-level cache.
enum { LAM_PRODUCT_ROWS = 96 };
/// Values of k whose strips and panel are in use at a time.
enum { LAM_PRODUCT_RUN = 384 };
/// Columns of a task whose sums are in use at a time.
enum { LAM_PRODUCT_COLUMNS = 384 };

/// Values of k whose sums are made at once: more would not stay in the second-level cache with 384 columns.
enum { LAM_HALF_DEPTH = 1024 };

/// The same of a product whose operands have three parts.
enum { LAM_SPLIT_DEPTH = 384 };

/// Queries whose probabilities are kept for the gradients of keys and values.
enum { LAM_HALF_QUERIES = 256 };

/// What becomes of the f32 sums of a product, in this order: plus bias, plus residual, activation, rounding or addition.
/// All matrices have lines of `stride` elements and begin at the first row and column of the product.
typedef struct {
    void *out;
    /// bf16, else f32.
    int is_half;
    /// Adds to `out`, which is f32.
    int accumulate;
    int activation;
    long stride;
    /// Valid columns; what lies beyond is not written.
    long columns;
    const float *bias;
    const float *residual;
    /// In the type of `out`. Forward: gets the input of the GELU, where given. Backward: holds it, and becomes gelu(u).
    void *gelu_input;
} LamOutput;

/// One head of one sequence. Strides are in values, from token to token.
typedef struct {
    long length;
    long head_dim;
    long qkv_stride;
    long out_stride;
    int causal;
    float scale;
    /// Added to every row of scores; may be null.
    const float *mask;
    /// From this head's values to those of the head that comes next in the same task, which are asked for ahead of time;
    /// 0 if none does.
    long next_qkv, next_out;
} LamHalfAttention;

/// Queries of a head whose scores exist at a time in `head_attention`.
enum { LAM_ATTENTION_QUERIES = 96 };

/// One head of one sequence for vector products. Strides are in values, from token to token.
typedef struct {
    long length;
    long head_dim;
    long qkv_stride;
    long out_stride;
    int causal;
    float scale;
    /// q, k, v, the output and all gradients are bf16, else f32.
    int is_half;
    /// Added to every row of scaled scores; may be null.
    const float *mask;
    /// Added to the scaled scores, [length, length]; may be null.
    const float *bias;
} LamHeadAttention;

/// A convolution of one output frame over channels-last frames. Lengths are in values of bf16.
typedef struct {
    /// One input frame for each tap along time; null for a frame of zeros.
    const uint16_t *const *frames;
    /// Rows and columns of an input frame.
    long rows;
    long columns;
    /// From pixel to pixel.
    long pixel;
    /// Of the operands: 1 is bf16, 3 is split f32, 0 is f32.
    long parts;
    long kernel_frames;
    long kernel_rows;
    long kernel_columns;
    /// Distance of output pixels, along rows and columns.
    long stride;
    /// Zeros above and to the left.
    long top;
    long left;
    /// 1 if each input pixel counts as 2 x 2.
    long doubling;
    long out_columns;
} LamConvolution;

/// The vector kernels no library has, for one instruction set. All arrays are f32, row-major, any alignment.
/// Every reduction runs in a fixed order, so a result depends on the arguments alone.
typedef struct {
    const char *name;

    /// out[i] = a[i] + b[i]
    void (*add)(const float *a, const float *b, float *out, long count);
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
    /// average[i] = keep * average[i] + take * value[i], both products rounded.
    void (*moving_average)(float *average, const float *value, float keep, float take, long count);

    /// Patches of normalised 8-bit images: image [3, height, width] u8 -> [rows * columns, 3 * patch * patch] f32 with
    /// value u8 * factor[c] + shift[c].
    void (*patchify)(const uint8_t *image, long height, long width, long patch, const float *factor,
                     const float *shift, float *out);

    // f32 products, see product.h.

    /// Floats of a vector.
    long lanes;
    /// Columns of a panel of the right operand.
    long panel_columns;
    /// Packs panels of the right operand, which is the source or its transpose: for each panel `panel_columns` floats for
    /// each k.
    void (*pack_right)(const LamSource *source, int transposed, long first_panel, long panels, float *out);
    /// Up to LAM_PRODUCT_ROWS rows and some panels of a product. `right` begins with the first panel, `output` with the
    /// first row and panel. `scratch` has LAM_PRODUCT_ROWS * (LAM_PRODUCT_COLUMNS + n) floats; n is LAM_PRODUCT_RUN where the
    /// panels have no more than LAM_PRODUCT_COLUMNS columns, else at least that and k.
    void (*product)(long rows, long panels, long k, const LamLeft *left, const float *right, const LamOutput *output,
                    float *scratch);
    /// The sum of `runs` matrices of lines of `output->columns`, `distance` apart, in their order, for some rows of `output`.
    void (*add_runs)(long runs, const float *sums, long distance, long first, long rows, const LamOutput *output);
    /// Twelve independent chains of `count` multiply-adds in registers: what the processor can do at best.
    float (*multiply_adds)(long count, float factor);

    /// Floats of memory that the following two need.
    long (*head_attention_scratch)(const LamHeadAttention *shape, int backward);
    /// Attention of one head of one sequence.
    void (*head_attention)(const LamHeadAttention *shape, const void *q, const void *k, const void *v, void *out,
                           float *scratch);
    void (*head_attention_backward)(const LamHeadAttention *shape, const void *q, const void *k, const void *v,
                                    const void *dout, void *dq, void *dk, void *dv, float *scratch);

    // bf16.

    /// out = x, rounded to nearest even.
    void (*half_from_float)(const float *x, uint16_t *out, long count);
    void (*half_to_float)(const uint16_t *x, float *out, long count);
    /// `column_sums` of bf16.
    void (*half_column_sums)(const uint16_t *x, long rows, long columns, long stride, float *sums);
    /// `column_sums` of x, which is also rounded to `out`, of the same stride.
    void (*half_from_float_with_sums)(const float *x, long rows, long columns, long stride, uint16_t *out, float *sums);
    /// out[i] = a[i] * b[i]; `out` may be `a`.
    void (*half_multiply)(const uint16_t *a, const uint16_t *b, uint16_t *out, long count);
    /// `layer_norm` with a bf16 result; writes (x - mean) rstd to `normalized`, and rstd, when not null.
    void (*half_layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, long rows,
                            long columns, uint16_t *y, uint16_t *normalized, float *rstd);
    /// `layer_norm_backward` from normalised rows.
    void (*half_layer_norm_backward)(const uint16_t *dy, const uint16_t *normalized, const float *weight,
                                     const float *rstd, long rows, long columns, float *dx, int accumulate,
                                     float *dweight, float *dbias);
    /// y = x * weight + bias for each row: the result of a layer norm again.
    void (*half_affine)(const uint16_t *x, const float *weight, const float *bias, long rows, long columns,
                        uint16_t *y);
    /// Causal attention of two tokens whose q, k and v lie side by side at `first` and `second`.
    void (*half_pair_attention)(long heads, long head_dim, float scale, const uint16_t *first, const uint16_t *second,
                                uint16_t *out_first, uint16_t *out_second);
    void (*half_pair_attention_backward)(long heads, long head_dim, float scale, const uint16_t *first,
                                         const uint16_t *second, const uint16_t *dout_first,
                                         const uint16_t *dout_second, uint16_t *dfirst, uint16_t *dsecond);

    /// Up to LAM_PRODUCT_ROWS pixels from `first` on of a convolution of f32 or bf16 frames with `panels` panels of its right
    /// operand. `scratch` is that of `product` and LAM_PRODUCT_ROWS * LAM_PRODUCT_RUN floats more. `output` begins with the
    /// first pixel and panel.
    void (*vector_convolution)(const LamConvolution *shape, long first, long count, long panels, const float *right,
                               const LamOutput *output, float *scratch);
    /// Pixels of `channels` values as operands of `parts` (0: f32); where `gamma` is given divided by their length, at least
    /// 1e-12, and times `gamma`; then, if `activate`, x / (1 + e^-x). Channels are padded with zeros to 32 for bf16.
    void (*convolution_operand)(const float *x, const float *gamma, int activate, long pixels, long channels,
                                long parts, void *out);

    // Products on bf16 units, see half_packing.h for the layout of their operands; null where there are none.

    /// Packs panels of 32 columns of the right operand of a product, which is the source or its transpose.
    void (*half_pack_right)(const LamSource *source, int transposed, long first_panel, long panels, uint16_t *out);
    /// Packs blocks of 32 rows of the left operand, which is the source or its transpose.
    void (*half_pack_left)(const LamSource *source, int transposed, long first_block, long blocks, uint16_t *out);
    /// Some rows and panels of a product. k is a multiple of 32; `right` begins with the first panel, `left` with the
    /// first row. `scratch` has 2048 floats, or, where k > LAM_HALF_DEPTH, 1024 for each block of 32 rows in each panel.
    void (*half_product)(long rows, long panels, long k, const LamHalfLeft *left, const uint16_t *right,
                         const LamOutput *output, float *scratch);
    /// Bytes of memory, aligned to 64, that the following two need.
    long (*half_attention_scratch)(const LamHalfAttention *shape, int backward);
    /// Attention of one head of one sequence.
    void (*half_attention)(const LamHalfAttention *shape, const uint16_t *q, const uint16_t *k, const uint16_t *v,
                           uint16_t *out, void *scratch);
    void (*half_attention_backward)(const LamHalfAttention *shape, const uint16_t *q, const uint16_t *k,
                                    const uint16_t *v, const uint16_t *dout, uint16_t *dq, uint16_t *dk, uint16_t *dv,
                                    void *scratch);
    /// `count` pixels from `first` on of a convolution with `panels` panels of its right operand, which has the parts that
    /// `shape` says. `packed` has 32 values for each part, each of the `count` pixels (rounded up to 32) and each 32 of k, at
    /// most LAM_HALF_DEPTH or LAM_SPLIT_DEPTH values of k; `sums` 1024 for each 32 pixels in each panel. `output` begins
    /// with the first pixel and panel.
    void (*convolution)(const LamConvolution *shape, long first, long count, long panels, const uint16_t *right,
                        const LamOutput *output, uint16_t *packed, float *sums);

    // f32 products on bf16 units, see split.h; null where these are not fast enough for that.

    /// `half_pack_right` of the three parts of an f32 source.
    void (*split_pack_right)(const LamSource *source, int transposed, long first_panel, long panels, uint16_t *out);
    /// `half_pack_left` of the three parts of an f32 source.
    void (*split_pack_left)(const LamSource *source, int transposed, long first_block, long blocks, uint16_t *out);
    /// `half_product` of split operands. `scratch` has 1024 floats for each block of 32 rows in each panel.
    void (*split_product)(long rows, long panels, long k, const LamHalfLeft *left, const uint16_t *right,
                          const LamOutput *output, float *scratch);
} LamKernels;

/// The fastest instruction set of this CPU that has kernels: "amx", "avx512bf16", "avx512", "avx2" or "portable".
const LamKernels *lam_kernels_best(void);

/// The kernels called `name`, or null if this CPU or build cannot run them.
const LamKernels *lam_kernels_named(const char *name);

/// CPUs in this process's affinity mask, at least 1.
int lam_usable_cpus(void);

#endif
