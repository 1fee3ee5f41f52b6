/*
 * curl.h - libcurl, loaded when something is to be fetched and not before.
 *
 * Linked, it and the 29 libraries it brings would be loaded at every start of the program, most of which
 * fetch nothing (docs/decisions.md has the figures). Only its headers are needed to build.
 */
#ifndef ENGINE_NET_CURL_H
#define ENGINE_NET_CURL_H

#include <curl/curl.h>

#include "thaw/status.h"

/* The functions we call: curl->easy_init is curl_easy_init. */
#define CURL_FUNCTIONS(X)  \
    X(global_init)         \
    X(version)             \
    X(easy_init)           \
    X(easy_setopt)         \
    X(easy_getinfo)        \
    X(easy_strerror)       \
    X(easy_cleanup)        \
    X(multi_init)          \
    X(multi_add_handle)    \
    X(multi_perform)       \
    X(multi_poll)          \
    X(multi_info_read)     \
    X(multi_remove_handle) \
    X(multi_strerror)      \
    X(multi_cleanup)       \
    X(slist_append)        \
    X(slist_free_all)

typedef struct curl_library {
#define CURL_MEMBER(name) __typeof__(&curl_##name) name;
    CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
} curl_library;

/*
 * Load it, the first time; any thread may ask. THAW_ERR_UNSUPPORTED, with what to install, when it is not
 * there. $THAW_LIBCURL names another file to load. The library is the process's and stays.
 */
thaw_status curl_open(const curl_library **out);

#endif
