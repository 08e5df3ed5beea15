#ifndef LAM_PIXELS_H
#define LAM_PIXELS_H

#include <stdint.h>

/// Loops over 8-bit pictures, rows of RGB triples. Each is compiled for several instruction sets, which all give the same
/// bytes; the processor's own is chosen when the program starts.

/// `trunc(clip(other + factor (value - other), 0, 255))` of each of `count` values, in Float.
void lam_pixels_blend(uint8_t *values, long count, uint8_t other, float factor);

/// The same of each triple's values with its own grey as `other`.
void lam_pixels_saturate(uint8_t *rgb, long pixels, float factor);

/// Sum of the greys, `(19595 R + 38470 G + 7471 B + 32768) >> 16`.
int64_t lam_pixels_grey_sum(const uint8_t *rgb, long pixels);

/// Adds `turn` to the 8-bit hue of Pillow's HSV.
void lam_pixels_turn_hue(uint8_t *rgb, long pixels, uint8_t turn);

/// Turns the hue by `turns` of the colour circle, -0.5 … 0.5, in Float: `torchvision`'s `adjust_hue` on tensors.
void lam_pixels_turn_hue_exactly(uint8_t *rgb, long pixels, float turns);

/// Lines of `output` pixels, each a weighted sum of `counts[x]` pixels from `firsts[x]` on. Weights, `taps` a pixel, have
/// 22 fractional bits. Reads nothing beyond `input` pixels of a line.
void lam_pixels_resize_lines(const uint8_t *source, long source_stride, uint8_t *target, long lines, long input,
                             long output, long taps, const long *firsts, const long *counts, const int32_t *weights);

/// `output` lines of `stride` bytes, each a weighted sum of `counts[y]` lines from `firsts[y]` on.
void lam_pixels_resize_columns(const uint8_t *source, uint8_t *target, long stride, long output, long taps,
                               const long *firsts, const long *counts, const int32_t *weights);

/// RGB of a JPEG picture's planes as libjpeg makes it. Chroma has half as many columns, rounded up, where `halves_x`, and half
/// as many rows where also `halves_y`. `scratch` has room for `3 * (width + 1)` values.
void lam_pixels_jpeg(const uint8_t *luma, const uint8_t *blue, const uint8_t *red, long width, long height, int halves_x,
                     int halves_y, int16_t *scratch, uint8_t *rgb);

/// Exchanges the first and the third value of triples.
void lam_pixels_exchange(uint8_t *rgb, long pixels);

/// Triples as three planes of `pixels` values.
void lam_pixels_planes(const uint8_t *rgb, uint8_t *planes, long pixels);

#endif
