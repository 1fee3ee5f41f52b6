/*
 * autograd.cpp - gradients, and the changes in place that never appear in a graph.
 */
#include <ATen/ops/relu.h>

#include "engine/torch/plugin.hpp"

/*
 * <ATen/autocast_mode.h> would bring in all of ATen, 12 s of compiling for these. They are mangled names:
 * what differs in another version fails to link.
 */
namespace at::autocast {
#if TORCH_AT_LEAST(2, 4)
TORCH_API void set_autocast_enabled(at::DeviceType kind, bool on);
TORCH_API void set_autocast_dtype(at::DeviceType kind, at::ScalarType type);
#else
TORCH_API void set_enabled(bool on);
TORCH_API void set_cpu_enabled(bool on);
TORCH_API void set_autocast_gpu_dtype(at::ScalarType type);
TORCH_API void set_autocast_cpu_dtype(at::ScalarType type);
#endif
TORCH_API void clear_cache();
} // namespace at::autocast

namespace op {

void fill_(thaw_status *status, tensor *x, double value) {
    quietly(status, __func__, [&] { x->value.fill_(value); });
}

void add_(thaw_status *status, tensor *x, tensor *y, double alpha) {
    quietly(status, __func__, [&] {
        const bool whole = at::isIntegralType(x->value.scalar_type(), /*includeBool=*/true);
        x->value.add_(y->value, whole ? at::Scalar(static_cast<int64_t>(alpha)) : at::Scalar(alpha));
    });
}

/* Recorded: part of a forward pass. */
void relu_(thaw_status *status, tensor *x) {
    change(status, __func__, [&] { at::relu_(x->value); });
}

void requires_grad_(thaw_status *status, tensor *x, bool on) {
    change(status, __func__, [&] { x->value.requires_grad_(on); });
}

tensor *grad(thaw_status *status, tensor *x) {
    if (!x->value.grad().defined()) return nullptr;
    return make(status, __func__, [&] { return x->value.grad(); });
}

void drop_grad(thaw_status *status, tensor *x) {
    change(status, __func__, [&] { x->value.mutable_grad().reset(); });
}

void set_grad(thaw_status *status, tensor *x, tensor *grad) {
    change(status, __func__, [&] { x->value.mutable_grad() = grad->value; });
}

void touch(thaw_status *status, tensor *x) {
    change(status, __func__, [&] { x->value.unsafeGetTensorImpl()->bump_version(); });
}

bool backward(thaw_status *status, tensor *loss) {
    return ask(status, __func__, false, [&] {
        loss->value.backward();
        return true;
    });
}

bool on_gradient(thaw_status *status, tensor *x, gradient_call *call, void *user, int64_t tag) {
    return ask(status, __func__, false, [&] {
        if (!x->value.requires_grad()) return false;
        x->value.register_hook([call, user, tag](const at::TensorBase &) { call(user, tag); });
        return true;
    });
}

bool grad_mode(thaw_status *, bool on) {
    const bool before = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(on);
    return before;
}

bool autocast(thaw_status *status, device d, bool on, dtype type) {
    return ask(status, __func__, false, [&] {
        const bool cuda = d.kind == DEVICE_CUDA;
#if TORCH_AT_LEAST(2, 4)
        const at::DeviceType kind = cuda ? at::kCUDA : at::kCPU;
        if (on) at::autocast::set_autocast_dtype(kind, scalar_type(type));
        at::autocast::set_autocast_enabled(kind, on);
#else
        if (on && cuda) at::autocast::set_autocast_gpu_dtype(scalar_type(type));
        if (on && !cuda) at::autocast::set_autocast_cpu_dtype(scalar_type(type));
        cuda ? at::autocast::set_enabled(on) : at::autocast::set_cpu_enabled(on);
#endif
        if (!on) at::autocast::clear_cache();
        return true;
    });
}

} // namespace op
