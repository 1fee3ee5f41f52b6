/*
 * ops_nn.cpp - layers and losses.
 */
#include <array>

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/adaptive_max_pool2d.h>
#include <ATen/ops/add.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/softmax.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "engine/torch/convolve_winograd.hpp"
#include "engine/torch/plugin.hpp"

#if TORCH_AT_LEAST(2, 1)
#include <ATen/ops/scaled_dot_product_attention.h>
#endif

namespace {

/* Where autocast would not make something else of it, and the model's images are channels_last. */
bool by_winograd(const at::Tensor &x, const at::Tensor &weight, const conv2d_params &p) {
    return x.is_cpu() && !x.is_mkldnn() && weight.is_cpu() && x.scalar_type() == at::kFloat &&
           weight.scalar_type() == at::kFloat &&
           c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU) &&
           x.is_contiguous(at::MemoryFormat::ChannelsLast) && winograd_suits(x.sizes(), weight.sizes(), p);
}

} // namespace

namespace op {

tensor *conv2d(thaw_status *status, tensor *x, tensor *weight, tensor *bias, const conv2d_params *p) {
    return make(status, __func__, [&] {
        const auto convolve = [&] {
            if (by_winograd(x->value, weight->value, *p))
                return winograd_conv2d(x->value, weight->value, optional(bias), *p);
            return at::conv2d(x->value, weight->value, optional(bias), p->stride, p->padding, p->dilation,
                              p->groups);
        };
        if (!p->as_given) return convolve();
        const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
        return convolve();
    });
}

tensor *conv2d_weight(thaw_status *status, tensor *weight, const conv2d_params *p) {
    return make(status, __func__, [&] {
        return at::mkldnn_reorder_conv2d_weight(weight->value.to_mkldnn(), p->padding, p->stride, p->dilation,
                                                p->groups);
    });
}

tensor *linear(thaw_status *status, tensor *x, tensor *weight, tensor *bias) {
    return make(status, __func__, [&] { return at::linear(x->value, weight->value, optional(bias)); });
}

tensor *batch_norm(thaw_status *status, tensor *x, tensor *weight, tensor *bias, tensor *running_mean,
                   tensor *running_var, bool training, double momentum, double eps) {
    return make(status, __func__, [&] {
        return at::batch_norm(x->value, optional(weight), optional(bias), optional(running_mean),
                              optional(running_var), training, momentum, eps, /*cudnn_enabled=*/true);
    });
}

tensor *layer_norm(thaw_status *status, tensor *x, int normalized_dims, tensor *weight, tensor *bias,
                   double eps) {
    return make(status, __func__, [&] {
        TORCH_CHECK(normalized_dims > 0 && normalized_dims <= x->value.dim(),
                    "cannot normalise over the last ", normalized_dims, " of ", x->value.dim(),
                    " dimensions");
        const auto over = x->value.sizes().slice(x->value.dim() - normalized_dims);
#if !TORCH_AT_LEAST(2, 0)
        /* Before 2.0 a bfloat16 image and float32 weights, which autocast makes of a ViT, could not meet. */
        if (weight && weight->value.scalar_type() != x->value.scalar_type())
            return at::layer_norm(x->value.to(weight->value.scalar_type()), over, optional(weight),
                                  optional(bias), eps)
                .to(x->value.scalar_type());
#endif
        return at::layer_norm(x->value, over, optional(weight), optional(bias), eps);
    });
}

tensor *attention(thaw_status *status, tensor *q, tensor *k, tensor *v, tensor *bias, double scale) {
    return make(status, __func__, [&] {
#if TORCH_AT_LEAST(2, 1)
        /* The fused one, but for a bias that needs a gradient, which not every version of it gives. */
        if (!bias || !bias->value.requires_grad()) {
            return bias ? at::scaled_dot_product_attention(q->value, k->value, v->value,
                                                           bias->value.to(q->value.scalar_type()), 0.0, false,
                                                           scale)
                        : at::scaled_dot_product_attention(q->value, k->value, v->value, {}, 0.0, false,
                                                           scale);
        }
#endif
        at::Tensor weight = at::matmul(at::mul(q->value, scale), k->value.transpose(-2, -1));
        if (bias) weight = at::add(weight, bias->value);
        return at::matmul(at::softmax(weight, -1), v->value);
    });
}

tensor *max_pool2d(thaw_status *status, tensor *x, const pool2d_params *p) {
    return make(status, __func__, [&] {
        return at::max_pool2d(x->value, p->kernel, p->stride, p->padding, p->dilation, p->ceil_mode);
    });
}

/* CUDA's gradient of a padded pooling is wrong in channels_last (pytorch/pytorch issue 188344, mended in
 * 2026). */
tensor *avg_pool2d(thaw_status *status, tensor *x, const pool2d_params *p) {
    return make(status, __func__, [&] {
        const bool padded = p->padding[0] || p->padding[1];
        const at::Tensor input = padded && x->value.is_cuda() ? x->value.contiguous() : x->value;
        return at::avg_pool2d(input, p->kernel, p->stride, p->padding, p->ceil_mode, p->count_include_pad);
    });
}

tensor *adaptive_avg_pool2d(thaw_status *status, tensor *x, int64_t height, int64_t width) {
    return make(status, __func__, [&] { return at::adaptive_avg_pool2d(x->value, {height, width}); });
}

tensor *adaptive_max_pool2d(thaw_status *status, tensor *x, int64_t height, int64_t width) {
    return make(status, __func__, [&] {
        return std::get<0>(at::adaptive_max_pool2d(x->value, {height, width}));
    });
}

tensor *softmax(thaw_status *status, tensor *x, int64_t dim) {
    return make(status, __func__, [&] { return at::softmax(x->value, dim); });
}

tensor *log_softmax(thaw_status *status, tensor *x, int64_t dim) {
    return make(status, __func__, [&] { return at::log_softmax(x->value, dim); });
}

/* In single precision even when the logits come out of a mixed-precision pass: autocast's list of operations
   that need it differs between versions. */
tensor *cross_entropy(thaw_status *status, tensor *logits, tensor *target, double label_smoothing) {
    return make(status, __func__, [&] {
        const at::ScalarType type = logits->value.scalar_type();
        const bool narrow = type == at::kBFloat16 || type == at::kHalf;
        return at::cross_entropy_loss(narrow ? logits->value.to(at::kFloat) : logits->value, target->value,
                                      /*weight=*/{}, at::Reduction::Mean, /*ignore_index=*/-100,
                                      label_smoothing);
    });
}

} // namespace op
