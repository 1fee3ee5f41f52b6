/*
 * fetch.h - getting pretrained weights that are not on this machine yet.
 *
 * A file comes over HTTP into NAME.part, goes on from there when it was interrupted, is compared with the
 * hash that its name promises, and only then gets its name: where PyTorch looks for it as well. Fetching the
 * same file twice at once, from any threads or processes, is safe: the second waits. Nothing here needs
 * libtorch.
 */
#ifndef THAW_FETCH_H
#define THAW_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "thaw/catalog.h"
#include "thaw/status.h"

typedef enum thaw_fetch_stage {
    THAW_FETCH_CONNECTING,
    THAW_FETCH_RECEIVING,
    THAW_FETCH_RETRYING, /* the last try failed, as `why` says; the next one is in `wait` seconds */
    THAW_FETCH_WAITING,  /* another one is fetching this file */
    THAW_FETCH_CHECKING, /* the hash: `done` bytes have been looked at */
} thaw_fetch_stage;

typedef struct thaw_fetch_progress {
    thaw_fetch_stage stage;
    int64_t done;  /* bytes of the file that are here */
    int64_t total; /* -1: not known */
    double rate;   /* bytes a second lately; NaN: not known */
    double left;   /* seconds to go; NaN: not known */
    int failures;  /* tries in a row that failed */
    double wait;   /* THAW_FETCH_RETRYING: seconds until the next try */
    const char *why;
} thaw_fetch_progress;

/* Start from thaw_fetch_default_params: it looks at the environment. Nothing is copied. */
typedef struct thaw_fetch_params {
    const char *folder; /* where to put it; NULL: where PyTorch keeps its downloads */
    const char
        *mirror;       /* what stands for https://download.pytorch.org/models/; NULL: nothing. $THAW_MIRROR */
    bool offline;      /* ask nobody. $THAW_OFFLINE, $HF_HUB_OFFLINE */
    bool check;        /* compare a file that is there already with the hash in its name */
    double timeout;    /* seconds without data until a try has failed: 30. $THAW_FETCH_TIMEOUT */
    int tries;         /* in a row, without any new byte, until it gives up: 5. $THAW_FETCH_TRIES */
    double first_wait; /* seconds before the second try; they double: 1. $THAW_FETCH_WAIT */
    /* Called several times a second on the thread that fetches; false stops, keeping what is there. Or NULL.
     */
    bool (*progress)(void *user, const thaw_fetch_progress *p);
    void *user;
} thaw_fetch_params;
thaw_fetch_params thaw_fetch_default_params(void);
thaw_status thaw_fetch_check_params(const thaw_fetch_params *params); /* is the mirror an address? */

typedef struct thaw_fetch_result {
    char *path;      /* of the file; NULL when it failed */
    bool fetched;    /* false: it was there already */
    bool checked;    /* against its hash, now */
    int64_t bytes;   /* of the file */
    int64_t resumed; /* of these were there from an earlier try */
} thaw_fetch_result;
void thaw_fetch_result_clear(thaw_fetch_result *r);

/* The address that INFO's file is got from under PARAMS, without a password; owned by the caller, NULL: none.
 */
char *thaw_fetch_address(const thaw_weights_info *info, const thaw_fetch_params *params);
/* Where its file is already, as thaw_fetch would find it: in the folder of PARAMS, or wherever
 * thaw_catalog_locate does. NULL: it would be fetched. Owned by the caller. */
char *thaw_fetch_find(const thaw_weights_info *info, const thaw_fetch_params *params);
/* Where it is put under PARAMS; owned by the caller. */
char *thaw_fetch_destination(const thaw_weights_info *info, const thaw_fetch_params *params);

/* Make sure that INFO's file is on this machine: find it, or fetch it. THAW_ERR_CANCELLED when `progress`
 * said so; the message tells what was kept. */
thaw_status thaw_fetch(const thaw_weights_info *info, const thaw_fetch_params *params,
                       thaw_fetch_result *out);

#endif
