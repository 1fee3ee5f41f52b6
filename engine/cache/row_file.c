/*
 * row_file.c - see row_file.h.
 */
#include "engine/cache/row_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/file_part.h"
#include "engine/base/json.h"
#include "engine/cache/row_table.h"

const char row_file_about_name[] = "about.json", row_file_index_name[] = "index",
           row_file_rows_name[] = "rows";

enum { VERSION = 1, ABOUT_BYTES_MAX = 1 << 16, ROW_BYTES_MAX = 1 << 30, RECORDS_AT_ONCE = 1024 };
enum { ROWS_MAX = 1 << 28 };
/* Bytes of the index that stand for locks: held by who adds, and by everybody who has it open. */
enum { LOCK_ADD = 0, LOCK_OPEN = 1 };
/* Nanoseconds between two tries, and how many of them: five seconds. */
enum { LOCK_PAUSE = 1000000, LOCK_TRIES = 5000 };

typedef struct header {
    char magic[8];
    uint32_t version, record_bytes;
    uint64_t row_bytes;
    uint64_t check; /* of what stands before it */
} header;

typedef struct record {
    row_id id;
    uint64_t sum;   /* of the row */
    uint64_t check; /* of this record and its number */
} record;

struct row_file {
    pthread_mutex_t mutex;
    char *folder, *about;
    int index, rows; /* file descriptors */
    size_t row_bytes;
    row_table table;
    size_t lost;
};

row_id row_id_of(const void *bytes, size_t count) {
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    return (row_id){hash.low64, hash.high64};
}

static uint64_t check_of_header(const header *h) {
    return XXH3_64bits(h, offsetof(header, check));
}

static uint64_t check_of_record(const record *r, uint64_t number) {
    return XXH3_64bits_withSeed(r, offsetof(record, check), number);
}

/* ---- locks ---- */

static bool lock_byte(int fd, off_t byte, short type) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int result;
    do
        result = fcntl(fd, F_OFD_SETLK, &lock);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

/* Whoever adds holds it for a row. But a process may be stopped while it does, and the end of our run waits
 * for what is to be added: so there is an end to waiting. */
static bool lock_to_add(int fd) {
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (lock_byte(fd, LOCK_ADD, F_WRLCK)) return true;
        if (errno != EAGAIN && errno != EACCES) return false;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE}, NULL);
    }
    errno = ETIMEDOUT;
    return false;
}

/* ---- records ---- */

static size_t whole_records(const row_file *f) {
    uint64_t bytes = file_part_end(f->index);
    return bytes < sizeof(header) ? 0 : (size_t)((bytes - sizeof(header)) / sizeof(record));
}

/* Rows that both files have; a torn record or row at the end does not count. */
static size_t whole_rows(const row_file *f) {
    size_t records = whole_records(f), rows = (size_t)(file_part_end(f->rows) / f->row_bytes);
    size_t whole = records < rows ? records : rows;
    return whole < ROWS_MAX ? whole : ROWS_MAX;
}

/* Take in the records that are new since the last time. */
static void take_in(row_file *f) {
    size_t count = whole_rows(f);
    record *r = xcalloc(RECORDS_AT_ONCE, sizeof *r);
    while (f->table.count < count) {
        size_t first = f->table.count, some = count - first;
        if (some > RECORDS_AT_ONCE) some = RECORDS_AT_ONCE;
        off_t at = (off_t)(sizeof(header) + first * sizeof *r);
        if (!file_part_read(f->index, r, some * sizeof *r, at)) break;
        for (size_t i = 0; i < some; i++) {
            bool good = r[i].check == check_of_record(&r[i], first + i);
            f->lost += !good;
            row_table_push(&f->table, good ? &r[i].id : NULL, r[i].sum);
        }
    }
    free(r);
}

/* ---- opening ---- */

/* What is there and cannot be ours counts as damage: in a folder of our own it may be removed. */
static thaw_status open_part(const char *folder, const char *name, int *fd) {
    char *path = path_join(folder, name);
    struct stat info;
    thaw_status status = thaw_ok();
    *fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int error = *fd < 0 ? errno : 0;
    if ((*fd < 0 ? lstat(path, &info) : fstat(*fd, &info)) < 0)
        status = errno == ENOENT ? thaw_error(THAW_ERR_FORMAT, "%s has no file \"%s\"", folder, name)
                                 : thaw_error_errno(errno, "cannot open %s", path);
    else if (!S_ISREG(info.st_mode))
        status = thaw_error(THAW_ERR_FORMAT, "%s is not an ordinary file", path);
    else if (info.st_uid != geteuid())
        status = thaw_error(THAW_ERR_FORMAT, "%s belongs to another user", path);
    else if (error)
        status = thaw_error_errno(error, "cannot open %s", path);
    free(path);
    return status;
}

static thaw_status read_header(row_file *f) {
    header h;
    if (!file_part_read(f->index, &h, sizeof h, 0) || memcmp(h.magic, "thawrows", sizeof h.magic) != 0)
        return thaw_error(THAW_ERR_FORMAT, "%s/%s is damaged", f->folder, row_file_index_name);
    if (h.version != VERSION || h.record_bytes != sizeof(record))
        return thaw_error(THAW_ERR_FORMAT, "%s is of another version of thaw", f->folder);
    if (h.check != check_of_header(&h) || h.row_bytes == 0 || h.row_bytes > ROW_BYTES_MAX)
        return thaw_error(THAW_ERR_FORMAT, "%s/%s is damaged", f->folder, row_file_index_name);
    f->row_bytes = (size_t)h.row_bytes;
    return thaw_ok();
}

/* Between opening and locking it may have been removed: then it is as good as absent. */
static bool is_still_there(const row_file *f) {
    char *path = path_join(f->folder, row_file_index_name);
    struct stat mine, there;
    bool same = fstat(f->index, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
                mine.st_dev == there.st_dev;
    free(path);
    return same;
}

static thaw_status read_about(row_file *f) {
    char *path = path_join(f->folder, row_file_about_name);
    cJSON *about = NULL;
    thaw_status status = file_read(path, ABOUT_BYTES_MAX, &f->about, NULL);
    if (!thaw_failed(&status)) about = cJSON_Parse(f->about);
    if (!cJSON_IsObject(about)) status = thaw_error(THAW_ERR_FORMAT, "%s is damaged", path);
    cJSON_Delete(about);
    free(path);
    return status;
}

static thaw_status check_folder(const char *folder) {
    struct stat info;
    if (lstat(folder, &info) < 0)
        return errno == ENOENT ? thaw_error(THAW_ERR_NOT_FOUND, "there is no folder %s", folder)
                               : thaw_error_errno(errno, "cannot look into %s", folder);
    if (info.st_uid != geteuid()) return thaw_error(THAW_ERR_USAGE, "%s belongs to another user", folder);
    return S_ISDIR(info.st_mode) ? thaw_ok() : thaw_error(THAW_ERR_FORMAT, "%s is not a folder", folder);
}

static thaw_status open_all(row_file *f) {
    THAW_TRY(check_folder(f->folder));
    THAW_TRY(open_part(f->folder, row_file_index_name, &f->index));
    THAW_TRY(open_part(f->folder, row_file_rows_name, &f->rows));
    if (!lock_byte(f->index, LOCK_OPEN, F_RDLCK))
        return thaw_error_errno(errno, "cannot lock %s/%s", f->folder, row_file_index_name);
    if (!is_still_there(f)) return thaw_error(THAW_ERR_NOT_FOUND, "%s was removed", f->folder);
    THAW_TRY(read_header(f));
    return read_about(f);
}

/* All but the records. */
static thaw_status open_folder(const char *folder, row_file **out) {
    row_file *f = xcalloc(1, sizeof *f);
    pthread_mutex_init(&f->mutex, NULL);
    f->folder = xstrdup(folder);
    f->index = f->rows = -1;
    thaw_status status = open_all(f);
    if (thaw_failed(&status)) {
        row_file_close(f);
        f = NULL;
    }
    *out = f;
    return status;
}

thaw_status row_file_look(const char *folder, row_file_facts *out) {
    row_file *f;
    *out = (row_file_facts){0};
    THAW_TRY(open_folder(folder, &f));
    *out = (row_file_facts){.about = f->about, .row_bytes = f->row_bytes, .count = whole_rows(f)};
    f->about = NULL;
    row_file_close(f);
    return thaw_ok();
}

thaw_status row_file_open(const char *folder, row_file **out) {
    THAW_TRY(open_folder(folder, out));
    take_in(*out);
    /* A row is written before its record: these were cut off. */
    (*out)->lost += whole_records(*out) - (*out)->table.count;
    /* When it was last used decides who goes first when room is needed. */
    (void)!futimens((*out)->index, NULL);
    (void)posix_fadvise((*out)->rows, 0, 0, POSIX_FADV_WILLNEED);
    return thaw_ok();
}

void row_file_close(row_file *f) {
    if (!f) return;
    if (f->index >= 0) close(f->index);
    if (f->rows >= 0) close(f->rows);
    row_table_clear(&f->table);
    pthread_mutex_destroy(&f->mutex);
    free(f->about);
    free(f->folder);
    free(f);
}

/* ---- making ---- */

static thaw_status write_part(const char *folder, const char *name, const void *bytes, size_t count) {
    char *path = path_join(folder, name);
    thaw_status status = thaw_ok();
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !file_part_write(fd, bytes, count, 0))
        status = thaw_error_errno(errno, "cannot write %s", path);
    if (fd >= 0 && close(fd) < 0 && !thaw_failed(&status))
        status = thaw_error_errno(errno, "cannot write %s", path);
    free(path);
    return status;
}

static thaw_status fill_folder(const char *folder, const char *about, size_t row_bytes) {
    header h = {
        .magic = "thawrow", .version = VERSION, .record_bytes = sizeof(record), .row_bytes = row_bytes};
    h.magic[sizeof h.magic - 1] = 's';
    h.check = check_of_header(&h);
    THAW_TRY(write_part(folder, row_file_about_name, about, strlen(about)));
    THAW_TRY(write_part(folder, row_file_rows_name, NULL, 0));
    return write_part(folder, row_file_index_name, &h, sizeof h);
}

thaw_status row_file_create(const char *folder, const char *about, size_t row_bytes, row_file **out) {
    *out = NULL;
    const char *name = path_base(folder);
    char *above = name > folder ? xstrndup(folder, (size_t)(name - folder)) : xstrdup(".");
    char *temporary = xasprintf("%s.tmp-XXXXXX", folder);
    thaw_status status = path_make_directory(above);
    if (!thaw_failed(&status) && !mkdtemp(temporary))
        status = thaw_error_errno(errno, "cannot make a folder %s", temporary);
    if (!thaw_failed(&status)) status = fill_folder(temporary, about, row_bytes);
    if (!thaw_failed(&status) && rename(temporary, folder) < 0 && errno != ENOTEMPTY && errno != EEXIST)
        status = thaw_error_errno(errno, "cannot make the folder %s", folder);
    if (path_exists(temporary)) {
        thaw_status removed = row_file_remove(temporary);
        if (!thaw_failed(&status) && thaw_failed(&removed)) status = removed;
    }
    free(temporary);
    free(above);
    THAW_TRY(status);
    return row_file_open(folder, out);
}

thaw_status row_file_remove(const char *folder) {
    const char *const names[] = {row_file_about_name, row_file_index_name, row_file_rows_name};
    thaw_status status = thaw_ok();
    if (unlink(folder) == 0) return status; /* a file or a link: folders are not removed so */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_join(folder, names[i]);
        if (unlink(path) < 0 && errno == EISDIR) (void)!rmdir(path);
        if (unlink(path) < 0 && errno != ENOENT && !thaw_failed(&status))
            status = thaw_error_errno(errno, "cannot remove %s", path);
        free(path);
    }
    if (!thaw_failed(&status) && rmdir(folder) < 0 && errno != ENOENT)
        status = thaw_error_errno(errno, "cannot remove %s", folder);
    return status;
}

bool row_file_in_use(const char *folder) {
    char *path = path_join(folder, row_file_index_name);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    if (fd < 0) return false;
    bool used = !lock_byte(fd, LOCK_OPEN, F_WRLCK) && (errno == EAGAIN || errno == EACCES);
    close(fd);
    return used;
}

/* ---- looking ---- */

const char *row_file_about(const row_file *f) {
    return f->about;
}

size_t row_file_row_bytes(const row_file *f) {
    return f->row_bytes;
}

size_t row_file_count(row_file *f) {
    pthread_mutex_lock(&f->mutex);
    size_t count = f->table.count;
    pthread_mutex_unlock(&f->mutex);
    return count;
}

size_t row_file_lost(row_file *f) {
    pthread_mutex_lock(&f->mutex);
    size_t lost = f->lost;
    pthread_mutex_unlock(&f->mutex);
    return lost;
}

int64_t row_file_find(row_file *f, row_id id) {
    pthread_mutex_lock(&f->mutex);
    int64_t row = row_table_find(&f->table, id);
    pthread_mutex_unlock(&f->mutex);
    return row;
}

bool row_file_read(row_file *f, int64_t row, void *out) {
    bool good = file_part_read(f->rows, out, f->row_bytes, row * (off_t)f->row_bytes);
    pthread_mutex_lock(&f->mutex);
    const row_entry *e = &f->table.item[row];
    uint64_t sum = e->sum;
    bool checked = e->checked, present = e->present;
    pthread_mutex_unlock(&f->mutex);
    if (good && present && !checked) good = XXH3_64bits(out, f->row_bytes) == sum;
    if (good && present && checked) return true;
    pthread_mutex_lock(&f->mutex);
    if (good && present) {
        f->table.item[row].checked = true;
    } else if (f->table.item[row].present) {
        row_table_drop(&f->table, (size_t)row);
        f->lost++;
    }
    pthread_mutex_unlock(&f->mutex);
    return good && present;
}

/* ---- adding ---- */

/* One row behind those there are, and its record. Within both locks. */
static bool append(row_file *f, row_id id, const void *bytes) {
    uint64_t number = f->table.count;
    record r = {.id = id, .sum = XXH3_64bits(bytes, f->row_bytes)};
    r.check = check_of_record(&r, number);
    if (!file_part_write(f->rows, bytes, f->row_bytes, (off_t)(number * f->row_bytes))) return false;
    if (!file_part_write(f->index, &r, sizeof r, (off_t)(sizeof(header) + number * sizeof r))) return false;
    row_table_push(&f->table, &id, r.sum);
    return true;
}

static thaw_status add_all(row_file *f, const row_id *id, const void *rows, size_t count, int64_t *row) {
    take_in(f);
    if (f->table.count > whole_rows(f))
        return thaw_error(THAW_ERR_FORMAT, "%s was cut short while it was in use", f->folder);
    for (size_t i = 0; i < count; i++) {
        row[i] = row_table_find(&f->table, id[i]);
        if (row[i] >= 0 || f->table.count >= ROWS_MAX) continue;
        int64_t next = (int64_t)f->table.count;
        errno = 0;
        if (!append(f, id[i], (const char *)rows + i * f->row_bytes))
            return thaw_error_errno(errno ? errno : EIO, "cannot write to %s", f->folder);
        row[i] = next;
    }
    return thaw_ok();
}

thaw_status row_file_add(row_file *f, const row_id *id, const void *rows, size_t count, int64_t *row) {
    for (size_t i = 0; i < count; i++)
        row[i] = -1;
    pthread_mutex_lock(&f->mutex);
    thaw_status status;
    if (lock_to_add(f->index)) {
        status = add_all(f, id, rows, count, row);
        lock_byte(f->index, LOCK_ADD, F_UNLCK);
    } else {
        status = thaw_error_errno(errno, "cannot lock %s/%s", f->folder, row_file_index_name);
    }
    pthread_mutex_unlock(&f->mutex);
    return status;
}
