/*
 * fetch_text.h - how far a fetch is, in words: for the workbench and for `thaw get`.
 */
#ifndef TUI_FETCH_TEXT_H
#define TUI_FETCH_TEXT_H

#include "engine/base/str.h"
#include "thaw/fetch.h"

/* Append "20.1 MB of 44.7 MB  3.2 MB/s  0:07 left", or what it waits for. */
void fetch_describe(const thaw_fetch_progress *p, str *out);
double fetch_share(const thaw_fetch_progress *p); /* 0..1; -1: not known */
const char *fetch_stage_name(thaw_fetch_stage stage);

#endif
