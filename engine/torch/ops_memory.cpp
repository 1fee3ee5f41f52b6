/*
 * ops_memory.cpp - making tensors, moving them and reading them back.
 */
#include <cmath>
#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>

#include "engine/torch/plugin.hpp"

namespace {

at::MemoryFormat layout(memory_format f) {
    switch (f) {
    case FORMAT_CHANNELS_LAST:
        return at::MemoryFormat::ChannelsLast;
    case FORMAT_CONTIGUOUS:
        return at::MemoryFormat::Contiguous;
    default:
        return at::MemoryFormat::Preserve;
    }
}

at::Tensor dense(const at::Tensor &x) {
    return x.is_mkldnn() ? x.to_dense() : x;
}

/* The elements in row-major order in host memory; X itself when they are. */
at::Tensor on_host(const at::Tensor &x) {
    return dense(x.detach()).to(at::kCPU).contiguous();
}

} // namespace

namespace op {

tensor *empty(thaw_status *status, shape size, dtype type, device d, memory_format f) {
    return make(status, __func__, [&] {
        const auto options = at::TensorOptions(scalar_type(type)).device(device_of(d));
        return at::empty(extents(size), options,
                         f == FORMAT_PRESERVE ? at::MemoryFormat::Contiguous : layout(f));
    });
}

tensor *full(thaw_status *status, shape size, double value, dtype type, device d) {
    return make(status, __func__, [&] {
        return at::full(extents(size), value, at::TensorOptions(scalar_type(type)).device(device_of(d)));
    });
}

tensor *from_data(thaw_status *status, shape size, dtype type, const void *bytes, device d) {
    return make(status, __func__, [&] {
        at::Tensor seen =
            at::from_blob(const_cast<void *>(bytes), extents(size), at::TensorOptions(scalar_type(type)));
        return seen.to(device_of(d), seen.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
    });
}

tensor *from_blob(thaw_status *status, shape size, dtype type, void *bytes, memory_format f) {
    return make(status, __func__, [&] {
        const at::TensorOptions options(scalar_type(type));
        if (f != FORMAT_CHANNELS_LAST) return at::from_blob(bytes, extents(size), options);
        TORCH_CHECK(size.ndim == 4, "channels_last needs 4 dimensions, not ", size.ndim);
        const int64_t channels = size.dim[1], width = size.dim[3], row = width * channels;
        return at::from_blob(bytes, extents(size), {size.dim[2] * row, 1, row, channels}, options);
    });
}

tensor *pinned(thaw_status *status, size_t bytes) {
    return make(status, __func__, [&] {
        const auto options = at::TensorOptions(at::kByte).pinned_memory(true);
        return at::empty({static_cast<int64_t>(bytes)}, options);
    });
}

tensor *clone(thaw_status *status, tensor *x) {
    return make(status, __func__, [&] { return x->value.clone(); });
}

tensor *detach(thaw_status *status, tensor *x) {
    return make(status, __func__, [&] { return x->value.detach(); });
}

tensor *to(thaw_status *status, tensor *x, device d, dtype type, memory_format f) {
    return make(status, __func__, [&] {
        if (f == FORMAT_BLOCKED) return x->value.is_mkldnn() ? x->value : x->value.to_mkldnn();
        if (f != FORMAT_PRESERVE && x->value.is_mkldnn()) return x->value.to_dense().contiguous(layout(f));
        const bool upload = device_of(d).is_cuda() && x->value.device().is_cpu() && x->value.is_pinned();
        at::Tensor y = x->value.to(device_of(d), scalar_type(type), /*non_blocking=*/upload, /*copy=*/false,
                                   f == FORMAT_CHANNELS_LAST ? layout(f) : at::MemoryFormat::Preserve);
        /* A view with gaps counts as being in its base's format, but is not contiguous in it. */
        return f == FORMAT_PRESERVE ? y : y.contiguous(layout(f));
    });
}

void copy_(thaw_status *status, tensor *into, tensor *from) {
    change(status, __func__, [&] {
        const at::NoGradGuard quiet;
        TORCH_CHECK(into->value.sizes() == from->value.sizes(), "cannot copy ", from->value.sizes(), " into ",
                    into->value.sizes());
        into->value.copy_(from->value);
    });
}

bool read(thaw_status *status, tensor *x, void *out, size_t bytes) {
    return ask(status, __func__, false, [&] {
        TORCH_CHECK(x->value.nbytes() == bytes, "the tensor has ", x->value.nbytes(),
                    " bytes, the caller has room for ", bytes);
        if (bytes) std::memcpy(out, on_host(x->value).data_ptr(), bytes);
        return true;
    });
}

double item(thaw_status *status, tensor *x) {
    return ask(status, __func__, double(NAN), [&] {
        TORCH_CHECK(x->value.numel() == 1, "the tensor has ", x->value.numel(), " elements instead of one");
        return x->value.item().toDouble();
    });
}

shape shape_of(thaw_status *status, tensor *x) {
    return ask(status, __func__, shape{}, [&] {
        const at::IntArrayRef sizes = x->value.sizes();
        TORCH_CHECK(sizes.size() <= SHAPE_MAX_DIMS, sizes.size(), " dimensions are more than ",
                    int(SHAPE_MAX_DIMS));
        shape out{};
        out.ndim = static_cast<int>(sizes.size());
        std::copy(sizes.begin(), sizes.end(), out.dim);
        return out;
    });
}

int64_t version_of(thaw_status *status, tensor *x) {
    return ask(status, __func__, int64_t{0}, [&] { return static_cast<int64_t>(x->value._version()); });
}

dtype dtype_of(thaw_status *status, tensor *x) {
    return ask(status, __func__, DTYPE_F32, [&] {
        for (int i = 0; i < DTYPE_COUNT; i++)
            if (scalar_type(static_cast<dtype>(i)) == x->value.scalar_type()) return static_cast<dtype>(i);
        TORCH_CHECK(false, "the element type ", x->value.scalar_type(), " has no counterpart here");
    });
}

/* Bits, not values: -0 is not 0, and a NaN equals the same NaN. */
bool equal(thaw_status *status, tensor *a, tensor *b) {
    return ask(status, __func__, false, [&] {
        const at::Tensor &x = a->value, &y = b->value;
        if (x.scalar_type() != y.scalar_type() || x.sizes() != y.sizes()) return false;
        if (x.numel() == 0) return true;
        const at::Tensor p = on_host(x), q = on_host(y);
        return std::memcmp(p.data_ptr(), q.data_ptr(), p.nbytes()) == 0;
    });
}

void *data(thaw_status *status, tensor *x, memory_format f) {
    return ask(status, __func__, static_cast<void *>(nullptr), [&] {
        const at::Tensor &y = x->value;
        return y.is_cpu() && y.is_contiguous(layout(f)) ? y.data_ptr() : nullptr;
    });
}

} // namespace op
