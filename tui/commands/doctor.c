/*
 * doctor.c - `thaw doctor`: what the program finds on this machine, what is wrong, what to type.
 *
 * The engine looks at libtorch, the device and the files; the terminal is looked at here.
 */
#include <curses.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/jobs.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"

typedef enum level { LEVEL_GOOD, LEVEL_POOR, LEVEL_WRONG, LEVEL_COUNT } level;

static const char *const level_word[LEVEL_COUNT] = {"good", "poor", "wrong"};
static const char *const level_mark[LEVEL_COUNT] = {"ok  ", "hm  ", "WRONG "};

/* What a run of the command has found so far. */
typedef struct findings {
    cJSON *array; /* --json; else NULL */
    bool wrong;
} findings;

static void report(findings *all, const char *topic, int severity, const char *text, const char *advice) {
    level l = severity < 0 || severity >= LEVEL_COUNT ? LEVEL_WRONG : (level)severity;
    all->wrong |= l == LEVEL_WRONG;
    if (all->array) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "topic", topic);
        cJSON_AddStringToObject(one, "level", level_word[l]);
        cJSON_AddStringToObject(one, "text", text);
        if (advice)
            cJSON_AddStringToObject(one, "advice", advice);
        else
            cJSON_AddNullToObject(one, "advice");
        cJSON_AddItemToArray(all->array, one);
        return;
    }
    out_format("%-6s%-12s %s\n", level_mark[l], topic, text);
    if (advice) out_format("%-18s   -> %s\n", "", advice);
    out_flush();
}

static void look_at_terminal(findings *all) {
    const char *term = getenv("TERM");
    int error = 0;
    if (!term || !term[0]) {
        report(all, "terminal", LEVEL_POOR, "TERM is not set",
               "set TERM, for example: TERM=xterm-256color thaw");
        return;
    }
    if (setupterm((char *)term, 1, &error) != OK) {
        char *text = xasprintf("TERM=%s, which this system's terminfo does not know", term);
        report(all, "terminal", LEVEL_WRONG, text,
               "install ncurses-term, or run with a known one: TERM=xterm-256color thaw");
        free(text);
        return;
    }
    int colours = tigetnum("colors"), enough = 256;
    char *text = xasprintf("TERM=%s, %d colours", term, colours > 0 ? colours : 0);
    report(all, "terminal", colours >= enough ? LEVEL_GOOD : LEVEL_POOR, text,
           colours >= enough ? NULL : "if yours can show 256 colours: TERM=xterm-256color thaw");
    free(text);
    del_curterm(cur_term);
}

static void look_at_locale(findings *all) {
    const char *code = nl_langinfo(CODESET);
    bool utf8 = !strcmp(code, "UTF-8");
    char *text = xasprintf("characters are %s%s", code, utf8 ? "" : "; curves are drawn in ASCII");
    report(all, "locale", utf8 ? LEVEL_GOOD : LEVEL_POOR, text, utf8 ? NULL : "LC_ALL=C.UTF-8 thaw");
    free(text);
}

static int doctor_run(const arguments *a) {
    thaw_finding *found;
    size_t count;
    findings all = {.array = a->given[OPT_JSON] ? cJSON_CreateArray() : NULL};
    if (!all.array) {
        out_text("thaw " THAW_VERSION "\n");
        out_flush();
    }
    thaw_status status = thaw_diagnose(&found, &count);
    if (thaw_failed(&status)) {
        cJSON_Delete(all.array);
        return command_result(status);
    }
    for (size_t i = 0; i < count; i++)
        report(&all, found[i].topic, found[i].level, found[i].text, found[i].advice);
    thaw_findings_free(found, count);
    look_at_terminal(&all);
    look_at_locale(&all);
    if (all.array) report_json(all.array);
    return all.wrong ? EXIT_FAILED : EXIT_DONE;
}

const command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "say what is found on this machine, and what to do about what is wrong",
    .about = "Looks at libtorch, the device, the linear algebra library, the caches and the terminal. The "
             "exit code is 1 "
             "when something is wrong.\n"
             "With --json: an array of {\"topic\", \"level\": \"good\", \"poor\" or \"wrong\", \"text\", "
             "\"advice\"}.",
    .options = OPT(JSON),
    .run = doctor_run,
};
