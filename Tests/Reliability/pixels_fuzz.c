// Pictures of random sizes through the loops over pixels, for libFuzzer with the sanitizers of addresses and undefined behaviour.
// Every array has exactly the bytes that the header promises, so that one read beyond them is told.
#include "pixels.h"
#include <stdlib.h>

static const uint8_t *input;
static size_t left;

static uint8_t byte(void) { return left ? (left--, *input++) : 0; }
static long between(long low, long high) { return low + (long)((byte() | byte() << 8) % (high - low + 1)); }
static float number(void) { return (float)(between(-1024, 1024)) / 256; }

static void *array(size_t bytes) {
    uint8_t *values = malloc(bytes ? bytes : 1);
    for (size_t i = 0; i < bytes; i++) values[i] = i < 64 ? byte() : (uint8_t)(i * 37);
    return values;
}

// Windows of `taps` at most that lie in `source` places, with weights that sum to one.
static void windows(long source, long target, long taps, long *firsts, long *counts, int32_t *weights) {
    for (long x = 0; x < target; x++) {
        counts[x] = between(1, taps < source ? taps : source);
        firsts[x] = between(0, source - counts[x]);
        for (long tap = 0; tap < taps; tap++) weights[x * taps + tap] = tap < counts[x] ? (1 << 22) / (int32_t)counts[x] : 0;
    }
}

static void resize(void) {
    const long width = between(1, 40), height = between(1, 20), across = between(1, 40), down = between(1, 20);
    const long taps = between(1, 8), longest = across > down ? across : down;
    uint8_t *source = array((size_t)(3 * width * height)), *lines = malloc((size_t)(3 * across * height));
    uint8_t *target = malloc((size_t)(3 * across * down));
    long *firsts = malloc(sizeof(long) * (size_t)longest), *counts = malloc(sizeof(long) * (size_t)longest);
    int32_t *weights = malloc(sizeof(int32_t) * (size_t)(longest * taps));
    windows(width, across, taps, firsts, counts, weights);
    lam_pixels_resize_lines(source, 3 * width, lines, height, width, across, taps, firsts, counts, weights);
    windows(height, down, taps, firsts, counts, weights);
    lam_pixels_resize_columns(lines, target, 3 * across, down, taps, firsts, counts, weights);
    free(source), free(lines), free(target), free(firsts), free(counts), free(weights);
}

static void jpeg(void) {
    const long width = between(1, 50), height = between(1, 20);
    const int x = byte() & 1, y = x && byte() & 1;
    const size_t chroma = (size_t)((x ? (width + 1) / 2 : width) * (y ? (height + 1) / 2 : height));
    uint8_t *luma = array((size_t)(width * height)), *blue = array(chroma), *red = array(chroma);
    uint8_t *rgb = malloc((size_t)(3 * width * height));
    int16_t *scratch = malloc(sizeof(int16_t) * (size_t)(3 * (width + 1)));
    lam_pixels_jpeg(luma, blue, red, width, height, x, y, scratch, rgb);
    free(luma), free(blue), free(red), free(rgb), free(scratch);
}

static void colours(void) {
    const long pixels = between(0, 200);
    uint8_t *rgb = array((size_t)(3 * pixels)), *planes = malloc((size_t)(3 * pixels) + 1);
    lam_pixels_blend(rgb, 3 * pixels, byte(), number());
    lam_pixels_saturate(rgb, pixels, number());
    (void)lam_pixels_grey_sum(rgb, pixels);
    lam_pixels_turn_hue(rgb, pixels, byte());
    lam_pixels_turn_hue_exactly(rgb, pixels, (float)between(-128, 128) / 256);
    lam_pixels_exchange(rgb, pixels);
    lam_pixels_planes(rgb, planes, pixels);
    free(rgb), free(planes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    input = bytes, left = count;
    switch (byte() % 3) {
        case 0: resize(); break;
        case 1: jpeg(); break;
        default: colours();
    }
    return 0;
}
