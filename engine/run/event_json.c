/*
 * event_json.c - events as lines of JSON. Every line starts with the version and the kind, so that a reader
 * can pass over kinds it does not want without parsing them (reader.c does).
 *
 * Reading is forgiving about what is missing (it becomes "not known") and about keys it has never heard of,
 * and strict about what is there: a field of the wrong type makes the line a broken one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/run/event_fields.h"
#include "engine/run/event_step.h"

enum { EVENT_LINE_MAX = 16 << 20 };

/* ---- writing ---- */

static void add_number(cJSON *list, double value) {
    cJSON_AddItemToArray(list, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static cJSON *names_item(char *const *names, size_t count) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(names[i] ? names[i] : ""));
    return list;
}

static cJSON *shares_item(const double *shares, int count) {
    if (!shares) return cJSON_CreateNull();
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++)
        add_number(list, shares[i]);
    return list;
}

static cJSON *rows_item(void *rows, size_t count, const event_rows *form) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *row = cJSON_CreateObject();
        char **path = event_row_path(rows, i, form->size);
        cJSON_AddStringToObject(row, "path", *path ? *path : "");
        for (size_t k = 0; k < form->count; k++) {
            double number = EVENT_LOOK(double, path, form->column[k].offset);
            if (!form->column[k].spared || isfinite(number))
                json_add_number(row, form->column[k].key, number);
        }
        cJSON_AddItemToArray(list, row);
    }
    return list;
}

static cJSON *phases_item(const double *seconds) {
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < THAW_PHASE_COUNT; i++)
        json_add_number(object, thaw_phase_name((thaw_phase)i), seconds[i]);
    return object;
}

static cJSON *mistakes_item(const thaw_mistake *mistakes, size_t count) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "file", mistakes[i].file ? mistakes[i].file : "");
        cJSON_AddStringToObject(row, "label", mistakes[i].label ? mistakes[i].label : "");
        cJSON_AddStringToObject(row, "predicted", mistakes[i].predicted ? mistakes[i].predicted : "");
        json_add_number(row, "probability", mistakes[i].probability);
        json_add_number(row, "label_probability", mistakes[i].label_probability);
        json_add_number(row, "loss", mistakes[i].loss);
        cJSON_AddItemToArray(list, row);
    }
    return list;
}

static cJSON *document_item(const char *text) {
    cJSON *item = NULL;
    if (!text) return cJSON_CreateNull();
    thaw_status status = json_parse(text, strlen(text), "recipe", &item);
    return thaw_failed(&status) ? cJSON_CreateNull() : item;
}

static cJSON *field_item(const thaw_event *e, const event_field *f) {
    const char *text;
    double number;
    int small;
    switch (f->type) {
    case EVENT_TEXT:
        text = EVENT_LOOK(char *, e, f->offset);
        return text ? cJSON_CreateString(text) : cJSON_CreateNull();
    case EVENT_DOCUMENT:
        return document_item(EVENT_LOOK(char *, e, f->offset));
    case EVENT_BOOL:
        return cJSON_CreateBool(EVENT_LOOK(bool, e, f->offset));
    case EVENT_INT:
        return cJSON_CreateNumber(EVENT_LOOK(int, e, f->offset));
    case EVENT_INT64:
        return cJSON_CreateNumber((double)EVENT_LOOK(int64_t, e, f->offset));
    case EVENT_EPOCH:
        small = EVENT_LOOK(int, e, f->offset);
        return small < 0 ? cJSON_CreateNull() : cJSON_CreateNumber(small);
    case EVENT_NUMBER:
        number = EVENT_LOOK(double, e, f->offset);
        return isfinite(number) ? cJSON_CreateNumber(number) : cJSON_CreateNull();
    case EVENT_LEVEL:
        small = EVENT_LOOK(int, e, f->offset);
        return cJSON_CreateString(event_level_names[small < 0 || small > 2 ? 2 : small]);
    case EVENT_STATE:
        return cJSON_CreateString(thaw_state_name(EVENT_LOOK(thaw_state, e, f->offset)));
    case EVENT_NAMES:
        return names_item(EVENT_LOOK(char **, e, f->offset), EVENT_LOOK(size_t, e, f->count_offset));
    case EVENT_LABELS:
        return names_item(EVENT_LOOK(char **, e, f->offset), (size_t)EVENT_LOOK(int, e, f->count_offset));
    case EVENT_SHARES:
        return shares_item(EVENT_LOOK(double *, e, f->offset), EVENT_LOOK(int, e, f->count_offset));
    case EVENT_STATS:
    case EVENT_STAGES:
        return rows_item(EVENT_LOOK(void *, e, f->offset), EVENT_LOOK(size_t, e, f->count_offset),
                         event_rows_of(f->type));
    case EVENT_MISTAKES:
        return mistakes_item(EVENT_LOOK(thaw_mistake *, e, f->offset),
                             EVENT_LOOK(size_t, e, f->count_offset));
    case EVENT_PHASES:
        return phases_item(&EVENT_LOOK(double, e, f->offset));
    }
    return cJSON_CreateNull();
}

char *thaw_event_json(const thaw_event *e) {
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "v", THAW_EVENT_VERSION);
    cJSON_AddStringToObject(line, "event", thaw_event_name(e->kind));
    json_add_number(line, "time", e->time);
    cJSON_AddNumberToObject(line, "step", (double)e->steps);
    size_t count;
    const event_field *f = event_fields(e->kind, &count);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToObject(line, f[i].key, field_item(e, &f[i]));
    char *text = json_print_line(line);
    cJSON_Delete(line);
    return text;
}

/* ---- reading: each false when ITEM is not what it must be ---- */

static bool read_number(const cJSON *item, double *out) {
    *out = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
    return cJSON_IsNumber(item) || cJSON_IsNull(item);
}

static bool read_whole(const cJSON *item, double limit, int64_t *out) {
    return cJSON_IsNumber(item) && event_whole(item->valuedouble, limit, out);
}

static bool read_word(const cJSON *item, const char *const *words, int count, int *out) {
    for (int i = 0; cJSON_IsString(item) && i < count; i++)
        if (strcmp(item->valuestring, words[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool read_state(const cJSON *item, thaw_state *out) {
    for (int i = 0; cJSON_IsString(item) && i < THAW_STATE_COUNT; i++)
        if (strcmp(item->valuestring, thaw_state_name((thaw_state)i)) == 0) {
            *out = (thaw_state)i;
            return true;
        }
    return false;
}

static bool read_names(const cJSON *item, char ***names, size_t *count) {
    if (!cJSON_IsArray(item)) return false;
    *names = xcalloc((size_t)cJSON_GetArraySize(item), sizeof **names);
    for (const cJSON *name = item->child; name; name = name->next) {
        if (!cJSON_IsString(name)) return false;
        (*names)[(*count)++] = xstrdup(name->valuestring);
    }
    return true;
}

static bool read_shares(const cJSON *item, double **shares, int *count) {
    if (cJSON_IsNull(item)) return true;
    if (!cJSON_IsArray(item)) return false;
    *shares = xcalloc((size_t)cJSON_GetArraySize(item), sizeof **shares);
    for (const cJSON *share = item->child; share; share = share->next)
        if (!read_number(share, &(*shares)[(*count)++])) return false;
    return true;
}

/* A number of OBJECT that may be missing: then it is not known. */
static bool read_member(const cJSON *object, const char *key, double *out) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, key);
    *out = (double)NAN;
    return !number || read_number(number, out);
}

static char *read_text(const cJSON *row, const char *key) {
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsString(text) ? xstrdup(text->valuestring) : NULL;
}

static char *read_path(const cJSON *row) {
    return read_text(row, "path");
}

static bool read_rows(const cJSON *item, void **rows, size_t *count, const event_rows *form) {
    if (!cJSON_IsArray(item)) return false;
    *rows = xcalloc((size_t)cJSON_GetArraySize(item), form->size);
    for (const cJSON *row = item->child; row; row = row->next) {
        char **path = event_row_path(*rows, *count, form->size);
        *path = read_path(row);
        if (!*path) return false;
        ++*count;
        for (size_t k = 0; k < form->count; k++)
            if (!read_member(row, form->column[k].key, EVENT_MEMBER(double, path, form->column[k].offset)))
                return false;
    }
    return true;
}

static bool read_mistakes(const cJSON *item, thaw_mistake **mistakes, size_t *count) {
    if (!cJSON_IsArray(item)) return false;
    *mistakes = xcalloc((size_t)cJSON_GetArraySize(item), sizeof **mistakes);
    for (const cJSON *row = item->child; row; row = row->next) {
        thaw_mistake *m = &(*mistakes)[(*count)++];
        m->file = read_text(row, "file");
        m->label = read_text(row, "label");
        m->predicted = read_text(row, "predicted");
        if (!m->file || !m->label || !m->predicted || !read_member(row, "probability", &m->probability) ||
            !read_member(row, "label_probability", &m->label_probability) ||
            !read_member(row, "loss", &m->loss))
            return false;
    }
    return true;
}

static bool read_phases(const cJSON *item, double *seconds) {
    bool good = cJSON_IsObject(item);
    for (int i = 0; i < THAW_PHASE_COUNT && good; i++)
        good = read_member(item, thaw_phase_name((thaw_phase)i), &seconds[i]);
    return good;
}

static bool read_field(const cJSON *item, thaw_event *e, const event_field *f) {
    int64_t whole = 0;
    switch (f->type) {
    case EVENT_TEXT:
        if (cJSON_IsString(item)) *EVENT_MEMBER(char *, e, f->offset) = xstrdup(item->valuestring);
        return cJSON_IsString(item) || cJSON_IsNull(item);
    case EVENT_DOCUMENT:
        if (!cJSON_IsNull(item)) *EVENT_MEMBER(char *, e, f->offset) = json_print_line(item);
        return true;
    case EVENT_BOOL:
        *EVENT_MEMBER(bool, e, f->offset) = cJSON_IsTrue(item);
        return cJSON_IsBool(item);
    case EVENT_INT64:
        return read_whole(item, JSON_WHOLE_MAX, EVENT_MEMBER(int64_t, e, f->offset));
    case EVENT_EPOCH:
        if (cJSON_IsNull(item)) return true; /* -1 is there already */
        /* fall through */
    case EVENT_INT:
        if (!read_whole(item, INT32_MAX, &whole)) return false;
        *EVENT_MEMBER(int, e, f->offset) = (int)whole;
        return true;
    case EVENT_NUMBER:
        return read_number(item, EVENT_MEMBER(double, e, f->offset));
    case EVENT_LEVEL:
        return read_word(item, event_level_names, 3, EVENT_MEMBER(int, e, f->offset));
    case EVENT_STATE:
        return read_state(item, EVENT_MEMBER(thaw_state, e, f->offset));
    case EVENT_NAMES:
        return read_names(item, EVENT_MEMBER(char **, e, f->offset),
                          EVENT_MEMBER(size_t, e, f->count_offset));
    case EVENT_LABELS: {
        size_t count = 0;
        bool good = read_names(item, EVENT_MEMBER(char **, e, f->offset), &count);
        *EVENT_MEMBER(int, e, f->count_offset) = (int)count;
        return good;
    }
    case EVENT_SHARES:
        return read_shares(item, EVENT_MEMBER(double *, e, f->offset), EVENT_MEMBER(int, e, f->count_offset));
    case EVENT_STATS:
    case EVENT_STAGES:
        return read_rows(item, EVENT_MEMBER(void *, e, f->offset), EVENT_MEMBER(size_t, e, f->count_offset),
                         event_rows_of(f->type));
    case EVENT_MISTAKES:
        return read_mistakes(item, EVENT_MEMBER(thaw_mistake *, e, f->offset),
                             EVENT_MEMBER(size_t, e, f->count_offset));
    case EVENT_PHASES:
        return read_phases(item, EVENT_MEMBER(double, e, f->offset));
    }
    return false;
}

/* What a field is before the line says: not known. */
static void set_unknown(thaw_event *e, const event_field *f) {
    if (f->type == EVENT_NUMBER) *EVENT_MEMBER(double, e, f->offset) = (double)NAN;
    if (f->type == EVENT_EPOCH) *EVENT_MEMBER(int, e, f->offset) = -1;
    for (int i = 0; f->type == EVENT_PHASES && i < THAW_PHASE_COUNT; i++)
        EVENT_MEMBER(double, e, f->offset)[i] = (double)NAN;
}

static thaw_status read_kind(const cJSON *line, thaw_event *out) {
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(line, "v");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(line, "event");
    if (!cJSON_IsNumber(version) || !cJSON_IsString(name))
        return thaw_error(THAW_ERR_FORMAT, "not an event: it lacks \"v\" or \"event\"");
    if (version->valuedouble > THAW_EVENT_VERSION)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "an event of version %g; this thaw reads up to %d, use a later one",
                          version->valuedouble, THAW_EVENT_VERSION);
    for (int i = 0; i < THAW_EVENT_COUNT; i++)
        if (strcmp(name->valuestring, thaw_event_name((thaw_event_kind)i)) == 0) {
            out->kind = (thaw_event_kind)i;
            return thaw_ok();
        }
    return thaw_error(THAW_ERR_UNSUPPORTED, "an event \"%s\", which this thaw does not know",
                      name->valuestring);
}

static thaw_status read_event(const cJSON *line, thaw_event *out) {
    THAW_TRY(read_kind(line, out));
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(line, "time");
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(line, "step");
    out->time = (double)NAN;
    if ((time && !read_number(time, &out->time)) || (step && !read_whole(step, JSON_WHOLE_MAX, &out->steps)))
        return thaw_error(THAW_ERR_FORMAT, "event \"%s\": \"time\" and \"step\" must be numbers",
                          thaw_event_name(out->kind));
    size_t count;
    const event_field *f = event_fields(out->kind, &count);
    for (size_t i = 0; i < count; i++)
        set_unknown(out, &f[i]);
    for (size_t i = 0; i < count; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, f[i].key);
        if (item && !read_field(item, out, &f[i]))
            return thaw_error(THAW_ERR_FORMAT, "event \"%s\": \"%s\" is not what it must be",
                              thaw_event_name(out->kind), f[i].key);
    }
    return thaw_ok();
}

thaw_status thaw_event_parse(const char *line, size_t length, thaw_event *out) {
    cJSON *document = NULL;
    thaw_step_row row;
    if (event_read_step(line, length, &row)) {
        thaw_event_of_step(&row, out);
        return thaw_ok();
    }
    memset(out, 0, sizeof *out);
    if (length > EVENT_LINE_MAX)
        return thaw_error(THAW_ERR_FORMAT, "an event of %zu bytes; more than %d are not read", length,
                          EVENT_LINE_MAX);
    THAW_TRY(json_parse(line, length, "event", &document));
    thaw_status status = read_event(document, out);
    cJSON_Delete(document);
    if (thaw_failed(&status)) thaw_event_clear(out);
    return status;
}
