/*
 * blas.c - which BLAS libtorch multiplies matrices with.
 *
 * Debian's libtorch calls whatever libblas.so.3 the system's alternatives point to. The one that counts is
 * the one whose sgemm_ the dynamic linker gives to libtorch, so that is what is asked, instead of guessing
 * from which libraries are loaded: an OpenBLAS may be loaded for another library's sake and not be used.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/torch/torch.h"

/* The first two words of openblas_get_config() ("OpenBLAS 0.3.21 NO_LAPACKE ...") and the kernels chosen. */
static bool describe_openblas(void *blas, char *out, size_t size) {
    char *(*config)(void);
    char *(*core)(void);
    *(void **)&config = dlsym(blas, "openblas_get_config");
    *(void **)&core = dlsym(blas, "openblas_get_corename");
    if (!config) return false;
    const char *text = config();
    size_t length = strcspn(text, " ");
    if (text[length]) length += 1 + strcspn(text + length + 1, " ");
    snprintf(out, size, "%.*s (%s)", (int)length, text, core ? core() : "unknown kernels");
    return true;
}

void plugin_find_blas(void *plugin, const plugin_facts *plugin_says, torch_facts *facts) {
    if (plugin_says->mkl[0]) {
        snprintf(facts->blas, sizeof facts->blas, "%s", plugin_says->mkl);
        return;
    }
    Dl_info where;
    void *sgemm = dlsym(plugin, "sgemm_");
    if (!sgemm || !dladdr(sgemm, &where) || !where.dli_fname) {
        snprintf(facts->blas, sizeof facts->blas, "built into libtorch");
        return;
    }
    void *blas = dlopen(where.dli_fname, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    bool openblas = blas && describe_openblas(blas, facts->blas, sizeof facts->blas);
    if (blas) dlclose(blas);
    if (openblas) return;

    /* Debian's alternatives: the folder of the real file tells which it is ("blas", "atlas", "blis-openmp").
     */
    char *path = realpath(where.dli_fname, NULL);
    const char *real = path ? path : where.dli_fname;
    facts->slow_blas = strstr(real, "/blas/") != NULL;
    snprintf(facts->blas, sizeof facts->blas, "%s%.100s", facts->slow_blas ? "reference BLAS, " : "", real);
    free(path);
}
