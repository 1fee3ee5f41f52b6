/*
 * part.c - see part.h.
 *
 * A lock is worth something only on the file that the name leads to: whoever had it before may have renamed
 * or removed the file. So after taking the lock the name is looked at again.
 */
#include "engine/net/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/net/address.h"

enum { ORIGIN_BYTES_MAX = 8192 };

struct part {
    char *path, *name, *origin_name; /* the file, its .part, its .part.from */
    int fd;
    int64_t size, resumed;
    char *origin, *validator; /* two lines of .part.from; NULL: not known */
};

/* ---- where it came from ---- */

static void read_origin(part *p) {
    char *text = NULL;
    thaw_status status = file_read(p->origin_name, ORIGIN_BYTES_MAX, &text, NULL);
    if (thaw_failed(&status)) return; /* it only saves bytes */
    char *line_end = strchr(text, '\n'), *rest = line_end ? line_end + 1 : NULL;
    if (rest && !strpbrk(rest, "\r") && strchr(rest, '\n')) {
        p->origin = xstrndup(text, (size_t)(line_end - text));
        p->validator = xstrndup(rest, strcspn(rest, "\n"));
    }
    free(text);
}

static void forget_origin(part *p) {
    free(p->origin);
    free(p->validator);
    p->origin = p->validator = NULL;
}

const char *part_validator(const part *p, const char *url) {
    char *shown = address_shown(url);
    bool same = p->origin && !strcmp(p->origin, shown);
    free(shown);
    return same ? p->validator : "";
}

void part_set_validator(part *p, const char *url, const char *validator) {
    forget_origin(p);
    p->origin = address_shown(url); /* no password is left lying about */
    p->validator = xstrdup(validator);
    char *text = xasprintf("%s\n%s\n", p->origin, validator);
    thaw_status status = file_replace(p->origin_name, text, strlen(text));
    (void)status; /* it only saves bytes */
    free(text);
}

/* ---- opening ---- */

static void release(part *p) {
    if (p->fd >= 0) close(p->fd);
    forget_origin(p);
    free(p->path);
    free(p->name);
    free(p->origin_name);
    free(p);
}

static thaw_status with_way_out(thaw_status status) {
    if (!thaw_failed(&status)) return status;
    return thaw_error(status.code, "%s; or choose another folder with `thaw get --to DIR` or TORCH_HOME",
                      status.message);
}

static thaw_status open_file(part *p) {
    struct stat info;
    p->fd = open(p->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (p->fd < 0 || fstat(p->fd, &info) < 0)
        return with_way_out(thaw_error_errno(errno, "cannot write %s", p->name));
    if (!S_ISREG(info.st_mode))
        return thaw_error(THAW_ERR_IO, "%s is in the way: it is not a file; remove it", p->name);
    p->size = info.st_size;
    return thaw_ok();
}

/* Some shared file systems have no locks; the check of the whole file's hash has to do there. */
static bool no_locks_here(int error) {
    return error == ENOLCK || error == ENOSYS || error == EINVAL || error == EOPNOTSUPP;
}

/* Does the name still lead to the file that is open? Its size is that of now, then. */
static bool still_named(part *p) {
    struct stat open_one, named;
    if (fstat(p->fd, &open_one) < 0 || lstat(p->name, &named) < 0) return false;
    p->size = open_one.st_size;
    return open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

typedef enum { TAKEN, BUSY, REPLACED } lock_result;

static thaw_status take_lock(part *p, lock_result *out) {
    if (p->fd < 0) THAW_TRY(open_file(p));
    if (flock(p->fd, LOCK_EX | LOCK_NB) < 0 && !no_locks_here(errno)) {
        *out = BUSY;
        if (errno != EWOULDBLOCK && errno != EINTR) return thaw_error_errno(errno, "cannot lock %s", p->name);
        return thaw_ok();
    }
    *out = still_named(p) ? TAKEN : REPLACED;
    return thaw_ok();
}

static void close_file(part *p) {
    close(p->fd);
    p->fd = -1;
}

static thaw_status lock(part *p, bool (*wait)(void *user, int64_t bytes), void *user) {
    for (;;) {
        struct stat info;
        lock_result result;
        THAW_TRY(take_lock(p, &result));
        if (result == TAKEN) return thaw_ok();
        if (result == REPLACED) {
            close_file(p);
            continue;
        }
        int64_t bytes = fstat(p->fd, &info) == 0 ? info.st_size : 0;
        if (!wait(user, bytes))
            return thaw_error(THAW_ERR_CANCELLED, "stopped waiting for another one that fetches %s", p->path);
    }
}

static thaw_status make_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return thaw_ok();
    char *folder = xstrndup(path, (size_t)(slash - path));
    thaw_status status = path_make_directory(folder);
    free(folder);
    return with_way_out(status);
}

thaw_status part_open(const char *path, bool (*wait)(void *user, int64_t bytes), void *user, part **out) {
    *out = NULL;
    THAW_TRY(make_folder(path));
    part *p = xcalloc(1, sizeof *p);
    *p = (part){.path = xstrdup(path),
                .name = xasprintf("%s.part", path),
                .origin_name = xasprintf("%s.part.from", path),
                .fd = -1};
    thaw_status status = lock(p, wait, user);
    if (thaw_failed(&status)) {
        release(p);
    } else if (path_exists(path)) {
        part_remove(p); /* what another one finished while we waited, or what a killed one left */
    } else {
        read_origin(p);
        p->resumed = p->size;
        *out = p;
    }
    return status;
}

/* ---- leaving ---- */

void part_close(part *p) {
    if (!p) return;
    if (p->size == 0)
        part_remove(p);
    else
        release(p);
}

void part_remove(part *p) {
    unlink(p->name);
    unlink(p->origin_name);
    release(p);
}

thaw_status part_commit(part *p) {
    thaw_status status = thaw_ok();
    if (fsync(p->fd) < 0 && errno != EINVAL && errno != EROFS)
        status = thaw_error_errno(errno, "cannot write %s", p->name);
    if (!thaw_failed(&status) && rename(p->name, p->path) < 0)
        status = thaw_error_errno(errno, "cannot give %s its name", p->path);
    if (!thaw_failed(&status)) {
        unlink(p->origin_name);
        file_sync_folder_of(p->path);
    }
    release(p);
    return status;
}

/* ---- bytes ---- */

const char *part_path(const part *p) {
    return p->name;
}

int64_t part_size(const part *p) {
    return p->size;
}

int64_t part_resumed(const part *p) {
    return p->resumed;
}

thaw_status part_room(const part *p, int64_t more) {
    struct statvfs disk;
    if (more <= 0 || fstatvfs(p->fd, &disk) < 0) return thaw_ok(); /* writing will tell */
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    if ((double)more <= free_bytes) return thaw_ok();
    char needed[NUMBER_TEXT_MAX], left[NUMBER_TEXT_MAX], here[NUMBER_TEXT_MAX];
    return with_way_out(thaw_error(
        THAW_ERR_IO,
        "no room for %s: %s are still to come and %s are there, but only %s are free on its disk; make room",
        p->path, text_bytes((double)more, needed), text_bytes((double)p->size, here),
        text_bytes(free_bytes, left)));
}

thaw_status part_write(part *p, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count) {
        ssize_t done = pwrite(p->fd, from, count, p->size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return thaw_error_errno(errno, "cannot write %s", p->name);
        from += done;
        count -= (size_t)done;
        p->size += done;
    }
    return thaw_ok();
}

thaw_status part_restart(part *p) {
    forget_origin(p);
    unlink(p->origin_name);
    if (ftruncate(p->fd, 0) < 0) return thaw_error_errno(errno, "cannot write %s", p->name);
    p->size = p->resumed = 0;
    return thaw_ok();
}
