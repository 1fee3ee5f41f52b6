/*
 * ops_foreach.cpp - changes of many tensors at once: on CUDA a launch or two instead of one a tensor.
 */
#include <vector>

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sqrt.h>

#include "engine/torch/plugin.hpp"

#if TORCH_AT_LEAST(2, 0)
#include <ATen/ops/_foreach_lerp.h>
#endif

namespace {

using tensors = std::vector<at::Tensor>;

tensors list_of(tensor *const *item, size_t count) {
    tensors list;
    list.reserve(count);
    for (size_t i = 0; i < count; i++)
        list.push_back(item[i]->value);
    return list;
}

/* The elements of X and LIKE lie in the same order: their strides differ at most where there is one element.
 */
bool same_order(const at::Tensor &x, const at::Tensor &like) {
    if (x.sizes() != like.sizes()) return false;
    for (int64_t i = 0; i < x.dim(); i++)
        if (x.size(i) != 1 && x.stride(i) != like.stride(i)) return false;
    return true;
}

/*
 * Operands that go with the items of LIKE. libtorch takes lists as a whole only where the strides are equal,
 * and goes one by one where a single pair is not. A 1x1 convolution's weight and its gradient in
 * channels_last differ in the strides of their extents of 1, which mean nothing: such are seen with those of
 * LIKE.
 */
tensors operands(tensor *const *item, size_t count, const tensors &like) {
    tensors list = list_of(item, count);
    for (size_t i = 0; i < count; i++)
        if (list[i].strides() != like[i].strides() && same_order(list[i], like[i]))
            list[i] = list[i].as_strided(list[i].sizes(), like[i].strides());
    return list;
}

} // namespace

namespace op {

void foreach_scale_(thaw_status *status, tensor *const *x, size_t count, double factor, double offset) {
    quietly(status, __func__, [&] {
        const tensors list = list_of(x, count);
        at::_foreach_mul_(list, at::Scalar(factor));
        if (offset != 0.0) at::_foreach_add_(list, at::Scalar(offset));
    });
}

void foreach_add_(thaw_status *status, tensor *const *x, tensor *const *y, size_t count, double alpha) {
    quietly(status, __func__, [&] {
        const tensors list = list_of(x, count);
        at::_foreach_add_(list, operands(y, count, list), at::Scalar(alpha));
    });
}

void foreach_addcmul_(thaw_status *status, tensor *const *x, tensor *const *a, tensor *const *b, size_t count,
                      double v) {
    quietly(status, __func__, [&] {
        const tensors list = list_of(x, count);
        at::_foreach_addcmul_(list, operands(a, count, list), operands(b, count, list), at::Scalar(v));
    });
}

void foreach_addcdiv_(thaw_status *status, tensor *const *x, tensor *const *a, tensor *const *b, size_t count,
                      double v) {
    quietly(status, __func__, [&] {
        const tensors list = list_of(x, count);
        at::_foreach_addcdiv_(list, operands(a, count, list), operands(b, count, list), at::Scalar(v));
    });
}

/* Older versions have it for single tensors only. */
void foreach_lerp_(thaw_status *status, tensor *const *x, tensor *const *y, size_t count, double weight) {
    quietly(status, __func__, [&] {
#if TORCH_AT_LEAST(2, 0)
        const tensors list = list_of(x, count);
        at::_foreach_lerp_(list, operands(y, count, list), at::Scalar(weight));
#else
        for (size_t i = 0; i < count; i++)
            x[i]->value.lerp_(y[i]->value, weight);
#endif
    });
}

bool foreach_sqrt(thaw_status *status, tensor *const *x, size_t count, tensor **out) {
    return ask(status, __func__, false, [&] {
        const tensors roots = at::_foreach_sqrt(list_of(x, count));
        for (size_t i = 0; i < count; i++)
            out[i] = new tensor(roots[i]);
        return true;
    });
}

} // namespace op
