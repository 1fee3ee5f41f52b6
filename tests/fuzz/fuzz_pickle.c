/*
 * fuzz_pickle.c - the pickle of a .pth: the input is data.pkl, put into a zip with one storage, "a".
 */
#include <string.h>

#include "tests/fuzz/fuzz_weights.h"
#include "tests/unit/weights_fixture.h"

static const fix_tensor tensors[] = {
    {"conv.weight", "FloatStorage", "a", 16, 0, {2, {2, 3}}, {3, 1}},
    {"module.half", "HalfStorage", "a", 16, 1, {3, {2, 2, 2}}, {1, 4, 2}},
    {"count", "LongStorage", "a", 8, 7, {0, {0}}, {0}},
};

bool fuzz_seed(size_t index, str *out) {
    static const char checkpoint[] =
        "\x80\x04}(\x8c\x05"
        "epochK\x07\x8c\x04"
        "argscargparse\nNamespace\n)\x81}b\x8c"
        "\x05"
        "best_G\x3f\xf8\0\0\0\0\0\0\x8c\x05setsx\x8f(K\x01\x90\x94\x8c\x05model}u.";
    if (index < 2) {
        fix_state_dict(out, tensors, 1 + 2 * index, index);
        str_append(out, ".");
        return true;
    }
    if (index > 2) return false;
    str_append_n(out, checkpoint, sizeof checkpoint - 1);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t storage[64] = {1, 2, 3};
    fix_zip z = {0};
    fix_zip_store(&z, "a/data.pkl", data, size);
    fix_zip_store(&z, "a/data/a", storage, sizeof storage);
    fix_zip_end(&z);
    uint8_t *exact = xmalloc(z.out.length);
    memcpy(exact, z.out.data, z.out.length);
    fuzz_weights(exact, z.out.length);
    free(exact);
    fix_zip_clear(&z);
    return 0;
}
