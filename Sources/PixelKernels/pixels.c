#include "pixels.h"

#include <string.h>

// Fused multiply-adds would round otherwise than the reference does.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

/// Pixels that are worked on at a time, as three planes in the first-level cache.
enum { BLOCK = 128 };

typedef struct {
    uint8_t red[BLOCK], green[BLOCK], blue[BLOCK];
} Block;

INLINE void take(Block *block, const uint8_t *rgb, long count) {
    for (long i = 0; i < count; i++) {
        block->red[i] = rgb[3 * i];
        block->green[i] = rgb[3 * i + 1];
        block->blue[i] = rgb[3 * i + 2];
    }
}

INLINE void put(const Block *block, uint8_t *rgb, long count) {
    for (long i = 0; i < count; i++) {
        rgb[3 * i] = block->red[i];
        rgb[3 * i + 1] = block->green[i];
        rgb[3 * i + 2] = block->blue[i];
    }
}

INLINE uint8_t blended(uint8_t value, int other, float factor) {
    float mixed = (float)other + factor * (float)((int)value - other);
    mixed = mixed < 255.0f ? mixed : 255.0f;
    return (uint8_t)(int)(mixed > 0.0f ? mixed : 0.0f);
}

CLONES void lam_pixels_blend(uint8_t *values, long count, uint8_t other, float factor) {
    for (long i = 0; i < count; i++) values[i] = blended(values[i], other, factor);
}

/// ITU-R 601-2 luma with 16 fractional bits.
INLINE int grey(uint8_t red, uint8_t green, uint8_t blue) {
    return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

CLONES int64_t lam_pixels_grey_sum(const uint8_t *rgb, long pixels) {
    int64_t sum = 0;
    for (long start = 0; start < pixels; start += BLOCK) {
        const long count = pixels - start < BLOCK ? pixels - start : BLOCK;
        int part = 0;
        for (long i = start; i < start + count; i++) part += grey(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
        sum += part;
    }
    return sum;
}

CLONES void lam_pixels_saturate(uint8_t *rgb, long pixels, float factor) {
    Block block;
    for (long start = 0; start < pixels; start += BLOCK) {
        const long count = pixels - start < BLOCK ? pixels - start : BLOCK;
        take(&block, rgb + 3 * start, count);
        for (long i = 0; i < count; i++) {
            const int other = grey(block.red[i], block.green[i], block.blue[i]);
            block.red[i] = blended(block.red[i], other, factor);
            block.green[i] = blended(block.green[i], other, factor);
            block.blue[i] = blended(block.blue[i], other, factor);
        }
        put(&block, rgb + 3 * start, count);
    }
}

/// Hue (255 a turn) and saturation in 8 bits, cut off, not rounded. The mixture of Float and Double is part of the result.
INLINE void hue_and_saturation(int red, int green, int blue, int *hue, int *saturation) {
    const int high = red > green ? (red > blue ? red : blue) : (green > blue ? green : blue);
    const int low = red < green ? (red < blue ? red : blue) : (green < blue ? green : blue);
    const int isGrey = high == low;
    const float range = (float)(isGrey ? 1 : high - low);
    const float ratio = range / (float)(isGrey ? 1 : high);
    const float toRed = (float)(high - red) / range;
    const float toGreen = (float)(high - green) / range;
    const float toBlue = (float)(high - blue) / range;
    // Sextants of the colour circle. Differences of these quotients are exact in Double.
    const int isRed = red == high, isGreen = green == high;
    const double base = isRed ? 0.0 : isGreen ? 2.0 : 4.0;
    const float plus = isRed ? toBlue : isGreen ? toRed : toGreen;
    const float minus = isRed ? toGreen : isGreen ? toBlue : toRed;
    const float sextant = (float)(base + (double)plus - (double)minus);
    const double shifted = (double)sextant / 6.0 + 1.0;
    const float turns = (float)(shifted >= 1.0 ? shifted - 1.0 : shifted);
    const double scaled = (double)turns * 255.0;
    *hue = isGrey ? 0 : (int)(scaled < 255.0 ? scaled : 255.0);
    *saturation = isGrey ? 0 : (int)((double)ratio * 255.0);
}

CLONES void lam_pixels_turn_hue(uint8_t *rgb, long pixels, uint8_t turn) {
    Block block;
    for (long start = 0; start < pixels; start += BLOCK) {
        const long count = pixels - start < BLOCK ? pixels - start : BLOCK;
        take(&block, rgb + 3 * start, count);
        for (long i = 0; i < count; i++) {
            const int red = block.red[i], green = block.green[i], blue = block.blue[i];
            const int value = red > green ? (red > blue ? red : blue) : (green > blue ? green : blue);
            int hue, saturation;
            hue_and_saturation(red, green, blue, &hue, &saturation);
            hue = (hue + turn) & 255;
            const double sextants = (double)(hue * 6) / 255.0;
            const int sextant = (int)sextants;
            const double fraction = (double)(float)(sextants - (double)sextant);
            const double s = (double)(float)((double)saturation / 255.0);
            const double v = (double)value;
            const int low = (int)(v * (1.0 - s) + 0.5);
            const int falling = (int)(v * (1.0 - s * fraction) + 0.5);
            const int rising = (int)(v * (1.0 - s * (1.0 - fraction)) + 0.5);
            const int isFirst = sextant == 0 || sextant == 6;
            // A grey has saturation 0: all three are its value then.
            block.red[i] = (uint8_t)(isFirst || sextant == 5 ? value
                                     : sextant == 1          ? falling
                                     : sextant == 4          ? rising
                                                             : low);
            block.green[i] = (uint8_t)(isFirst                          ? rising
                                       : sextant == 1 || sextant == 2   ? value
                                       : sextant == 3                   ? falling
                                                                        : low);
            block.blue[i] = (uint8_t)(isFirst || sextant == 1            ? low
                                      : sextant == 2                     ? rising
                                      : sextant == 3 || sextant == 4     ? value
                                                                         : falling);
        }
        put(&block, rgb + 3 * start, count);
    }
}

INLINE float between_0_and_1(float value) { return value < 0.0f ? 0.0f : value < 1.0f ? value : 1.0f; }

void lam_pixels_turn_hue_exactly(uint8_t *rgb, long pixels, float turns) {
    for (long i = 0; i < pixels; i++) {
        uint8_t *pixel = rgb + 3 * i;
        const float red = (float)pixel[0] / 255.0f, green = (float)pixel[1] / 255.0f, blue = (float)pixel[2] / 255.0f;
        const float high = red > green ? (red > blue ? red : blue) : (green > blue ? green : blue);
        const float low = red < green ? (red < blue ? red : blue) : (green < blue ? green : blue);
        const int isGrey = high == low;
        const float range = isGrey ? 1.0f : high - low;
        const float saturation = (high - low) / (isGrey ? 1.0f : high);
        const float toRed = (high - red) / range, toGreen = (high - green) / range, toBlue = (high - blue) / range;
        const float sextant = red == high     ? toBlue - toGreen
                              : green == high ? 2.0f + toRed - toBlue
                                              : 4.0f + toGreen - toRed;
        float hue = sextant / 6.0f + 1.0f;
        hue = (hue >= 1.0f ? hue - 1.0f : hue) + turns;
        hue = hue < 0.0f ? hue + 1.0f : hue >= 1.0f ? hue - 1.0f : hue;
        const int part = (int)(hue * 6.0f);
        const float fraction = hue * 6.0f - (float)part;
        const float least = between_0_and_1(high * (1.0f - saturation));
        const float falling = between_0_and_1(high * (1.0f - saturation * fraction));
        const float rising = between_0_and_1(high * (1.0f - saturation * (1.0f - fraction)));
        const float colours[6][3] = {{high, rising, least},  {falling, high, least}, {least, high, rising},
                                     {least, falling, high}, {rising, least, high},  {high, least, falling}};
        // The reference makes bytes of 0 … 1 so that only 1 itself gives 255.
        for (int channel = 0; channel < 3; channel++) {
            pixel[channel] = (uint8_t)(colours[part % 6][channel] * (256.0f - 1e-3f));
        }
    }
}

enum { FRACTION_BITS = 22 };
typedef int32_t Four __attribute__((vector_size(16)));
typedef uint8_t FourBytes __attribute__((vector_size(4)));

/// Rounded weights may sum to a little more than 1.
INLINE uint8_t rounded(int32_t sum) {
    const int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value < 255 ? value : 255);
}

CLONES void lam_pixels_resize_lines(const uint8_t *source, long source_stride, uint8_t *target, long lines, long input,
                                    long output, long taps, const long *firsts, const long *counts,
                                    const int32_t *weights) {
    const int32_t half = 1 << (FRACTION_BITS - 1);
    for (long y = 0; y < lines; y++, source += source_stride) {
        for (long x = 0; x < output; x++, target += 3) {
            const uint8_t *pixel = source + 3 * firsts[x];
            const int32_t *weight = weights + x * taps;
            Four sum = {half, half, half, half};
            // A pixel is read with the byte behind it, which the last one of a line need not have.
            const long count = firsts[x] + counts[x] == input ? counts[x] - 1 : counts[x];
            for (long tap = 0; tap < count; tap++, pixel += 3) {
                FourBytes bytes;
                memcpy(&bytes, pixel, 4);
                sum += weight[tap] * __builtin_convertvector(bytes, Four);
            }
            if (count < counts[x]) sum += weight[count] * (Four){pixel[0], pixel[1], pixel[2], 0};
            target[0] = rounded(sum[0]);
            target[1] = rounded(sum[1]);
            target[2] = rounded(sum[2]);
        }
    }
}

CLONES void lam_pixels_resize_columns(const uint8_t *source, uint8_t *target, long stride, long output, long taps,
                                      const long *firsts, const long *counts, const int32_t *weights) {
    int32_t sums[3 * BLOCK];
    for (long y = 0; y < output; y++, target += stride) {
        const uint8_t *line = source + firsts[y] * stride;
        const int32_t *weight = weights + y * taps;
        for (long start = 0; start < stride; start += 3 * BLOCK) {
            const long count = stride - start < 3 * BLOCK ? stride - start : 3 * BLOCK;
            for (long x = 0; x < count; x++) sums[x] = 1 << (FRACTION_BITS - 1);
            for (long tap = 0; tap < counts[y]; tap++) {
                const uint8_t *bytes = line + tap * stride + start;
                for (long x = 0; x < count; x++) sums[x] += weight[tap] * bytes[x];
            }
            for (long x = 0; x < count; x++) target[start + x] = rounded(sums[x]);
        }
    }
}

CLONES void lam_pixels_planes(const uint8_t *rgb, uint8_t *planes, long pixels) {
    uint8_t *green = planes + pixels, *blue = planes + 2 * pixels;
    for (long i = 0; i < pixels; i++) {
        planes[i] = rgb[3 * i];
        green[i] = rgb[3 * i + 1];
        blue[i] = rgb[3 * i + 2];
    }
}

/// A row of chroma at the size of luma: weights 3 and 1 along each halved axis. Rounding alternates along a row, so that it
/// adds up to nothing. `sums` has room for `columns` values, `row` for twice as many.
INLINE void upsample(const uint8_t *near, const uint8_t *far, long columns, int halves_y, int16_t *sums, int16_t *row) {
    for (long x = 0; x < columns; x++) sums[x] = (int16_t)(halves_y ? 3 * near[x] + far[x] : near[x]);
    const int shift = halves_y ? 4 : 2, left = halves_y ? 8 : 1, right = halves_y ? 7 : 2;
    // At the edges the neighbour is the sample itself.
    row[0] = (int16_t)((4 * sums[0] + left) >> shift);
    for (long x = 1; x < columns; x++) {
        row[2 * x - 1] = (int16_t)((3 * sums[x - 1] + sums[x] + right) >> shift);
        row[2 * x] = (int16_t)((3 * sums[x] + sums[x - 1] + left) >> shift);
    }
    row[2 * columns - 1] = (int16_t)((4 * sums[columns - 1] + right) >> shift);
}

INLINE uint8_t clamped(int value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

CLONES void lam_pixels_jpeg(const uint8_t *luma, const uint8_t *blue, const uint8_t *red, long width, long height,
                            int halves_x, int halves_y, int16_t *scratch, uint8_t *rgb) {
    const long columns = halves_x ? (width + 1) / 2 : width, rows = halves_y ? (height + 1) / 2 : height;
    int16_t *blues = scratch, *reds = scratch + width + 1, *sums = reds + width + 1;
    for (long y = 0; y < height; y++) {
        const long near = halves_y ? y / 2 : y;
        // The row on the other side of this row's centre; at the edges the same one.
        long far = halves_y ? (y % 2 == 0 ? near - 1 : near + 1) : near;
        far = far < 0 ? 0 : far >= rows ? rows - 1 : far;
        if (halves_x) {
            upsample(blue + near * columns, blue + far * columns, columns, halves_y, sums, blues);
            upsample(red + near * columns, red + far * columns, columns, halves_y, sums, reds);
        } else {
            for (long x = 0; x < width; x++) {
                blues[x] = blue[near * columns + x];
                reds[x] = red[near * columns + x];
            }
        }
        Block block;
        for (long start = 0; start < width; start += BLOCK) {
            const long count = width - start < BLOCK ? width - start : BLOCK;
            for (long i = 0; i < count; i++) {
                const int l = luma[y * width + start + i], b = blues[start + i] - 128, r = reds[start + i] - 128;
                // The factors 1.402, 0.344136, 0.714136 and 1.772 in 16 bits.
                block.red[i] = clamped(l + ((91881 * r + 32768) >> 16));
                block.green[i] = clamped(l + ((-22554 * b - 46802 * r + 32768) >> 16));
                block.blue[i] = clamped(l + ((116130 * b + 32768) >> 16));
            }
            put(&block, rgb + 3 * (y * width + start), count);
        }
    }
}

CLONES void lam_pixels_exchange(uint8_t *rgb, long pixels) {
    for (long i = 0; i < pixels; i++) {
        const uint8_t first = rgb[3 * i];
        rgb[3 * i] = rgb[3 * i + 2];
        rgb[3 * i + 2] = first;
    }
}
