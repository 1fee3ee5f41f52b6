/*
 * control_place.h - where a run's control socket is when its folder cannot hold one: some file systems
 * (FAT, many of those that FUSE mounts) have no sockets.
 *
 * Then it is alone in a private folder (mode 0700) in $XDG_RUNTIME_DIR, if that is ours alone, else in /tmp;
 * and the file control.path in the run's folder names it, so that whoever finds the run finds the socket.
 */
#ifndef ENGINE_RUN_CONTROL_PLACE_H
#define ENGINE_RUN_CONTROL_PLACE_H

#include "thaw/status.h"

extern const char control_note_name[]; /* "control.path" */

/* A private folder, new and empty, for the socket of the run in FOLDER: *PATH is where to bind it, owned by
 * the caller. Nothing is written into FOLDER yet. */
thaw_status control_place_make(const char *folder, char **path);
/* Let FOLDER name PATH. */
thaw_status control_place_note(const char *folder, const char *path);
/* What FOLDER names, owned by the caller; NULL: nothing that could be an address. */
char *control_place_find(const char *folder);
/* Remove the note, and the socket and the private folder it names; nothing of another user's. */
void control_place_remove(const char *folder);
/* Remove the socket PATH and its private folder. */
void control_place_forget(const char *path);

#endif
