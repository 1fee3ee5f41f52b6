/*
 * transfer.c - see transfer.h.
 *
 * libcurl's multi interface runs the request, so that a person's wish to stop is heard within a tenth of a
 * second whatever the network does. What is to be done with the body is decided when its first byte comes: by
 * then the head is complete, and redirects are over.
 */
#include "engine/net/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/net/address.h"
#include "engine/net/answer.h"
#include "engine/net/curl.h"
#include "engine/net/retry.h"

enum {
    POLL_MS = 100,
    CONNECT_MOST = 10 /* seconds */,
    REDIRECTS_MAX = 10,
    SLOWEST = 512 /* bytes a second */,
    RANGE_TEXT_MAX = 32
};

typedef struct transfer {
    const curl_library *curl;
    const transfer_params *params;
    part *part;
    CURL *easy;
    struct curl_slist *headers;
    char *shown; /* the address, for messages */
    answer answer;
    bool unset;         /* an option was refused */
    bool begun;         /* the first byte of the body has come */
    bool other_range;   /* it was not the one that was asked for */
    thaw_status status; /* why writing stopped */
    char error[CURL_ERROR_SIZE];
} transfer;

/* ---- what comes ---- */

static size_t take_head(char *line, size_t size, size_t count, void *user) {
    transfer *t = user;
    answer_line(&t->answer, line, size * count);
    return size * count;
}

/* The body begins. False: it is of no use. */
static bool begin_body(transfer *t) {
    t->begun = true;
    if (t->answer.status == 206 && t->answer.first != part_size(t->part)) {
        t->other_range = true;
        return false;
    }
    if (t->answer.status != 206) t->status = part_restart(t->part);
    if (!thaw_failed(&t->status)) t->status = part_room(t->part, t->answer.length);
    if (thaw_failed(&t->status)) return false;
    part_set_validator(t->part, t->params->url, t->answer.validator);
    return true;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *user) {
    transfer *t = user;
    if (!t->begun && !begin_body(t)) return 0;
    t->status = part_write(t->part, bytes, size * count);
    return thaw_failed(&t->status) ? 0 : size * count;
}

/* ---- asking ---- */

#define SET(option, value) (t->unset |= t->curl->easy_setopt(t->easy, (option), (value)) != CURLE_OK)

/* The prefix of a hash stands up to accidents, not to somebody who forges; so what begins with https stays
 * with it. */
static void limit_protocols(transfer *t) {
    bool secure = !strncasecmp(t->params->url, "https:", 6);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    SET(CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTPS | (secure ? 0 : CURLPROTO_HTTP)));
#endif
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
}

/* Certificates of one's own (a company's proxy), as the curl program takes them. */
static void set_certificates(transfer *t) {
    const char *file = getenv("CURL_CA_BUNDLE");
    if (!file || !file[0]) file = getenv("SSL_CERT_FILE");
    if (file && file[0]) SET(CURLOPT_CAINFO, file);
}

static void limit_waiting(transfer *t) {
    long seconds = t->params->timeout < 1 ? 1 : (long)t->params->timeout;
    SET(CURLOPT_CONNECTTIMEOUT, seconds < CONNECT_MOST ? seconds : (long)CONNECT_MOST);
    SET(CURLOPT_LOW_SPEED_TIME, seconds);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
}

static void ask_for_the_rest(transfer *t) {
    char range[RANGE_TEXT_MAX];
    if (!part_size(t->part)) return;
    snprintf(range, sizeof range, "%lld-", (long long)part_size(t->part));
    SET(CURLOPT_RANGE, range);
    const char *validator = part_validator(t->part, t->params->url);
    if (!validator[0]) return;
    char *header = xasprintf("If-Range: %s", validator);
    t->headers = t->curl->slist_append(NULL, header);
    free(header);
    SET(CURLOPT_HTTPHEADER, t->headers);
}

static thaw_status prepare(transfer *t) {
    t->easy = t->curl->easy_init();
    if (!t->easy) return thaw_error(THAW_ERR_IO, "libcurl could not start a request; try again");
    SET(CURLOPT_URL, t->params->url);
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "thaw/" THAW_VERSION);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HEADERFUNCTION, take_head);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, t);
    limit_protocols(t);
    limit_waiting(t);
    set_certificates(t);
    ask_for_the_rest(t);
    if (!t->unset) return thaw_ok();
    return thaw_error(THAW_ERR_UNSUPPORTED,
                      "this libcurl is older than the one thaw was built for; run make clean and make");
}

/* Run the request to its end. False: told to stop. */
static bool perform(transfer *t, CURLM *multi, CURLcode *code) {
    int running = 1, left;
    CURLMcode trouble = CURLM_OK;
    *code = CURLE_FAILED_INIT;
    while (running && !trouble) {
        trouble = t->curl->multi_perform(multi, &running);
        if (!t->params->going(t->params->user, answer_total(&t->answer))) return false;
        if (running && !trouble) trouble = t->curl->multi_poll(multi, NULL, 0, POLL_MS, NULL);
    }
    for (CURLMsg *m; (m = t->curl->multi_info_read(multi, &left));)
        if (m->msg == CURLMSG_DONE) *code = m->data.result;
    return true;
}

/* ---- how it ended ---- */

static thaw_status ended(transfer *t, transfer_result *out, transfer_end end, const char *why) {
    out->end = end;
    snprintf(out->why, sizeof out->why, "%s", why);
    if (end != TRANSFER_FAILED) return thaw_ok();
    return thaw_error(THAW_ERR_IO, "%s: %s", t->shown, why);
}

/* 416: there is nothing after what we have. It may be all, or be too much. */
static thaw_status past_the_end(transfer *t, transfer_result *out) {
    if (t->answer.whole < 0 || t->answer.whole == part_size(t->part))
        return ended(t, out, TRANSFER_WHOLE, "");
    THAW_TRY(part_restart(t->part));
    return ended(t, out, TRANSFER_AGAIN, "more was there than the server has");
}

static thaw_status refused(transfer *t, transfer_result *out) {
    char why[TRANSFER_WHY_MAX];
    int status = t->answer.status;
    const char *hint = status == 404 || status == 410 ? " (not there); is the mirror the right one?"
                       : status == 401 || status == 403
                           ? " (no access); log in there, or use another --mirror"
                       : status == 407 ? " (the proxy wants a password: name it in https_proxy)"
                       : status == 429 ? " (too many requests); try later"
                       : status == 503 ? " (overloaded or in maintenance); try later"
                                       : "";
    curl_off_t asked = 0;
    if (status == 416 && part_size(t->part)) return past_the_end(t, out);
    snprintf(why, sizeof why, "the server answered %d%s", status, hint);
    if (!retry_status(status)) return ended(t, out, TRANSFER_FAILED, why);
    if (t->curl->easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &asked) == CURLE_OK) out->asked = (double)asked;
    return ended(t, out, TRANSFER_AGAIN, why);
}

/* What libcurl said, with what can be done about it. */
static thaw_status failed(transfer *t, transfer_result *out, CURLcode code, transfer_end end) {
    const char *said = t->error[0] ? t->error : t->curl->easy_strerror(code);
    bool certificate = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    char *why = xasprintf("%s%s", said,
                          certificate ? "; if a proxy of yours re-signs traffic, name its certificates in "
                                        "SSL_CERT_FILE"
                                      : "");
    thaw_status status = ended(t, out, end, why);
    free(why);
    return status;
}

static thaw_status judge(transfer *t, transfer_result *out, CURLcode code) {
    if (thaw_failed(&t->status)) {
        out->end = TRANSFER_FAILED;
        return t->status;
    }
    if (t->other_range) {
        THAW_TRY(part_restart(t->part));
        return ended(t, out, TRANSFER_AGAIN, "the server answered with another part of the file");
    }
    switch (code) {
    case CURLE_OK:
        if (!t->begun && t->answer.status != 206) THAW_TRY(part_restart(t->part));
        return ended(t, out, TRANSFER_WHOLE, "");
    case CURLE_HTTP_RETURNED_ERROR:
        return refused(t, out);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return failed(t, out, code, TRANSFER_UNREACHABLE);
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return failed(t, out, code, TRANSFER_AGAIN);
    default:
        return failed(t, out, code, TRANSFER_FAILED);
    }
}

thaw_status transfer_run(part *p, const transfer_params *params, transfer_result *out) {
    transfer t = {.params = params, .part = p, .answer = {.length = -1, .first = -1, .whole = -1}};
    *out = (transfer_result){.end = TRANSFER_FAILED, .total = -1};
    THAW_TRY(curl_open(&t.curl));
    t.shown = address_shown(params->url);
    thaw_status status = prepare(&t);
    CURLM *multi = t.curl->multi_init();
    CURLcode code;
    if (!thaw_failed(&status) && (!multi || t.curl->multi_add_handle(multi, t.easy)))
        status = thaw_error(THAW_ERR_IO, "libcurl could not start a request; try again");
    if (!thaw_failed(&status)) {
        if (perform(&t, multi, &code))
            status = judge(&t, out, code);
        else
            out->end = TRANSFER_STOPPED;
        out->total = answer_total(&t.answer);
        t.curl->multi_remove_handle(multi, t.easy);
    }
    if (t.easy) t.curl->easy_cleanup(t.easy);
    if (multi) t.curl->multi_cleanup(multi);
    t.curl->slist_free_all(t.headers);
    free(t.shown);
    return status;
}
