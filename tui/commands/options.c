/*
 * options.c - see options.h. Both `--name=value` and `--name value` are understood; `--` ends the options.
 */
#include "tui/commands/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"

static const option table[OPT_COUNT] = {
#define OPTION_ROW(id, name, type, placeholder, allowed, help) \
    [OPT_##id] = {name, OPTION_##type, placeholder, allowed, help},
    OPTION_TABLE(OPTION_ROW)
#undef OPTION_ROW
};

const option *option_at(option_id id) {
    return &table[id];
}

/* The option called NAME (LENGTH characters of it), or OPT_COUNT. */
static option_id find(option_set accepted, const char *name, size_t length) {
    for (option_id id = 0; id < OPT_COUNT; id++)
        if (accepted >> id & 1 && strlen(table[id].name) == length && !memcmp(table[id].name, name, length))
            return id;
    return OPT_COUNT;
}

static thaw_status unknown(option_set accepted, const char *word, size_t length) {
    const char *names[OPT_COUNT];
    size_t count = 0;
    for (option_id id = 0; id < OPT_COUNT; id++)
        if (accepted >> id & 1 && table[id].help) names[count++] = table[id].name;
    char *name = xstrndup(word, length);
    const char *nearest = text_nearest(name, names, count);
    thaw_status status =
        nearest
            ? thaw_error(THAW_ERR_USAGE, "there is no option --%s here; did you mean --%s?", name, nearest)
            : thaw_error(THAW_ERR_USAGE, "there is no option --%s here", name);
    free(name);
    return status;
}

/* Does VALUE match one of the space-separated globs in ALLOWED? */
static bool matches(const char *allowed, const char *value) {
    bool hit = false;
    while (*allowed && !hit) {
        size_t length = strcspn(allowed, " ");
        char *glob = xstrndup(allowed, length);
        hit = text_glob(glob, value);
        free(glob);
        allowed += length + (allowed[length] == ' ');
    }
    return hit;
}

static thaw_status take_value(option_id id, const char *value, arguments *out) {
    const option *o = &table[id];
    if (o->allowed && !matches(o->allowed, value))
        return thaw_error(THAW_ERR_USAGE, "--%s %s: expected %s", o->name, value,
                          o->type == OPTION_LIST ? o->placeholder : o->help);
    out->text[id] = value;
    if (o->type == OPTION_NUMBER) {
        char *end;
        errno = 0;
        out->number[id] = strtol(value, &end, 10);
        if (end == value || *end || errno || out->number[id] < 0 || out->number[id] > 1000000)
            return thaw_error(THAW_ERR_USAGE, "--%s %s: expected a whole number from 0 to 1000000", o->name,
                              value);
    }
    if (o->type == OPTION_LIST) {
        if (out->list_count == LIST_MAX)
            return thaw_error(THAW_ERR_USAGE, "--%s is given more than %d times; put it in the file", o->name,
                              LIST_MAX);
        out->list[out->list_count++] = value;
    }
    return thaw_ok();
}

/* One word that begins with "--". *NEXT is the word after it, or NULL; USED says whether it was its value. */
static thaw_status take_option(option_set accepted, const char *word, const char *next, bool *used,
                               arguments *out) {
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    option_id id = find(accepted, name, length);
    *used = false;
    if (id == OPT_COUNT) return unknown(accepted, name, length);
    out->given[id] = true;
    if (table[id].type == OPTION_FLAG) {
        if (equals) return thaw_error(THAW_ERR_USAGE, "--%s takes no value", table[id].name);
        return thaw_ok();
    }
    *used = !equals;
    if (!equals && !next)
        return thaw_error(THAW_ERR_USAGE, "--%s needs a value: --%s %s", table[id].name, table[id].name,
                          table[id].placeholder);
    return take_value(id, equals ? equals + 1 : next, out);
}

thaw_status options_read(option_set accepted, int count, char **argv, arguments *out) {
    bool options = true;
    *out = (arguments){.operand = (const char **)argv};
    for (int i = 0; i < count; i++) {
        char *word = argv[i];
        bool used = false;
        if (options && !strcmp(word, "--")) {
            options = false;
        } else if (options && !strcmp(word, "-h")) {
            out->given[OPT_HELP] = true;
        } else if (options && !strncmp(word, "--", 2)) {
            THAW_TRY(take_option(accepted, word, i + 1 < count ? argv[i + 1] : NULL, &used, out));
        } else if (options && word[0] == '-' && word[1]) {
            return thaw_error(THAW_ERR_USAGE, "there is no option %s; options have two dashes, as in --json",
                              word);
        } else {
            out->operand[out->operand_count++] = word;
        }
        i += used;
    }
    return thaw_ok();
}
