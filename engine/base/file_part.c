/*
 * file_part.c - see file_part.h.
 */
#include "engine/base/file_part.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

size_t file_part_read_some(int fd, void *out, size_t count, off_t at) {
    size_t done = 0;
    while (done < count) {
        ssize_t got = pread(fd, (char *)out + done, count - done, at + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    return done;
}

bool file_part_read(int fd, void *out, size_t count, off_t at) {
    return file_part_read_some(fd, out, count, at) == count;
}

bool file_part_write(int fd, const void *from, size_t count, off_t at) {
    for (size_t done = 0; done < count;) {
        ssize_t put = pwrite(fd, (const char *)from + done, count - done, at + (off_t)done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        done += (size_t)put;
    }
    return true;
}

uint64_t file_part_end(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0;
}
