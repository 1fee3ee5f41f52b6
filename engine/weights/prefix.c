/*
 * prefix.c - files of a model that was part of a larger one: "backbone.conv1.weight" where a ResNet has
 * "conv1.weight".
 *
 * What a program called the part cannot be known, so any first name that most keys share may be it; it is
 * taken away if a known architecture comes out, and only then. The names below are torchvision's own, and
 * spare nearly every file the comparison.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/models/registry.h"
#include "engine/weights/weights_file.h"

enum { DEPTH_MAX = 3 }; /* "state_dict.model.backbone." */

/* What most keys of an architecture may begin with; where others have a part of that name, what tells them
 * apart. */
static const struct {
    const char *name, *with;
} trunk[] = {
    {"features", NULL}, {"layer1", NULL}, {"layer2", NULL},       {"layer3", NULL},
    {"layer4", NULL},   {"layers", NULL}, {"trunk_output", NULL}, {"encoder", "conv_proj.weight"},
    {"blocks", NULL},   {"stages", NULL},
};

static bool has_key(const weights_file *f, const char *key) {
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->entry[i].key, key) == 0) return true;
    return false;
}

static bool is_trunk(const weights_file *f, const char *name, size_t length) {
    for (size_t i = 0; i < sizeof trunk / sizeof *trunk; i++)
        if (strlen(trunk[i].name) == length && memcmp(trunk[i].name, name, length) == 0)
            return !trunk[i].with || has_key(f, trunk[i].with);
    return false;
}

static size_t count_with(const weights_file *f, const char *prefix, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += strncmp(f->entry[i].key, prefix, length) == 0;
    return count;
}

/* BEGIN and one more name with its dot, which more than half of all keys begin with: how long that is, and a
 * key that has it. 0: there is none. */
static size_t longer_prefix(const weights_file *f, const char *begin, size_t length, const char **key) {
    size_t best = 0, votes = 0; /* a majority vote: what more than half have is left over in one pass */
    const char *holder = NULL;
    for (size_t i = 0; i < f->count; i++) {
        const char *one = f->entry[i].key;
        const char *dot = strncmp(one, begin, length) == 0 ? strchr(one + length, '.') : NULL;
        size_t n = dot ? (size_t)(dot - one) + 1 : 0;
        if (!votes && n) {
            holder = one;
            best = n;
            votes = 1;
        } else if (n && n == best && strncmp(one, holder, n) == 0) {
            votes++;
        } else if (votes) {
            votes--;
        }
    }
    if (!votes || count_with(f, holder, best) * 2 <= f->count) return 0;
    *key = holder;
    return best;
}

/* The entries under the prefix by the names they have without it; the keys are copies. */
static weights_file part_of(const weights_file *f, const char *prefix, size_t length) {
    weights_file part = {.name = f->name, .format = f->format};
    part.entry = xcalloc(f->count, sizeof *part.entry);
    for (size_t i = 0; i < f->count; i++) {
        const weights_entry *e = &f->entry[i];
        if (strncmp(e->key, prefix, length) != 0 || !e->key[length]) continue;
        part.entry[part.count] = *e;
        part.entry[part.count++].key = xstrdup(e->key + length);
    }
    return part;
}

static void part_clear(weights_file *part) {
    for (size_t i = 0; i < part->count; i++)
        free(part->entry[i].key);
    free(part->entry);
    free(part->by_key);
    *part = (weights_file){0};
}

/* A classifier that stands beside the part under the name that the architecture has for it. */
static void keep_head(const weights_file *f, const char *prefix, size_t length, const char *arch_name,
                      weights_file *part) {
    const char *head = arch_find(arch_name)->head;
    size_t own = strlen(head);
    for (size_t i = 0; i < part->count; i++)
        if (strncmp(part->entry[i].key, head, own) == 0) return;
    for (size_t i = 0; i < f->count; i++) {
        const char *key = f->entry[i].key;
        if (strncmp(key, prefix, length) == 0 || strncmp(key, head, own) != 0 || key[own] != '.') continue;
        part->entry[part->count] = f->entry[i];
        part->entry[part->count++].key = xstrdup(key);
    }
}

/* PART takes the place of what F has. */
static void become(weights_file *f, weights_file *part, const char *prefix, size_t length, const char *note) {
    size_t others = f->count - part->count;
    str text = {0};
    str_appendf(&text, "keys are read without the \"%.*s\" in front", (int)length, prefix);
    if (others) str_appendf(&text, ", and %zu other%s left out", others, others == 1 ? " is" : "s are");
    if (note) str_appendf(&text, "; %s", note);
    for (size_t i = 0; i < f->count; i++)
        free(f->entry[i].key);
    free(f->entry);
    free(f->note);
    f->entry = part->entry;
    f->count = f->capacity = part->count;
    f->note = str_take(&text);
    free(part->by_key);
    free(f->by_key);
    f->by_key = NULL;
}

static bool try_prefix(weights_file *f, const char *prefix, size_t length) {
    weights_file part = part_of(f, prefix, length);
    const char *note = weights_translate_timm(part.entry, part.count);
    thaw_status status = weights_sort_keys(&part);
    const char *known = thaw_failed(&status) ? NULL : weights_guess_arch(&part);
    if (!known) {
        part_clear(&part);
        return false;
    }
    keep_head(f, prefix, length, known, &part);
    become(f, &part, prefix, length, note);
    return true;
}

void weights_strip_prefix(weights_file *f) {
    const char *prefix = "";
    size_t length = 0;
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        size_t longer = longer_prefix(f, prefix, length, &prefix);
        if (!longer || is_trunk(f, prefix + length, longer - length - 1)) return;
        length = longer;
        char *copy = xstrndup(prefix, length);
        bool done = try_prefix(f, copy, length);
        free(copy);
        if (done) return;
    }
}
