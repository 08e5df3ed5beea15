// Convolutions over channels-last frames, as products whose left operand is gathered from the frames part by part.
//
// A row of the left operand is an output pixel; k runs over taps (time, row, column) and, inside a tap, over channels.
// Frames hold what the products multiply: f32, bf16 or the three parts of split.h, which lie behind each other for every 32
// channels. So gathering is copying, and no more of it exists at a time than the second-level cache holds. Every sum is
// made in one order, whatever part of the output is asked for.

/// The values of one tap's pixel, or null where the tap lies in the padding.
static inline const uint16_t *NAMED(tap_pixel)(const LamConvolution *s, long tap, long row, long pixel) {
    const long plane = s->kernel_rows * s->kernel_columns;
    const uint16_t *frame = s->frames[tap / plane];
    const long y = row * s->stride + tap % plane / s->kernel_columns - s->top;
    const long x = pixel * s->stride + tap % s->kernel_columns - s->left;
    if (!frame || y < 0 || x < 0 || y >= s->rows << s->doubling || x >= s->columns << s->doubling) return 0;
    return frame + ((y >> s->doubling) * s->columns + (x >> s->doubling)) * s->pixel;
}

/// Output pixels whose rows of the left operand are gathered from the frames.
typedef struct {
    const LamConvolution *shape;
    long first;
    /// LAM_PRODUCT_ROWS lines of LAM_PRODUCT_RUN values.
    float *lines;
} NAMED(Pixels);

/// `depth` values of k from `start` on of one output pixel.
static void NAMED(gather_line)(const LamConvolution *s, long pixel, long start, long depth, float *line) {
    const long per_tap = s->parts ? s->pixel : s->pixel / 2, row = pixel / s->out_columns, column = pixel % s->out_columns;
    for (long k = start; k < start + depth;) {
        const long tap = k / per_tap, offset = k - tap * per_tap, left = start + depth - k;
        const long count = per_tap - offset < left ? per_tap - offset : left;
        const uint16_t *source = NAMED(tap_pixel)(s, tap, row, column);
        if (!source) memset(line, 0, (size_t)count * 4);
        else if (s->parts) NAMED(half_to_float)(source + offset, line, count);
        else memcpy(line, (const float *)source + offset, (size_t)count * 4);
        line += count;
        k += count;
    }
}

/// Output pixels as the left operand of a product: see `LeftRun`.
static void NAMED(pixel_run)(const void *left, long rows, long start, long depth, float *out) {
    const NAMED(Pixels) *pixels = left;
    for (long i = 0; i < rows; i++)
        NAMED(gather_line)(pixels->shape, pixels->first + i, start, depth, pixels->lines + i * depth);
    const LamSource lines = {pixels->lines, 0, depth, rows, depth};
    NAMED(pack_left)(&lines, 0, 0, rows, 0, depth, out);
}

/// See `LamKernels.vector_convolution`.
static void NAMED(vector_convolution)(const LamConvolution *s, long first, long count, long panels, const float *right,
                                      const LamOutput *output, float *scratch) {
    const long per_tap = s->parts ? s->pixel : s->pixel / 2;
    const NAMED(Pixels) pixels = {s, first, scratch};
    NAMED(multiply_task)(count, panels, s->kernel_frames * s->kernel_rows * s->kernel_columns * per_tap, &pixels,
                         NAMED(pixel_run), right, output, scratch + LAM_PRODUCT_ROWS * LAM_PRODUCT_RUN);
}

#if defined(LAM_HALF_UNITS)
/// `count` output pixels from `first` on, `steps` steps of k from `step` on, as blocks of 32 pixels.
static void NAMED(gather)(const LamConvolution *s, long parts, long first, long count, long step, long steps,
                          uint16_t *out) {
    const long per_tap = s->pixel / (32 * parts);
    for (long i = 0; i < count; i++) {
        const long row = (first + i) / s->out_columns, column = (first + i) % s->out_columns;
        uint16_t *line = out + i / 32 * steps * parts * 1024 + i % 32 * 32;
        for (long k = step; k < step + steps;) {
            const long end = (k / per_tap + 1) * per_tap < step + steps ? (k / per_tap + 1) * per_tap : step + steps;
            const uint16_t *source = NAMED(tap_pixel)(s, k / per_tap, row, column);
            if (source) source += k % per_tap * parts * 32;
            for (; k < end; k++)
                for (long part = 0; part < parts; part++, line += 1024) {
                    if (source) {
                        memcpy(line, source, 64);
                        source += 32;
                    } else {
                        memset(line, 0, 64);
                    }
                }
        }
    }
}

/// See `LamKernels.convolution`.
static void NAMED(convolution)(const LamConvolution *s, long first, long count, long panels, const uint16_t *right,
                               const LamOutput *output, uint16_t *packed, float *sums) {
    const long parts = s->parts, per_tap = s->pixel / (32 * parts);
    const long k = s->kernel_frames * s->kernel_rows * s->kernel_columns * per_tap;
    const long limit = (parts == 1 ? LAM_HALF_DEPTH : LAM_SPLIT_DEPTH) / 32;
    const long runs = (k + limit - 1) / limit, run = (k + runs - 1) / runs;
    const long blocks = (count + 31) / 32;
    for (long step = 0; step < k; step += run) {
        const long steps = k - step < run ? k - step : run;
        NAMED(gather)(s, parts, first, count, step, steps, packed);
        LAM_BEGIN_PRODUCTS(32);
        for (long block = 0; block < blocks; block++) {
            const long rows = count - block * 32 < 32 ? count - block * 32 : 32;
            const uint16_t *a = packed + block * steps * parts * 1024;
            if (rows < 32 && parts == 1) LAM_BEGIN_PRODUCTS(rows);
            for (long panel = 0; panel < panels; panel++) {
                const uint16_t *b = right + (panel * k + step) * parts * 1024;
                float *sum = sums + (block * panels + panel) * 1024;
#if defined(LAM_SPLIT_BLOCK)
                if (parts == 3) LAM_SPLIT_BLOCK(steps * 32, a, b, sum, step > 0, 0);
                else
#endif
                    LAM_BLOCK_PRODUCT(rows, steps * 32, a, 32, 1024, b, sum, 32, step > 0);
                if (step + steps == k) NAMED(finish_block)(output, sum, rows, block * 32, panel * 32);
            }
        }
        LAM_END_PRODUCTS();
    }
}
#endif

/// One value as bf16 parts.
static inline void NAMED(store_parts)(floats16 v, long parts, uint16_t *out) {
    if (parts == 1) return store_half16(out, v, 16);
    const pairs finite = (pairs)(((pairs)v & 0x7f800000u) != 0x7f800000u);
    for (long part = 0; part < parts; part++) {
        pairs upper = (pairs)v & 0xffff0000u;
        if (part > 0) upper &= finite;
        v -= (floats16)upper;
        const halves16 bits = __builtin_convertvector(upper >> 16, halves16);
        memcpy(out + part * 32, &bits, 32);
    }
}

/// x / (1 + e^-x). Below -87 the result is 0 to f32's last place.
static inline floats16 NAMED(sigmoid_unit)(floats16 x) {
    floats16 y;
    for (long i = 0; i < 16; i += LANES) {
        vf v;
        memcpy(&v, (const float *)&x + i, sizeof v);
        const vf share = v / (1.0f + exponential(-v));
        const vf limited = choose(v < -87.0f, v * 0.0f, share);
        memcpy((float *)&y + i, &limited, sizeof limited);
    }
    return y;
}

/// See `LamKernels.convolution_operand`.
static void NAMED(convolution_operand)(const float *x, const float *gamma, int activate, long pixels, long channels,
                                       long parts, void *out) {
    const long padded = parts ? (channels + 31) / 32 * 32 : channels;
    for (long pixel = 0; pixel < pixels; pixel++, x += channels) {
        float factor = 1;
        if (gamma) {
            vf sum = splat(0);
            long j = 0;
            for (; j + LANES <= channels; j += LANES) sum += load(x + j) * load(x + j);
            float total = sum_lanes(sum);
            for (; j < channels; j++) total += x[j] * x[j];
            const float length = sqrtf(total);
            factor = 1.0f / (length > 1e-12f ? length : 1e-12f);
        }
        for (long j = 0; j < padded; j += 16) {
            const long count = channels - j < 0 ? 0 : channels - j < 16 ? channels - j : 16;
            floats16 v = load_float16(x + (count ? j : 0), count);
            if (gamma) v = v * factor * load_float16(gamma + (count ? j : 0), count);
            if (activate) v = NAMED(sigmoid_unit)(v);
            if (parts) {
                NAMED(store_parts)(v, parts,
                                   (uint16_t *)out + pixel * padded * parts + j / 32 * 32 * parts + j % 32);
            } else {
                store_float16((float *)out + pixel * padded + j, v, count);
            }
        }
    }
}
