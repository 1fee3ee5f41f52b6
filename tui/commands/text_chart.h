/*
 * text_chart.h - the workbench's chart as lines of text, for output that is no workbench.
 */
#ifndef TUI_COMMANDS_TEXT_CHART_H
#define TUI_COMMANDS_TEXT_CHART_H

#include "tui/run_view.h"

typedef enum text_chart_figure { TEXT_CHART_LOSS, TEXT_CHART_ACCURACY } text_chart_figure;

/* Print one figure of COUNT runs over their epochs, each drawn with a letter from A on. */
void text_chart_print(text_chart_figure figure, const char *title, const run_view *const *runs, size_t count);

#endif
