// Rotary position embedding (Su et al. 2021), whose pairs are element j of a head's first half and of its second.

static void NAMED(rotate_halves)(float *x, const float *cosines, const float *sines, long heads, long half) {
    for (long head = 0; head < heads; head++) {
        float *first = x + head * 2 * half, *second = first + half;
        long j = 0;
        for (; j + LANES <= half; j += LANES) {
            vf a = load(first + j), b = load(second + j), c = load(cosines + j), s = load(sines + j);
            store(first + j, a * c - b * s);
            store(second + j, b * c + a * s);
        }
        for (; j < half; j++) {
            float a = first[j], b = second[j];
            first[j] = a * cosines[j] - b * sines[j];
            second[j] = b * cosines[j] + a * sines[j];
        }
    }
}
