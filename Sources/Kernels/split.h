// f32 products on bf16 matrix units. A float has 24 significant bits, so it is the sum of three bf16 of 8 bits each: its
// upper, middle and lower part. Of the nine products of parts of two floats the six largest are summed, in f32; what is
// left out is below 2^-24 of the result. That is six times the work on units that are more than ten times as fast, and
// the sums are made in fewer, longer steps than in a chain of f32 multiply-adds, so they come out nearer to the true ones.
//
// Operands are packed as for bf16 (see half.h), with the three parts of each 32 x 32 block one behind the other. Units
// flush what is below the normal range to zero; infinity and NaN give infinity or NaN.

/// The three parts of the block at (row, column) of an f32 source, zero outside of it. Infinity and NaN have no middle and
/// no lower part.
static inline void load_parts(const LamSource *s, long row, long column, Block parts[3]) {
    const long rows = s->rows - row < 32 ? s->rows - row : 32;
    const long columns = s->columns - column < 32 ? s->columns - column : 32;
    if (rows < 32 || columns < 32) memset(parts, 0, 3 * sizeof *parts);
    for (long i = 0; i < rows; i++) {
        const float *line = (const float *)s->values + (row + i) * s->stride + column;
        floats16 values[2] = {{0}};
        if (columns == 32) memcpy(values, line, 128);
        else memcpy(values, line, (size_t)columns * 4);
        for (int h = 0; h < 2; h++) {
            const pairs finite = (pairs)(((pairs)values[h] & 0x7f800000u) != 0x7f800000u);
            for (int part = 0; part < 3; part++) {
                pairs upper = (pairs)values[h] & 0xffff0000u;
                if (part > 0) upper &= finite;
                values[h] -= (floats16)upper;
                const halves16 bits = __builtin_convertvector(upper >> 16, halves16);
                memcpy((uint16_t *)&parts[part].row[i] + 16 * h, &bits, 32);
            }
        }
    }
}

/// See `LamKernels.split_pack_right`.
static void NAMED(split_pack_right)(const LamSource *source, int transposed, long first_panel, long panels,
                                    uint16_t *out) {
    const long blocks = ((transposed ? source->columns : source->rows) + 31) / 32;
    Block parts[3];
    for (long panel = first_panel; panel < first_panel + panels; panel++)
        for (long k = 0; k < blocks; k++) {
            load_parts(source, (transposed ? panel : k) * 32, (transposed ? k : panel) * 32, parts);
            for (int part = 0; part < 3; part++, out += 1024) arrange_right(&parts[part], transposed, out);
        }
}

/// See `LamKernels.split_pack_left`.
static void NAMED(split_pack_left)(const LamSource *source, int transposed, long first_block, long blocks,
                                   uint16_t *out) {
    const long steps = ((transposed ? source->rows : source->columns) + 31) / 32;
    Block parts[3];
    for (long row = first_block; row < first_block + blocks; row++)
        for (long k = 0; k < steps; k++) {
            load_parts(source, (transposed ? k : row) * 32, (transposed ? row : k) * 32, parts);
            for (int part = 0; part < 3; part++, out += 1024) arrange_left(&parts[part], transposed, out);
        }
}

/// See `LamKernels.split_product`.
static void NAMED(split_product)(long rows, long panels, long k, const LamHalfLeft *left, const uint16_t *right,
                                 const LamOutput *output, float *scratch) {
    const long blocks = (rows + 31) / 32;
    NAMED(Beside) beside = {.output = output};
    LAM_BEGIN_PRODUCTS(32);
    for (long start = 0; start < k; start += LAM_SPLIT_DEPTH) {
        const long depth = k - start < LAM_SPLIT_DEPTH ? k - start : LAM_SPLIT_DEPTH;
        const int is_last = start + depth >= k;
        for (long block = 0; block < blocks; block++) {
            const long count = rows - block * 32 < 32 ? rows - block * 32 : 32;
            for (long panel = 0; panel < panels; panel++) {
                float *sums = scratch + (block * panels + panel) * 1024;
                NAMED(ask_beside)(&beside, is_last ? count : 0, block * 32, panel * 32);
                LAM_SPLIT_BLOCK(depth, left->values + block * left->block + 96 * start, right + 96 * (panel * k + start),
                                sums, start > 0, &beside);
                if (is_last) NAMED(wait_beside)(&beside, sums, count, block * 32, panel * 32);
            }
        }
    }
    NAMED(finish_all)(&beside);
    LAM_END_PRODUCTS();
}
