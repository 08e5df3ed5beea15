// Attention over bf16 values, one head of one sequence at a time. Scores of 32 queries are made, turned into
// probabilities and used up while they are in the first-level cache.

/// A task's memory: bf16 operands in the layout of half.h, and what is left is floats.
typedef struct {
    /// Tokens padded to a multiple of 32, and values of a head likewise.
    long tokens, dim;
    /// What is added to each row of scores, in powers of two: the mask, and -inf behind the last key. `tokens` floats.
    float *mask;
    /// 32 rows of scores, or of their gradients.
    float *scores, *gradients;
    /// 32 x dim sums.
    float *sums;
    /// 32 rows of a left operand.
    uint16_t *left;
    /// 32 rows of probabilities, or of the scores' gradients.
    uint16_t *p, *ds;
    /// Transposed p and ds of a group of queries, as left operands.
    uint16_t *p_across, *ds_across;
    /// Right operands: k^T, v^T or v, and for the backward pass k, q, dout.
    uint16_t *keys, *values, *keys_across, *queries, *upstream;
    /// tokens x dim sums.
    float *dk, *dv;
} NAMED(HalfHead);

/// Powers of two stand for those of e, whose exponents are multiplied with this.
static const float NAMED(log2_e) = 1.44269504f;

static inline long NAMED(padded)(long count) { return (count + 31) / 32 * 32; }

/// Lays a task's memory out at `memory`, which may be null, and returns its size in bytes.
static long NAMED(lay_out)(NAMED(HalfHead) *h, const LamHalfAttention *s, int backward, char *memory) {
    h->tokens = NAMED(padded)(s->length);
    h->dim = NAMED(padded)(s->head_dim);
    char *at = memory;
#define LAM_TAKE(pointer, count)                                                                                       \
    (pointer) = (void *)at;                                                                                            \
    at += ((size_t)(count) * sizeof *(pointer) + 63) / 64 * 64
    LAM_TAKE(h->mask, h->tokens);
    LAM_TAKE(h->scores, 32 * h->tokens);
    LAM_TAKE(h->sums, 32 * h->dim);
    LAM_TAKE(h->left, 32 * h->dim);
    LAM_TAKE(h->p, 32 * h->tokens);
    LAM_TAKE(h->keys, h->tokens * h->dim);
    LAM_TAKE(h->values, h->tokens * h->dim);
    if (backward) {
        const long group = h->tokens < LAM_HALF_QUERIES ? h->tokens : LAM_HALF_QUERIES;
        LAM_TAKE(h->gradients, 32 * h->tokens);
        LAM_TAKE(h->ds, 32 * h->tokens);
        LAM_TAKE(h->p_across, group * h->tokens);
        LAM_TAKE(h->ds_across, group * h->tokens);
        LAM_TAKE(h->keys_across, h->tokens * h->dim);
        LAM_TAKE(h->queries, group * h->dim);
        LAM_TAKE(h->upstream, group * h->dim);
        LAM_TAKE(h->dk, h->tokens * h->dim);
        LAM_TAKE(h->dv, h->tokens * h->dim);
    }
#undef LAM_TAKE
    return at - memory;
}

/// See `LamKernels.half_attention_scratch`.
static long NAMED(half_attention_scratch)(const LamHalfAttention *shape, int backward) {
    NAMED(HalfHead) head;
    return NAMED(lay_out)(&head, shape, backward, 0);
}

/// What is finite stays so: where all keys have the smallest number as their mask, they are seen alike.
static inline void NAMED(fill_mask)(const NAMED(HalfHead) *h, const LamHalfAttention *s) {
    for (long j = 0; j < h->tokens; j++) {
        const float mask = j >= s->length ? -INFINITY : s->mask ? s->mask[j] : 0;
        const float power = mask * NAMED(log2_e);
        h->mask[j] = power < -FLT_MAX && mask >= -FLT_MAX ? -FLT_MAX : power;
    }
}

static inline LamSource NAMED(head_rows)(const LamHalfAttention *s, const uint16_t *values, long stride, long first,
                                             long rows) {
    return (LamSource){values + first * stride, 1, stride, rows, s->head_dim};
}

/// Packs q, k or v, all of it or some rows, as a right operand.
static inline void NAMED(pack_head)(const LamHalfAttention *s, const uint16_t *values, long stride, long first,
                                    long rows, int transposed, uint16_t *out) {
    const LamSource source = NAMED(head_rows)(s, values, stride, first, rows);
    NAMED(half_pack_right)(&source, transposed, 0, NAMED(padded)(transposed ? rows : s->head_dim) / 32, out);
}

/// 32 rows from `first`, zero behind the last, as a left operand.
static inline void NAMED(load_left)(const NAMED(HalfHead) *h, const LamHalfAttention *s, const uint16_t *values,
                                    long stride, long first) {
    const long rows = s->length - first < 32 ? s->length - first : 32;
    const LamSource source = NAMED(head_rows)(s, values, stride, first, rows);
    for (long block = 0; block < h->dim / 32; block++) {
        Block part;
        load_block(&source, 0, block * 32, &part);
        for (long i = 0; i < 32; i++) memcpy(h->left + i * h->dim + block * 32, &part.row[i], 64);
    }
}

/// out [32, 32 panels] = 32 rows of a, lines of `row` values, times b with `k` values of depth.
static inline void NAMED(head_product)(long k, long panels, const uint16_t *a, long row, long step, const uint16_t *b,
                                       float *out, long stride, int accumulate) {
    for (long panel = 0; panel < panels; panel++)
        LAM_BLOCK_PRODUCT(32, k, a, row, step, b + panel * 32 * k, out + panel * 32, stride, accumulate);
}

static inline float NAMED(max16)(floats16 v) {
#define LAM_HALVE(...) v = LAM_LARGER(v, __builtin_shufflevector(v, v, __VA_ARGS__));
    LAM_HALVE(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
    LAM_HALVE(4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
    LAM_HALVE(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
    LAM_HALVE(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#undef LAM_HALVE
    return v[0];
}

/// Asks for what a token has, or will have, in the head that comes next in this task. Tokens of a head lie in memory with
/// wide gaps, so no processor foresees them.
static inline void NAMED(prefetch_next)(const LamHalfAttention *s, const uint16_t *values, long stride, long next,
                                        long token) {
    if (!next || token >= s->length) return;
    for (long j = 0; j < s->head_dim; j += 32) __builtin_prefetch(values + next + token * stride + j, 0, 2);
}

/// The products of 32 queries from `first` with all keys, and the largest exponent of each row.
static void NAMED(score)(const NAMED(HalfHead) *h, const LamHalfAttention *s, const uint16_t *q, long first,
                         float peak[32]) {
    const float factor = s->scale * NAMED(log2_e);
    NAMED(load_left)(h, s, q, s->qkv_stride, first);
    NAMED(head_product)(h->dim, h->tokens / 32, h->left, h->dim, 32, h->keys, h->scores, h->tokens, 0);
    for (long i = 0; i < 32; i++) {
        float *line = h->scores + i * h->tokens;
        if (s->causal)
            for (long j = first + i + 1; j < s->length; j++) line[j] = -INFINITY;
        floats16 top = (floats16){0} - INFINITY;
        for (long j = 0; j < h->tokens; j += 16) {
            const floats16 x = load_float16(line + j, 16) * factor + load_float16(h->mask + j, 16);
            top = LAM_LARGER(x, top);
        }
        peak[i] = NAMED(max16)(top);
    }
}

/// 16 scores from the j-th of a line as e^(scale score + mask - the row's maximum). The sum is rounded as it was when the
/// maximum was found, so no exponent is above 0.
static inline floats16 NAMED(exponentiated)(const NAMED(HalfHead) *h, const float *line, long j, float factor,
                                            float peak) {
    const floats16 power = load_float16(line + j, 16) * factor + load_float16(h->mask + j, 16);
    return NAMED(half_power_of_two)(power - peak);
}

/// See `LamKernels.half_attention`.
static void NAMED(half_attention)(const LamHalfAttention *s, const uint16_t *q, const uint16_t *k, const uint16_t *v,
                                  uint16_t *out, void *scratch) {
    NAMED(HalfHead) head, *h = &head;
    NAMED(lay_out)(h, s, 0, scratch);
    NAMED(fill_mask)(h, s);
    NAMED(pack_head)(s, k, s->qkv_stride, 0, s->length, 1, h->keys);
    NAMED(pack_head)(s, v, s->qkv_stride, 0, s->length, 0, h->values);
    const float factor = s->scale * NAMED(log2_e);
    LAM_BEGIN_PRODUCTS(32);
    for (long first = 0; first < s->length; first += 32) {
        float peak[32], inverse[32];
        NAMED(score)(h, s, q, first, peak);
        for (long i = 0; i < 32; i++) {
            NAMED(prefetch_next)(s, q, s->qkv_stride, s->next_qkv, first + i);
            NAMED(prefetch_next)(s, k, s->qkv_stride, s->next_qkv, first + i);
            NAMED(prefetch_next)(s, v, s->qkv_stride, s->next_qkv, first + i);
            NAMED(prefetch_next)(s, out, s->out_stride, s->next_out, first + i);
            const float *line = h->scores + i * h->tokens;
            floats16 sum = {0};
            for (long j = 0; j < h->tokens; j += 32) {
                const floats16 low = NAMED(exponentiated)(h, line, j, factor, peak[i]);
                const floats16 high = NAMED(exponentiated)(h, line, j + 16, factor, peak[i]);
                const halves32 rounded = round32(low, high);
                sum += low + high;
                memcpy(h->p + i * h->tokens + j, &rounded, 64);
            }
            inverse[i] = 1.0f / NAMED(sum16)(sum);
        }
        NAMED(head_product)(h->tokens, h->dim / 32, h->p, h->tokens, 32, h->values, h->sums, h->dim, 0);
        for (long i = 0; i < 32 && first + i < s->length; i++)
            for (long j = 0; j < s->head_dim; j += 16)
                store_half16(out + (first + i) * s->out_stride + j,
                             load_float16(h->sums + i * h->dim + j, 16) * inverse[i], s->head_dim - j);
    }
    LAM_END_PRODUCTS();
}

/// A block of 32 x 32 values, lines of `stride`, transposed.
static inline void NAMED(transpose_block)(const uint16_t *values, long stride, uint16_t *out) {
    Block block;
    pairs lines[2][16];
    for (long i = 0; i < 32; i++) memcpy(&block.row[i], values + i * stride, 64);
    pair_rows(&block, lines[0], lines[1]);
    transpose(lines[0]);
    transpose(lines[1]);
    memcpy(out, lines, sizeof lines);
}

static inline void NAMED(store_head)(const LamHalfAttention *s, const float *sums, long dim, long first, long rows,
                                     uint16_t *out) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < s->head_dim; j += 16)
            store_half16(out + (first + i) * s->qkv_stride + j, load_float16(sums + i * dim + j, 16), s->head_dim - j);
}

/// See `LamKernels.half_attention_backward`.
static void NAMED(half_attention_backward)(const LamHalfAttention *s, const uint16_t *q, const uint16_t *k,
                                           const uint16_t *v, const uint16_t *dout, uint16_t *dq, uint16_t *dk,
                                           uint16_t *dv, void *scratch) {
    NAMED(HalfHead) head, *h = &head;
    NAMED(lay_out)(h, s, 1, scratch);
    NAMED(fill_mask)(h, s);
    NAMED(pack_head)(s, k, s->qkv_stride, 0, s->length, 1, h->keys);
    NAMED(pack_head)(s, v, s->qkv_stride, 0, s->length, 1, h->values);
    NAMED(pack_head)(s, k, s->qkv_stride, 0, s->length, 0, h->keys_across);
    const float exponent = s->scale * NAMED(log2_e);
    LAM_BEGIN_PRODUCTS(32);
    for (long group = 0; group < s->length; group += LAM_HALF_QUERIES) {
        const long queries = s->length - group < LAM_HALF_QUERIES ? s->length - group : LAM_HALF_QUERIES;
        const long depth = NAMED(padded)(queries);
        NAMED(pack_head)(s, q, s->qkv_stride, group, queries, 0, h->queries);
        NAMED(pack_head)(s, dout, s->out_stride, group, queries, 0, h->upstream);
        for (long first = group; first < group + queries; first += 32) {
            const long rows = s->length - first < 32 ? s->length - first : 32;
            float peak[32];
            NAMED(score)(h, s, q, first, peak);
            // dP = dO V^T
            NAMED(load_left)(h, s, dout, s->out_stride, first);
            NAMED(head_product)(h->dim, h->tokens / 32, h->left, h->dim, 32, h->values, h->gradients, h->tokens, 0);
            // P = e / sum e;  dS = scale P (dP - sum P dP)
            for (long i = 0; i < 32; i++) {
                NAMED(prefetch_next)(s, q, s->qkv_stride, s->next_qkv, first + i);
                NAMED(prefetch_next)(s, k, s->qkv_stride, s->next_qkv, first + i);
                NAMED(prefetch_next)(s, v, s->qkv_stride, s->next_qkv, first + i);
                NAMED(prefetch_next)(s, dout, s->out_stride, s->next_out, first + i);
                NAMED(prefetch_next)(s, dq, s->qkv_stride, s->next_qkv, first + i);
                NAMED(prefetch_next)(s, dk, s->qkv_stride, s->next_qkv, first + i);
                NAMED(prefetch_next)(s, dv, s->qkv_stride, s->next_qkv, first + i);
                float *e = h->scores + i * h->tokens;
                const float *dp = h->gradients + i * h->tokens;
                uint16_t *p = h->p + i * h->tokens, *ds = h->ds + i * h->tokens;
                floats16 sum = {0}, product = {0};
                for (long j = 0; j < h->tokens; j += 16) {
                    const floats16 x = NAMED(exponentiated)(h, e, j, exponent, peak[i]);
                    sum += x;
                    product += x * load_float16(dp + j, 16);
                    memcpy(e + j, &x, 64);
                }
                const float inverse = 1.0f / NAMED(sum16)(sum);
                const float inner = NAMED(sum16)(product) * inverse, factor = inverse * s->scale;
                for (long j = 0; j < h->tokens; j += 32) {
                    const floats16 low = load_float16(e + j, 16), high = load_float16(e + j + 16, 16);
                    const halves32 rounded = round32(low * inverse, high * inverse);
                    const halves32 gradient = round32((load_float16(dp + j, 16) - inner) * (low * factor),
                                                      (load_float16(dp + j + 16, 16) - inner) * (high * factor));
                    memcpy(p + j, &rounded, 64);
                    memcpy(ds + j, &gradient, 64);
                }
            }
            // dQ = dS K
            NAMED(head_product)(h->tokens, h->dim / 32, h->ds, h->tokens, 32, h->keys_across, h->sums, h->dim, 0);
            NAMED(store_head)(s, h->sums, h->dim, first, rows, dq);
            for (long block = 0; block < h->tokens / 32; block++) {
                const long at = (block * depth + first - group) * 32;
                NAMED(transpose_block)(h->p + block * 32, h->tokens, h->p_across + at);
                NAMED(transpose_block)(h->ds + block * 32, h->tokens, h->ds_across + at);
            }
        }
        // dV += P^T dO;  dK += dS^T Q
        for (long block = 0; block < h->tokens / 32; block++) {
            const long from = block * depth * 32, to = block * 32 * h->dim;
            NAMED(head_product)(depth, h->dim / 32, h->p_across + from, 32, 1024, h->upstream, h->dv + to, h->dim,
                                group > 0);
            NAMED(head_product)(depth, h->dim / 32, h->ds_across + from, 32, 1024, h->queries, h->dk + to, h->dim,
                                group > 0);
        }
    }
    LAM_END_PRODUCTS();
    NAMED(store_head)(s, h->dk, h->dim, 0, s->length, dk);
    NAMED(store_head)(s, h->dv, h->dim, 0, s->length, dv);
}
