/*
 * fuzz_legacy.c - a .pth in the old format. The three pickles before the structure are always right, so that
 * the fuzzer spends its time behind them.
 */
#include <string.h>

#include "tests/fuzz/fuzz_weights.h"
#include "tests/unit/weights_fixture.h"

bool fuzz_seed(size_t index, str *out) {
    str whole = {0}, begin = {0};
    if (index) return false;
    fix_sample(&whole, WEIGHTS_TORCH_LEGACY);
    fix_legacy_begin(&begin);
    str_append_n(out, whole.data + begin.length, whole.length - begin.length);
    str_clear(&whole);
    str_clear(&begin);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    str whole = {0};
    fix_legacy_begin(&whole);
    str_append_n(&whole, (const char *)data, size);
    uint8_t *exact = xmalloc(whole.length); /* so that a read past the end is seen */
    memcpy(exact, whole.data, whole.length);
    fuzz_weights(exact, whole.length);
    free(exact);
    str_clear(&whole);
    return 0;
}
