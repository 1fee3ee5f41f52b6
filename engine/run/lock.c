/*
 * lock.c - see lock.h. The text is written in place: replacing the file would leave the lock on the old one.
 */
#include "engine/run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"

static const char lock_name[] = "lock";
enum { LOCK_BYTES_MAX = 4096 };

static struct flock whole_file(void) {
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static bool no_locks_here(int error) {
    return error == ENOLCK || error == ENOSYS || error == EINVAL || error == EOPNOTSUPP;
}

static thaw_status write_owner(int fd, const char *path, double started) {
    run_owner me = {.pid = getpid()};
    if (gethostname(me.host, sizeof me.host - 1) < 0) me.host[0] = '\0';
    cJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "pid", (double)me.pid);
    cJSON_AddStringToObject(document, "host", me.host);
    json_add_number(document, "started", started);
    char *line = json_print_line(document);
    cJSON_Delete(document);
    size_t length = strlen(line);
    line[length++] = '\n'; /* in place of the NUL: pwrite takes a length */
    bool good = pwrite(fd, line, length, 0) == (ssize_t)length && ftruncate(fd, (off_t)length) == 0;
    thaw_status status = good ? thaw_ok() : thaw_error_errno(errno, "cannot write %s", path);
    free(line);
    return status;
}

static thaw_status taken(const char *folder) {
    run_owner owner;
    if (!run_lock_owner(folder, &owner))
        return thaw_error(THAW_ERR_USAGE,
                          "%s is being trained by another process; stop that first, or `thaw attach`",
                          folder);
    return thaw_error(THAW_ERR_USAGE,
                      "%s is being trained by process %lld on %s; stop that first, or `thaw attach`", folder,
                      (long long)owner.pid, owner.host[0] ? owner.host : "this machine");
}

thaw_status run_lock_take(const char *folder, int *fd) {
    run_owner before = {.started = (double)NAN};
    run_lock_owner(folder, &before);
    char *path = path_join(folder, lock_name);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    thaw_status status = *fd < 0 ? thaw_error_errno(errno, "cannot write %s", path) : thaw_ok();
    struct flock lock = whole_file();
    if (!thaw_failed(&status) && fcntl(*fd, F_OFD_SETLK, &lock) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            status = taken(folder);
        else if (!no_locks_here(errno))
            status = thaw_error_errno(errno, "cannot lock %s", path);
    }
    double started = isnan(before.started) ? clock_wall_seconds() : before.started;
    if (!thaw_failed(&status)) status = write_owner(*fd, path, started);
    if (thaw_failed(&status) && *fd >= 0) close(*fd);
    free(path);
    return status;
}

bool run_lock_held(const char *folder) {
    char *path = path_join(folder, lock_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(path);
    if (fd < 0) return false;
    struct flock lock = whole_file();
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}

bool run_lock_owner(const char *folder, run_owner *out) {
    char *path = path_join(folder, lock_name), *text = NULL, *host = NULL;
    size_t size = 0;
    cJSON *document = NULL;
    double pid = 0;
    *out = (run_owner){.started = (double)NAN};
    thaw_status status = file_read(path, LOCK_BYTES_MAX, &text, &size);
    if (!thaw_failed(&status)) status = json_parse(text, size, path, &document);
    if (!thaw_failed(&status)) status = json_get_double(document, "", "pid", &pid);
    if (!thaw_failed(&status)) status = json_get_string(document, "", "host", &host);
    if (!thaw_failed(&status)) status = json_get_double(document, "", "started", &out->started);
    if (pid > 0 && pid < INT32_MAX) out->pid = (int64_t)pid;
    snprintf(out->host, sizeof out->host, "%s", host ? host : "");
    cJSON_Delete(document);
    free(host);
    free(text);
    free(path);
    return !thaw_failed(&status) && out->pid > 0;
}
