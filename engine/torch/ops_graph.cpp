/*
 * ops_graph.cpp - CUDA graphs. The only file that needs CUDA's own headers; without them there are no graphs.
 */
#include <memory>
#include <optional>

#include "engine/torch/plugin.hpp"

#if TORCH_AT_LEAST(2, 1) && \
    __has_include(<c10/cuda/impl/cuda_cmake_macros.h>) && __has_include(<cuda_runtime_api.h>)

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/cuda.h>

struct cuda_graph {
    at::cuda::CUDAGraph recorded;
    std::optional<c10::cuda::CUDAStream> before; /* this thread's, while another one is recorded */
};

namespace op {

bool graphs(thaw_status *, device) {
    return true;
}

cuda_graph *graph_begin(thaw_status *status, device d) {
    return ask(status, __func__, static_cast<cuda_graph *>(nullptr), [&] {
        const auto index = static_cast<c10::DeviceIndex>(d.index);
        torch::cuda::synchronize(d.index);
        /* A graph's memory is its own: what steps have left behind is of no use to it. */
        c10::cuda::CUDACachingAllocator::emptyCache();
        auto g = std::make_unique<cuda_graph>();
        const auto aside = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index);
        const auto before = c10::cuda::getCurrentCUDAStream(index);
        c10::cuda::setCurrentCUDAStream(aside);
        g->before = before;
        /* Other threads go on asking for pinned memory meanwhile, which the stricter modes take for a
         * mistake. */
        try {
            g->recorded.capture_begin({0, 0}, cudaStreamCaptureModeRelaxed);
        } catch (...) {
            c10::cuda::setCurrentCUDAStream(before);
            throw;
        }
        return g.release();
    });
}

bool graph_end(thaw_status *status, cuda_graph *g) {
    const bool done = ask(status, __func__, false, [&] {
        g->recorded.capture_end();
        return true;
    });
    if (g->before) c10::cuda::setCurrentCUDAStream(*g->before);
    g->before.reset();
    return done;
}

bool graph_launch(thaw_status *status, cuda_graph *g) {
    return ask(status, __func__, false, [&] {
        g->recorded.replay();
        return true;
    });
}

bool graph_free(thaw_status *status, cuda_graph *g) {
    return ask(status, __func__, false, [&] {
        delete g;
        return true;
    });
}

} // namespace op

#else

namespace op {

bool graphs(thaw_status *, device) {
    return false;
}

cuda_graph *graph_begin(thaw_status *status, device) {
    return ask(status, __func__, static_cast<cuda_graph *>(nullptr),
               [&]() -> cuda_graph * { TORCH_CHECK(false, "this libtorch has no CUDA graphs"); });
}

bool graph_end(thaw_status *, cuda_graph *) {
    return false;
}

bool graph_launch(thaw_status *, cuda_graph *) {
    return false;
}

bool graph_free(thaw_status *, cuda_graph *) {
    return false;
}

} // namespace op

#endif
