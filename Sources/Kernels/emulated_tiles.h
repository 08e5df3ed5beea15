// Intel's matrix units in plain C: with `-Xcc -DLAM_EMULATED_TILES` the kernels for AMX run on any processor with AVX-512
// and bf16, slowly, so that they can be tested there. Rows of tiles are those that were loaded as their shapes, so a tile
// that was shaped wrongly gives wrong results here, too.

static _Thread_local struct {
    int rows[8];
    float values[8][16][16];
} emulated;

static void emulated_load_shapes(const void *shapes) {
    const uint8_t *rows = (const uint8_t *)shapes + 48;
    for (int tile = 0; tile < 8; tile++) emulated.rows[tile] = rows[tile];
    memset(emulated.values, 0, sizeof emulated.values);
}

static void emulated_zero(int tile) { memset(emulated.values[tile], 0, sizeof emulated.values[tile]); }

static void emulated_load(int tile, const void *values, long stride) {
    for (int i = 0; i < emulated.rows[tile]; i++)
        memcpy(emulated.values[tile][i], (const char *)values + i * stride, 64);
}

static void emulated_store(int tile, void *values, long stride) {
    for (int i = 0; i < emulated.rows[tile]; i++)
        memcpy((char *)values + i * stride, emulated.values[tile][i], 64);
}

/// The upper or lower bf16 of 32 bits, subnormal numbers as zero.
static inline float emulated_half(const float *pair, int upper) {
    uint32_t bits;
    memcpy(&bits, pair, 4);
    bits = upper ? bits & 0xffff0000u : bits << 16;
    if (!(bits & 0x7f800000u)) bits = 0;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/// Sums over even and odd values of k begin at zero, and are added to what is there at the end, as the units do.
static void emulated_multiply(int sums, int a, int b) {
    for (int i = 0; i < emulated.rows[sums]; i++) {
        float parts[2][16] = {{0}};
        for (int k = 0; k < emulated.rows[b]; k++)
            for (int half = 0; half < 2; half++) {
                const float left = emulated_half(&emulated.values[a][i][k], half);
                for (int j = 0; j < 16; j++)
                    parts[half][j] += left * emulated_half(&emulated.values[b][k][j], half);
            }
        for (int j = 0; j < 16; j++) emulated.values[sums][i][j] += parts[0][j] + parts[1][j];
    }
}

#undef _tile_loadconfig
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#undef _tile_release
#define _tile_loadconfig(shapes) emulated_load_shapes(shapes)
#define _tile_zero(tile) emulated_zero(tile)
#define _tile_loadd(tile, values, stride) emulated_load(tile, values, stride)
#define _tile_stored(tile, values, stride) emulated_store(tile, values, stride)
#define _tile_dpbf16ps(sums, a, b) emulated_multiply(sums, a, b)
#define _tile_release() ((void)0)
