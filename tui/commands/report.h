/*
 * report.h - pieces of output that several commands share.
 */
#ifndef TUI_COMMANDS_REPORT_H
#define TUI_COMMANDS_REPORT_H

#include <cjson/cJSON.h>

#include "thaw/dataset.h"
#include "thaw/jobs.h"
#include "tui/commands/command.h"

/* Print DOCUMENT as one line and delete it. */
void report_json(cJSON *document);

cJSON *report_number(double value);                /* as json_add_number; null when not finite */
cJSON *report_skipped_json(const thaw_skipped *s); /* {"file", "reason"} */
void report_skipped_line(const thaw_skipped *s);   /* "  train/ants/a.gif: a GIF; ..." */

/* The model that eval, predict and export work on: RUN, or what --model and --weights say (RUN NULL). */
thaw_subject report_subject(const arguments *a, const char *run);

/* Either RUN, or --model, --weights or both are needed. */
thaw_status report_check_subject(const arguments *a, const char *run);

#endif
