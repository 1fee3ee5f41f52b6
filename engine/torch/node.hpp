/*
 * node.hpp - how a step of autograd's graph that the plugin computes itself is owned.
 */
#ifndef ENGINE_TORCH_NODE_HPP
#define ENGINE_TORCH_NODE_HPP

#include <memory>
#include <type_traits>

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

/* It differs between versions of libtorch 2. */
using node_pointer = std::decay_t<decltype(std::declval<const at::Tensor &>().grad_fn())>;

template <class Pointer> Pointer own_node(torch::autograd::Node *node) {
    if constexpr (std::is_same_v<Pointer, std::shared_ptr<torch::autograd::Node>>)
        return Pointer(node, [](auto *made) { deleteNode(made); });
    else
        return Pointer::unsafe_steal_from_new(node);
}

/* An operation on FROM has to be recorded. */
inline bool node_wanted(const torch::autograd::variable_list &from) {
    if (!c10::GradMode::is_enabled()) return false;
    for (const at::Tensor &t : from)
        if (t.defined() && t.requires_grad()) return true;
    return false;
}

#endif
