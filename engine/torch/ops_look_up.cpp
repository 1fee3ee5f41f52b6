/*
 * ops_look_up.cpp - a table of what bytes stand for, applied to all of a tensor in one pass.
 *
 * libtorch has no such operation, but it does have the iterator that its own are made of, which shares the
 * work out among its threads. That iterator knows no channels; so the table's first column goes along as an
 * operand of its own, and where it stands is the row to look in.
 */
#include <ATen/TensorIterator.h>

#include "engine/torch/plugin.hpp"

namespace {

enum { RGB = 3, VALUES = 256, PIECE = 1 << 15 /* elements that are worth another thread */ };

struct strides {
    int64_t out, in, row; /* bytes */
};

/* What an iterator's bytes are. */
template <class T> T *as(char *bytes) {
    return static_cast<T *>(static_cast<void *>(bytes));
}

template <class T> const T *as(const char *bytes) {
    return static_cast<const T *>(static_cast<const void *>(bytes));
}

void look_up_any(char *out, const char *in, const char *row, strides step, int64_t count) {
    for (int64_t i = 0; i < count; i++, out += step.out, in += step.in, row += step.row)
        *as<float>(out) = as<float>(row)[static_cast<uint8_t>(*in)];
}

/* Whole pixels of three channels side by side. */
void look_up_rgb(char *out, const char *in, const char *row, int64_t pixels) {
    auto *y = as<float>(out);
    const auto *x = as<uint8_t>(in);
    const auto *red = as<float>(row), *green = red + VALUES, *blue = green + VALUES;
    for (int64_t i = 0; i < pixels; i++, y += RGB, x += RGB) {
        y[0] = red[x[0]];
        y[1] = green[x[1]];
        y[2] = blue[x[2]];
    }
}

/* An iterator's loop: INNER elements by the first three strides, OUTER times by the others. */
void look_up_block(char **data, const int64_t *step, int64_t inner, int64_t outer) {
    const strides near{step[0], step[1], step[2]}, far{step[3], step[4], step[5]};
    const int64_t number = sizeof(float);
    const bool rgb = inner == RGB && near.out == number && near.in == 1 && near.row == VALUES * number &&
                     far.out == RGB * number && far.in == RGB && far.row == 0;
    if (rgb) return look_up_rgb(data[0], data[1], data[2], outer);
    for (int64_t i = 0; i < outer; i++)
        look_up_any(data[0] + i * far.out, data[1] + i * far.in, data[2] + i * far.row, near, inner);
}

} // namespace

namespace op {

void look_up_(thaw_status *status, tensor *into, tensor *x, tensor *table) {
    quietly(status, __func__, [&] {
        const at::Tensor &out = into->value, &in = x->value, &rows = table->value;
        const bool bytes = in.is_cpu() && in.dim() == 4 && in.scalar_type() == at::kByte;
        TORCH_CHECK(bytes, "bytes (N, C, H, W) on the CPU are looked up, nothing else");
        const bool numbers = rows.is_cpu() && rows.dim() == 2 && rows.scalar_type() == at::kFloat &&
                             rows.is_contiguous() && rows.size(0) == in.size(1) && rows.size(1) == VALUES;
        TORCH_CHECK(numbers, "the table of ", in.size(1), " channels is (", in.size(1),
                    ", 256) numbers in float32");
        TORCH_CHECK(out.is_cpu() && out.scalar_type() == at::kFloat && out.sizes() == in.sizes(),
                    "what they stand for is as many numbers in float32");
        const at::Tensor first = rows.select(1, 0).view({1, in.size(1), 1, 1});
        at::TensorIterator all = at::TensorIteratorConfig()
                                     .add_output(out)
                                     .add_input(in)
                                     .add_input(first)
                                     .check_all_same_dtype(false)
                                     .resize_outputs(false)
                                     .build();
        all.for_each(look_up_block, PIECE);
    });
}

} // namespace op
