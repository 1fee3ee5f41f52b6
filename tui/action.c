/*
 * action.c - see action.h.
 */
#include "tui/action.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/key.h"

bool action_valid(const action *item, const action_table *table, app *a) {
    return !item->valid || item->valid(a, table->self);
}

const action *action_for_key(const action_table *table, app *a, int key) {
    for (size_t i = 0; i < table->count; i++) {
        const action *item = &table->item[i];
        if (key_in(key, item->keys) && action_valid(item, table, a)) return item;
    }
    return NULL;
}

int action_key(const action *item, const action_table *table, app *a) {
    const char *keys = item->keys;
    for (key_word word; key_next(&keys, &word);)
        if (word.key != K_NONE && action_for_key(table, a, word.key) == item) return word.key;
    return K_NONE;
}

const action *action_by_name(const action_table *table, const char *name, int *ties) {
    const action *found = NULL;
    size_t length = strlen(name);
    int count = 0;
    for (size_t i = 0; length && i < table->count; i++) {
        const action *item = &table->item[i];
        if (strncmp(item->name, name, length)) continue;
        if (!item->name[length]) { /* the whole name wins over longer ones */
            found = item;
            count = 1;
            break;
        }
        found = item;
        count++;
    }
    if (ties) *ties = count;
    return count == 1 ? found : NULL;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **action_complete(const action_table *tables, size_t table_count, const char *prefix,
                             size_t *count) {
    const char **names = NULL;
    size_t capacity = 0, found = 0, length = strlen(prefix);
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < tables[t].count; i++) {
            const char *name = tables[t].item[i].name;
            if (strncmp(name, prefix, length)) continue;
            names = vec_reserve(names, &capacity, found + 1, sizeof *names);
            names[found++] = name;
        }
    if (found) qsort(names, found, sizeof *names, by_text);
    *count = found;
    return names;
}

static bool share_key(const action *a, const action *b, char name[KEY_NAME_MAX]) {
    const char *keys = a->keys;
    for (key_word word; key_next(&keys, &word);)
        if (key_in(word.key, b->keys)) {
            key_text(word.key, name);
            return true;
        }
    return false;
}

static void check_one(const action *item, str *problems) {
    if (!item->help || !*item->help) str_appendf(problems, "\"%s\" has no help\n", item->name);
    if (!item->run) str_appendf(problems, "\"%s\" does nothing\n", item->name);
    const char *keys = item->keys;
    for (key_word word; key_next(&keys, &word);)
        if (word.key == K_NONE)
            str_appendf(problems, "\"%s\": no key is called \"%.*s\"\n", item->name, word.length, word.name);
}

void action_check(const action_table *table, str *problems) {
    char key[KEY_NAME_MAX];
    for (size_t i = 0; i < table->count; i++) {
        const action *item = &table->item[i];
        check_one(item, problems);
        for (size_t k = 0; k < i; k++) {
            const action *other = &table->item[k];
            if (!strcmp(item->name, other->name))
                str_appendf(problems, "\"%s\" is there twice\n", item->name);
            /* Two entries may share a key when each says when it applies: pause and continue. */
            if (share_key(item, other, key) && !(item->valid && other->valid))
                str_appendf(problems, "\"%s\" and \"%s\" share the key %s\n", other->name, item->name, key);
        }
    }
}
