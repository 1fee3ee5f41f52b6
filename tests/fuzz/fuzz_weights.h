/*
 * fuzz_weights.h - opening bytes as a weights file and touching all that it lists.
 */
#ifndef TESTS_FUZZ_FUZZ_WEIGHTS_H
#define TESTS_FUZZ_FUZZ_WEIGHTS_H

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/weights.h"
#include "tests/fuzz/fuzz.h"

enum { FUZZ_ELEMENTS_MAX = 1 << 14 }; /* an expanded view may claim any number */

static inline void fuzz_weights(const uint8_t *data, size_t size) {
    weights_file *f;
    thaw_status status = weights_open_memory("file", data, size, &f);
    if (thaw_failed(&status)) {
        CHECK(status.message[0] && !strpbrk(status.message, "\n\033"));
        return;
    }
    status = weights_understand(&f);
    if (thaw_failed(&status)) return;
    for (size_t i = 0; i < weights_count(f); i++) {
        const weights_entry *e = weights_at(f, i);
        int64_t elements = shape_elements(&e->size);
        CHECK(elements >= 0 && weights_find(f, e->key) == e);
        if (elements > FUZZ_ELEMENTS_MAX) continue;
        void *out = xmalloc((size_t)elements * sizeof(double));
        status = weights_copy(e, e->type < DTYPE_I64 ? DTYPE_F64 : DTYPE_I64, out);
        CHECK(!thaw_failed(&status));
        free(out);
    }
    weights_close(f);
}

#endif
