/*
 * ops_graph.cpp - CUDA graphs. The only file that needs CUDA's own headers; without them there are no graphs.
 */
#include <memory>
#include <optional>

#include "engine/torch/plugin.hpp"

#if TORCH_AT_LEAST(2, 1) && \
    __has_include(<c10/cuda/impl/cuda_cmake_macros.h>) && __has_include(<cuda_runtime_api.h>)

#include <atomic>
#include <map>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/cuda.h>

struct cuda_graph {
    at::cuda::CUDAGraph recorded;
    /* This thread's, while another stream is recorded. */
    c10::DeviceIndex device_before;
    std::optional<c10::cuda::CUDAStream> stream_before;
    bool broken = false;
};

namespace {

/* A recording that could not be begun or ended leaves libtorch's allocator pointing to it: it is never freed,
 * and none is begun after it. */
std::atomic<bool> broken{false};

/* The allocator is done with what was recorded, whatever became of it since: a graph that finds no memory to
 * be made ready for launching, say. */
bool is_over(at::cuda::CUDAGraph &recorded) noexcept {
    try {
        recorded.pool();
        return true;
    } catch (...) {
        return false;
    }
}

/* One a device, for libtorch keeps memory for each stream that it multiplied matrices on. */
c10::cuda::CUDAStream aside(c10::DeviceIndex device) {
    static std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
    auto found = streams.find(device);
    if (found == streams.end())
        found = streams.emplace(device, c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device)).first;
    return found->second;
}

void put_back(cuda_graph *g) {
    if (g->stream_before) c10::cuda::setCurrentCUDAStream(*g->stream_before);
    g->stream_before.reset();
    c10::cuda::ExchangeDevice(g->device_before);
}

} // namespace

namespace op {

bool graphs(thaw_status *, device) {
    return !broken;
}

cuda_graph *graph_begin(thaw_status *status, device d) {
    return ask(status, __func__, static_cast<cuda_graph *>(nullptr), [&] {
        TORCH_CHECK(!broken, "an earlier CUDA graph could not be recorded");
        const auto index = static_cast<c10::DeviceIndex>(d.index);
        torch::cuda::synchronize(d.index);
        /* A graph's memory is its own: what steps have left behind is of no use to it. */
        c10::cuda::CUDACachingAllocator::emptyCache();
        const auto stream = aside(index);
        const auto before = c10::cuda::ExchangeDevice(index);
        auto g = std::make_unique<cuda_graph>();
        g->device_before = before;
        g->stream_before = c10::cuda::getCurrentCUDAStream(index);
        c10::cuda::setCurrentCUDAStream(stream);
        /* Other threads go on asking for pinned memory meanwhile, which the stricter modes take for a
         * mistake.
         */
        try {
            g->recorded.capture_begin({0, 0}, cudaStreamCaptureModeRelaxed);
        } catch (...) {
            put_back(g.get());
            g.release()->broken = broken = true;
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
    if (!done && !is_over(g->recorded)) g->broken = broken = true;
    put_back(g);
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
        if (!g->broken) delete g;
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
