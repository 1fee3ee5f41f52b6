/*
 * winograd_avx2.cpp - the loops of winograd.hpp for AVX2 and FMA.
 */
#include "engine/torch/winograd.hpp"

#ifdef __x86_64__

#include "engine/torch/winograd_loops.hpp"

typedef float vector __attribute__((vector_size(32)));

const winograd_loops winograd_avx2 = loops_of<vector>;

#endif
