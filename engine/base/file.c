/*
 * file.c - see file.h.
 */
#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"

/* Open a regular file for reading and learn its size. */
static thaw_status open_regular(const char *path, int *fd, size_t *size) {
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (*fd < 0) return thaw_error_errno(errno, "%s", path);
    if (fstat(*fd, &info) < 0) {
        int error = errno;
        close(*fd);
        return thaw_error_errno(error, "%s", path);
    }
    if (!S_ISREG(info.st_mode)) {
        close(*fd);
        return thaw_error(THAW_ERR_FORMAT, "%s is %s; name a file", path,
                          S_ISDIR(info.st_mode) ? "a folder" : "a special file");
    }
    *size = (size_t)info.st_size;
    return thaw_ok();
}

thaw_status file_map(const char *path, mapped_file *out) {
    int fd;
    *out = (mapped_file){0};
    THAW_TRY(open_regular(path, &fd, &out->size));
    if (out->size) {
        void *data = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            int error = errno;
            close(fd);
            return thaw_error_errno(error, "cannot map %s", path);
        }
        out->data = data;
    }
    close(fd);
    return thaw_ok();
}

void file_unmap(mapped_file *map) {
    if (map->data) munmap((void *)map->data, map->size);
    *map = (mapped_file){0};
}

/* Read until LIMIT bytes or the end; the number read, or -1 with errno. */
static ssize_t read_fully(int fd, char *bytes, size_t limit) {
    size_t done = 0;
    while (done < limit) {
        ssize_t got = read(fd, bytes + done, limit - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

thaw_status file_read(const char *path, size_t limit, char **out, size_t *out_size) {
    int fd;
    size_t size;
    THAW_TRY(open_regular(path, &fd, &size));
    if (size > limit) {
        close(fd);
        return thaw_error(THAW_ERR_FORMAT,
                          "%s is %zu bytes, more than the %zu that such a file has; is it the right one?",
                          path, size, limit);
    }
    char *bytes = xmalloc(size + 1);
    ssize_t got = read_fully(fd, bytes, size);
    int error = errno;
    close(fd);
    if (got < 0) {
        free(bytes);
        return thaw_error_errno(error, "cannot read %s", path);
    }
    bytes[got] = '\0';
    *out = bytes;
    if (out_size) *out_size = (size_t)got;
    return thaw_ok();
}

enum { WRITER_BUFFER = 1 << 18 };

struct file_writer {
    char *path, *temporary;
    int fd;
    uint64_t position;
    size_t buffered;
    char buffer[WRITER_BUFFER];
};

thaw_status file_writer_open(const char *path, file_writer **out) {
    file_writer *w = xcalloc(1, sizeof *w);
    w->path = xstrdup(path);
    w->temporary = xasprintf("%s.tmp-%ld", path, (long)getpid());
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) {
        thaw_status status = thaw_error_errno(errno, "cannot write %s", path);
        file_writer_discard(w);
        return status;
    }
    *out = w;
    return thaw_ok();
}

static thaw_status write_all(file_writer *w, const char *bytes, size_t count) {
    while (count) {
        ssize_t done = write(w->fd, bytes, count);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return thaw_error_errno(errno, "cannot write %s", w->path);
        bytes += done;
        count -= (size_t)done;
    }
    return thaw_ok();
}

static thaw_status flush_buffer(file_writer *w) {
    size_t count = w->buffered;
    w->buffered = 0;
    return write_all(w, w->buffer, count);
}

thaw_status file_writer_write(file_writer *w, const void *bytes, size_t count) {
    w->position += count;
    if (w->buffered + count > WRITER_BUFFER) THAW_TRY(flush_buffer(w));
    if (count >= WRITER_BUFFER) return write_all(w, bytes, count);
    memcpy(w->buffer + w->buffered, bytes, count);
    w->buffered += count;
    return thaw_ok();
}

uint64_t file_writer_position(const file_writer *w) {
    return w->position;
}

void file_sync_folder_of(const char *path) {
    char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    if (slash) *(slash == folder ? slash + 1 : slash) = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    free(folder);
}

thaw_status file_writer_commit(file_writer *w) {
    thaw_status status = flush_buffer(w);
    if (!thaw_failed(&status) && fsync(w->fd) < 0 && errno != EINVAL && errno != EROFS)
        status = thaw_error_errno(errno, "cannot write %s", w->path);
    int closed = close(w->fd);
    w->fd = -1;
    if (!thaw_failed(&status) && closed < 0) status = thaw_error_errno(errno, "cannot write %s", w->path);
    if (!thaw_failed(&status) && rename(w->temporary, w->path) < 0)
        status = thaw_error_errno(errno, "cannot replace %s", w->path);
    if (!thaw_failed(&status)) {
        file_sync_folder_of(w->path);
        free(w->temporary);
        w->temporary = NULL;
    }
    file_writer_discard(w);
    return status;
}

void file_writer_discard(file_writer *w) {
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    if (w->temporary) unlink(w->temporary);
    free(w->temporary);
    free(w->path);
    free(w);
}

thaw_status file_replace(const char *path, const void *bytes, size_t count) {
    file_writer *w;
    THAW_TRY(file_writer_open(path, &w));
    thaw_status status = file_writer_write(w, bytes, count);
    if (thaw_failed(&status)) {
        file_writer_discard(w);
        return status;
    }
    return file_writer_commit(w);
}

bool path_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

bool path_is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *path_join(const char *folder, const char *name) {
    if (name[0] == '/' || !folder[0]) return xstrdup(name);
    size_t length = strlen(folder);
    return xasprintf("%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
}

const char *path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_expand(const char *path) {
    const char *home = getenv("HOME");
    if (path[0] == '~' && (path[1] == '/' || !path[1]) && home) return xasprintf("%s%s", home, path + 1);
    return xstrdup(path);
}

thaw_status path_make_directory(const char *path) {
    char *partial = xstrdup(path);
    for (char *slash = strchr(partial + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = '\0';
        if (mkdir(partial, 0777) < 0 && errno != EEXIST) {
            int error = errno;
            free(partial);
            return thaw_error_errno(error, "cannot make the folder %s", path);
        }
        if (!slash) break;
        *slash = '/';
    }
    free(partial);
    if (!path_is_directory(path))
        return thaw_error(THAW_ERR_IO, "%s is in the way: it is not a folder; remove it or choose another",
                          path);
    return thaw_ok();
}

char *path_xdg(const char *variable, const char *fallback, const char *suffix) {
    const char *base = getenv(variable), *home = getenv("HOME");
    if (base && base[0] == '/') return path_join(base, suffix);
    char *root = path_join(home && home[0] ? home : "/tmp", fallback);
    char *path = path_join(root, suffix);
    free(root);
    return path;
}

/* The folder the program lies in, owned by the caller; NULL when the system does not say. */
static char *program_folder(void) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return NULL;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    return slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
}

char *path_resource(const char *name) {
    /* Relative to the program: a build tree's root, a test one or two folders down in it, an installation. */
    static const char *const place[] = {"",      "engine",       "..",           "../engine",
                                        "../..", "../../engine", "../share/thaw"};
    const char *home = getenv("THAW_HOME");
    if (home) {
        char *path = path_join(home, name);
        if (path_exists(path)) return path;
        free(path);
    }
    char *folder = program_folder();
    for (size_t i = 0; folder && i < sizeof place / sizeof place[0]; i++) {
        char *path = xasprintf("%s/%s%s%s", folder, place[i], place[i][0] ? "/" : "", name);
        if (path_exists(path)) {
            free(folder);
            return path;
        }
        free(path);
    }
    free(folder);
    return NULL;
}
