/*
 * ops_norm.cpp - batch norm in one pass with the addition and the activation that follow, and its gradient.
 *
 * libtorch goes over an activation for each of them, forward and back, and it is memory that such a step
 * waits for: here forward reads it twice and writes once, and so does backward, which finds out where the
 * activation let something pass from the norm's own input.
 */
#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/saved_variable.h>

#include "engine/torch/loops_common.hpp"
#include "engine/torch/node.hpp"
#include "engine/torch/norm_loops.hpp"
#include "engine/torch/plugin.hpp"

namespace {

namespace autograd = torch::autograd;

constexpr int64_t chunk_values = 65536; /* of an activation, for one thread to sum */
constexpr int64_t chunks_most = 128;

/* ---- rows, shared out among threads ---- */

struct rows {
    norm_type type;
    int64_t count, channels, chunk; /* the last: rows of one */

    explicit rows(const at::Tensor &x)
        : type(x.scalar_type() == at::kFloat ? norm_type::single : norm_type::narrow),
          count(x.size(0) * x.size(2) * x.size(3)), channels(x.size(1)) {
        const int64_t least = (count + chunks_most - 1) / chunks_most, usual = chunk_values / channels;
        chunk = std::max({least, usual, int64_t{1}});
    }
    int64_t chunks() const {
        return (count + chunk - 1) / chunk;
    }
    norm_span span(int64_t i) const {
        const int64_t from = i * chunk;
        return {type, static_cast<size_t>(from), static_cast<size_t>(std::min(chunk, count - from)),
                static_cast<size_t>(channels)};
    }
};

/* BODY(span, number) for each chunk. */
template <class Body> void each_chunk(const rows &r, Body body) {
    at::parallel_for(0, r.chunks(), 1, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; i++)
            body(r.span(i), i);
    });
}

/* Two numbers a channel of each chunk. */
struct partial {
    int64_t channels;
    std::vector<float> value;

    explicit partial(const rows &r)
        : channels(r.channels), value(static_cast<size_t>(2 * r.channels * r.chunks())) {
    }
    float *first(int64_t chunk) {
        return value.data() + 2 * channels * chunk;
    }
    float *second(int64_t chunk) {
        return first(chunk) + channels;
    }
};

/* ---- by channel ---- */

using numbers = std::vector<float>;

struct statistics {
    numbers mean, variance; /* biased */
};

/* Those of the batch. */
statistics batch_statistics(const rows &r, const at::Tensor &x) {
    partial p(r);
    each_chunk(
        r, [&](const norm_span &s, int64_t i) { norm_moments(s, x.data_ptr(), p.first(i), p.second(i)); });
    const auto channels = static_cast<size_t>(r.channels);
    std::vector<double> mean(channels), square(channels);
    for (int64_t i = 0; i < r.chunks(); i++) {
        const norm_span s = r.span(i);
        norm_join(channels, s.row, s.count, p.first(i), p.second(i), mean.data(), square.data());
    }
    statistics out{numbers(mean.begin(), mean.end()), numbers(channels)};
    for (size_t c = 0; c < channels; c++)
        out.variance[c] = static_cast<float>(square[c] / static_cast<double>(r.count));
    return out;
}

numbers values_of(const at::Tensor &t) {
    return numbers(t.data_ptr<float>(), t.data_ptr<float>() + t.numel());
}

/* As torch.nn.BatchNorm2d does: the variance of the running ones is the unbiased. */
void move_statistics(const norm_fusion &f, const statistics &of, int64_t count) {
    const double keep = 1 - f.momentum,
                 unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
    at::Tensor &mean = f.running_mean->value, &var = f.running_var->value;
    float *m = mean.data_ptr<float>(), *v = var.data_ptr<float>();
    for (size_t c = 0; c < of.mean.size(); c++) {
        m[c] = static_cast<float>(keep * m[c] + f.momentum * of.mean[c]);
        v[c] = static_cast<float>(keep * v[c] + f.momentum * unbiased * of.variance[c]);
    }
    mean.unsafeGetTensorImpl()->bump_version();
    var.unsafeGetTensorImpl()->bump_version();
}

/* y = x scale + shift, with scale = weight deviates, deviates = 1 / sqrt(variance + eps). */
struct line {
    numbers mean, deviates, scale, shift;

    line(statistics &&of, const at::Tensor &weight, const at::Tensor &bias, double eps)
        : mean(std::move(of.mean)), deviates(std::move(of.variance)), scale(mean.size()), shift(mean.size()) {
        const float *w = weight.data_ptr<float>(), *b = bias.data_ptr<float>();
        for (size_t c = 0; c < mean.size(); c++) {
            deviates[c] = 1 / std::sqrt(deviates[c] + static_cast<float>(eps));
            scale[c] = w[c] * deviates[c];
            shift[c] = b[c] - mean[c] * scale[c];
        }
    }
};

/* ---- backward ---- */

enum input { INPUT_X, INPUT_WEIGHT, INPUT_BIAS, INPUT_SUM };

struct norm_backward : autograd::Node {
    autograd::SavedVariable x, y; /* y: only where something was added before the activation */
    line by;
    norm_clip clip;
    bool training, gate_by_y, clips;

    norm_backward(line l, norm_clip c, bool train, bool by_y, bool clipping)
        : by(std::move(l)), clip(c), training(train), gate_by_y(by_y), clips(clipping) {
    }

    autograd::variable_list apply(autograd::variable_list &&gradients) override;

    void release_variables() override {
        x.reset_data();
        y.reset_data();
    }

    std::string name() const override {
        return "thaw_norm_backward";
    }
};

struct channel_sums {
    numbers gradient, product; /* of G, and of G (X - mean) */
};

/* What goes back through a norm, and what it met on its way there. */
struct passage {
    rows r;
    at::Tensor x, dy;
    norm_gate gate;
    const line &by;
};

channel_sums sum_gradients(const passage &of, void *passed) {
    partial p(of.r);
    each_chunk(of.r, [&](const norm_span &s, int64_t i) {
        norm_gradient_sums(s, of.x.data_ptr(), of.dy.data_ptr(), of.gate, of.by.mean.data(), passed,
                           p.first(i), p.second(i));
    });
    const auto channels = static_cast<size_t>(of.r.channels);
    channel_sums out{numbers(channels), numbers(channels)};
    for (int64_t i = 0; i < of.r.chunks(); i++)
        for (size_t c = 0; c < channels; c++) {
            out.gradient[c] += p.first(i)[c];
            out.product[c] += p.second(i)[c];
        }
    return out;
}

at::Tensor of_channels(const numbers &from, const numbers *factor) {
    const at::Tensor out = at::empty({static_cast<int64_t>(from.size())}, at::kFloat);
    for (size_t c = 0; c < from.size(); c++)
        out.data_ptr<float>()[c] = factor ? from[c] * (*factor)[c] : from[c];
    return out;
}

/*
 * With N values a channel and the batch's own statistics,
 * dx = scale (G - sum(G) / N - (x - mean) deviates^2 sum(G (x - mean)) / N); with the running ones scale G.
 */
void input_gradient(const passage &of, const channel_sums &sums, bool training, const at::Tensor &dx) {
    const auto channels = static_cast<size_t>(of.r.channels);
    const auto count = static_cast<float>(of.r.count);
    numbers even(channels), steep(channels);
    for (size_t c = 0; training && c < channels; c++) {
        even[c] = sums.gradient[c] / count;
        steep[c] = of.by.deviates[c] * of.by.deviates[c] * sums.product[c] / count;
    }
    each_chunk(of.r, [&](const norm_span &s, int64_t) {
        norm_gradient(s, of.x.data_ptr(), of.dy.data_ptr(), of.gate, of.by.mean.data(), even.data(),
                      steep.data(), of.by.scale.data(), dx.data_ptr());
    });
}

/* Nobody else has it, so its memory may be written over. */
bool only_ours(const at::Tensor &t) {
    return t.use_count() == 1 && t.storage().use_count() == 1;
}

autograd::variable_list norm_backward::apply(autograd::variable_list &&gradients) {
    const at::NoGradGuard quiet;
    autograd::variable_list out(4);
    if (!gradients[0].defined()) return out;
    const at::Tensor from = x.unpack(), result = gate_by_y ? y.unpack() : at::Tensor();
    at::Tensor dy = std::move(gradients[0]);
    dy = channels_last(dy.to(from.scalar_type()));
    const auto wants = [&](input i) { return task_should_compute_output(i); };
    const bool passes = wants(INPUT_SUM) && clips, reuse = only_ours(dy);
    const at::Tensor passed = !passes ? at::Tensor() : reuse ? dy : at::empty_like(dy);
    const norm_gate gate{gate_by_y ? result.data_ptr() : nullptr, by.scale.data(), by.shift.data(), clip};
    passage of{rows(from), from, std::move(dy), gate, by};
    channel_sums sums;
    if (training || passes || wants(INPUT_WEIGHT) || wants(INPUT_BIAS))
        sums = sum_gradients(of, passes ? passed.data_ptr() : nullptr);
    if (passes) { /* it has been through the gate */
        of.dy = passed;
        of.gate = {nullptr, by.scale.data(), by.shift.data(), clip_of(UNARY_NONE)};
    }
    if (wants(INPUT_SUM)) out[INPUT_SUM] = of.dy;
    if (wants(INPUT_WEIGHT)) out[INPUT_WEIGHT] = of_channels(sums.product, &by.deviates);
    if (wants(INPUT_BIAS)) out[INPUT_BIAS] = of_channels(sums.gradient, nullptr);
    if (wants(INPUT_X)) {
        const bool in_place = reuse && !wants(INPUT_SUM);
        out[INPUT_X] =
            in_place ? of.dy : at::empty(from.sizes(), from.options(), at::MemoryFormat::ChannelsLast);
        input_gradient(of, sums, training, out[INPUT_X]);
    }
    return out;
}

/* ---- forward ---- */

void check(const at::Tensor &x, const at::Tensor &sum, const norm_fusion &f) {
    const bool narrow = x.scalar_type() == at::kBFloat16;
    TORCH_CHECK(x.is_cpu() && x.dim() == 4 && (narrow || x.scalar_type() == at::kFloat),
                "it takes images in float32 or bfloat16 on the CPU");
    for (const tensor *t : {f.weight, f.bias, f.running_mean, f.running_var})
        TORCH_CHECK(t->value.is_contiguous() && t->value.scalar_type() == at::kFloat &&
                        t->value.numel() == x.size(1),
                    "weight, bias and statistics have to be one float32 a channel");
    TORCH_CHECK(!sum.defined() || sum.sizes() == x.sizes(), "what is added has other extents");
    TORCH_CHECK(x.numel() > 0 && (!f.training || x.numel() > x.size(1)),
                "one value a channel has no variance");
}

at::Tensor compute(const at::Tensor &x, const at::Tensor &sum, const line &by, norm_clip clip) {
    const at::Tensor y = at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast);
    each_chunk(rows(x), [&](const norm_span &s, int64_t) {
        norm_apply(s, x.data_ptr(), sum.defined() ? sum.data_ptr() : nullptr, y.data_ptr(), by.scale.data(),
                   by.shift.data(), clip);
    });
    return y;
}

void record(at::Tensor &y, const at::Tensor &x, const at::Tensor &sum, const norm_fusion &f, line by) {
    const autograd::variable_list from{x, f.weight->value, f.bias->value, sum};
    if (!node_wanted(from)) return;
    const bool clips = f.activation != UNARY_NONE, by_y = clips && sum.defined();
    auto *node = new norm_backward(std::move(by), clip_of(f.activation), f.training, by_y, clips);
    const node_pointer owner = own_node<node_pointer>(node);
    node->set_next_edges(autograd::collect_next_edges(from[0], from[1], from[2], from[3]));
    node->x = autograd::SavedVariable(x, /*is_output=*/false);
    if (by_y)
        node->y = autograd::SavedVariable(y.detach(), /*is_output=*/false); /* else they own each other */
    autograd::create_gradient_edge(y, owner);
}

} // namespace

namespace op {

tensor *batch_norm_fused(thaw_status *status, tensor *input, const norm_fusion *f) {
    return make(status, __func__, [&] {
        check(input->value, optional(f->sum), *f);
        const at::Tensor x = channels_last(input->value);
        const at::Tensor sum = f->sum ? channels_last(f->sum->value.to(x.scalar_type())) : at::Tensor();
        const rows r(x);
        statistics of = f->training
                            ? batch_statistics(r, x)
                            : statistics{values_of(f->running_mean->value), values_of(f->running_var->value)};
        if (f->training) move_statistics(*f, of, r.count);
        line by(std::move(of), f->weight->value, f->bias->value, f->eps);
        at::Tensor y = compute(x, sum, by, clip_of(f->activation));
        record(y, x, sum, *f, std::move(by));
        return y;
    });
}

} // namespace op
