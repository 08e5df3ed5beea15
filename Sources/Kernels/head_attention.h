// Attention by vector products, one head of one sequence at a time, over f32 or bf16 values; sums are f32. The scores of
// LAM_ATTENTION_QUERIES queries are made, turned into probabilities and used up while they are in the second-level cache.

/// A task's memory, all floats. Right operands are packed for the products that their names are of.
typedef struct {
    /// Keys and values of a head, padded to whole panels.
    long tokens, dim;
    /// Scores, and in the backward pass dP, of a block of queries: lines of `tokens`.
    float *scores, *gradients;
    /// Sums of a block of queries: lines of `dim`.
    float *sums;
    float *left;
    /// K^T, and K and V^T or V.
    float *keys_across, *keys, *values;
    /// Of a block of queries: q and dO.
    float *queries, *upstream;
    /// Gradients of all keys and values: lines of `dim`.
    float *dk, *dv;
} NAMED(Head);

static inline long NAMED(whole_panels)(long columns) {
    return (columns + LAM_PANEL_COLUMNS - 1) / LAM_PANEL_COLUMNS * LAM_PANEL_COLUMNS;
}

/// Lays a task's memory out at `memory`, which may be null, and returns how many floats it has.
static long NAMED(lay_out_head)(NAMED(Head) *h, const LamHeadAttention *s, int backward, float *memory) {
    const long queries = s->length < LAM_ATTENTION_QUERIES ? s->length : LAM_ATTENTION_QUERIES;
    long taken = 0;
#define LAM_TAKE(pointer, count)                                                                                       \
    (pointer) = memory ? memory + taken : 0;                                                                           \
    taken += ((count) + 15) / 16 * 16
    h->tokens = NAMED(whole_panels)(s->length);
    h->dim = NAMED(whole_panels)(s->head_dim);
    const long across = s->head_dim * h->tokens, along = s->length * h->dim;
    const long deep = (queries + LAM_STRIP_ROWS) * (s->length > s->head_dim ? s->length : s->head_dim);
    const long tall = (s->length + LAM_STRIP_ROWS) * queries;
    LAM_TAKE(h->scores, queries * h->tokens);
    LAM_TAKE(h->sums, queries * h->dim);
    // Strips of the queries, or of the keys with the queries as depth.
    LAM_TAKE(h->left, deep > tall ? deep : tall);
    LAM_TAKE(h->keys_across, across);
    LAM_TAKE(h->values, across > along ? across : along);
    if (backward) {
        LAM_TAKE(h->gradients, queries * h->tokens);
        LAM_TAKE(h->keys, along);
        LAM_TAKE(h->queries, queries * h->dim);
        LAM_TAKE(h->upstream, queries * h->dim);
        LAM_TAKE(h->dk, along);
        LAM_TAKE(h->dv, along);
    }
#undef LAM_TAKE
    return taken;
}

/// See `LamKernels.head_attention_scratch`.
static long NAMED(head_attention_scratch)(const LamHeadAttention *shape, int backward) {
    NAMED(Head) head;
    return NAMED(lay_out_head)(&head, shape, backward, 0);
}

static inline LamSource NAMED(tokens_of)(const LamHeadAttention *s, const void *values, long stride, long first,
                                         long rows) {
    const char *at = (const char *)values + first * stride * (s->is_half ? 2 : 4);
    return (LamSource){at, s->is_half, stride, rows, s->head_dim};
}

/// `rows` tokens from `first` on as the right operand [rows, head_dim], or its transpose.
static inline void NAMED(pack_tokens)(const LamHeadAttention *s, const void *values, long stride, long first, long rows,
                                      int transposed, float *out) {
    const LamSource source = NAMED(tokens_of)(s, values, stride, first, rows);
    const long columns = transposed ? rows : s->head_dim;
    NAMED(pack_right)(&source, transposed, 0, NAMED(whole_panels)(columns) / LAM_PANEL_COLUMNS, out);
}

/// `rows` x `columns` of `out` = packed left rows times a packed right operand of depth `k`.
static inline void NAMED(head_panels)(long rows, long columns, long k, const float *left, const float *right,
                                       float *out, int adds) {
    NAMED(multiply_block)(rows, columns / LAM_PANEL_COLUMNS, k, left, right, k * LAM_PANEL_COLUMNS, out, columns,
                          adds);
}

/// Products of `rows` queries from `first` on with a right operand over the head's width: scores, or dP.
static inline void NAMED(times_tokens)(const NAMED(Head) *h, const LamHeadAttention *s, const void *values, long stride,
                                       long first, long rows, const float *right, float *out) {
    const LamSource source = NAMED(tokens_of)(s, values, stride, first, rows);
    NAMED(pack_left)(&source, 0, 0, rows, 0, s->head_dim, h->left);
    NAMED(head_panels)(rows, h->tokens, s->head_dim, h->left, right, out, 0);
}

/// The scores of one query, in place, as e^(score - the row's largest), zero where a key is out of sight; returns their
/// sum. A row of -inf becomes NaN, as in PyTorch.
static inline float NAMED(exponentials)(const LamHeadAttention *s, float *line, long query) {
    const long live = s->causal && query + 1 < s->length ? query + 1 : s->length;
    const float *bias = s->bias ? s->bias + query * s->length : 0;
    vf top = splat(-INFINITY);
    for (long j = 0; j < live; j += LANES) {
        const long n = live - j < LANES ? live - j : LANES;
        vf x = (n == LANES ? load(line + j) : load_part(line + j, n, -INFINITY)) * s->scale;
        if (s->mask) x += n == LANES ? load(s->mask + j) : load_part(s->mask + j, n, 0);
        if (bias) x += n == LANES ? load(bias + j) : load_part(bias + j, n, 0);
        top = maximum(top, x);
        if (n == LANES) store(line + j, x);
        else store_part(line + j, x, n);
    }
    const float peak = max_lanes(top);
    vf sum = splat(0);
    for (long j = 0; j < live; j += LANES) {
        const long n = live - j < LANES ? live - j : LANES;
        const vf e = exponential((n == LANES ? load(line + j) : load_part(line + j, n, -INFINITY)) - peak);
        sum += e;
        if (n == LANES) store(line + j, e);
        else store_part(line + j, e, n);
    }
    for (long j = live; j < s->length; j++) line[j] = 0;
    return sum_lanes(sum);
}

/// In place: dp becomes scale * p * (dp - sum(p * dp)).
static inline void NAMED(softmax_backward)(const float *p, float *dp, long columns, float scale) {
    vf sum = splat(0);
    long j = 0;
    for (; j + LANES <= columns; j += LANES) sum += load(p + j) * load(dp + j);
    float inner = sum_lanes(sum);
    for (; j < columns; j++) inner += p[j] * dp[j];
    for (j = 0; j + LANES <= columns; j += LANES) store(dp + j, load(p + j) * (load(dp + j) - inner) * scale);
    for (; j < columns; j++) dp[j] = p[j] * (dp[j] - inner) * scale;
}

/// `rows` lines of `sums`, times the row's factor where given, as tokens from `first` on.
static inline void NAMED(store_tokens)(const LamHeadAttention *s, const float *sums, long dim, const float *factor,
                                       long first, long rows, long stride, void *out) {
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < s->head_dim; j += 16) {
            const long count = s->head_dim - j < 16 ? s->head_dim - j : 16;
            floats16 v = load_float16(sums + i * dim + j, count);
            if (factor) v *= factor[i];
            NAMED(store_values)(out, s->is_half, (first + i) * stride + j, v, count);
        }
}

/// Asks for where a token's results will be written. Tokens of a head lie in memory with wide gaps, which no processor
/// foresees.
static inline void NAMED(ask_for_token)(const LamHeadAttention *s, const void *values, long stride, long token) {
    const long size = s->is_half ? 2 : 4;
    const char *at = (const char *)values + token * stride * size;
    for (long j = 0; j < s->head_dim * size; j += 64) __builtin_prefetch(at + j, 0, 2);
}

/// See `LamKernels.head_attention`.
static void NAMED(head_attention)(const LamHeadAttention *s, const void *q, const void *k, const void *v, void *out,
                                  float *scratch) {
    NAMED(Head) head, *h = &head;
    NAMED(lay_out_head)(h, s, 0, scratch);
    NAMED(pack_tokens)(s, k, s->qkv_stride, 0, s->length, 1, h->keys_across);
    NAMED(pack_tokens)(s, v, s->qkv_stride, 0, s->length, 0, h->values);
    for (long first = 0; first < s->length; first += LAM_ATTENTION_QUERIES) {
        const long rows = s->length - first < LAM_ATTENTION_QUERIES ? s->length - first : LAM_ATTENTION_QUERIES;
        float inverse[LAM_ATTENTION_QUERIES];
        NAMED(times_tokens)(h, s, q, s->qkv_stride, first, rows, h->keys_across, h->scores);
        for (long i = 0; i < rows; i++) {
            NAMED(ask_for_token)(s, out, s->out_stride, first + i);
            inverse[i] = 1.0f / NAMED(exponentials)(s, h->scores + i * h->tokens, first + i);
        }
        const LamSource p = {h->scores, 0, h->tokens, rows, s->length};
        NAMED(pack_left)(&p, 0, 0, rows, 0, s->length, h->left);
        NAMED(head_panels)(rows, h->dim, s->length, h->left, h->values, h->sums, 0);
        NAMED(store_tokens)(s, h->sums, h->dim, inverse, first, rows, s->out_stride, out);
    }
}

/// out [length, dim] (+)= transposed lines of a block of queries, times a right operand over these queries.
static inline void NAMED(add_for_keys)(const NAMED(Head) *h, const LamHeadAttention *s, const float *lines, long rows,
                                       const float *right, float *out, int adds) {
    const LamSource source = {lines, 0, h->tokens, rows, s->length};
    NAMED(pack_left)(&source, 1, 0, s->length, 0, rows, h->left);
    NAMED(head_panels)(s->length, h->dim, rows, h->left, right, out, adds);
}

/// See `LamKernels.head_attention_backward`. dV = P^T dO;  dP = dO V^T;  dS = scale P (dP - sum P dP);  dQ = dS K;
/// dK = dS^T Q.
static void NAMED(head_attention_backward)(const LamHeadAttention *s, const void *q, const void *k, const void *v,
                                           const void *dout, void *dq, void *dk, void *dv, float *scratch) {
    NAMED(Head) head, *h = &head;
    NAMED(lay_out_head)(h, s, 1, scratch);
    NAMED(pack_tokens)(s, k, s->qkv_stride, 0, s->length, 1, h->keys_across);
    NAMED(pack_tokens)(s, k, s->qkv_stride, 0, s->length, 0, h->keys);
    NAMED(pack_tokens)(s, v, s->qkv_stride, 0, s->length, 1, h->values);
    for (long first = 0; first < s->length; first += LAM_ATTENTION_QUERIES) {
        const long rows = s->length - first < LAM_ATTENTION_QUERIES ? s->length - first : LAM_ATTENTION_QUERIES;
        NAMED(times_tokens)(h, s, q, s->qkv_stride, first, rows, h->keys_across, h->scores);
        NAMED(times_tokens)(h, s, dout, s->out_stride, first, rows, h->values, h->gradients);
        NAMED(pack_tokens)(s, q, s->qkv_stride, first, rows, 0, h->queries);
        NAMED(pack_tokens)(s, dout, s->out_stride, first, rows, 0, h->upstream);
        for (long i = 0; i < rows; i++) {
            float *p = h->scores + i * h->tokens;
            NAMED(ask_for_token)(s, dq, s->qkv_stride, first + i);
            NAMED(ask_for_token)(s, dk, s->qkv_stride, first + i);
            NAMED(ask_for_token)(s, dv, s->qkv_stride, first + i);
            NAMED(scale)(p, 1.0f / NAMED(exponentials)(s, p, first + i), s->length);
            NAMED(softmax_backward)(p, h->gradients + i * h->tokens, s->length, s->scale);
        }
        NAMED(add_for_keys)(h, s, h->scores, rows, h->upstream, h->dv, first > 0);
        NAMED(add_for_keys)(h, s, h->gradients, rows, h->queries, h->dk, first > 0);
        const LamSource ds = {h->gradients, 0, h->tokens, rows, s->length};
        NAMED(pack_left)(&ds, 0, 0, rows, 0, s->length, h->left);
        NAMED(head_panels)(rows, h->dim, s->length, h->left, h->keys, h->sums, 0);
        NAMED(store_tokens)(s, h->sums, h->dim, 0, first, rows, s->qkv_stride, dq);
    }
    NAMED(store_tokens)(s, h->dk, h->dim, 0, 0, s->length, s->qkv_stride, dk);
    NAMED(store_tokens)(s, h->dv, h->dim, 0, 0, s->length, s->qkv_stride, dv);
}
