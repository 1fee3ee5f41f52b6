/*
 * fetch_text.c - see fetch_text.h.
 */
#include "tui/fetch_text.h"

#include <math.h>

const char *fetch_stage_name(thaw_fetch_stage stage) {
    static const char *const name[] = {
        [THAW_FETCH_CONNECTING] = "connecting", [THAW_FETCH_RECEIVING] = "receiving",
        [THAW_FETCH_RETRYING] = "retrying",     [THAW_FETCH_WAITING] = "waiting",
        [THAW_FETCH_CHECKING] = "checking",
    };
    return name[stage];
}

double fetch_share(const thaw_fetch_progress *p) {
    return p->total > 0 ? (double)p->done / (double)p->total : -1;
}

static void append_amount(const thaw_fetch_progress *p, str *out) {
    char done[NUMBER_TEXT_MAX], total[NUMBER_TEXT_MAX];
    str_append(out, text_bytes((double)p->done, done));
    if (p->total > 0) str_appendf(out, " of %s", text_bytes((double)p->total, total));
}

void fetch_describe(const thaw_fetch_progress *p, str *out) {
    char buffer[NUMBER_TEXT_MAX];
    switch (p->stage) {
    case THAW_FETCH_CONNECTING:
        str_append(out, "connecting");
        if (p->done) str_appendf(out, "  %s are here already", text_bytes((double)p->done, buffer));
        break;
    case THAW_FETCH_RECEIVING:
        append_amount(p, out);
        if (isfinite(p->rate)) str_appendf(out, "  %s/s", text_bytes(p->rate, buffer));
        if (isfinite(p->left)) str_appendf(out, "  %s left", text_seconds(p->left, buffer));
        break;
    case THAW_FETCH_RETRYING:
        str_appendf(out, "%s; next try in %.0f s", p->why, ceil(p->wait));
        break;
    case THAW_FETCH_WAITING:
        str_appendf(out, "another thaw is fetching it, %s so far", text_bytes((double)p->done, buffer));
        break;
    case THAW_FETCH_CHECKING:
        str_append(out, "checking  ");
        append_amount(p, out);
        break;
    }
}
