// Instantiates every family for one instruction set and lists them in its table.

#include "kernels.h"
#include "vector.h"

#include "elementwise.h"
#include "layer_norm.h"
#include "rms_norm.h"
#include "gelu.h"
#include "activations.h"
#include "attention.h"
#include "rotary.h"

const LamKernels NAMED(lam_kernels) = {
    .name = ISA_NAME,
    .add = NAMED(add),
    .scale = NAMED(scale),
    .multiply = NAMED(multiply),
    .sum_of_squares = NAMED(sum_of_squares),
    .sum_of_squared_differences = NAMED(sum_of_squared_differences),
    .scaled_difference = NAMED(scaled_difference),
    .column_sums = NAMED(column_sums),
    .layer_norm = NAMED(layer_norm),
    .layer_norm_backward = NAMED(layer_norm_backward),
    .rms_norm = NAMED(rms_norm),
    .gelu = NAMED(gelu),
    .gelu_with_derivative = NAMED(gelu_with_derivative),
    .tanh_gelu = NAMED(tanh_gelu),
    .relu = NAMED(relu),
    .softmax = NAMED(softmax),
    .softmax_backward = NAMED(softmax_backward),
    .small_attention = NAMED(small_attention),
    .small_attention_backward = NAMED(small_attention_backward),
    .rotate_halves = NAMED(rotate_halves),
    .adamw = NAMED(adamw),
    .patchify = NAMED(patchify),
};
