/*
 * get.c - `thaw get`: the files of pretrained weights, fetched when they are not on this machine.
 *
 * What is said on the way goes to a line at the bottom of the terminal, or, without one, to a line now and
 * then; with --json to events (docs/events.md).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/fetch.h"
#include "tui/commands/commands.h"
#include "tui/commands/interrupt.h"
#include "tui/commands/meter.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"
#include "tui/fetch_text.h"

static const double line_seconds = 5;    /* between two lines without a terminal */
static const double event_seconds = 0.5; /* between two events of progress */

/* One run of the command. */
typedef struct getting {
    const thaw_weights_info *info; /* the one under way */
    thaw_fetch_params params;
    bool json;
    meter meter;
    double began, said;     /* clock: this file; the last line or event */
    thaw_fetch_stage stage; /* that was said last */
    int failures;
} getting;

/* ---- events ---- */

static cJSON *event(const getting *g, const char *kind) {
    cJSON *e = cJSON_CreateObject();
    cJSON_AddNumberToObject(e, "v", 1);
    cJSON_AddStringToObject(e, "event", kind);
    json_add_number(e, "time", clock_seconds() - g->began);
    cJSON_AddStringToObject(e, "model", g->info->arch);
    cJSON_AddStringToObject(e, "weights", g->info->name);
    return e;
}

static void add_text(cJSON *e, const char *key, const char *text) {
    if (text)
        cJSON_AddStringToObject(e, key, text);
    else
        cJSON_AddNullToObject(e, key);
}

static void begin_event(const getting *g, const char *url, const char *path) {
    cJSON *e = event(g, "get");
    add_text(e, "url", url);
    add_text(e, "path", path);
    report_json(e);
}

static void progress_event(const getting *g, const thaw_fetch_progress *p) {
    cJSON *e = event(g, "progress");
    cJSON_AddStringToObject(e, "stage", fetch_stage_name(p->stage));
    json_add_number(e, "bytes", (double)p->done);
    json_add_number(e, "total", p->total < 0 ? (double)NAN : (double)p->total);
    json_add_number(e, "rate", p->rate);
    json_add_number(e, "left", p->stage == THAW_FETCH_RETRYING ? p->wait : p->left);
    json_add_number(e, "failures", p->failures);
    add_text(e, "why", p->stage == THAW_FETCH_RETRYING ? p->why : NULL);
    report_json(e);
}

static void end_event(const getting *g, const thaw_fetch_result *r, const thaw_status *status) {
    cJSON *e = event(g, thaw_failed(status) ? "failed" : "got");
    if (thaw_failed(status)) {
        cJSON_AddStringToObject(e, "message", status->message);
    } else {
        cJSON_AddStringToObject(e, "path", r->path);
        json_add_number(e, "bytes", (double)r->bytes);
        cJSON_AddBoolToObject(e, "fetched", r->fetched);
        json_add_number(e, "resumed", (double)r->resumed);
        cJSON_AddBoolToObject(e, "checked", r->checked);
    }
    report_json(e);
}

/* ---- lines ---- */

static void begin_line(const getting *g, const char *url, const char *path) {
    out_format("%s:%s from %s to %s", g->info->arch, g->info->name, url ? url : "nowhere", path);
    out_line("");
}

static void progress_line(const getting *g, const thaw_fetch_progress *p) {
    str text = {0};
    fetch_describe(p, &text);
    if (p->stage == THAW_FETCH_RETRYING)
        fprintf(stderr, "thaw: %s: %s\n", g->info->file, str_text(&text));
    else
        out_format("  %s\n", str_text(&text));
    out_flush();
    str_clear(&text);
}

static void end_line(const getting *g, const thaw_fetch_result *r) {
    char bytes[NUMBER_TEXT_MAX], seconds[NUMBER_TEXT_MAX], *path = text_escape(r->path);
    text_bytes((double)r->bytes, bytes);
    if (r->fetched)
        out_format("%s: %s in %s, ", path, bytes, text_seconds(clock_seconds() - g->began, seconds));
    else
        out_format("%s: %s, was here already, ", path, bytes);
    out_line(r->checked                      ? "its hash is the one in its name"
             : g->params.check || r->fetched ? "no hash is known to check it by"
                                             : "not checked (--check does)");
    free(path);
}

/* A folder of one's own is not looked into by itself. */
static void use_line(const getting *g, const thaw_fetch_result *r) {
    const char *folder = g->params.folder;
    if (!folder || g->info->bundled) return;
    char *whole = path_expand(folder);
    if (!thaw_catalog_searches(whole)) {
        char *path = text_escape(r->path), *shown = text_escape(whole);
        out_format("  use it with --weights %s, or have it found by name: export THAW_WEIGHTS=%s\n", path,
                   shown);
        free(path);
        free(shown);
    }
    free(whole);
}

/* ---- one file ---- */

/* On the way: false stops. */
static bool tell(void *user, const thaw_fetch_progress *p) {
    getting *g = user;
    double now = clock_seconds(), interval = g->json ? event_seconds : line_seconds;
    bool other = p->stage != g->stage || p->failures != g->failures, due = now - g->said >= interval;
    bool news = p->stage == THAW_FETCH_RETRYING || p->stage == THAW_FETCH_WAITING;
    if (interrupt_count() || out_broken()) return false;
    str text = {0};
    str_appendf(&text, "%s  ", g->info->file);
    fetch_describe(p, &text);
    meter_show(&g->meter, p->stage == THAW_FETCH_RETRYING ? -1 : fetch_share(p), str_text(&text));
    str_clear(&text);
    if (g->json && (other || due)) progress_event(g, p);
    if (!g->json && !g->meter.on && (due || (other && news))) progress_line(g, p);
    if (other || due) g->said = now;
    g->stage = p->stage;
    g->failures = p->failures;
    return true;
}

static bool will_be_fetched(const getting *g) {
    char *path = thaw_fetch_find(g->info, &g->params);
    bool here = path != NULL;
    free(path);
    return !here && !g->info->bundled && !g->params.offline;
}

static int get_one(getting *g) {
    thaw_fetch_result r;
    char *url = thaw_fetch_address(g->info, &g->params), *path = thaw_fetch_destination(g->info, &g->params);
    g->began = g->said = clock_seconds();
    g->stage = THAW_FETCH_CONNECTING;
    g->failures = 0;
    if (g->json)
        begin_event(g, url, path);
    else if (will_be_fetched(g))
        begin_line(g, url, path);
    thaw_status status = thaw_fetch(g->info, &g->params, &r);
    meter_clear(&g->meter);
    if (g->json) {
        end_event(g, &r, &status);
    } else if (!thaw_failed(&status)) {
        end_line(g, &r);
        use_line(g, &r);
    }
    thaw_fetch_result_clear(&r);
    free(url);
    free(path);
    return command_result(status);
}

/* ---- the command ---- */

/* "resnet18" or "resnet18:IMAGENET1K_V1". */
static thaw_status find(const thaw_catalog *c, const char *operand, const thaw_weights_info **out) {
    const char *colon = strchr(operand, ':');
    char *arch = xstrndup(operand, colon ? (size_t)(colon - operand) : strlen(operand));
    thaw_status status = thaw_catalog_find(c, arch, colon ? colon + 1 : NULL, out);
    free(arch);
    return status;
}

static getting begin(const arguments *a) {
    getting g = {.params = thaw_fetch_default_params(), .json = a->given[OPT_JSON], .meter = meter_begin()};
    g.params.folder = a->text[OPT_TO];
    if (a->text[OPT_MIRROR]) g.params.mirror = a->text[OPT_MIRROR];
    g.params.offline |= a->given[OPT_OFFLINE];
    g.params.check = a->given[OPT_CHECK];
    g.params.progress = tell;
    return g;
}

static int get_all(const arguments *a, const thaw_catalog *c, getting *g) {
    int worst = EXIT_DONE;
    g->params.user = g;
    interrupt_watch();
    interrupt_allow();
    for (size_t i = 0; i < a->operand_count && !interrupt_count() && !out_broken(); i++) {
        thaw_status status = find(c, a->operand[i], &g->info);
        int code = thaw_failed(&status) ? command_result(status) : get_one(g);
        if (code > worst) worst = code;
    }
    return interrupt_count() ? EXIT_INTERRUPTED : worst;
}

static int get_run(const arguments *a) {
    thaw_catalog *c;
    getting g = begin(a);
    thaw_status status = thaw_fetch_check_params(&g.params);
    if (thaw_failed(&status)) return command_usage("get", status);
    status = thaw_catalog_open(&c);
    if (thaw_failed(&status)) return command_result(status);
    /* A name that is wrong is said before anything is fetched. */
    for (size_t i = 0; i < a->operand_count && !thaw_failed(&status); i++)
        status = find(c, a->operand[i], &g.info);
    int code = thaw_failed(&status) ? command_result(status) : get_all(a, c, &g);
    thaw_catalog_free(c);
    return code;
}

const command command_get = {
    .name = "get",
    .operands = "MODEL[:WEIGHTS]...",
    .summary = "fetch pretrained weights that are not on this machine yet",
    .about =
        "Fetches the files of pretrained weights, the default ones of MODEL or those named, as in "
        "resnet50:IMAGENET1K_V1. They are put where PyTorch keeps its own (so that it finds them too), or "
        "into "
        "--to DIR (where they are found again when THAW_WEIGHTS names DIR); one that is there already is "
        "only named, and with --check compared with its hash. What "
        "came "
        "over an interrupted line, or before Ctrl-C, is kept as NAME.part and gone on from; a dropped or "
        "stalled connection and an overloaded server are tried again. A file gets its name when its SHA-256 "
        "begins as the name says, and not before. Several thaw may fetch the same file: one does, the others "
        "wait for it. Proxies are taken from https_proxy, http_proxy and no_proxy.\n"
        "With --json: one event a line, as docs/events.md describes them; the last one of each file is "
        "{\"event\": \"got\", \"path\", ...} or {\"event\": \"failed\", \"message\"}.",
    .options = OPT(JSON) | OPT(TO) | OPT(MIRROR) | OPT(OFFLINE) | OPT(CHECK),
    .min = 1,
    .max = OPERANDS_MANY,
    .run = get_run,
};
