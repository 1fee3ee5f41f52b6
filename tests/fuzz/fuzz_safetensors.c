/*
 * fuzz_safetensors.c - a whole .safetensors file.
 */
#include <string.h>

#include "tests/fuzz/fuzz_weights.h"
#include "tests/unit/weights_fixture.h"

bool fuzz_seed(size_t index, str *out) {
    if (index) return false;
    fix_sample(out, WEIGHTS_SAFETENSORS);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_weights(data, size);
    return 0;
}
