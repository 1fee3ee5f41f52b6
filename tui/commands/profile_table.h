/*
 * profile_table.h - where a run's time went, as text: `thaw train --profile` prints it at the end.
 */
#ifndef TUI_COMMANDS_PROFILE_TABLE_H
#define TUI_COMMANDS_PROFILE_TABLE_H

#include "tui/run_profile.h"

void profile_table_print(const run_profile *p);

#endif
