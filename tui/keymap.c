/*
 * keymap.c - see keymap.h.
 */
#include "tui/keymap.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "tui/app.h"
#include "tui/key.h"

enum { FILE_MAX = 1 << 20 };

/* What is being read. CLAIMED[t][i]: the file gave keys to action i of table t. */
typedef struct reading {
    keymap *map;
    const char *text, *where;
    bool *claimed[KEYMAP_TABLES];
    thaw_status first; /* what is wrong first */
} reading;

static void __attribute__((format(printf, 3, 4)))
complain(reading *r, const char *name, const char *format, ...) {
    if (thaw_failed(&r->first)) return;
    va_list args;
    va_start(args, format);
    char *problem = xvasprintf(format, args);
    va_end(args);
    r->first = thaw_error(THAW_ERR_FORMAT, "%s, line %d, \"%s\": %s", r->where,
                          json_find_line(r->text, name, NULL), name, problem);
    free(problem);
}

/* "Train" is "train" in the file; the last table has no name. */
static const char *table_name(int table, char buffer[16]) {
    if (table == KEYMAP_EVERYWHERE) return "";
    const char *title;
    (void)app_actions_of((screen_id)table, &title);
    size_t i = 0;
    for (; i < 15 && title[i]; i++)
        buffer[i] = (char)tolower((unsigned char)title[i]);
    buffer[i] = '\0';
    return buffer;
}

static char *own_text(keymap *m, char *text) {
    m->text = vec_reserve(m->text, &m->text_capacity, m->text_count + 1, sizeof *m->text);
    m->text[m->text_count++] = text;
    return text;
}

/* The words of KEYS that are not in NOT. */
static char *keys_without(const char *keys, const char * not ) {
    str left = {0};
    for (key_word word; key_next(&keys, &word);)
        if (!key_in(word.key, not ))
            str_appendf(&left, "%s%.*s", left.length ? " " : "", word.length, word.name);
    return str_take(&left);
}

/* Do actions of these two tables want one key? A tab's keys win over what works everywhere. */
static bool tables_meet(int one, int other) {
    return one == other || one == KEYMAP_EVERYWHERE;
}

/* Take ITEM's keys from the actions that have them only by default; say which has them by the file too. */
static void take_keys(reading *r, int table, size_t index, const char *name) {
    const action *item = &r->map->table[table][index];
    for (int t = 0; t < KEYMAP_TABLES; t++)
        for (size_t i = 0; tables_meet(table, t) && i < r->map->count[t]; i++) {
            action *other = &r->map->table[t][i];
            char *left = other == item || !other->keys ? NULL : keys_without(other->keys, item->keys);
            if (!left || !strcmp(left, other->keys)) {
                free(left);
            } else if (r->claimed[t][i]) {
                free(left);
                if (!item->valid || !other->valid) /* else each says when it applies: pause and continue */
                    complain(r, name, "\"%s\" has this key as well", other->name);
            } else {
                other->keys = own_text(r->map, left);
            }
        }
}

/* Are all of TEXT's words names of keys? */
static bool check_keys(reading *r, const char *name, const char *text) {
    for (key_word word; key_next(&text, &word);)
        if (word.key == K_NONE) {
            complain(r, name, "there is no key called \"%.*s\"; keys are like q, Q, Ctrl-L, F5, PgDn, Space",
                     word.length, word.name);
            return false;
        }
    return true;
}

static void unknown_action(reading *r, const char *name) {
    const char *dot = strchr(name, '.'), **all = NULL;
    size_t count = 0, capacity = 0;
    for (int t = 0; t < KEYMAP_TABLES; t++)
        for (size_t i = 0; i < r->map->count[t]; i++) {
            all = vec_reserve(all, &capacity, count + 1, sizeof *all);
            all[count++] = r->map->table[t][i].name;
        }
    const char *near = text_nearest(dot ? dot + 1 : name, all, count);
    if (near)
        complain(r, name, "there is no such action; did you mean \"%s\"?", near);
    else
        complain(r, name, "there is no such action; ? in the workbench lists them");
    free(all);
}

static void read_entry(reading *r, const cJSON *entry) {
    const char *name = entry->string, *dot = strchr(name, '.'), *word = dot ? dot + 1 : name;
    char buffer[16];
    size_t found = 0;
    if (!cJSON_IsString(entry) && !cJSON_IsNull(entry)) {
        complain(r, name, "expected keys as text, like \"Q Ctrl-C\", or null for none");
        return;
    }
    if (cJSON_IsString(entry) && !check_keys(r, name, entry->valuestring)) return;
    char *keys = cJSON_IsString(entry) ? own_text(r->map, xstrdup(entry->valuestring)) : NULL;
    for (int t = 0; t < KEYMAP_TABLES; t++) {
        const char *tab = table_name(t, buffer);
        if (dot && (strlen(tab) != (size_t)(dot - name) || strncmp(tab, name, strlen(tab)) != 0)) continue;
        for (size_t i = 0; i < r->map->count[t]; i++) {
            action *item = &r->map->table[t][i];
            if (strcmp(item->name, word) != 0) continue;
            item->keys = keys;
            r->claimed[t][i] = true;
            if (keys) take_keys(r, t, i, name);
            found++;
        }
    }
    if (!found) unknown_action(r, name);
}

static void copy_tables(keymap *m, const action_table table[KEYMAP_TABLES]) {
    for (int t = 0; t < KEYMAP_TABLES; t++) {
        m->count[t] = table[t].count;
        m->table[t] = xmalloc(table[t].count * sizeof(action));
        memcpy(m->table[t], table[t].item, table[t].count * sizeof(action));
    }
}

thaw_status keymap_parse(keymap *m, const action_table table[KEYMAP_TABLES], const char *text, size_t length,
                         const char *where) {
    *m = (keymap){0};
    cJSON *document = NULL;
    char *copy = xstrndup(text, length);
    reading r = {.map = m, .text = copy, .where = where};
    THAW_TRY_GOTO(r.first, out, json_parse(copy, strlen(copy), where, &document));
    if (!cJSON_IsObject(document)) {
        r.first = thaw_error(THAW_ERR_FORMAT, "%s: expected an object like {\"quit\": \"Q\"}", where);
        goto out;
    }
    copy_tables(m, table);
    for (int t = 0; t < KEYMAP_TABLES; t++)
        r.claimed[t] = xcalloc(m->count[t] + 1, sizeof(bool));
    for (const cJSON *entry = document->child; entry; entry = entry->next)
        read_entry(&r, entry);
    for (int t = 0; t < KEYMAP_TABLES; t++)
        free(r.claimed[t]);
out:
    cJSON_Delete(document);
    free(copy);
    return r.first;
}

thaw_status keymap_load(keymap *m) {
    *m = (keymap){0};
    char *path = path_xdg("XDG_CONFIG_HOME", ".config", "thaw/keys.json"), *text = NULL;
    size_t length = 0;
    thaw_status status = thaw_ok();
    if (path && path_exists(path)) {
        action_table table[KEYMAP_TABLES];
        const char *title;
        for (int t = 0; t < KEYMAP_TABLES; t++)
            table[t] = app_actions_of((screen_id)t, &title);
        status = file_read(path, FILE_MAX, &text, &length);
        if (!thaw_failed(&status)) status = keymap_parse(m, table, text, length, path);
    }
    free(text);
    free(path);
    return status;
}

void keymap_clear(keymap *m) {
    for (int t = 0; t < KEYMAP_TABLES; t++)
        free(m->table[t]);
    for (size_t i = 0; i < m->text_count; i++)
        free(m->text[i]);
    free(m->text);
    *m = (keymap){0};
}
