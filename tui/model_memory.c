/*
 * model_memory.c - see model_memory.h.
 */
#include "tui/model_memory.h"

model_fit model_memory_fit(double total, int64_t available) {
    static const double comfortable = 0.8; /* the estimate itself is no better than that */
    if (!(total > 0) || available < 0) return MODEL_FIT_UNKNOWN;
    if (total <= comfortable * (double)available) return MODEL_FITS;
    return total <= (double)available ? MODEL_TIGHT : MODEL_TOO_BIG;
}

int64_t model_memory_available(const thaw_recipe *r) {
    return thaw_memory_on_device(r) ? -1 : thaw_memory_available();
}
