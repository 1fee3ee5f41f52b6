/*
 * model_memory.h - whether what training takes fits into the memory that there is.
 */
#ifndef TUI_MODEL_MEMORY_H
#define TUI_MODEL_MEMORY_H

#include "thaw/memory.h"
#include "tui/model_query.h"

/* TOTAL bytes beside AVAILABLE (-1: not known): fits in four fifths of it, is tight in the rest. */
model_fit model_memory_fit(double total, int64_t available);
/* The memory that R's device has left; -1: not known, as on a CUDA device. */
int64_t model_memory_available(const thaw_recipe *r);

#endif
