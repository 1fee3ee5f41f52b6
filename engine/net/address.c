/*
 * address.c - see address.h.
 */
#include "engine/net/address.h"

#include <string.h>
#include <strings.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/sha256.h"

enum { HASH_LEAST = 8, HASH_WHOLE = SHA256_HEX_MAX - 1 };

/* After "http://" or "https://", or NULL. */
static const char *after_scheme(const char *url) {
    static const char *const scheme[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof scheme / sizeof scheme[0]; i++)
        if (!strncasecmp(url, scheme[i], strlen(scheme[i]))) return url + strlen(scheme[i]);
    return NULL;
}

thaw_status address_check(const char *what, const char *url) {
    const char *host = after_scheme(url);
    if (!host || !host[0] || host[0] == '/')
        return thaw_error(THAW_ERR_USAGE, "%s %s: expected an address that begins with https:// or http://",
                          what, url);
    if (url[strcspn(url, " \t\r\n")])
        return thaw_error(THAW_ERR_USAGE, "%s %s: an address has no blanks; write %%20 for one", what, url);
    return thaw_ok();
}

char *address_join(const char *base, const char *path) {
    size_t length = strlen(base);
    while (length && base[length - 1] == '/')
        length--;
    return xasprintf("%.*s/%s", (int)length, base, path + strspn(path, "/"));
}

char *address_shown(const char *url) {
    const char *host = after_scheme(url);
    if (!host) return xstrdup(url);
    size_t length = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', length), *colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
    if (!colon) return xstrdup(url);
    return xasprintf("%.*s:***%s", (int)(colon - url), url, at);
}

char *address_hash(const char *name) {
    static const char digits[] = "0123456789abcdef";
    name = path_base(name);
    if (strlen(name) == HASH_WHOLE && strspn(name, digits) == HASH_WHOLE) return xstrdup(name);
    const char *dash = strrchr(name, '-');
    if (!dash) return NULL;
    size_t length = strspn(dash + 1, digits);
    return length >= HASH_LEAST && length <= HASH_WHOLE && dash[1 + length] == '.'
               ? xstrndup(dash + 1, length)
               : NULL;
}
