/*
 * control_socket.h - the socket in a run's folder: making it, finding it, and who is at its other end.
 *
 * The path of a run may be longer than a socket's address can be (107 bytes); then the folder is reached
 * through /proc/self/fd. Where that cannot be, or the file system holds no sockets, it is elsewhere, and the
 * folder says where (control_place.h). The file is made with mode 0600, and who connects is asked for anyway
 * (SO_PEERCRED).
 */
#ifndef ENGINE_RUN_CONTROL_SOCKET_H
#define ENGINE_RUN_CONTROL_SOCKET_H

#include <stdbool.h>

#include "thaw/status.h"

/* Listen in FOLDER, whose lock the caller holds: a socket that is there already was left by a process that
 * died, and is replaced. *FD does not block. */
thaw_status control_socket_listen(const char *folder, int *fd);
void control_socket_remove(const char *folder);

/* Connect to the socket in FOLDER, without waiting. */
thaw_status control_socket_connect(const char *folder, int *fd);

bool control_socket_same_user(int fd); /* is the other end of FD a process of ours? */

#endif
