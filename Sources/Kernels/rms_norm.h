// Root-mean-square normalisation over the last axis (Zhang & Sennrich 2019), as T5 has it: no mean, no bias.

static void NAMED(rms_norm)(const float *x, const float *weight, float epsilon, long rows, long columns, float *y) {
    for (long row = 0; row < rows; row++, x += columns, y += columns) {
        vf sum = splat(0);
        long j = 0;
        for (; j + LANES <= columns; j += LANES) sum += load(x + j) * load(x + j);
        float total = sum_lanes(sum);
        for (; j < columns; j++) total += x[j] * x[j];
        const float rstd = 1.0f / sqrtf(total / (float)columns + epsilon);
        for (j = 0; j + LANES <= columns; j += LANES) store(y + j, load(x + j) * rstd * load(weight + j));
        for (; j < columns; j++) y[j] = x[j] * rstd * weight[j];
    }
}
