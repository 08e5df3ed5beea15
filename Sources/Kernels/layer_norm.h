// Layer normalisation over the last axis (Ba et al. 2016), forward and backward.

/// Sum of a line's values. There are four chains, as one would wait for each addition.
static inline float NAMED(sum_of_line)(const float *x, long columns) {
    vf sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    long j = 0;
    for (; j + 4 * LANES <= columns; j += 4 * LANES)
        for (int i = 0; i < 4; i++) sum[i] += load(x + j + i * LANES);
    for (; j + LANES <= columns; j += LANES) sum[0] += load(x + j);
    float total = sum_lanes(sum[0] + sum[1] + (sum[2] + sum[3]));
    for (; j < columns; j++) total += x[j];
    return total;
}

/// Sum of the squares of a line's distances from its mean.
static inline float NAMED(squares_of_line)(const float *x, float mean, long columns) {
    vf sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    long j = 0;
    for (; j + 4 * LANES <= columns; j += 4 * LANES)
        for (int i = 0; i < 4; i++) {
            const vf d = load(x + j + i * LANES) - mean;
            sum[i] += d * d;
        }
    for (; j + LANES <= columns; j += LANES) {
        const vf d = load(x + j) - mean;
        sum[0] += d * d;
    }
    float total = sum_lanes(sum[0] + sum[1] + (sum[2] + sum[3]));
    for (; j < columns; j++) total += (x[j] - mean) * (x[j] - mean);
    return total;
}

/// mean = sum x / n, rstd = 1 / sqrt(sum (x - mean)^2 / n + eps), y = (x - mean) rstd weight + bias.
static void NAMED(layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, long rows,
                              long columns, float *y, float *mean_out, float *rstd_out) {
    for (long row = 0; row < rows; row++, x += columns, y += columns) {
        const float mean = NAMED(sum_of_line)(x, columns) / (float)columns;
        const float rstd = 1.0f / sqrtf(NAMED(squares_of_line)(x, mean, columns) / (float)columns + epsilon);
        long j = 0;
        for (; j + LANES <= columns; j += LANES)
            store(y + j, (load(x + j) - mean) * rstd * load(weight + j) + load(bias + j));
        for (; j < columns; j++) y[j] = (x[j] - mean) * rstd * weight[j] + bias[j];
        if (mean_out) mean_out[row] = mean;
        if (rstd_out) rstd_out[row] = rstd;
    }
}

/// With h = (x - mean) rstd and g = dy weight:  dx = rstd (g - mean(g) - h mean(g h)),
/// dweight = sum dy h, dbias = sum dy.
static void NAMED(layer_norm_backward)(const float *dy, const float *x, const float *weight, const float *mean_in,
                                       const float *rstd_in, long rows, long columns, float *dx, int accumulate,
                                       float *dweight, float *dbias) {
    for (long row = 0; row < rows; row++, dy += columns, x += columns, dx += columns) {
        const float mean = mean_in[row], rstd = rstd_in[row];
        vf sum_g = splat(0), sum_gh = splat(0);
        long j = 0;
        for (; j + LANES <= columns; j += LANES) {
            vf d = load(dy + j);
            vf h = (load(x + j) - mean) * rstd;
            vf g = d * load(weight + j);
            sum_g += g;
            sum_gh += g * h;
            if (dweight) {
                store(dweight + j, load(dweight + j) + d * h);
                store(dbias + j, load(dbias + j) + d);
            }
        }
        float total_g = sum_lanes(sum_g), total_gh = sum_lanes(sum_gh);
        for (; j < columns; j++) {
            float h = (x[j] - mean) * rstd, g = dy[j] * weight[j];
            total_g += g;
            total_gh += g * h;
            if (dweight) {
                dweight[j] += dy[j] * h;
                dbias[j] += dy[j];
            }
        }
        const float mean_g = total_g / (float)columns, mean_gh = total_gh / (float)columns;
        for (j = 0; j + LANES <= columns; j += LANES) {
            vf h = (load(x + j) - mean) * rstd;
            vf d = (load(dy + j) * load(weight + j) - mean_g - h * mean_gh) * rstd;
            store(dx + j, accumulate ? load(dx + j) + d : d);
        }
        for (; j < columns; j++) {
            float h = (x[j] - mean) * rstd;
            float d = (dy[j] * weight[j] - mean_g - h * mean_gh) * rstd;
            dx[j] = accumulate ? dx[j] + d : d;
        }
    }
}
