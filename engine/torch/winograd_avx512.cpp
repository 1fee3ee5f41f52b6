/*
 * winograd_avx512.cpp - the loops of winograd.hpp for AVX-512.
 */
#include "engine/torch/winograd.hpp"

#ifdef __x86_64__

#include "engine/torch/winograd_loops.hpp"

typedef float vector __attribute__((vector_size(64)));

const winograd_loops winograd_avx512 = loops_of<vector>;

#endif
