// The exact GELU (Hendrycks & Gimpel 2016): gelu(u) = u Phi(u), Phi(u) = (1 + erf(u / sqrt 2)) / 2,
// gelu'(u) = Phi(u) + u phi(u), phi(u) = e^(-u^2 / 2) / sqrt(2 pi).

static inline vf NAMED(normal_cdf)(vf u) { return error_function(u * 0.70710678f) * 0.5f + 0.5f; }

static inline vf NAMED(normal_pdf)(vf u) { return exponential(u * u * -0.5f) * 0.39894228f; }

static void NAMED(gelu)(const float *u, float *activated, long count) {
    for (long i = 0; i < count; i += LANES) {
        long n = count - i < LANES ? count - i : LANES;
        vf x = n == LANES ? load(u + i) : load_part(u + i, n, 0);
        vf y = x * NAMED(normal_cdf)(x);
        if (n == LANES) store(activated + i, y);
        else store_part(activated + i, y, n);
    }
}

static void NAMED(gelu_with_derivative)(const float *u, float *activated, float *derivative, long count) {
    for (long i = 0; i < count; i += LANES) {
        long n = count - i < LANES ? count - i : LANES;
        vf x = n == LANES ? load(u + i) : load_part(u + i, n, 0);
        vf cdf = NAMED(normal_cdf)(x);
        vf slope = cdf + x * NAMED(normal_pdf)(x);
        vf y = x * cdf;
        if (n == LANES) {
            store(activated + i, y);
            store(derivative + i, slope);
        } else {
            store_part(activated + i, y, n);
            store_part(derivative + i, slope, n);
        }
    }
}
