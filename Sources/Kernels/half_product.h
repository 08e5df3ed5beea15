// Products of packed bf16 operands (see half.h), and what is done to their f32 sums while these are in the first-level
// cache.

#if !defined(LAM_BLOCK_PRODUCT)
#define LAM_BLOCK_PRODUCT NAMED(block_product)
#define LAM_BEGIN_PRODUCTS(rows)
#define LAM_END_PRODUCTS()

/// Rows and tiles of 16 columns whose sums stay in registers.
enum { NAMED(held_rows) = 12, NAMED(held_tiles) = 2 };

static inline __attribute__((always_inline)) void NAMED(held_product)(const int rows, long k, const uint16_t *a,
                                                                      long row, long step, const uint16_t *b, float *c,
                                                                      long c_stride, int accumulate) {
    enum { TILES = NAMED(held_tiles) };
    floats16 sum[NAMED(held_rows)][TILES];
    for (int i = 0; i < rows; i++)
        for (int t = 0; t < TILES; t++) {
            sum[i][t] = (floats16){0};
            if (accumulate) memcpy(&sum[i][t], c + i * c_stride + 16 * t, 64);
        }
    for (long p = 0; p < k; p += 32, a += step, b += 1024) {
        for (int j = 0; j < 16; j++) {
            pairs values[TILES];
            for (int t = 0; t < TILES; t++) memcpy(&values[t], b + t * 512 + j * 32, 64);
            for (int i = 0; i < rows; i++) {
                uint32_t pair;
                memcpy(&pair, a + i * row + 2 * j, 4);
                for (int t = 0; t < TILES; t++) sum[i][t] = LAM_DOT_PAIRS(sum[i][t], (pairs){0} + pair, values[t]);
            }
        }
    }
    for (int i = 0; i < rows; i++)
        for (int t = 0; t < TILES; t++) memcpy(c + i * c_stride + 16 * t, &sum[i][t], 64);
}

/// `rows` x 32 sums, `rows` at most 32; `row` and `step` as in `LamHalfLeft`.
static void NAMED(block_product)(long rows, long k, const uint16_t *a, long row, long step, const uint16_t *b, float *c,
                                 long c_stride, int accumulate) {
    enum { HELD = NAMED(held_rows) };
    for (int t = 0; t < 2; t += NAMED(held_tiles)) {
        long i = 0;
        for (; i + HELD <= rows; i += HELD)
            NAMED(held_product)(HELD, k, a + i * row, row, step, b + t * 512, c + i * c_stride + 16 * t, c_stride,
                                accumulate);
        for (; i + 8 <= rows; i += 8)
            NAMED(held_product)(8, k, a + i * row, row, step, b + t * 512, c + i * c_stride + 16 * t, c_stride,
                                accumulate);
        for (; i < rows; i++)
            NAMED(held_product)(1, k, a + i * row, row, step, b + t * 512, c + i * c_stride + 16 * t, c_stride,
                                accumulate);
    }
}
#endif

/// 2^x for x <= 0 to 3e-6, which is far below what bf16 can tell apart; 0 below -126; NaN passes through. With x = n + f,
/// |f| <= 1/2, 2^f is the polynomial of the least largest relative error, fitted for this purpose.
static inline floats16 NAMED(half_power_of_two)(floats16 x) {
    const floats16 shifted = x + 12582912.0f;  // 1.5 * 2^23: rounds to nearest in the low bits
    const floats16 f = x - (shifted - 12582912.0f);
    floats16 p = f * 0.00958104707f + 0.055905971f;
    p = p * f + 0.240241451f;
    p = p * f + 0.693124328f;
    p = p * f + 1.0f;
    const pairs scaled = (pairs)p + ((pairs)shifted << 23);  // only n is left of `shifted`
    return (floats16)(scaled & ~(pairs)(x < -126.0f));
}

/// Phi(u), and with it phi(u) = e^(-u^2 / 2) / sqrt(2 pi): 1 - Phi(|u|) is phi(u) times a polynomial in
/// t = 1 / (1 + p |u|), to 1e-7 (Abramowitz & Stegun 26.2.17).
static inline floats16 NAMED(half_normal)(floats16 u, floats16 *density) {
    const floats16 size = (floats16)((pairs)u & 0x7fffffffu);
    const floats16 bell = NAMED(half_power_of_two)(u * u * -0.72134752f) * 0.39894228f;
    const floats16 t = 1.0f / (size * 0.2316419f + 1.0f);
    floats16 tail = t * 1.330274429f - 1.821255978f;
    tail = tail * t + 1.781477937f;
    tail = tail * t - 0.356563782f;
    tail = (tail * t + 0.319381530f) * t * bell;
    const pairs negative = (pairs)(u < 0.0f);
    *density = bell;
    return (floats16)(((pairs)tail & negative) | ((pairs)(1.0f - tail) & ~negative));
}

/// What `LamOutput` says, for one run of up to 16 sums. A GELU whose result is rounded to bf16 is made to what bf16 can
/// tell apart; all else is finished as the sums of vector products are.
static inline __attribute__((always_inline)) void NAMED(finish_half)(const LamOutput *o, floats16 x, long index,
                                                               long column, long count) {
    const int is_gelu = o->activation == LAM_GELU || o->activation == LAM_GELU_BACKWARD;
    if (o->activation && !(is_gelu && o->is_half)) {
        NAMED(finish_sums)(o, x, index, column, count);
        return;
    }
    if (o->bias) x += load_float16(o->bias + column, count);
    if (o->residual) x += load_float16(o->residual + index, count);
    if (o->gelu_input) {
        uint16_t *input = (uint16_t *)o->gelu_input + index;
        floats16 density;
        if (o->activation == LAM_GELU_BACKWARD) {
            const floats16 u = load_half16(input, count);
            const floats16 below = NAMED(half_normal)(u, &density);
            x *= below + u * density;
            store_half16(input, u * below, count);
        } else {
            store_half16(input, x, count);
        }
    }
    if (o->activation == LAM_GELU) {
        floats16 density;
        x *= NAMED(half_normal)(x, &density);
    }
    if (o->is_half) {
        store_half16((uint16_t *)o->out + index, x, count);
    } else {
        float *target = (float *)o->out + index;
        if (o->accumulate) x += load_float16(target, count);
        if (count >= 16) memcpy(target, &x, 64);
        else memcpy(target, &x, (size_t)count * 4);
    }
}

/// `rows` x 32 sums, lines of 32, to their place.
static void NAMED(finish_block)(const LamOutput *o, const float *sums, long rows, long row, long column) {
    const long columns = o->columns - column;
    for (long i = 0; i < rows; i++, sums += 32) {
        const long index = (row + i) * o->stride + column;
        floats16 low, high;
        memcpy(&low, sums, 64);
        memcpy(&high, sums + 16, 64);
        if (columns >= 32) {
            NAMED(finish_half)(o, low, index, column, 16);
            NAMED(finish_half)(o, high, index + 16, column + 16, 16);
        } else {
            NAMED(finish_half)(o, low, index, column, columns < 16 ? columns : 16);
            if (columns > 16) NAMED(finish_half)(o, high, index + 16, column + 16, columns - 16);
        }
    }
}

/// See `LamKernels.half_product`.
static void NAMED(half_product)(long rows, long panels, long k, const LamHalfLeft *left, const uint16_t *right,
                                const LamOutput *output, float *scratch) {
    const long runs = (k + LAM_HALF_DEPTH - 1) / LAM_HALF_DEPTH;
    const long run = ((k + runs - 1) / runs + 31) / 32 * 32;
    const long blocks = (rows + 31) / 32;
    LAM_BEGIN_PRODUCTS(32);
    for (long start = 0; start < k; start += run) {
        const long depth = k - start < run ? k - start : run;
        for (long block = 0; block < blocks; block++) {
            const long count = rows - block * 32 < 32 ? rows - block * 32 : 32;
            const uint16_t *a = left->values + block * left->block + start / 32 * left->step;
            if (count < 32) LAM_BEGIN_PRODUCTS(count);
            for (long panel = 0; panel < panels; panel++) {
                float *sums = runs == 1 ? scratch : scratch + (block * panels + panel) * 1024;
                LAM_BLOCK_PRODUCT(count, depth, a, left->row, left->step, right + panel * 32 * k + start * 32, sums, 32,
                                  start > 0);
                if (start + depth >= k) NAMED(finish_block)(output, sums, count, block * 32, panel * 32);
            }
            if (count < 32 && start + depth < k) LAM_BEGIN_PRODUCTS(32);
        }
    }
    LAM_END_PRODUCTS();
}
