/*
 * download.c - see download.h.
 *
 * A try has failed only when it brought nothing new: a connection that drops every minute still gets a large
 * file here, and a server that cuts it at the same place every time is given up on.
 */
#include "engine/net/download.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/rng.h"
#include "engine/base/sha256.h"
#include "engine/base/str.h"
#include "engine/net/address.h"
#include "engine/net/pace.h"
#include "engine/net/part.h"
#include "engine/net/retry.h"
#include "engine/net/transfer.h"

static const double interval = 0.1; /* seconds between two reports, and of a nap */

typedef struct job {
    const download_params *params;
    part *part;
    pace pace;
    thaw_fetch_progress last; /* what was reported */
    double reported;          /* when */
    int64_t total;            /* -1: not known yet */
    int64_t first, most;      /* bytes there at the beginning, and ever */
    int failures;             /* in a row */
    rng random;
} job;

/* ---- reports ---- */

/* A change of stage is reported at once, the rest at intervals. False: the person wants no more of it. */
static bool report(job *d, thaw_fetch_progress now) {
    const thaw_fetch_params *how = d->params->how;
    double time = clock_seconds();
    if (now.stage == d->last.stage && time - d->reported < interval) return true;
    d->last = now;
    d->reported = time;
    return !how->progress || how->progress(how->user, &now);
}

static thaw_fetch_progress at(const job *d, thaw_fetch_stage stage, int64_t done) {
    return (thaw_fetch_progress){.stage = stage,
                                 .done = done,
                                 .total = d->total,
                                 .rate = (double)NAN,
                                 .left = (double)NAN,
                                 .failures = d->failures};
}

static void nap(void) {
    struct timespec time = {.tv_nsec = (long)(interval * 1e9)};
    nanosleep(&time, NULL); /* a signal may end it early */
}

static bool another_one(void *user, int64_t bytes) {
    job *d = user;
    if (!report(d, at(d, THAW_FETCH_WAITING, bytes))) return false;
    nap();
    return true;
}

static bool going(void *user, int64_t total) {
    job *d = user;
    int64_t size = part_size(d->part);
    bool receiving = total >= 0 || size != d->pace.bytes;
    if (total >= 0) d->total = total;
    if (size == d->pace.bytes && isnan(d->pace.rate)) /* the time until the first byte is not a rate */
        d->pace = pace_begin(clock_seconds(), size);
    pace_add(&d->pace, clock_seconds(), size);
    thaw_fetch_progress now = at(d, receiving ? THAW_FETCH_RECEIVING : THAW_FETCH_CONNECTING, size);
    if (receiving) {
        now.rate = d->pace.rate;
        now.left = pace_left(&d->pace, d->total);
    }
    return report(d, now);
}

static bool checking(void *user, int64_t done) {
    job *d = user;
    return report(d, at(d, THAW_FETCH_CHECKING, done));
}

/* ---- what a person is told at the end ---- */

/* "; 12.3 MB of 44.7 MB are kept in PATH.part, ...", or "". Owned by the caller. */
static char *what_is_kept(const job *d) {
    char have[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
    int64_t size = part_size(d->part);
    if (!size) return xstrdup("");
    text_bytes((double)size, have);
    char *of = d->total > 0 ? xasprintf(" of %s", text_bytes((double)d->total, all)) : xstrdup("");
    char *text = xasprintf("; %s%s are kept in %s, and fetching it again goes on from there", have, of,
                           part_path(d->part));
    free(of);
    return text;
}

static thaw_status with_rest(job *d, thaw_status status) {
    char *kept = what_is_kept(d);
    thaw_status out = thaw_error(status.code, "%s%s", status.message, kept);
    free(kept);
    return out;
}

static thaw_status stopped(job *d) {
    return with_rest(d, thaw_error(THAW_ERR_CANCELLED, "stopped fetching %s", d->params->path));
}

static thaw_status give_up(job *d, const char *why, const char *remark) {
    char *shown = address_shown(d->params->url);
    thaw_status status = thaw_error(THAW_ERR_IO, "%s: %s%s", shown, why, remark);
    free(shown);
    return with_rest(d, status);
}

/* ---- trying ---- */

/* Wait before the next try; false: stopped. */
static bool rest(job *d, const transfer_result *last) {
    double wait = retry_wait(d->failures, d->params->how->first_wait, rng_unit(&d->random), last->asked);
    double end = clock_seconds() + wait;
    for (double now; (now = clock_seconds()) < end; nap()) {
        thaw_fetch_progress p = at(d, THAW_FETCH_RETRYING, part_size(d->part));
        p.wait = end - now;
        p.why = last->why;
        if (!report(d, p)) return false;
    }
    return true;
}

/* One more try has failed: wait, or say that it was the last. */
static thaw_status after_failure(job *d, const transfer_result *last) {
    char remark[NUMBER_TEXT_MAX * 3], time[NUMBER_TEXT_MAX];
    if (part_size(d->part) > d->most) d->failures = 0;
    if (part_size(d->part) > d->most) d->most = part_size(d->part);
    d->failures++;
    if (last->end == TRANSFER_UNREACHABLE && d->most == d->first)
        return give_up(d, last->why, "; is this machine online, or is there a proxy to name in https_proxy?");
    if (last->asked > retry_asked_most) {
        snprintf(remark, sizeof remark, "; it asks to be left alone for %s, try then",
                 text_seconds(last->asked, time));
        return give_up(d, last->why, remark);
    }
    if (d->failures >= d->params->how->tries) {
        snprintf(remark, sizeof remark, "; given up after %d tries, try later", d->failures);
        return give_up(d, last->why, d->failures > 1 ? remark : "");
    }
    return rest(d, last) ? thaw_ok() : stopped(d);
}

/* Until all of it is there. */
static thaw_status fetch_all(job *d) {
    const thaw_fetch_params *how = d->params->how;
    transfer_params params = {.url = d->params->url, .timeout = how->timeout, .going = going, .user = d};
    for (;;) {
        transfer_result last;
        d->pace = pace_begin(clock_seconds(), part_size(d->part));
        thaw_status status = transfer_run(d->part, &params, &last);
        if (thaw_failed(&status)) return with_rest(d, status);
        if (last.end == TRANSFER_STOPPED) return stopped(d);
        if (last.end == TRANSFER_WHOLE) return status;
        THAW_TRY(after_failure(d, &last));
    }
}

/* ---- the hash ---- */

static thaw_status check(job *d, bool *good, char found[SHA256_HEX_MAX]) {
    const char *hash = d->params->hash;
    *good = true;
    if (!hash) return thaw_ok();
    d->total = part_size(d->part);
    thaw_status status = sha256_file(part_path(d->part), checking, d, found);
    if (status.code == THAW_ERR_CANCELLED) return stopped(d);
    *good = thaw_failed(&status) || !strncmp(found, hash, strlen(hash));
    return status;
}

static thaw_status wrong(const job *d, const char *found) {
    char *shown = address_shown(d->params->url);
    thaw_status status = thaw_error(
        THAW_ERR_FORMAT,
        "%s is not what its name says: the SHA-256 must begin with %s and is %s; it was removed. Fetch it "
        "again, or from another --mirror",
        shown, d->params->hash, found);
    free(shown);
    return status;
}

/* Fetch and check; a file that was continued and is wrong gets a second chance from its first byte. *REMOVE:
 * what is there is of no use. */
static thaw_status fetch_and_check(job *d, bool *remove) {
    for (;;) {
        char found[SHA256_HEX_MAX] = "";
        bool good;
        THAW_TRY(fetch_all(d));
        THAW_TRY(check(d, &good, found));
        if (good) return thaw_ok();
        *remove = part_resumed(d->part) == 0;
        if (*remove) return wrong(d, found);
        THAW_TRY(part_restart(d->part));
        d->first = d->most = 0;
        d->total = -1;
    }
}

static int64_t size_of(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

thaw_status download(const download_params *params, download_result *out) {
    uint64_t seed = (uint64_t)(clock_wall_seconds() * 1e6) ^ (uint64_t)getpid();
    job d = {.params = params, .total = -1, .random = rng_keyed(seed, RNG_DRAW, 0, 0)};
    d.last.stage = THAW_FETCH_CHECKING; /* so that whatever comes first is reported */
    bool remove = false;
    *out = (download_result){0};
    THAW_TRY(part_open(params->path, another_one, &d, &d.part));
    if (!d.part) {
        out->bytes = size_of(params->path);
        return thaw_ok();
    }
    d.first = d.most = part_size(d.part);
    thaw_status status = fetch_and_check(&d, &remove);
    *out = (download_result){
        .fetched = !thaw_failed(&status), .bytes = part_size(d.part), .resumed = part_resumed(d.part)};
    if (!thaw_failed(&status)) return part_commit(d.part);
    if (remove)
        part_remove(d.part);
    else
        part_close(d.part);
    return status;
}
