/*
 * commands.h - the headless commands, one file each, as registered in command.c.
 */
#ifndef TUI_COMMANDS_COMMANDS_H
#define TUI_COMMANDS_COMMANDS_H

#include "tui/commands/command.h"

extern const command command_models, command_layers, command_data, command_train, command_resume,
    command_eval, command_predict, command_runs, command_export, command_doctor, command_demo, command_open,
    command_weights, command_shapes, command_get, command_cache, command_recipe, command_tell, command_attach,
    command_help;

#endif
