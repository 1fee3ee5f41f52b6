/*
 * address.h - URLs and the hashes in file names: text only, no network.
 */
#ifndef ENGINE_NET_ADDRESS_H
#define ENGINE_NET_ADDRESS_H

#include <stdbool.h>

#include "thaw/status.h"

/* Fails unless URL begins with http:// or https:// and names a host; WHAT it is goes into the message. */
thaw_status address_check(const char *what, const char *url);

/* BASE and PATH with one '/' between; owned by the caller. */
char *address_join(const char *base, const char *path);

/* URL as it may be shown: a password in it ("https://me:secret@host/") becomes "***". Owned by the caller. */
char *address_shown(const char *url);

/*
 * The beginning of the SHA-256 that a file's name promises, "f37072fd" of "resnet18-f37072fd.pth" as PyTorch
 * writes them: at least 8 lower-case hex digits between the last '-' and the first '.' after it. A name that
 * is nothing but 64 hex digits (how the Hugging Face cache names its blobs) is a whole one. NULL when the
 * name, or path, has none; owned by the caller.
 */
char *address_hash(const char *name);

#endif
