/*
 * fuzz.h - what a fuzz target is: one file fuzz_NAME.c with the two functions below, found by run.sh. Inputs
 * that crash, leak, hang, overflow or break a CHECK are bugs; everything else, errors above all, is fine.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/str.h"

/* libFuzzer's entry point: read SIZE bytes that may be anything. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Append good input number INDEX to OUT, from which mutation starts; false past the last. */
bool fuzz_seed(size_t index, str *out);

/* Must hold whatever the input. */
#define CHECK(condition)           \
    do {                           \
        if (!(condition)) abort(); \
    } while (0)

#endif
