/*
 * seeds.c - linked to every target: writes its good inputs into the folder $FUZZ_SEEDS before fuzzing starts,
 * so that none has to be kept in the repository.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *folder = getenv("FUZZ_SEEDS");
    str seed = {0};
    (void)argc, (void)argv;
    for (size_t i = 0; folder && fuzz_seed(i, &seed); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
        thaw_status status = file_replace(path, str_text(&seed), seed.length);
        if (thaw_failed(&status)) {
            fprintf(stderr, "%s\n", status.message);
            exit(1);
        }
        str_reset(&seed);
    }
    str_clear(&seed);
    return 0;
}
