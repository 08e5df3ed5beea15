// f32 products. Both operands are packed, so that whatever their strides are, nothing collides in a cache: the right one
// in panels of `panel_columns`, the left one in strips of `strip_rows`, each with the values of one k side by side. A strip
// times a panel keeps its sums in registers. A run of a panel stays in the first-level cache while the strips of a task pass
// by, and these stay in the second-level cache while the panels do.
//
// A sum is made in runs over k, each a chain of multiply-adds in ascending order, and these are added in order: short chains
// round less. How k is cut into runs depends on k alone, so the bits of a sum depend on its row, its column and the
// instruction set, whatever the size of the product, the place of the row or the cut into tasks.

#if LANES == 16
#define LAM_STRIP_ROWS 12
#define LAM_PANEL_COLUMNS 32
#define LAM_PACE 2
#define LAM_UNROLLED 4
#elif LANES == 8 || defined(__aarch64__)
#define LAM_STRIP_ROWS 6
#define LAM_PANEL_COLUMNS 16
#define LAM_PACE 8
#define LAM_UNROLLED 8
#else
#define LAM_STRIP_ROWS 2
#define LAM_PANEL_COLUMNS 16
#define LAM_PACE 8
#define LAM_UNROLLED 8
#endif

// MARK: Packing

typedef float quad __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) quad load_quad(const void *values, const int is_half, long index) {
    quad v;
    if (is_half) {
        uint16_t halves[4];
        memcpy(halves, (const uint16_t *)values + index, 8);
        const uint32_t bits[4] = {(uint32_t)halves[0] << 16, (uint32_t)halves[1] << 16, (uint32_t)halves[2] << 16,
                                  (uint32_t)halves[3] << 16};
        memcpy(&v, bits, 16);
    } else {
        memcpy(&v, (const float *)values + index, 16);
    }
    return v;
}

static inline __attribute__((always_inline)) float load_one(const void *values, const int is_half, long index) {
    if (!is_half) return ((const float *)values)[index];
    const uint32_t bits = (uint32_t)((const uint16_t *)values)[index] << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/// Packs `lines` lines, at most `width`, that lie along k in memory: value p of line i is at `first + i * stride + p`.
static inline __attribute__((always_inline)) void NAMED(pack_across)(const int width, const int is_half,
                                                                    const void *values, long first, long stride,
                                                                    long lines, long depth, float *out) {
    long p = 0;
    if (lines == width)
        for (; p + 4 <= depth; p += 4) {
            float *target = out + p * width;
            int i = 0;
            for (; i + 4 <= width; i += 4) {
                const long at = first + i * stride + p;
                const quad a = load_quad(values, is_half, at), b = load_quad(values, is_half, at + stride);
                const quad c = load_quad(values, is_half, at + 2 * stride);
                const quad d = load_quad(values, is_half, at + 3 * stride);
                const quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
                const quad AB = __builtin_shufflevector(a, b, 2, 6, 3, 7), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
                const quad columns[4] = {
                    __builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
                    __builtin_shufflevector(AB, CD, 0, 1, 4, 5), __builtin_shufflevector(AB, CD, 2, 3, 6, 7)};
                for (int j = 0; j < 4; j++) memcpy(target + j * width + i, &columns[j], 16);
            }
            for (; i + 2 <= width; i += 2) {
                const long at = first + i * stride + p;
                const quad a = load_quad(values, is_half, at), b = load_quad(values, is_half, at + stride);
                const quad low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
                const quad high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
                memcpy(target + i, &low, 8);
                memcpy(target + width + i, (const float *)&low + 2, 8);
                memcpy(target + 2 * width + i, &high, 8);
                memcpy(target + 3 * width + i, (const float *)&high + 2, 8);
            }
        }
    for (; p < depth; p++)
        for (int i = 0; i < width; i++)
            out[p * width + i] = i < lines ? load_one(values, is_half, first + i * stride + p) : 0;
}

/// Packs `groups` groups of `width` lines, of which `lines` exist, that lie across k in memory: value p of line i is at
/// `first + p * stride + i`. Groups are `distance` apart in `out`.
static inline __attribute__((always_inline)) void NAMED(pack_along)(const int width, const int is_half,
                                                                   const void *values, long first, long stride,
                                                                   long groups, long lines, long depth, long distance,
                                                                   float *out) {
    for (long p = 0; p < depth; p++) {
        long at = first + p * stride, left = lines;
        float *target = out + p * width;
        for (long group = 0; group < groups; group++, at += width, left -= width, target += distance) {
            if (left >= width && !is_half) {
                memcpy(target, (const float *)values + at, (size_t)width * 4);
            } else {
                const long count = left < width ? left : width;
                for (int i = 0; i < width; i++) target[i] = i < count ? load_one(values, is_half, at + i) : 0;
            }
        }
    }
}

/// See `LamKernels.pack_right`.
static void NAMED(pack_right)(const LamSource *s, int transposed, long first_panel, long panels, float *out) {
    enum { WIDTH = LAM_PANEL_COLUMNS };
    const long depth = transposed ? s->columns : s->rows, columns = transposed ? s->rows : s->columns;
    for (long panel = first_panel; panel < first_panel + panels; panel++, out += depth * WIDTH) {
        const long first = panel * WIDTH, count = columns - first < WIDTH ? columns - first : WIDTH;
        if (transposed && s->is_half)
            NAMED(pack_across)(WIDTH, 1, s->values, first * s->stride, s->stride, count, depth, out);
        else if (transposed)
            NAMED(pack_across)(WIDTH, 0, s->values, first * s->stride, s->stride, count, depth, out);
        else if (s->is_half)
            NAMED(pack_along)(WIDTH, 1, s->values, first, s->stride, 1, count, depth, 0, out);
        else
            NAMED(pack_along)(WIDTH, 0, s->values, first, s->stride, 1, count, depth, 0, out);
    }
}

/// Packs `depth` values of k from `start` on of `rows` rows from `first` on as strips.
static void NAMED(pack_left)(const LamSource *s, int transposed, long first, long rows, long start, long depth,
                             float *out) {
    enum { WIDTH = LAM_STRIP_ROWS };
    const long strips = (rows + WIDTH - 1) / WIDTH;
    if (transposed) {
        const long at = start * s->stride + first;
        if (s->is_half) NAMED(pack_along)(WIDTH, 1, s->values, at, s->stride, strips, rows, depth, depth * WIDTH, out);
        else NAMED(pack_along)(WIDTH, 0, s->values, at, s->stride, strips, rows, depth, depth * WIDTH, out);
        return;
    }
    for (long strip = 0; strip < strips; strip++, out += depth * WIDTH) {
        const long row = strip * WIDTH, count = rows - row < WIDTH ? rows - row : WIDTH;
        const long at = (first + row) * s->stride + start;
        if (s->is_half) NAMED(pack_across)(WIDTH, 1, s->values, at, s->stride, count, depth, out);
        else NAMED(pack_across)(WIDTH, 0, s->values, at, s->stride, count, depth, out);
    }
}

// MARK: Strips and panels

/// `rows` lines of a panel's sums, `stride` apart in `c`; with `adds` they are added to those that are there. Memory is
/// asked for the lines of `wanted`, one in LAM_PACE values of k, where this is not null at compile time.
static inline __attribute__((always_inline)) void NAMED(strip_times_panel)(const int rows, long depth, const float *a,
                                                                          const float *b, float *c, long stride,
                                                                          int adds, const void *const *wanted) {
    enum { VECTORS = LAM_PANEL_COLUMNS / LANES };
    vf sum[LAM_STRIP_ROWS][VECTORS];
    for (int i = 0; i < rows; i++)
        for (int t = 0; t < VECTORS; t++) sum[i][t] = (vf){0};
#pragma clang loop unroll_count(LAM_UNROLLED)
    for (long p = 0; p < depth; p++) {
        if (wanted && p % LAM_PACE == 0) __builtin_prefetch(wanted[p / LAM_PACE], 0, 2);
        vf right[VECTORS];
        for (int t = 0; t < VECTORS; t++) right[t] = load(b + p * LAM_PANEL_COLUMNS + t * LANES);
        for (int i = 0; i < rows; i++)
            for (int t = 0; t < VECTORS; t++) sum[i][t] += right[t] * a[p * LAM_STRIP_ROWS + i];
    }
    for (int i = 0; i < rows; i++)
        for (int t = 0; t < VECTORS; t++) {
            float *target = c + i * stride + t * LANES;
            store(target, adds ? load(target) + sum[i][t] : sum[i][t]);
        }
}

static void NAMED(multiply_strip)(long rows, long depth, const float *a, const float *b, float *c, long stride,
                                  int adds) {
#define LAM_STRIP(n)                                                                                                   \
    case n: NAMED(strip_times_panel)(n, depth, a, b, c, stride, adds, 0); break;
    switch (rows) {
        LAM_STRIP(1)
        LAM_STRIP(2)
#if LAM_STRIP_ROWS > 2
        LAM_STRIP(3)
        LAM_STRIP(4)
        LAM_STRIP(5)
        LAM_STRIP(6)
#endif
#if LAM_STRIP_ROWS > 6
        LAM_STRIP(7)
        LAM_STRIP(8)
        LAM_STRIP(9)
        LAM_STRIP(10)
        LAM_STRIP(11)
        LAM_STRIP(12)
#endif
        default: break;
    }
#undef LAM_STRIP
}

/// Sums of `rows` packed rows and `panels` panels, whose depth is `depth`; panels are `distance` apart, lines of `c` are
/// `stride` long.
static inline void NAMED(multiply_block)(long rows, long panels, long depth, const float *a, const float *b,
                                         long distance, float *c, long stride, int adds) {
    for (long panel = 0; panel < panels; panel++)
        for (long row = 0; row < rows; row += LAM_STRIP_ROWS)
            NAMED(multiply_strip)(rows - row < LAM_STRIP_ROWS ? rows - row : LAM_STRIP_ROWS, depth, a + row * depth,
                                  b + panel * distance, c + row * stride + panel * LAM_PANEL_COLUMNS, stride, adds);
}

/// Makes a run of the left operand of a task.
typedef void NAMED(LeftRun)(const void *left, long rows, long start, long depth, float *out);

/// Lists what a strip should ask memory for: places of the output that it is about to read or write, if it is the last
/// over k, and its share of the panel that comes next, which no processor foresees. A burst of requests would wait for
/// memory; those that a strip makes one by one cost nothing.
static inline void NAMED(list_wanted)(const LamOutput *o, long index, int is_last, const float *next, long floats,
                                      long count, const void **wanted) {
    const long size = o->is_half ? 2 : 4;
    long n = 0;
    if (is_last)
        for (long i = 0; i < LAM_STRIP_ROWS; i++, index += o->stride)
            for (long j = 0; j < LAM_PANEL_COLUMNS * size && n + 3 < count; j += 64) {
                wanted[n++] = (const char *)o->out + index * size + j;
                if (o->gelu_input) wanted[n++] = (const char *)o->gelu_input + index * size + j;
                if (o->residual) wanted[n++] = (const char *)o->residual + index * 4 + j;
            }
    for (long i = 0; i < floats && n < count; i += 16) wanted[n++] = next + i;
    while (n < count) wanted[n++] = next;
}

/// `rows` rows, at most LAM_PRODUCT_ROWS, and some panels of a product.
static inline __attribute__((always_inline)) void NAMED(multiply_task)(long rows, long panels, long k, const void *left,
                                                                      NAMED(LeftRun) make_left, const float *right,
                                                                      const LamOutput *output, float *scratch) {
    enum { STRIP = LAM_STRIP_ROWS, PANEL = LAM_PANEL_COLUMNS, GROUP = LAM_PRODUCT_COLUMNS / PANEL };
    const long runs = k > 0 ? (k + LAM_PRODUCT_RUN - 1) / LAM_PRODUCT_RUN : 1;
    const long run = k > 0 ? ((k + runs - 1) / runs + 7) / 8 * 8 : 8;
    float *sums = scratch, *packed = sums + LAM_PRODUCT_ROWS * LAM_PRODUCT_COLUMNS;
    for (long group = 0; group < panels; group += GROUP) {
        const long end = group + GROUP < panels ? group + GROUP : panels;
        for (long start = 0; start == 0 || start < k; start += run) {
            const long depth = k - start < run ? k - start : run;
            // A task of one group of panels needs each run once.
            float *a = packed + (panels > GROUP ? start * LAM_PRODUCT_ROWS : 0);
            if (group == 0) make_left(left, rows, start, depth, a);
            for (long panel = group; panel < end; panel++) {
                const float *b = right + (panel * k + start) * PANEL;
                for (long row = 0; row < rows; row += STRIP) {
                    const long count = rows - row < STRIP ? rows - row : STRIP;
                    float *tile = sums + (runs == 1 ? 0 : ((panel - group) * LAM_PRODUCT_ROWS + row) * PANEL);
                    if (count == STRIP) {
                        const void *wanted[LAM_PRODUCT_RUN / LAM_PACE];
                        NAMED(list_wanted)(output, row * output->stride + panel * PANEL, start + depth >= k,
                                           b + k * PANEL + row * (run * PANEL / LAM_PRODUCT_ROWS),
                                           run * PANEL * STRIP / LAM_PRODUCT_ROWS, (depth + LAM_PACE - 1) / LAM_PACE, wanted);
                        NAMED(strip_times_panel)(STRIP, depth, a + row * depth, b, tile, PANEL, start > 0, wanted);
                    } else {
                        NAMED(multiply_strip)(count, depth, a + row * depth, b, tile, PANEL, start > 0);
                    }
                    if (start + depth < k) continue;
                    const long column = panel * PANEL, left_over = output->columns - column;
                    for (long i = 0; i < count; i++)
                        NAMED(finish_line)(output, tile + i * PANEL, row + i, column, left_over < PANEL ? left_over : PANEL);
                }
            }
        }
    }
}

/// The rows of a matrix, or of its transpose.
static void NAMED(matrix_run)(const void *left, long rows, long start, long depth, float *out) {
    const LamLeft *a = left;
    NAMED(pack_left)(&a->source, a->transposed, a->first, rows, start, depth, out);
}

/// See `LamKernels.product`.
static void NAMED(product)(long rows, long panels, long k, const LamLeft *left, const float *right,
                           const LamOutput *output, float *scratch) {
    NAMED(multiply_task)(rows, panels, k, left, NAMED(matrix_run), right, output, scratch);
}

/// See `LamKernels.add_runs`.
static void NAMED(add_runs)(long runs, const float *sums, long distance, long first, long rows,
                            const LamOutput *output) {
    for (long row = first; row < first + rows; row++)
        for (long j = 0; j < output->columns; j += 16) {
            const long count = output->columns - j < 16 ? output->columns - j : 16;
            const float *at = sums + row * output->columns + j;
            floats16 sum = load_float16(at, count);
            for (long run = 1; run < runs; run++) sum += load_float16(at + run * distance, count);
            NAMED(finish_sums)(output, sum, row * output->stride + j, j, count);
        }
}

/// See `LamKernels.multiply_adds`.
static float NAMED(multiply_adds)(long count, float factor) {
    enum { CHAINS = 12 };
    vf sum[CHAINS];
    for (int i = 0; i < CHAINS; i++) sum[i] = splat((float)i);
    const vf x = splat(factor);
    for (long n = 0; n < count; n++)
        for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * x + x;
    vf total = sum[0];
    for (int i = 1; i < CHAINS; i++) total += sum[i];
    return sum_lanes(total);
}
