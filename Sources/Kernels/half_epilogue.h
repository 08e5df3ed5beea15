// What becomes of the f32 sums of products of bf16 operands (see epilogue.h for all other products).

/// 2^x for x <= 0 to 3e-6, which is far below what bf16 can tell apart; 0 below -126; NaN passes through. With x = n + f,
/// 0 <= f < 1, 2^f is the polynomial of the least largest relative error that is 1 at 0, fitted for this purpose.
static inline floats16 NAMED(half_power_of_two)(floats16 x) {
    const floats16 f = LAM_FRACTION(x);
    floats16 p = f * 0.013426701f + 0.052242447f;
    p = p * f + 0.24128021f;
    p = p * f + 0.69304484f;
    p = p * f + 1.0f;
    return LAM_TIMES_POWER(p, x);
}

/// 1 / x to 1e-7 for finite x: the processor's estimate and one step of Newton's, a quarter of a division's time.
static inline floats16 NAMED(half_reciprocal)(floats16 x) {
    const floats16 r = LAM_ESTIMATED_RECIPROCAL(x);
    return r * (2.0f - x * r);
}

/// Phi(u), and with it phi(u) = e^(-u^2 / 2) / sqrt(2 pi): 1 - Phi(|u|) is phi(u) times a polynomial in
/// t = 1 / (1 + p |u|), to 1e-7 (Abramowitz & Stegun 26.2.17).
static inline floats16 NAMED(half_normal)(floats16 u, floats16 *density) {
    const floats16 size = LAM_LIMITED((floats16)((pairs)u & 0x7fffffffu), 1e18f);
    const floats16 bell = NAMED(half_power_of_two)(u * u * -0.72134752f) * 0.39894228f;
    const floats16 t = NAMED(half_reciprocal)(size * 0.2316419f + 1.0f);
    floats16 tail = t * 1.330274429f - 1.821255978f;
    tail = tail * t + 1.781477937f;
    tail = tail * t - 0.356563782f;
    tail = (tail * t + 0.319381530f) * t * bell;
    const pairs negative = (pairs)(u < 0.0f);
    *density = bell;
    return (floats16)(((pairs)tail & negative) | ((pairs)(1.0f - tail) & ~negative));
}

/// A result, and what is kept of the GELU: forward its input, backward its result.
typedef struct {
    floats16 value, kept;
} NAMED(Finished);

/// Whether results are rounded to bf16 by `finish_half`: a GELU is then made to what bf16 can tell apart. All else is
/// finished as the sums of vector products are.
static inline int NAMED(finishes_half)(const LamOutput *o) {
    return o->is_half && (!o->activation || o->activation == LAM_GELU || o->activation == LAM_GELU_BACKWARD);
}

/// What `LamOutput` says, for up to 16 sums, but for storing it.
static inline __attribute__((always_inline)) NAMED(Finished)
    NAMED(finish_half)(const LamOutput *o, floats16 x, long index, long column, long count) {
    floats16 density;
    if (o->bias) x += load_float16(o->bias + column, count);
    if (o->residual) x += load_float16(o->residual + index, count);
    if (o->activation == LAM_GELU) return (NAMED(Finished)){x * NAMED(half_normal)(x, &density), x};
    if (o->activation != LAM_GELU_BACKWARD) return (NAMED(Finished)){x, x};
    const floats16 u = load_half16((const uint16_t *)o->gelu_input + index, count);
    const floats16 below = NAMED(half_normal)(u, &density);
    return (NAMED(Finished)){x * (below + u * density), u * below};
}

/// A line of up to 32 sums that begin at (row, column) of the output. A line of 32 is written at once: halves of lines of
/// memory cost a fifth of a product's time.
static inline __attribute__((always_inline)) void NAMED(finish_half_line)(const LamOutput *o, const float *sums,
                                                                         long row, long column) {
    const long columns = o->columns - column, index = row * o->stride + column;
    if (!NAMED(finishes_half)(o)) {
        NAMED(finish_line)(o, sums, row, column, columns < 32 ? columns : 32);
        return;
    }
    uint16_t *out = (uint16_t *)o->out + index, *kept = o->gelu_input ? (uint16_t *)o->gelu_input + index : 0;
    if (columns >= 32) {
        const NAMED(Finished) low = NAMED(finish_half)(o, load_float16(sums, 16), index, column, 16);
        const NAMED(Finished) high = NAMED(finish_half)(o, load_float16(sums + 16, 16), index + 16, column + 16, 16);
        const halves32 value = round32(low.value, high.value), input = round32(low.kept, high.kept);
        memcpy(out, &value, 64);
        if (kept) memcpy(kept, &input, 64);
        return;
    }
    for (long j = 0; j < columns; j += 16) {
        const long count = columns - j < 16 ? columns - j : 16;
        const NAMED(Finished) part = NAMED(finish_half)(o, load_float16(sums + j, count), index + j, column + j, count);
        store_half16(out + j, part.value, count);
        if (kept) store_half16(kept + j, part.kept, count);
    }
}

/// `rows` lines of 32 sums.
static void NAMED(finish_block)(const LamOutput *o, const float *sums, long rows, long row, long column) {
    for (long i = 0; i < rows; i++) NAMED(finish_half_line)(o, sums + 32 * i, row + i, column);
}

/// Asks for the places of a line of results. Lines of a block are far apart, which no processor foresees.
static inline void NAMED(ask_for_line)(const LamOutput *o, long row, long column) {
    const long index = row * o->stride + column, size = o->is_half ? 2 : 4;
    for (long j = 0; j < 32 * size; j += 64) {
        LAM_ASK_TO_WRITE((char *)o->out + index * size + j);
        if (o->gelu_input) LAM_ASK_TO_WRITE((char *)o->gelu_input + index * size + j);
    }
    for (long j = 0; o->residual && j < 32; j += 16) __builtin_prefetch(o->residual + index + j, 0, 2);
}

/// What vector units do beside the sums of a block: they finish those of the block before, and ask for the places of this
/// one's results.
typedef struct {
    const LamOutput *output;
    /// Sums that wait to be finished, lines of 32, and where the first belongs.
    const float *sums;
    long rows, row, column;
    /// Where results of the block in work will go; no rows while its sums are not the last.
    long next_rows, next_row, next_column;
} NAMED(Beside);

/// The next line that waits, if one does.
static inline __attribute__((always_inline)) void NAMED(finish_next)(NAMED(Beside) *b) {
    if (b->rows == 0) return;
    NAMED(finish_half_line)(b->output, b->sums, b->row, b->column);
    b->sums += 32;
    b->row += 1;
    b->rows -= 1;
}

static inline void NAMED(finish_all)(NAMED(Beside) *b) {
    NAMED(finish_block)(b->output, b->sums, b->rows, b->row, b->column);
    b->rows = 0;
}

static inline void NAMED(ask_for_next)(NAMED(Beside) *b) {
    if (b->next_rows == 0) return;
    NAMED(ask_for_line)(b->output, b->next_row, b->next_column);
    b->next_row += 1;
    b->next_rows -= 1;
}

/// What is asked for while the next block's sums are made: places of `rows` lines of results.
static inline void NAMED(ask_beside)(NAMED(Beside) *b, long rows, long row, long column) {
    b->next_rows = rows;
    b->next_row = row;
    b->next_column = column;
}

/// Sums that are complete, lines of 32, to be finished beside the next block's.
static inline void NAMED(wait_beside)(NAMED(Beside) *b, const float *sums, long rows, long row, long column) {
    b->sums = sums;
    b->rows = rows;
    b->row = row;
    b->column = column;
}
