/*
 * fuzz_theme.c - a theme file.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tui/theme.h"

bool fuzz_seed(size_t index, str *out) {
    static const char theme[] = "{\"name\":\"x\",\"about\":\"y\",\"roles\":{\"text\":{\"fg\":\"default\"},"
                                "\"accent\":{\"fg\":\"#ff8800\",\"bg\":\"blue\",\"attr\":\"bold underline\"},"
                                "\"bad\":{\"fg\":203,\"mono\":\"reverse\"}}}";
    if (index) return false;
    str_append(out, theme);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    theme t;
    thaw_status status = theme_parse((const char *)data, size, "theme.json", &t);
    if (!thaw_failed(&status)) CHECK(t.name);
    theme_clear(&t);
    return 0;
}
