/*
 * curl.c - see curl.h.
 */
#include "engine/net/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

/* The process's one libcurl: it cannot be initialised twice, nor unloaded safely. */
static struct {
    pthread_once_t once;
    curl_library library;
    thaw_status status;
} loaded = {.once = PTHREAD_ONCE_INIT};

static void *open_library(void) {
    static const char *const name[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"};
    const char *chosen = getenv("THAW_LIBCURL");
    if (chosen && chosen[0]) return dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        void *library = dlopen(name[i], RTLD_NOW | RTLD_LOCAL);
        if (library) return library;
    }
    return NULL;
}

static thaw_status load(curl_library *out) {
    void *library = open_library();
    if (!library)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "fetching needs libcurl, which could not be loaded (%s): apt-get install libcurl4",
                          dlerror());
    const char *missing = NULL;
#define CURL_LOAD(name)                                                         \
    *(void **)&out->name = dlsym(library, "curl_" #name); /* as POSIX has it */ \
    if (!out->name) missing = "curl_" #name;
    CURL_FUNCTIONS(CURL_LOAD)
#undef CURL_LOAD
    if (missing)
        return thaw_error(THAW_ERR_UNSUPPORTED, "this libcurl has no %s; install one that is 7.66 or newer",
                          missing);
    CURLcode code = out->global_init(CURL_GLOBAL_DEFAULT);
    if (code)
        return thaw_error(THAW_ERR_UNSUPPORTED, "libcurl does not start: %s; install libcurl4 again",
                          out->easy_strerror(code));
    return thaw_ok();
}

static void load_once(void) {
    loaded.status = load(&loaded.library);
}

thaw_status curl_open(const curl_library **out) {
    pthread_once(&loaded.once, load_once);
    *out = &loaded.library;
    return loaded.status;
}
