/*
 * meter.c - see meter.h.
 */
#include "tui/commands/meter.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "tui/text.h"

enum { BAR_MIN = 8, BAR_MAX = 30, COLUMNS_DEFAULT = 80 };
static const double INTERVAL = 0.1; /* seconds between two drawings */

meter meter_begin(void) {
    const char *term = getenv("TERM");
    return (meter){
        .on = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb")),
        .unicode = !strcmp(nl_langinfo(CODESET), "UTF-8"),
    };
}

static int terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col) return COLUMNS_DEFAULT;
    return size.ws_col;
}

static void append_bar(str *line, const meter *m, double fraction, int width) {
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = (int)(fraction * width * 8), full = eighths / 8, used = full;
    str_append(line, m->unicode ? "▕" : "[");
    for (int i = 0; i < full; i++)
        str_append(line, m->unicode ? "█" : "#");
    if (m->unicode && full < width && eighths % 8) {
        str_append(line, eighth[eighths % 8]);
        used++;
    }
    str_appendf(line, "%*s", width - used, "");
    str_append(line, m->unicode ? "▏" : "]");
}

void meter_show(meter *m, double fraction, const char *text) {
    double now = clock_seconds();
    if (!m->on || (m->drawn && now - m->shown < INTERVAL)) return;
    m->shown = now;
    m->drawn = true;
    str line = {0};
    int columns = terminal_columns() - 1;
    int width = columns - text_columns(text) - 10;
    if (width > BAR_MAX) width = BAR_MAX;
    if (fraction > 1) fraction = 1;
    str_append(&line, "\r");
    if (fraction >= 0) str_appendf(&line, "%3d %% ", (int)(fraction * 100));
    if (fraction >= 0 && width >= BAR_MIN) append_bar(&line, m, fraction, width);
    int left = columns - (text_columns(str_text(&line)) - 1) - 1;
    str_appendf(&line, " %.*s\033[K", (int)text_fit(text, left > 0 ? left : 0, NULL), text);
    fputs(str_text(&line), stderr);
    fflush(stderr);
    str_clear(&line);
}

void meter_clear(meter *m) {
    if (!m->drawn) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    m->drawn = false;
}
