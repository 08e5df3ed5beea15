// Products on Intel's matrix units (AMX): tiles of 16 rows of 64 bytes, `tdpbf16ps` multiplies a tile of 16 x 32 values with
// one of 32 x 16 and adds to 16 x 16 floats.

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} TileShapes;

/// Tiles 0-3: the four quarters of a block of `rows` x 32 sums; 4, 5: rows of a; 6, 7: columns of b.
static void shape_tiles(long rows) {
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

/// 17 to 32 rows and 32 columns of c, whose tiles have been shaped for that. `row` and `step` as in `LamHalfLeft`. Tiles
/// leave vector units idle, so where something is to be done beside, two lines are finished and two asked for at each step.
static inline void tall_block(long k, const uint16_t *a, long row, long step, const uint16_t *b, float *c,
                              long c_stride, int accumulate, NAMED(Beside) *beside) {
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
        if (beside) {
            NAMED(finish_next)(beside);
            NAMED(ask_for_next)(beside);
            NAMED(ask_for_next)(beside);
        }
        _tile_loadd(5, a + 16 * row, row * 2);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        if (beside) NAMED(finish_next)(beside);
        _tile_dpbf16ps(3, 5, 7);
    }
    if (beside) NAMED(finish_all)(beside);
    _tile_stored(0, c, c_stride * 4);
    _tile_stored(1, c + 16, c_stride * 4);
    _tile_stored(2, lower, c_stride * 4);
    _tile_stored(3, lower + 16, c_stride * 4);
}

/// 1 to 16 rows and 32 columns of c.
static inline void flat_block(long k, const uint16_t *a, long row, long step, const uint16_t *b, float *c,
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
static inline void block_on_tiles(long rows, long k, const uint16_t *a, long row, long step, const uint16_t *b,
                                  float *c, long c_stride, int accumulate) {
    if (rows > 16) tall_block(k, a, row, step, b, c, c_stride, accumulate, 0);
    else flat_block(k, a, row, step, b, c, c_stride, accumulate);
}

/// The same, and what is to be done beside it.
static inline void block_beside_tiles(long rows, long k, const uint16_t *a, long row, long step, const uint16_t *b,
                                  float *c, long c_stride, int accumulate, NAMED(Beside) *beside) {
    if (rows > 16) {
        tall_block(k, a, row, step, b, c, c_stride, accumulate, beside);
    } else {
        NAMED(finish_all)(beside);
        flat_block(k, a, row, step, b, c, c_stride, accumulate);
    }
}

/// 32 x 32 f32 sums from operands of three parts, lines of 32. The order of the six products is that of the fewest loads.
/// Up to three lines are finished and asked for at each step, where something is to be done beside.
static inline void split_block(long k, const uint16_t *a, const uint16_t *b, float *c, int accumulate,
                               NAMED(Beside) *beside) {
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
#define BESIDE                                                                                                         \
    if (beside) {                                                                                                      \
        NAMED(finish_next)(beside);                                                                                    \
        NAMED(ask_for_next)(beside);                                                                                   \
    }
    for (long p = 0; p < k; p += 32, a += 3072, b += 3072) {
        LOAD_RIGHT(0)
        LOAD_LEFT(2)
        MULTIPLY
        BESIDE
        LOAD_LEFT(1)
        MULTIPLY
        LOAD_LEFT(0)
        MULTIPLY
        BESIDE
        LOAD_RIGHT(2)
        MULTIPLY
        LOAD_RIGHT(1)
        MULTIPLY
        BESIDE
        LOAD_LEFT(1)
        MULTIPLY
    }
    if (beside) NAMED(finish_all)(beside);
    _tile_stored(0, c, 128);
    _tile_stored(1, c + 16, 128);
    _tile_stored(2, c + 512, 128);
    _tile_stored(3, c + 528, 128);
}

static inline void release_tiles(void) { _tile_release(); }

#define LAM_BEGIN_PRODUCTS(rows) shape_tiles(rows)
#define LAM_BLOCK_PRODUCT block_on_tiles
#define LAM_BLOCK_PRODUCT_BESIDE block_beside_tiles
#define LAM_END_PRODUCTS() release_tiles()
#define LAM_SPLIT_BLOCK split_block
