#!/bin/sh
# compile-commands.sh "COMMAND" FILE... - the compilation database that clangd and clang-tidy read.
command=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')
shift
separator='['
for file in "$@"; do
    printf '%s{"directory": "%s", "file": "%s", "command": "%s -c %s"}\n' "$separator" "$(pwd)" "$file" "$command" "$file"
    separator=','
done
echo ']'
