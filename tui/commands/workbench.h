/*
 * workbench.h - opening the workbench from a command.
 */
#ifndef TUI_COMMANDS_WORKBENCH_H
#define TUI_COMMANDS_WORKBENCH_H

#include "tui/app.h"

/* Give the terminal to the workbench until the person leaves; the exit code. */
int workbench_open(const app_params *params);

#endif
