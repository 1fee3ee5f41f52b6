/*
 * json.h - cJSON with limits and errors that name the key.
 *
 * Documents come from files people edit and from files of strangers, so reading is bounded in size and depth,
 * and every typed getter says which key is wrong, what was expected and what was found.
 */
#ifndef ENGINE_BASE_JSON_H
#define ENGINE_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "thaw/status.h"

enum { JSON_FILE_MAX = 64 << 20 };
/* 2^53: up to here whole numbers are exact in a double, and so in JSON. */
#define JSON_WHOLE_MAX 9007199254740992.0

/* Parse; the error gives line and column. WHERE names the source in messages. cJSON_Delete the result. */
thaw_status json_parse(const char *text, size_t length, const char *where, cJSON **out);
/* The line, from 1, of "key" after "outer" (either may be NULL) in a document's TEXT, for messages. */
int json_find_line(const char *text, const char *outer, const char *key);
thaw_status json_read_file(const char *path, cJSON **out);
thaw_status json_write_file(const char *path, const cJSON *document); /* indented, atomic (file_replace) */
/*
 * Printing is ours: cJSON shortens numbers to 15 digits, and passes on bytes that are not UTF-8. Here numbers
 * read back bit-identically, what is not finite is null, and every output is valid UTF-8 (invalid bytes of
 * file names become U+FFFD). free() the results.
 */
char *json_print_line(const cJSON *document); /* one line, no newline */
/* For people: indented by two, with lists and objects of plain values on one line where they fit. */
char *json_print_indented(const cJSON *document);

/*
 * Typed getters over an object. A missing key leaves *OUT as it was and succeeds; a key of the wrong type
 * fails. WHERE is the dotted path of OBJECT for messages ("data", "" at the top).
 */
thaw_status json_get_string(const cJSON *object, const char *where, const char *key,
                            char **out); /* replaces, frees old */
thaw_status json_get_double(const cJSON *object, const char *where, const char *key, double *out);
thaw_status json_get_int(const cJSON *object, const char *where, const char *key, int *out);
thaw_status json_get_bool(const cJSON *object, const char *where, const char *key, bool *out);

/* Fail with a suggestion when OBJECT has a key that is not among KNOWN. */
thaw_status json_check_keys(const cJSON *object, const char *where, const char *const *known, size_t count);

/* The shortest text that reads back as the same finite double: integers plain. Returns BUFFER. */
enum { JSON_NUMBER_MAX = 40 };
const char *json_number_text(double value, char buffer[JSON_NUMBER_MAX]);

/* Add a number so that it reads back bit-identically: integers plain, doubles with 17 digits, non-finite as
 * null. */
void json_add_number(cJSON *object, const char *key, double value);

#endif
