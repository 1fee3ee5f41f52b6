/*
 * download.h - a file from a URL: as many transfers as it takes, then the check, then its name.
 */
#ifndef ENGINE_NET_DOWNLOAD_H
#define ENGINE_NET_DOWNLOAD_H

#include "thaw/fetch.h"
#include "thaw/status.h"

typedef struct download_params {
    const char *url, *path;
    const char *hash;             /* what its SHA-256 begins with, in lower-case hex; NULL: not known */
    const thaw_fetch_params *how; /* patience and progress */
} download_params;

typedef struct download_result {
    bool fetched; /* false: another one finished it while we waited */
    int64_t bytes, resumed;
} download_result;

/* When it fails or is stopped, what has come so far stays beside PATH unless it was found to be wrong. */
thaw_status download(const download_params *params, download_result *out);

#endif
