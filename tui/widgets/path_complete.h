/*
 * path_complete.h - what a half-typed path can become.
 */
#ifndef TUI_WIDGETS_PATH_COMPLETE_H
#define TUI_WIDGETS_PATH_COMPLETE_H

#include "engine/base/str.h"

enum { PATH_CANDIDATES_MAX = 200 };

/* Append the paths that begin with TEXT, one a line, sorted; folders end in '/'. "~/" is understood and kept.
 * Names with a newline are left out. */
void path_complete(const char *text, str *out);
/* TEXT made longer as far as all of them agree; owned by the caller. */
char *path_complete_longest(const char *text);

#endif
