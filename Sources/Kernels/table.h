// Instantiates every family for one instruction set and lists them in its table.

#include "kernels.h"

#include <float.h>

#include "vector.h"

#include "elementwise.h"
#include "layer_norm.h"
#include "rms_norm.h"
#include "activations.h"
#include "small_attention.h"
#include "half.h"
#include "half_norm.h"
#include "half_pair_attention.h"
#include "epilogue.h"
#include "product.h"
#include "head_attention.h"
#if defined(LAM_HALF_UNITS)
#include "half_packing.h"
#include "half_epilogue.h"
#if defined(LAM_TILES)
#include "tiles.h"
#endif
#include "half_product.h"
#include "half_attention.h"
#endif
#if defined(LAM_SPLIT_BLOCK)
#include "split.h"
#endif
#include "convolution.h"
#include "rotary.h"

const LamKernels NAMED(lam_kernels) = {
    .name = ISA_NAME,
    .add = NAMED(add),
    .multiply = NAMED(multiply),
    .sum_of_squares = NAMED(sum_of_squares),
    .sum_of_squared_differences = NAMED(sum_of_squared_differences),
    .scaled_difference = NAMED(scaled_difference),
    .column_sums = NAMED(column_sums),
    .layer_norm = NAMED(layer_norm),
    .layer_norm_backward = NAMED(layer_norm_backward),
    .rms_norm = NAMED(rms_norm),
    .small_attention = NAMED(small_attention),
    .small_attention_backward = NAMED(small_attention_backward),
    .rotate_halves = NAMED(rotate_halves),
    .adamw = NAMED(adamw),
    .moving_average = NAMED(moving_average),
    .patchify = NAMED(patchify),
    .half_from_float = NAMED(half_from_float),
    .half_to_float = NAMED(half_to_float),
    .half_column_sums = NAMED(half_column_sums),
    .half_from_float_with_sums = NAMED(half_from_float_with_sums),
    .half_multiply = NAMED(half_multiply),
    .half_layer_norm = NAMED(half_layer_norm),
    .half_layer_norm_backward = NAMED(half_layer_norm_backward),
    .half_affine = NAMED(half_affine),
    .half_pair_attention = NAMED(half_pair_attention),
    .half_pair_attention_backward = NAMED(half_pair_attention_backward),
    .vector_convolution = NAMED(vector_convolution),
    .convolution_operand = NAMED(convolution_operand),
    .lanes = LANES,
    .panel_columns = LAM_PANEL_COLUMNS,
    .pack_right = NAMED(pack_right),
    .product = NAMED(product),
    .add_runs = NAMED(add_runs),
    .multiply_adds = NAMED(multiply_adds),
    .head_attention_scratch = NAMED(head_attention_scratch),
    .head_attention = NAMED(head_attention),
    .head_attention_backward = NAMED(head_attention_backward),
#if defined(LAM_HALF_UNITS)
    .half_pack_right = NAMED(half_pack_right),
    .half_pack_left = NAMED(half_pack_left),
    .half_product = NAMED(half_product),
    .half_attention_scratch = NAMED(half_attention_scratch),
    .half_attention = NAMED(half_attention),
    .half_attention_backward = NAMED(half_attention_backward),
    .convolution = NAMED(convolution),
#endif
#if defined(LAM_SPLIT_BLOCK)
    .split_pack_right = NAMED(split_pack_right),
    .split_pack_left = NAMED(split_pack_left),
    .split_product = NAMED(split_product),
#endif
};
