/*
 * plugin.cpp - the table that the program finds with dlsym, the handle, and how an exception becomes words.
 */
#include "engine/torch/plugin.hpp"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include <c10/util/Exception.h>

namespace {

std::atomic<int64_t> live_tensors{0};

/*
 * libtorch's messages carry a backtrace, lists of registered kernels and advice for Python. What a person
 * needs stands before those, on one or a few lines, which are joined into one.
 */
std::string first_lines(const char *text) {
    static const char *const tail[] = {"Exception raised from", "frame #", "C++ CapturedTraceback",
                                       "CPU: registered at"};
    std::string out;
    for (const char *line = text; *line;) {
        size_t length = std::strcspn(line, "\n");
        std::string one(line, length);
        bool over = one.empty() && !out.empty();
        for (const char *mark : tail)
            over = over || one.rfind(mark, 0) == 0;
        if (over) break;
        if (!out.empty() && !one.empty()) out += ' ';
        out += one;
        line += length + (line[length] == '\n');
    }
    while (!out.empty() && (out.back() == ' ' || out.back() == '.'))
        out.pop_back();
    return out;
}

bool out_of_memory(const std::string &text) {
    return text.find("out of memory") != std::string::npos ||
           text.find("DefaultCPUAllocator") != std::string::npos;
}

void say(thaw_status *status, const char *what, const char *reason) {
    const std::string text = first_lines(reason);
    const char *advice =
        !out_of_memory(text) ? ""
        : text.find("CUDA") == std::string::npos
            ? "; a smaller batch_size or image size needs less memory"
            : "; a smaller batch_size or image size needs less memory, and THAW_CUDA_GRAPHS=0 a little";
    status->code = THAW_ERR_TORCH;
    int wanted =
        std::snprintf(status->message, sizeof status->message, "%s: %s%s", what, text.c_str(), advice);
    if (wanted >= static_cast<int>(sizeof status->message))
        std::memcpy(status->message + sizeof status->message - 4, "...", 4);
}

} // namespace

void report(thaw_status *status, const char *what) noexcept {
    try {
        throw;
    } catch (const c10::Error &error) {
        say(status, what, error.what_without_backtrace());
    } catch (const std::exception &error) {
        say(status, what, error.what());
    } catch (...) {
        say(status, what, "an exception of an unknown kind");
    }
}

tensor::tensor(at::Tensor made) : value(std::move(made)) {
    live_tensors.fetch_add(1, std::memory_order_relaxed);
}

tensor::~tensor() {
    live_tensors.fetch_sub(1, std::memory_order_relaxed);
}

at::ScalarType scalar_type(dtype type) {
    static constexpr at::ScalarType types[DTYPE_COUNT] = {
        at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong,
        at::kInt,   at::kShort,  at::kChar, at::kByte,     at::kBool,
    };
    static_assert(DTYPE_F32 == 0 && DTYPE_I64 == 4 && DTYPE_BOOL == 9, "the order of engine/base/shape.h");
    TORCH_CHECK(static_cast<unsigned>(type) < DTYPE_COUNT, "no such element type: ", static_cast<int>(type));
    return types[type];
}

at::Device device_of(device d) {
    return d.kind == DEVICE_CUDA ? at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(d.index))
                                 : at::Device(at::kCPU);
}

static void release(tensor *x) {
    delete x;
}

static int64_t live() {
    return live_tensors.load(std::memory_order_relaxed);
}

#define FILL(name, params, args, given)  op::name,
#define FILL_QUERY(result, name, params) op::name,

extern "C" __attribute__((visibility("default")))
const torch_api thaw_torch_api = {TORCH_API_VERSION,
                                  sizeof(torch_api),
                                  TORCH_CONTRACT,
                                  release,
                                  live,
                                  TORCH_MAKERS(FILL) TORCH_CHANGERS(FILL) TORCH_QUERIES(FILL_QUERY)};
