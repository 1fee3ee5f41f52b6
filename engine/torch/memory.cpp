/*
 * memory.cpp - libtorch takes the memory of its tensors from functions of the program: see pool.h.
 */
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include "engine/torch/plugin.hpp"

namespace {

/* One for the process, never taken back: tensors may outlive whoever opened libtorch. */
class borrowed_memory final : public c10::Allocator {
  public:
    void *(*take)(size_t bytes) = nullptr;
    void (*give)(void *memory) = nullptr;

#if TORCH_AT_LEAST(2, 3)
    c10::DataPtr allocate(size_t bytes) override {
        return taken(bytes);
    }
    void copy_data(void *to, const void *from, std::size_t count) const override {
        default_copy_data(to, from, count);
    }
#else
    c10::DataPtr allocate(size_t bytes) const override {
        return taken(bytes);
    }
#endif
    c10::DeleterFnPtr raw_deleter() const override {
        return give;
    }

  private:
    c10::DataPtr taken(size_t bytes) const {
        void *memory = bytes ? take(bytes) : nullptr;
        TORCH_CHECK(memory || !bytes, "out of memory: there are no ", bytes, " bytes for a tensor");
        return {memory, memory, give, at::Device(at::kCPU)};
    }
};

borrowed_memory source;

} // namespace

namespace op {

bool set_memory(thaw_status *status, void *(*take)(size_t), void (*give)(void *)) {
    return ask(status, __func__, false, [&] {
        source.take = take;
        source.give = give;
        c10::SetCPUAllocator(&source, /*priority=*/1);
        return true;
    });
}

} // namespace op
