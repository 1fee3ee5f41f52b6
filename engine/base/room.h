/*
 * room.h - how much memory there is still to be had.
 */
#ifndef ENGINE_BASE_ROOM_H
#define ENGINE_BASE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes: MemAvailable of PROC/meminfo, or the least that a limit leaves in the control groups (version 2
 * under CGROUPS, or version 1 under CGROUPS/memory) that PROC/self/cgroup names, from there up to the root.
 * -1: not known. Usually "/proc" and "/sys/fs/cgroup". */
int64_t room_available(const char *proc, const char *cgroups);

#endif
