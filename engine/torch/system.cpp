/*
 * system.cpp - what this libtorch is, its threads and its devices.
 *
 * A CUDA device is asked about through the driver, libcuda.so.1, which libtorch has loaded already: its C
 * interface is stable, so neither CUDA headers nor a CUDA build of the plugin are needed.
 */
#include <cstdio>
#include <cstring>
#include <string>

#include <dlfcn.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/cuda.h>

#include "engine/torch/convolve_winograd.hpp"
#include "engine/torch/plugin.hpp"

namespace {

void copy_text(char *out, size_t size, const std::string &text) {
    std::snprintf(out, size, "%s", text.c_str());
}

/* The text between MARK and any of STOP in show_config(), or "". */
std::string config_value(const std::string &config, const char *mark, const char *stop) {
    size_t start = config.find(mark);
    if (start == std::string::npos) return "";
    start += std::strlen(mark);
    return config.substr(start, config.find_first_of(stop, start) - start);
}

/* The driver's functions by name; null where there is no driver or no such function. */
struct cuda_driver {
    void *library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    ~cuda_driver() {
        if (library) dlclose(library);
    }
    template <class Function> Function find(const char *name) const {
        return library ? reinterpret_cast<Function>(dlsym(library, name)) : nullptr;
    }
};

void describe_cuda(int index, char *name, size_t name_size, uint64_t *free_bytes, uint64_t *total_bytes) {
    /* The driver's memory query asks this thread's current context: it is the device's for as long as the
     * guard is here, and there is one once something was made on the device.
     */
    const at::Device here(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    const c10::DeviceGuard current(here);
    const at::Tensor touch = at::empty({1}, at::TensorOptions(at::kFloat).device(here));
    const cuda_driver driver;
    int handle = 0;
    char found[128] = "";
    size_t unused = 0, all = 0;
    if (auto get = driver.find<int (*)(int *, int)>("cuDeviceGet"); !get || get(&handle, index) != 0) return;
    if (auto ask_name = driver.find<int (*)(char *, int, int)>("cuDeviceGetName");
        ask_name && ask_name(found, sizeof found, handle) == 0)
        std::snprintf(name, name_size, "%s", found);
    if (auto memory = driver.find<int (*)(size_t *, size_t *)>("cuMemGetInfo_v2");
        memory && memory(&unused, &all) == 0) {
        *free_bytes = unused;
        *total_bytes = all;
    }
}

} // namespace

namespace op {

bool describe(thaw_status *status, plugin_facts *out) {
    return ask(status, __func__, false, [&] {
        *out = {};
        const std::string config = at::show_config();
        const std::string version = config_value(config, "TORCH_VERSION=", ", \n");
        copy_text(out->version, sizeof out->version, version.empty() ? TORCH_VERSION : version);
        if (at::hasMKL()) {
            const std::string mkl = config_value(config, "Math Kernel Library Version ", " \n");
            copy_text(out->mkl, sizeof out->mkl, mkl.empty() ? "MKL" : "MKL " + mkl);
        }
        out->onednn = at::globalContext().hasMKLDNN();
#ifdef _OPENMP
        out->openmp = true;
#endif
        out->winograd = winograd_possible();
        /* The same run twice is the same run, as on the processor. */
        at::globalContext().setDeterministicCuDNN(true);
        out->cuda_built = at::globalContext().hasCUDA() || config.find("CUDA Runtime") != std::string::npos;
        out->cuda_devices = torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
        Dl_info where;
        if (dladdr(reinterpret_cast<void *>(&at::show_config), &where) && where.dli_fname)
            copy_text(out->library, sizeof out->library, where.dli_fname);
        return true;
    });
}

int set_threads(thaw_status *status, int threads) {
    return ask(status, __func__, 0, [&] {
        at::set_num_threads(threads);
        return at::get_num_threads();
    });
}

bool describe_device(thaw_status *status, device d, char *name, size_t name_size, uint64_t *free_bytes,
                     uint64_t *total_bytes) {
    return ask(status, __func__, false, [&] {
        std::snprintf(name, name_size, "CUDA device %d", d.index);
        *free_bytes = *total_bytes = 0;
        if (d.kind == DEVICE_CUDA) describe_cuda(d.index, name, name_size, free_bytes, total_bytes);
        return true;
    });
}

bool synchronize(thaw_status *status, device d) {
    return ask(status, __func__, false, [&] {
        if (d.kind == DEVICE_CUDA) torch::cuda::synchronize(d.index);
        return true;
    });
}

} // namespace op
