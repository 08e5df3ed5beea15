// Layer normalisation with bf16 results (formulas in layer_norm.h). What the backward pass needs is kept in bf16 too:
// the normalised rows, from which the result can be made again.

static inline float NAMED(sum16)(floats16 v) {
    for (int width = 8; width > 0; width /= 2)
        for (int i = 0; i < width; i++) v[i] += v[i + width];
    return v[0];
}

/// See `LamKernels.half_layer_norm`.
static void NAMED(half_layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, long rows,
                                   long columns, uint16_t *y, uint16_t *normalized, float *rstd_out) {
    for (long row = 0; row < rows; row++, x += columns, y += columns) {
        const float mean = NAMED(sum_of_line)(x, columns) / (float)columns;
        const float rstd = 1.0f / sqrtf(NAMED(squares_of_line)(x, mean, columns) / (float)columns + epsilon);
        uint16_t *kept = normalized ? normalized + row * columns : 0;
        long j = 0;
        for (; j + 32 <= columns; j += 32) {
            const floats16 low = (load_float16(x + j, 16) - mean) * rstd;
            const floats16 high = (load_float16(x + j + 16, 16) - mean) * rstd;
            const halves32 out = round32(low * load_float16(weight + j, 16) + load_float16(bias + j, 16),
                                         high * load_float16(weight + j + 16, 16) + load_float16(bias + j + 16, 16));
            memcpy(y + j, &out, 64);
            if (!kept) continue;
            const halves32 line = round32(low, high);
            memcpy(kept + j, &line, 64);
        }
        for (; j < columns; j += 16) {
            const long n = columns - j;
            const floats16 h = (load_float16(x + j, n) - mean) * rstd;
            store_half16(y + j, h * load_float16(weight + j, n) + load_float16(bias + j, n), n);
            if (kept) store_half16(kept + j, h, n);
        }
        if (rstd_out) rstd_out[row] = rstd;
    }
}

/// See `LamKernels.half_layer_norm_backward`.
static void NAMED(half_layer_norm_backward)(const uint16_t *dy, const uint16_t *normalized, const float *weight,
                                            const float *rstd, long rows, long columns, float *dx, int accumulate,
                                            float *dweight, float *dbias) {
    for (long row = 0; row < rows; row++, dy += columns, normalized += columns, dx += columns) {
        floats16 sum_g = {0}, sum_gh = {0};
        for (long j = 0; j < columns; j += 16) {
            const long n = columns - j;
            const floats16 d = load_half16(dy + j, n), h = load_half16(normalized + j, n);
            const floats16 g = d * load_float16(weight + j, n);
            sum_g += g;
            sum_gh += g * h;
            if (dweight) {
                store_float16(dweight + j, load_float16(dweight + j, n) + d * h, n);
                store_float16(dbias + j, load_float16(dbias + j, n) + d, n);
            }
        }
        const float mean_g = NAMED(sum16)(sum_g) / (float)columns, mean_gh = NAMED(sum16)(sum_gh) / (float)columns;
        for (long j = 0; j < columns; j += 16) {
            const long n = columns - j;
            floats16 d = load_half16(dy + j, n) * load_float16(weight + j, n);
            d = (d - mean_g - load_half16(normalized + j, n) * mean_gh) * rstd[row];
            store_float16(dx + j, accumulate ? load_float16(dx + j, n) + d : d, n);
        }
    }
}

/// See `LamKernels.half_affine`.
static void NAMED(half_affine)(const uint16_t *x, const float *weight, const float *bias, long rows, long columns,
                               uint16_t *y) {
    for (long row = 0; row < rows; row++, x += columns, y += columns)
        for (long j = 0; j < columns; j += 16) {
            const long n = columns - j;
            store_half16(y + j, load_half16(x + j, n) * load_float16(weight + j, n) + load_float16(bias + j, n), n);
        }
}
