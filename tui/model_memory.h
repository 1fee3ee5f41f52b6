/*
 * model_memory.h - whether what training takes fits into the memory that there is.
 */
#ifndef TUI_MODEL_MEMORY_H
#define TUI_MODEL_MEMORY_H

#include "thaw/memory.h"
#include "tui/model_query.h"
#include "tui/run_view.h"

/* TOTAL bytes beside AVAILABLE (-1: not known): fits in four fifths of it, is tight in the rest. */
model_fit model_memory_fit(double total, int64_t available);
/* The memory that R's device has left; -1: not known. LIVE (may be NULL) tells of a CUDA device, if libtorch
 * was loaded for it: nobody else can. */
int64_t model_memory_available(const thaw_recipe *r, const run_view *live);
/* "auto" becomes the CUDA device that LIVE knows it to be. */
void model_memory_settle_device(thaw_recipe *r, const run_view *live);
/* Bytes of memory this process has in use; NaN where the system does not say. */
double model_memory_resident(void);

#endif
