/*
 * text_chart.c - see text_chart.h. A canvas without colours is drawn on and its rows are printed; without
 * colour, curves are told apart by their letters, so the dots are ASCII ones.
 */
#include "tui/commands/text_chart.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/commands/out.h"
#include "tui/widgets/chart.h"

enum { CHART_ROWS = 12, CHART_COLUMNS = 76, CHART_RUNS_MAX = 4 };

static chart_point *points_of(const run_view *v, text_chart_figure figure) {
    chart_point *point = xcalloc(v->epoch_count + 1, sizeof *point);
    for (size_t i = 0; i < v->epoch_count; i++) {
        const run_epoch *e = &v->epoch_list[i];
        point[i].x = e->epoch + 1;
        point[i].y = figure == TEXT_CHART_LOSS ? e->train_loss : e->val_top1;
    }
    return point;
}

static void print_canvas(const canvas *c) {
    for (int row = 0; row < c->rows; row++) {
        char *text = canvas_row_text(c, row);
        out_format("%s\n", text);
        free(text);
    }
}

void text_chart_print(text_chart_figure figure, const char *title, const run_view *const *runs,
                      size_t count) {
    chart_series curve[CHART_RUNS_MAX] = {0};
    chart_point *point[CHART_RUNS_MAX];
    int epochs = 1, width = out_width();
    if (count > CHART_RUNS_MAX) count = CHART_RUNS_MAX;
    for (size_t i = 0; i < count; i++) {
        point[i] = points_of(runs[i], figure);
        curve[i] = (chart_series){.name = runs[i]->mask_label,
                                  .letter = (char)('A' + (int)i),
                                  .role = ROLE_TEXT,
                                  .raw_role = ROLE_TEXT,
                                  .point = point[i],
                                  .count = runs[i]->epoch_count};
        if (runs[i]->epochs > epochs) epochs = runs[i]->epochs;
    }
    canvas c;
    canvas_init(&c, CHART_ROWS, width > 0 && width < CHART_COLUMNS ? width : CHART_COLUMNS);
    c.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    c.mono = true;
    chart ch = chart_default();
    ch.curve = curve;
    ch.curve_count = count;
    ch.x_min = 1;
    ch.x_max = epochs;
    ch.x_name = "epoch";
    ch.percent = figure == TEXT_CHART_ACCURACY;
    ch.raster = RASTER_ASCII;
    ch.legend = false; /* its corner is where accuracies end up */
    canvas_erase(&c);
    chart_draw(&ch, &c, (rect){0, 0, c.rows, c.cols});
    out_format("\n%s:", title);
    for (size_t i = 0; i < count; i++)
        out_format("%s %c %s", i ? "," : "", curve[i].letter, curve[i].name);
    out_text("\n");
    print_canvas(&c);
    canvas_clear(&c);
    for (size_t i = 0; i < count; i++)
        free(point[i]);
}
