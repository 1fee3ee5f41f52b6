/*
 * ops_fused.cpp - convolutions that add and activate on their way out: the plugin's own and oneDNN's.
 *
 * libtorch 2 has them for what its compiler makes: operators without a declaration in C++, found in the
 * dispatcher by name and called with a stack. Whether they are there and compute what is expected is tried
 * with one pixel, so that another version's schema, or a processor without the instructions, only means that
 * those are computed one after the other.
 */
#include <vector>

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/full.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <c10/core/GradMode.h>

#include "engine/torch/convolve_winograd.hpp"
#include "engine/torch/plugin.hpp"

namespace {

using arguments = std::vector<c10::IValue>;

at::Tensor call(const char *name, const char *overload, arguments stack) {
    const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(found.has_value(), "this libtorch has no ", name);
    TORCH_CHECK(found->schema().arguments().size() == stack.size(), name, " takes other arguments here");
    found->callBoxed(&stack);
    return stack.at(0).toTensor();
}

/* An activation as oneDNN is told of it: its name and its bounds. */
struct attribute {
    const char *name;
    std::vector<double> bounds;
};

attribute attribute_of(unary_op op) {
    switch (op) {
    case UNARY_NONE:
        return {"none", {}};
    case UNARY_RELU:
        return {"relu", {}};
    case UNARY_RELU6:
        return {"hardtanh", {0, 6}};
    case UNARY_SILU:
        return {"swish", {}};
    case UNARY_HARDSWISH:
        return {"hardswish", {}};
    default:
        TORCH_CHECK(false, "no convolution ends in operation ", static_cast<int>(op));
    }
}

c10::IValue scalars(const std::vector<double> &values) {
    c10::impl::GenericList list(c10::OptionalType::create(c10::NumberType::get()));
    for (double value : values)
        list.push_back(c10::IValue(at::Scalar(value)));
    return list;
}

c10::IValue numbers(const int64_t (&pair)[2]) {
    return c10::IValue(at::IntArrayRef(pair));
}

c10::IValue operand(const at::Tensor &x) {
    return x.defined() ? c10::IValue(x) : c10::IValue();
}

at::Tensor convolve(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                    const conv2d_params &p, unary_op activation) {
    const attribute a = attribute_of(activation);
    return call("mkldnn::_convolution_pointwise", "",
                {x, weight, operand(bias), numbers(p.padding), numbers(p.stride), numbers(p.dilation),
                 p.groups, a.name, scalars(a.bounds), ""});
}

/*
 * In place always: the form that gives a new tensor ends, for grouped convolutions in bf16, in an operation
 * that libtorch does not have. A copy takes no longer than the addition would.
 */
at::Tensor convolve_add(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                        const conv2d_params &p, unary_op activation, const at::Tensor &sum, bool overwrite) {
    const attribute a = attribute_of(activation);
    at::Tensor into = sum.contiguous(at::MemoryFormat::ChannelsLast);
    if (into.is_same(sum) && (!overwrite || sum.is_alias_of(x))) into = into.clone();
    const c10::IValue after = activation == UNARY_NONE ? c10::IValue() : c10::IValue(a.name);
    return call("mkldnn::_convolution_pointwise_", "binary",
                {into, x, weight, operand(bias), numbers(p.padding), numbers(p.stride), numbers(p.dilation),
                 p.groups, "add", at::Scalar(1.0), after, scalars(a.bounds), ""});
}

at::Tensor reorder(const at::Tensor &weight, const conv2d_params &p, at::IntArrayRef input) {
    return call(
        "mkldnn::_reorder_convolution_weight", "",
        {weight.contiguous(), numbers(p.padding), numbers(p.stride), numbers(p.dilation), p.groups, input});
}

/* relu(2 * 3 - 1) and relu(2 * 3 - 1 + 4), where all of it is exact. */
bool computes(at::ScalarType type) {
    const auto filled = [&](double value) {
        return at::full({1, 16, 2, 2}, value, at::TensorOptions(type))
            .contiguous(at::MemoryFormat::ChannelsLast);
    };
    const conv2d_params p = {{1, 1}, {0, 0}, {1, 1}, 16, false};
    const at::Tensor x = filled(3), bias = at::full({16}, -1, at::TensorOptions(type));
    const at::Tensor weight = reorder(at::full({16, 1, 1, 1}, 2, at::TensorOptions(type)), p, x.sizes());
    const auto all = [](const at::Tensor &y, double value) { return y.eq(value).all().item<bool>(); };
    return all(convolve(x, weight, bias, p, UNARY_RELU), 5) &&
           all(convolve_add(x, weight, bias, p, UNARY_RELU, filled(4), false), 9) &&
           all(convolve_add(x, weight, bias, p, UNARY_RELU, filled(4), true), 9);
}

bool found(at::ScalarType type) {
    const c10::NoGradGuard quiet;
    try {
        return computes(type);
    } catch (const c10::Error &) {
        return false;
    }
}

/* In float32, where those of the plugin are used without oneDNN's as well. */
bool found_single() {
    static const bool here = found(at::kFloat);
    return here;
}

void activate_(at::Tensor &y, unary_op activation) {
    switch (activation) {
    case UNARY_NONE:
        break;
    case UNARY_RELU:
        at::relu_(y);
        break;
    case UNARY_RELU6:
        at::hardtanh_(y, 0, 6);
        break;
    case UNARY_SILU:
        at::silu_(y);
        break;
    case UNARY_HARDSWISH:
        at::hardswish_(y);
        break;
    default:
        attribute_of(activation); /* throws */
    }
}

/* Weights from winograd_arrange have a dimension more. */
constexpr int64_t arranged_dims = 5;

at::Tensor by_winograd(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                       const conv2d_params &p, const conv2d_fusion &f) {
    const at::Tensor sum = f.sum ? f.sum->value : at::Tensor();
    const bool clips = f.activation == UNARY_NONE || norm_fusable(f.activation);
    at::Tensor y = winograd_fused(x, weight, bias, p, sum, f.overwrite, clips ? f.activation : UNARY_NONE);
    if (!clips) activate_(y, f.activation);
    return y;
}

at::Tensor one_by_one(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                      const conv2d_params &p, const conv2d_fusion &f) {
    at::Tensor y = at::conv2d(x, weight, bias, p.stride, p.padding, p.dilation, p.groups);
    if (f.sum) y.add_(f.sum->value);
    activate_(y, f.activation);
    return y;
}

} // namespace

namespace op {

tensor *conv2d_fused(thaw_status *status, tensor *x, tensor *weight, tensor *bias, const conv2d_params *p,
                     const conv2d_fusion *f) {
    return make(status, __func__, [&] {
        if (weight->value.dim() == arranged_dims)
            return by_winograd(x->value, weight->value, optional(bias), *p, *f);
        if (x->value.scalar_type() == at::kFloat && !found_single())
            return one_by_one(x->value, weight->value, optional(bias), *p, *f);
        if (!f->sum) return convolve(x->value, weight->value, optional(bias), *p, f->activation);
        return convolve_add(x->value, weight->value, optional(bias), *p, f->activation, f->sum->value,
                            f->overwrite);
    });
}

tensor *conv2d_fused_weight(thaw_status *status, tensor *weight, const conv2d_params *p, shape input) {
    return make(status, __func__, [&] {
        if (weight->value.scalar_type() == at::kFloat &&
            winograd_suits(extents(input), weight->value.sizes(), *p))
            return winograd_arrange(weight->value);
        if (weight->value.scalar_type() == at::kFloat && !found_single())
            return weight->value.contiguous(at::MemoryFormat::ChannelsLast);
        return reorder(weight->value, *p, extents(input));
    });
}

bool conv2d_fuses(thaw_status *status, dtype type) {
    return ask(status, __func__, false, [&] { return found(scalar_type(type)); });
}

} // namespace op
