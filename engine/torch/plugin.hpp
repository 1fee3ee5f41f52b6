/*
 * plugin.hpp - what the plugin's C++ files share: the handle, the guards that turn exceptions into a
 * thaw_status, and the declarations of all operations from the table in plugin.h.
 *
 * Only the files that include this one know libtorch, and only they may know that its versions differ.
 */
#ifndef ENGINE_TORCH_PLUGIN_HPP
#define ENGINE_TORCH_PLUGIN_HPP

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <torch/version.h>

#include "engine/torch/plugin.h"

/* 11300 for 1.13.0: what #if lines compare. */
#define TORCH_AT_LEAST(major, minor) \
    (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

struct tensor {
    at::Tensor value;
    explicit tensor(at::Tensor made);
    ~tensor();
    tensor(const tensor &) = delete;
    tensor &operator=(const tensor &) = delete;
};

/* An optional operand: an undefined tensor is libtorch's "none". */
inline at::Tensor optional(const tensor *x) {
    return x ? x->value : at::Tensor();
}

at::ScalarType scalar_type(dtype type); /* throws for a value that is none */
at::Device device_of(device d);
inline at::IntArrayRef extents(const shape &size) {
    return at::IntArrayRef(size.dim, static_cast<size_t>(size.ndim));
}

/* Called while an exception is being handled: says in STATUS what it was, with WHAT in front. */
void report(thaw_status *status, const char *what) noexcept;

/* The guards. WHAT is the operation's name (__func__). */
template <class Body> tensor *make(thaw_status *status, const char *what, Body body) noexcept {
    try {
        return new tensor(body());
    } catch (...) {
        report(status, what);
        return nullptr;
    }
}

template <class Body> void change(thaw_status *status, const char *what, Body body) noexcept {
    try {
        body();
    } catch (...) {
        report(status, what);
    }
}

/* A change in place that autograd does not see, as `with torch.no_grad()` gives. */
template <class Body> void quietly(thaw_status *status, const char *what, Body body) noexcept {
    change(status, what, [&] {
        const at::NoGradGuard quiet;
        body();
    });
}

template <class Result, class Body>
Result ask(thaw_status *status, const char *what, Result otherwise, Body body) noexcept {
    try {
        return body();
    } catch (...) {
        report(status, what);
        return otherwise;
    }
}

namespace op {
#define DECLARE_MAKER(name, params, args, given)   tensor *name(thaw_status *status, TORCH_UNPAREN params);
#define DECLARE_CHANGER(name, params, args, given) void name(thaw_status *status, TORCH_UNPAREN params);
#define DECLARE_QUERY(result, name, params)        result name(thaw_status *status, TORCH_UNPAREN params);
TORCH_MAKERS(DECLARE_MAKER)
TORCH_CHANGERS(DECLARE_CHANGER)
TORCH_QUERIES(DECLARE_QUERY)
} // namespace op

#endif
