/*
 * commands.h - the headless commands, one file each, as registered in command.c.
 */
#ifndef TUI_COMMANDS_COMMANDS_H
#define TUI_COMMANDS_COMMANDS_H

#include "tui/commands/command.h"

extern const command command_help;

#endif
