// Element-wise arithmetic, reductions and the AdamW update.

/// Elements per double accumulation: short enough that float partial sums stay within 1e-6, in sixteen lanes 3e-7.
enum { NAMED(block) = 512 };

static void NAMED(add)(const float *a, const float *b, float *out, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(out + i, load(a + i) + load(b + i));
    for (; i < count; i++) out[i] = a[i] + b[i];
}

static void NAMED(scale)(float *out, float factor, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(out + i, load(out + i) * factor);
    for (; i < count; i++) out[i] *= factor;
}

static void NAMED(multiply)(const float *a, const float *b, float *out, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(out + i, load(a + i) * load(b + i));
    for (; i < count; i++) out[i] = a[i] * b[i];
}

static double NAMED(sum_of_squares)(const float *x, long count) {
    double total = 0;
    for (long start = 0; start < count; start += NAMED(block)) {
        long end = start + NAMED(block) < count ? start + NAMED(block) : count;
        vf sum0 = splat(0), sum1 = splat(0);
        long i = start;
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            vf a = load(x + i), b = load(x + i + LANES);
            sum0 += a * a;
            sum1 += b * b;
        }
        double rest = 0;
        for (; i < end; i++) rest += (double)x[i] * x[i];
        total += (double)sum_lanes(sum0 + sum1) + rest;
    }
    return total;
}

static double NAMED(sum_of_squared_differences)(const float *a, const float *b, long count) {
    double total = 0;
    for (long start = 0; start < count; start += NAMED(block)) {
        long end = start + NAMED(block) < count ? start + NAMED(block) : count;
        vf sum = splat(0);
        long i = start;
        for (; i + LANES <= end; i += LANES) {
            vf d = load(a + i) - load(b + i);
            sum += d * d;
        }
        double rest = 0;
        for (; i < end; i++) rest += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        total += (double)sum_lanes(sum) + rest;
    }
    return total;
}

static void NAMED(scaled_difference)(const float *a, const float *b, float factor, float *out, long count,
                                     int accumulate) {
    long i = 0;
    if (accumulate) {
        for (; i + LANES <= count; i += LANES)
            store(out + i, load(out + i) + (load(a + i) - load(b + i)) * factor);
        for (; i < count; i++) out[i] += (a[i] - b[i]) * factor;
    } else {
        for (; i + LANES <= count; i += LANES) store(out + i, (load(a + i) - load(b + i)) * factor);
        for (; i < count; i++) out[i] = (a[i] - b[i]) * factor;
    }
}

static void NAMED(column_sums)(const float *x, long rows, long columns, long stride, float *sums) {
    long j = 0;
    for (; j + 4 * LANES <= columns; j += 4 * LANES) {
        vf s0 = load(sums + j), s1 = load(sums + j + LANES);
        vf s2 = load(sums + j + 2 * LANES), s3 = load(sums + j + 3 * LANES);
        for (long row = 0; row < rows; row++) {
            const float *p = x + row * stride + j;
            s0 += load(p);
            s1 += load(p + LANES);
            s2 += load(p + 2 * LANES);
            s3 += load(p + 3 * LANES);
        }
        store(sums + j, s0);
        store(sums + j + LANES, s1);
        store(sums + j + 2 * LANES, s2);
        store(sums + j + 3 * LANES, s3);
    }
    for (; j < columns; j++) {
        float sum = sums[j];
        for (long row = 0; row < rows; row++) sum += x[row * stride + j];
        sums[j] = sum;
    }
}

/// p -= lr * wd * p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  p -= lr / c1 * m / (sqrt(v) / sqrt(c2) + eps),
/// with g the gradient times `gradient_scale` (the clipping coefficient). Loshchilov & Hutter 2019, in PyTorch's order.
static void NAMED(adamw)(const LamAdamW *step, float *parameter, const float *gradient, float *exp_avg,
                         float *exp_avg_sq, long count) {
    const float decay = 1.0f - step->learning_rate * step->weight_decay;
    const float step_size = step->learning_rate / step->bias_correction1;
    const float root_correction = sqrtf(step->bias_correction2);
    const float keep1 = step->beta1, keep2 = step->beta2, scale = step->gradient_scale;
    for (long i = 0; i < count; i++) {
        float g = gradient[i] * scale;
        float m = exp_avg[i] + (g - exp_avg[i]) * (1.0f - keep1);
        float v = exp_avg_sq[i] * keep2 + g * g * (1.0f - keep2);
        float denominator = sqrtf(v) / root_correction + step->epsilon;
        exp_avg[i] = m;
        exp_avg_sq[i] = v;
        parameter[i] = parameter[i] * decay - step_size * (m / denominator);
    }
}

/// Two rounded products and a rounded sum, as torch's function makes them, on every instruction set.
static void NAMED(moving_average)(float *average, const float *value, float keep, float take, long count) {
#pragma clang fp contract(off)
    for (long i = 0; i < count; i++) average[i] = average[i] * keep + value[i] * take;
}

static void NAMED(patchify)(const uint8_t *image, long height, long width, long patch, const float *factor,
                            const float *shift, float *out) {
    const long rows = height / patch, columns = width / patch;
    for (long py = 0; py < rows; py++)
        for (long px = 0; px < columns; px++)
            for (long c = 0; c < 3; c++)
                for (long y = 0; y < patch; y++) {
                    const uint8_t *line = image + (c * height + py * patch + y) * width + px * patch;
                    float *target = out + (((py * columns + px) * 3 + c) * patch + y) * patch;
                    for (long x = 0; x < patch; x++) target[x] = (float)line[x] * factor[c] + shift[c];
                }
}
