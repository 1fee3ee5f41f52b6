/*
 * transfer.h - one HTTP request that adds to a partial file.
 */
#ifndef ENGINE_NET_TRANSFER_H
#define ENGINE_NET_TRANSFER_H

#include <stdbool.h>

#include "engine/net/part.h"
#include "thaw/status.h"

typedef enum transfer_end {
    TRANSFER_WHOLE,       /* everything the server has is there */
    TRANSFER_AGAIN,       /* failed in a way that may pass: `why` and `asked` */
    TRANSFER_UNREACHABLE, /* the same, but nobody answered at all */
    TRANSFER_STOPPED,     /* `going` said so */
    TRANSFER_FAILED,      /* the status says why; trying again would not help */
} transfer_end;

typedef struct transfer_params {
    const char *url;
    double timeout; /* seconds without data until it fails */
    /* Called several times a second, with the size of the whole file (-1: not known). False stops. */
    bool (*going)(void *user, int64_t total);
    void *user;
} transfer_params;

enum { TRANSFER_WHY_MAX = 320 };

typedef struct transfer_result {
    transfer_end end;
    char why[TRANSFER_WHY_MAX];
    double asked;  /* seconds the server asks to be left alone, or 0 */
    int64_t total; /* bytes of the whole file, -1: not known */
} transfer_result;

/* Ask for what P lacks and write it there. A server that sends the whole file again makes P start anew. */
thaw_status transfer_run(part *p, const transfer_params *params, transfer_result *out);

#endif
