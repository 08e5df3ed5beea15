// The bf16 product on Intel's matrix units (AMX): tiles of 16 rows of 64 bytes, `tdpbf16ps` multiplies a tile of
// 16 x 32 values with one of 32 x 16 and adds to 16 x 16 floats.

#include "kernels.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <string.h>
#if defined(LAM_EMULATED_TILES)
#include "emulated_tiles.h"
#endif

#define AMX __attribute__((target("amx-tile,amx-bf16")))

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileShapes;

/// Tiles 0-3: the four quarters of a block of `rows` x 32 sums; 4, 5: rows of a; 6, 7: columns of b.
AMX static void shape_tiles(long rows) {
    TileShapes shapes;
    memset(&shapes, 0, sizeof shapes);
    shapes.palette = 1;
    const uint8_t upper = rows < 16 ? (uint8_t)rows : 16, lower = rows > 16 ? (uint8_t)(rows - 16) : 1;
    const uint8_t count[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
    for (int i = 0; i < 8; i++) {
        shapes.rows[i] = count[i];
        shapes.row_bytes[i] = 64;
    }
    _tile_loadconfig(&shapes);
}

/// 17 to 32 rows and 32 columns of c, whose tiles have been shaped for that. `row` and `step` as in `LamHalfLeft`.
AMX static inline void tall_block(long k, const uint16_t *a, long row, long step, const uint16_t *b, float *c,
                                  long c_stride, int accumulate) {
    float *lower = c + 16 * c_stride;
    if (accumulate) {
        _tile_loadd(0, c, c_stride * 4);
        _tile_loadd(1, c + 16, c_stride * 4);
        _tile_loadd(2, lower, c_stride * 4);
        _tile_loadd(3, lower + 16, c_stride * 4);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (long p = 0; p < k; p += 32, a += step, b += 1024) {
        _tile_loadd(6, b, 64);
        _tile_loadd(4, a, row * 2);
        _tile_loadd(7, b + 512, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + 16 * row, row * 2);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, c_stride * 4);
    _tile_stored(1, c + 16, c_stride * 4);
    _tile_stored(2, lower, c_stride * 4);
    _tile_stored(3, lower + 16, c_stride * 4);
}

/// 1 to 16 rows and 32 columns of c.
AMX static inline void flat_block(long k, const uint16_t *a, long row, long step, const uint16_t *b, float *c,
                                  long c_stride, int accumulate) {
    if (accumulate) {
        _tile_loadd(0, c, c_stride * 4);
        _tile_loadd(1, c + 16, c_stride * 4);
    } else {
        _tile_zero(0);
        _tile_zero(1);
    }
    for (long p = 0; p < k; p += 32, a += step, b += 1024) {
        _tile_loadd(4, a, row * 2);
        _tile_loadd(6, b, 64);
        _tile_loadd(7, b + 512, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
    }
    _tile_stored(0, c, c_stride * 4);
    _tile_stored(1, c + 16, c_stride * 4);
}

/// `rows` x 32 sums, `rows` at most 32 and as the tiles have been shaped.
AMX static inline void block_on_tiles(long rows, long k, const uint16_t *a, long row, long step, const uint16_t *b,
                                      float *c, long c_stride, int accumulate) {
    if (rows > 16) tall_block(k, a, row, step, b, c, c_stride, accumulate);
    else flat_block(k, a, row, step, b, c, c_stride, accumulate);
}

/// 32 x 32 f32 sums from operands of three parts, lines of 32. The order of the six products is that of the fewest loads.
AMX static inline void split_block(long k, const uint16_t *a, const uint16_t *b, float *c, int accumulate) {
    if (accumulate) {
        _tile_loadd(0, c, 128);
        _tile_loadd(1, c + 16, 128);
        _tile_loadd(2, c + 512, 128);
        _tile_loadd(3, c + 528, 128);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
#define LOAD_LEFT(part)                                                                                                \
    _tile_loadd(4, a + part * 1024, 64);                                                                               \
    _tile_loadd(5, a + part * 1024 + 512, 64);
#define LOAD_RIGHT(part)                                                                                               \
    _tile_loadd(6, b + part * 1024, 64);                                                                               \
    _tile_loadd(7, b + part * 1024 + 512, 64);
#define MULTIPLY                                                                                                       \
    _tile_dpbf16ps(0, 4, 6);                                                                                           \
    _tile_dpbf16ps(1, 4, 7);                                                                                           \
    _tile_dpbf16ps(2, 5, 6);                                                                                           \
    _tile_dpbf16ps(3, 5, 7);
    for (long p = 0; p < k; p += 32, a += 3072, b += 3072) {
        LOAD_RIGHT(0)
        LOAD_LEFT(2)
        MULTIPLY
        LOAD_LEFT(1)
        MULTIPLY
        LOAD_LEFT(0)
        MULTIPLY
        LOAD_RIGHT(2)
        MULTIPLY
        LOAD_RIGHT(1)
        MULTIPLY
        LOAD_LEFT(1)
        MULTIPLY
    }
    _tile_stored(0, c, 128);
    _tile_stored(1, c + 16, 128);
    _tile_stored(2, c + 512, 128);
    _tile_stored(3, c + 528, 128);
}

AMX static inline void release_tiles(void) { _tile_release(); }

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma"))), \
                             apply_to = function)
#define LAM_ROUND_TWO(high, low) __builtin_ia32_cvtne2ps2bf16_512(high, low)
typedef __bf16 LamRounded __attribute__((vector_size(32)));
#define LAM_ROUND_ONE(v) __builtin_ia32_cvtneps2bf16_512_mask(v, (LamRounded){0}, 0xffff)
#define LAM_BEGIN_PRODUCTS(rows) shape_tiles(rows)
#define LAM_BLOCK_PRODUCT block_on_tiles
#define LAM_END_PRODUCTS() release_tiles()
#define LAM_SPLIT_BLOCK split_block
#define LAM_HALF_UNITS
#define LANES 16
#define NAMED(x) x##_amx
#define ISA_NAME "amx"
#include "table.h"
#pragma clang attribute pop
#endif
