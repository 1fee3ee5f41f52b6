/*
 * control_socket.c - see control_socket.h.
 */
#include "engine/run/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/run/control_place.h"

static const char socket_name[] = "control.sock";
enum { BACKLOG = 128, OWNER_ONLY = 0600 };

/* The address of FOLDER's socket. *HOLD is a descriptor that the address needs until it was used, or -1. */
static thaw_status address_of(const char *folder, struct sockaddr_un *address, int *hold) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *hold = -1;
    size_t room = sizeof address->sun_path;
    int length = snprintf(address->sun_path, room, "%s/%s", folder, socket_name);
    if (length > 0 && (size_t)length < room) return thaw_ok();
    *hold = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*hold < 0) return thaw_error_errno(errno, "%s", folder);
    snprintf(address->sun_path, room, "/proc/self/fd/%d/%s", *hold, socket_name);
    return thaw_ok();
}

static thaw_status make_socket(int *fd) {
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *fd < 0 ? thaw_error_errno(errno, "cannot make a socket") : thaw_ok();
}

/* Remove a socket that is left over; anything else of that name stays. */
void control_socket_remove(const char *folder) {
    char *path = path_join(folder, socket_name);
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path);
    free(path);
    control_place_remove(folder);
}

/* A socket at ADDRESS that callers can come to. *ERROR is why there is none. */
static bool listen_at(const struct sockaddr_un *address, int *fd, int *error) {
    /* The mode before there is a file: Linux makes the file with the socket's own. */
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = *fd >= 0 && fchmod(*fd, OWNER_ONLY) == 0 &&
                bind(*fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
                listen(*fd, BACKLOG) == 0;
    *error = errno;
    if (good) return true;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return false;
}

/* What bind says where sockets cannot be files, or a long path cannot be reached through /proc. */
static bool no_sockets_here(int error) {
    return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == ENXIO ||
           error == ENOENT;
}

static thaw_status listen_elsewhere(const char *folder, int *fd) {
    char *path = NULL;
    int error;
    THAW_TRY(control_place_make(folder, &path));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    thaw_status status = listen_at(&address, fd, &error) ? control_place_note(folder, path)
                                                         : thaw_error_errno(error, "%s", path);
    if (thaw_failed(&status)) {
        if (*fd >= 0) close(*fd);
        *fd = -1;
        control_place_forget(path);
    }
    free(path);
    return status;
}

thaw_status control_socket_listen(const char *folder, int *fd) {
    struct sockaddr_un address;
    int hold = -1, error = 0;
    *fd = -1;
    control_socket_remove(folder);
    THAW_TRY(address_of(folder, &address, &hold));
    bool good = listen_at(&address, fd, &error);
    if (hold >= 0) close(hold);
    if (good) return thaw_ok();
    return no_sockets_here(error) ? listen_elsewhere(folder, fd)
                                  : thaw_error_errno(error, "%s/%s", folder, socket_name);
}

static thaw_status cannot_connect(const char *folder, int error) {
    const char *run = path_base(folder);
    switch (error) {
    case ENOENT:
        return thaw_error(THAW_ERR_NOT_FOUND,
                          "%s takes no orders: no process is training it; `thaw resume` goes on with it",
                          run);
    case ECONNREFUSED:
        return thaw_error(
            THAW_ERR_NOT_FOUND,
            "%s takes no orders: the process that trained it is gone; `thaw resume` goes on with it", run);
    case EAGAIN:
        return thaw_error(THAW_ERR_IO, "%s has too many callers; try again", run);
    default:
        return thaw_error_errno(error, "%s/%s", folder, socket_name);
    }
}

/* Connect FD to the socket that FOLDER names. *ERROR stays as it is when it names none. */
static bool connect_elsewhere(const char *folder, int fd, int *error) {
    char *path = control_place_find(folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path) return false;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    bool good = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (!good) *error = errno;
    free(path);
    return good;
}

thaw_status control_socket_connect(const char *folder, int *fd) {
    struct sockaddr_un address;
    int hold = -1;
    *fd = -1;
    thaw_status status = address_of(folder, &address, &hold);
    if (!thaw_failed(&status)) status = make_socket(fd);
    if (!thaw_failed(&status) && connect(*fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int error = errno;
        if (error != ENOENT || !connect_elsewhere(folder, *fd, &error))
            status = cannot_connect(folder, error);
    }
    if (hold >= 0) close(hold);
    if (thaw_failed(&status) && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

bool control_socket_same_user(int fd) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}
