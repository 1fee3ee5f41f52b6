/*
 * fuzz_order.c - a line that another process sends to a run. What is read and written out again must read as
 * the same order; the same bytes as an answer must do no harm either.
 */
#include <string.h>

#include "engine/run/order.h"
#include "tests/fuzz/fuzz.h"

/* One order of each kind, as a viewer puts it. */
bool fuzz_seed(size_t index, str *out) {
    const char *const names[] = {"conv1", "layer1.*"};
    if (index >= THAW_ORDER_COUNT) return false;
    thaw_order order = {.kind = (thaw_order_kind)index, .lr = 0.01, .frozen = names, .frozen_count = 2};
    order_write(&order, 7, out);
    out->length--; /* a line comes without its end */
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    order_read first, second;
    thaw_answer answer;
    thaw_status status = order_answer_parse((const char *)data, size, &answer);
    CHECK(thaw_failed(&status) || answer.done != (answer.problem != NULL));
    free(answer.problem);
    status = order_parse((const char *)data, size, &first);
    if (!thaw_failed(&status)) {
        str one = {0}, two = {0};
        order_write(&first.order, first.id, &one);
        CHECK(one.length && strcspn(one.data, "\n") == one.length - 1);
        status = order_parse(one.data, one.length - 1, &second);
        CHECK(!thaw_failed(&status) || one.length > ORDER_LINE_MAX);
        order_write(&second.order, second.id, &two);
        CHECK(thaw_failed(&status) || !strcmp(one.data, two.data));
        order_read_clear(&second);
        str_clear(&one);
        str_clear(&two);
    }
    order_read_clear(&first);
    return 0;
}
