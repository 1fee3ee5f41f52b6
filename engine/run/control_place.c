/*
 * control_place.c - see control_place.h. A note is a file like any other, and what it names is taken for what
 * it looks like only: who is at a socket's other end is asked for after connecting, and nothing is removed
 * but a socket of ours in a folder called as mkdtemp called it.
 */
#include "engine/run/control_place.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

const char control_note_name[] = "control.path";

static const char socket_name[] = "control.sock";
static const char private_prefix[] = "thaw-";
enum { NOTE_MAX = 1 << 12, ADDRESS_MAX = sizeof((struct sockaddr_un *)NULL)->sun_path - 1 };

/* Is PATH a folder that nobody else can look into? */
static bool is_private(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* A new folder in HOME with a socket's path in it, owned by the caller; NULL with errno. */
static char *make_in(const char *home) {
    char *folder = xasprintf("%s/%sXXXXXX", home, private_prefix), *path = NULL;
    if (mkdtemp(folder)) { /* mode 0700 */
        path = path_join(folder, socket_name);
        if (strlen(path) > ADDRESS_MAX) {
            rmdir(folder);
            free(path);
            path = NULL;
            errno = ENAMETOOLONG;
        }
    }
    free(folder);
    return path;
}

thaw_status control_place_make(const char *folder, char **path) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    *path = runtime && runtime[0] == '/' && is_private(runtime) ? make_in(runtime) : NULL;
    if (!*path) *path = make_in("/tmp");
    if (*path) return thaw_ok();
    return thaw_error_errno(errno, "%s holds no sockets, and /tmp takes no folder for one", folder);
}

thaw_status control_place_note(const char *folder, const char *path) {
    char *note = path_join(folder, control_note_name), *line = xasprintf("%s\n", path);
    thaw_status status = file_replace(note, line, strlen(line));
    free(line);
    free(note);
    return status;
}

char *control_place_find(const char *folder) {
    char *note = path_join(folder, control_note_name), *text = NULL;
    thaw_status status = file_read(note, NOTE_MAX, &text, NULL);
    free(note);
    if (thaw_failed(&status)) return NULL;
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '/' && strlen(text) <= ADDRESS_MAX && !strcmp(path_base(text), socket_name)) return text;
    free(text);
    return NULL;
}

void control_place_forget(const char *path) {
    char *folder = xstrndup(path, (size_t)(path_base(path) - path - 1));
    struct stat info;
    if (!strncmp(path_base(folder), private_prefix, strlen(private_prefix)) && is_private(folder)) {
        if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path);
        rmdir(folder); /* stays when anything else is in it */
    }
    free(folder);
}

void control_place_remove(const char *folder) {
    char *path = control_place_find(folder), *note = path_join(folder, control_note_name);
    if (path) control_place_forget(path);
    unlink(note);
    free(note);
    free(path);
}
