/*
 * ops_math.cpp - arithmetic, activations and changes of shape.
 */
#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include <ATen/ops/abs.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/div.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/flatten.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/hardsigmoid.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/permute.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/relu6.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>

#include "engine/torch/plugin.hpp"

namespace op {

tensor *unary(thaw_status *status, unary_op which, tensor *x) {
    using function = at::Tensor (*)(const at::Tensor &);
    static constexpr function functions[] = {
        at::relu,
        at::relu6,
        at::sigmoid,
        at::silu,
        at::hardswish,
        at::hardsigmoid,
        [](const at::Tensor &t) { return at::gelu(t); }, /* the exact one, as nn.GELU() */
        at::tanh,
        at::sqrt,
        at::exp,
        at::log,
        at::abs,
        at::neg,
    };
    static_assert(std::size(functions) == UNARY_COUNT && UNARY_GELU == 6 && UNARY_NEG == 12,
                  "the order of types.h");
    return make(status, __func__, [&] {
        TORCH_CHECK(static_cast<unsigned>(which) < UNARY_COUNT,
                    "no such function: ", static_cast<int>(which));
        return functions[which](x->value);
    });
}

tensor *matmul(thaw_status *status, tensor *a, tensor *b) {
    return make(status, __func__, [&] { return at::matmul(a->value, b->value); });
}

tensor *add(thaw_status *status, tensor *a, tensor *b) {
    return make(status, __func__, [&] { return at::add(a->value, b->value); });
}

tensor *sub(thaw_status *status, tensor *a, tensor *b) {
    return make(status, __func__, [&] { return at::sub(a->value, b->value); });
}

tensor *mul(thaw_status *status, tensor *a, tensor *b) {
    return make(status, __func__, [&] { return at::mul(a->value, b->value); });
}

tensor *div(thaw_status *status, tensor *a, tensor *b) {
    return make(status, __func__, [&] { return at::div(a->value, b->value); });
}

tensor *scale(thaw_status *status, tensor *x, double factor, double offset) {
    return make(status, __func__, [&] {
        at::Tensor scaled = at::mul(x->value, factor);
        return offset == 0.0 ? scaled : at::add(scaled, offset);
    });
}

tensor *cat(thaw_status *status, tensor *const *items, size_t count, int64_t dim) {
    return make(status, __func__, [&] {
        std::vector<at::Tensor> list;
        list.reserve(count);
        for (size_t i = 0; i < count; i++)
            list.push_back(items[i]->value);
        return at::cat(list, dim);
    });
}

tensor *slice(thaw_status *status, tensor *x, int64_t dim, int64_t start, int64_t end, int64_t step) {
    return make(status, __func__, [&] { return at::slice(x->value, dim, start, end, step); });
}

tensor *index_select(thaw_status *status, tensor *x, int64_t dim, tensor *index) {
    return make(status, __func__, [&] { return at::index_select(x->value, dim, index->value); });
}

tensor *pad(thaw_status *status, tensor *x, const int64_t *pads, int count, double value) {
    return make(status, __func__, [&] {
        return at::constant_pad_nd(x->value, at::IntArrayRef(pads, static_cast<size_t>(count)), value);
    });
}

tensor *reshape(thaw_status *status, tensor *x, shape size) {
    return make(status, __func__, [&] { return at::reshape(x->value, extents(size)); });
}

tensor *permute(thaw_status *status, tensor *x, const int64_t *order, int count) {
    return make(status, __func__,
                [&] { return at::permute(x->value, at::IntArrayRef(order, static_cast<size_t>(count))); });
}

tensor *flatten(thaw_status *status, tensor *x, int64_t start_dim) {
    return make(status, __func__, [&] { return at::flatten(x->value, start_dim); });
}

tensor *sum(thaw_status *status, tensor *x) {
    return make(status, __func__, [&] { return at::sum(x->value); });
}

tensor *mean(thaw_status *status, tensor *x, const int64_t *dims, int count, bool keepdim) {
    return make(status, __func__, [&] {
        if (count == 0) return at::mean(x->value);
        return at::mean(x->value, at::IntArrayRef(dims, static_cast<size_t>(count)), keepdim);
    });
}

double norm(thaw_status *status, tensor *x) {
    return ask(status, __func__, NAN, [&] {
        const at::NoGradGuard quiet;
        /* Summed in at least single precision. */
        const at::ScalarType type = x->value.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
        return at::linalg_vector_norm(x->value, 2, at::OptionalIntArrayRef(), false, type).item().toDouble();
    });
}

/* As norm, of all of them, read back once. */
bool norms(thaw_status *status, tensor *const *x, size_t count, double *out) {
    return ask(status, __func__, false, [&] {
        const at::NoGradGuard quiet;
        std::vector<at::Tensor> each;
        for (size_t i = 0; i < count; i++) {
            const at::ScalarType type = x[i]->value.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
            each.push_back(at::linalg_vector_norm(x[i]->value, 2, at::OptionalIntArrayRef(), false, type));
        }
        if (each.empty()) return true;
        const at::Tensor all = at::stack(each).to(at::kCPU).to(at::kDouble);
        std::copy_n(all.data_ptr<double>(), count, out);
        return true;
    });
}

} // namespace op
