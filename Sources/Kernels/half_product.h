// Products of packed bf16 operands, see half_packing.h. Sums of a block of 32 x 32 become results, see half_epilogue.h,
// while they are in the first-level cache and those of the next block are made.

#if !defined(LAM_BLOCK_PRODUCT)
#define LAM_BLOCK_PRODUCT NAMED(block_product)
#define LAM_BLOCK_PRODUCT_BESIDE NAMED(block_product_beside)
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

static void NAMED(block_product_beside)(long rows, long k, const uint16_t *a, long row, long step, const uint16_t *b,
                                        float *c, long c_stride, int accumulate, NAMED(Beside) *beside) {
    while (beside->next_rows) NAMED(ask_for_next)(beside);
    NAMED(finish_all)(beside);
    NAMED(block_product)(rows, k, a, row, step, b, c, c_stride, accumulate);
}
#endif

/// See `LamKernels.half_product`.
static void NAMED(half_product)(long rows, long panels, long k, const LamHalfLeft *left, const uint16_t *right,
                                const LamOutput *output, float *scratch) {
    const long runs = (k + LAM_HALF_DEPTH - 1) / LAM_HALF_DEPTH;
    const long run = ((k + runs - 1) / runs + 31) / 32 * 32;
    const long blocks = (rows + 31) / 32;
    NAMED(Beside) beside = {.output = output};
    long turn = 0;
    LAM_BEGIN_PRODUCTS(32);
    for (long start = 0; start < k; start += run) {
        const long depth = k - start < run ? k - start : run;
        for (long block = 0; block < blocks; block++) {
            const long count = rows - block * 32 < 32 ? rows - block * 32 : 32;
            const uint16_t *a = left->values + block * left->block + start / 32 * left->step;
            if (count < 32) LAM_BEGIN_PRODUCTS(count);
            for (long panel = 0; panel < panels; panel++) {
                // A block's sums wait while those of the next are made, so two take turns where they are the last at once.
                float *sums = scratch + (runs == 1 ? turn++ % 2 : block * panels + panel) * 1024;
                const int is_last = start + depth >= k;
                NAMED(ask_beside)(&beside, is_last ? count : 0, block * 32, panel * 32);
                LAM_BLOCK_PRODUCT_BESIDE(count, depth, a, left->row, left->step, right + panel * 32 * k + start * 32,
                                         sums, 32, start > 0, &beside);
                if (is_last) NAMED(wait_beside)(&beside, sums, count, block * 32, panel * 32);
            }
            if (count < 32 && start + depth < k) LAM_BEGIN_PRODUCTS(32);
        }
    }
    NAMED(finish_all)(&beside);
    LAM_END_PRODUCTS();
}
