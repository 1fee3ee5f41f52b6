/*
 * file.h - files and folders: mapping, whole-file reads with a limit, and writes that are all or nothing.
 *
 * Every function that can fail names the path in its status.
 */
#ifndef ENGINE_BASE_FILE_H
#define ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

/* A read-only private mapping of a whole regular file. data is NULL for an empty file. */
typedef struct mapped_file {
    const uint8_t *data;
    size_t size;
} mapped_file;

thaw_status file_map(const char *path, mapped_file *out); /* file_unmap when done */
void file_unmap(mapped_file *map);

/* The whole file with a NUL after it, owned by the caller. Fails when it is larger than LIMIT bytes. */
thaw_status file_read(const char *path, size_t limit, char **out, size_t *out_size);

/*
 * Replace PATH by COUNT bytes: write PATH.tmp-<pid>, fsync, rename, fsync the folder. On failure the old file
 * is untouched and the temporary is gone.
 */
thaw_status file_replace(const char *path, const void *bytes, size_t count);

/* The same in pieces, for files too large to build in memory. */
typedef struct file_writer file_writer;
thaw_status file_writer_open(const char *path, file_writer **out);
thaw_status file_writer_write(file_writer *w, const void *bytes, size_t count);
uint64_t file_writer_position(const file_writer *w);
thaw_status file_writer_commit(file_writer *w); /* frees w whether it succeeds or not */
void file_writer_discard(file_writer *w);       /* frees w, removes the temporary; NULL is fine */

/* Make a rename in PATH's folder durable; some file systems cannot, which is no reason to fail. */
void file_sync_folder_of(const char *path);

bool path_exists(const char *path);
bool path_is_directory(const char *path);
char *path_join(const char *folder, const char *name); /* owned by the caller; an absolute NAME wins */
const char *path_base(const char *path);               /* after the last '/' */
char *path_expand(const char *path);                   /* "~/x" by $HOME; owned by the caller */
thaw_status path_make_directory(const char *path);     /* with parents; an existing folder is fine */

/* $VARIABLE when set and absolute, else $HOME/FALLBACK, with SUFFIX joined on. Owned by the caller. */
char *path_xdg(const char *variable, const char *fallback, const char *suffix);

/*
 * A file that came with the program ("zoo/catalog.json", "themes/dark.json"), looked for in $THAW_HOME,
 * beside the program (a build tree), then in <prefix>/share/thaw. The path, owned by the caller, or NULL.
 */
char *path_resource(const char *name);

#endif
