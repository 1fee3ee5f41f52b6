/*
 * order.c - see order.h. Which keys an order takes is in a table; a key that does not belong is an error,
 * because a misspelt one would otherwise change what is done.
 */
#include "engine/run/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "thaw/layers.h"

enum { KEYS_MAX = 2 };

static const struct {
    const char *name, *key[KEYS_MAX];
} words[THAW_ORDER_COUNT] = {
    [THAW_ORDER_HELLO] = {"hello", {NULL}},
    [THAW_ORDER_PAUSE] = {"pause", {NULL}},
    [THAW_ORDER_CONTINUE] = {"continue", {NULL}},
    [THAW_ORDER_STEP] = {"step", {NULL}},
    [THAW_ORDER_CHECKPOINT] = {"checkpoint", {NULL}},
    [THAW_ORDER_STOP] = {"stop", {"save"}},
    [THAW_ORDER_LR] = {"lr", {"lr"}},
    [THAW_ORDER_MASK] = {"mask", {"frozen", "moving"}},
    [THAW_ORDER_PROFILE] = {"profile", {"on"}},
};

const char *thaw_order_name(thaw_order_kind kind) {
    return words[kind].name;
}

/* ---- reading ---- */

static thaw_status find_word(const char *word, thaw_order_kind *kind) {
    const char *names[THAW_ORDER_COUNT];
    for (int i = 0; i < THAW_ORDER_COUNT; i++) {
        names[i] = words[i].name;
        *kind = (thaw_order_kind)i;
        if (!strcmp(word, names[i])) return thaw_ok();
    }
    const char *near = text_nearest(word, names, THAW_ORDER_COUNT);
    char *shown = text_escape(word);
    thaw_status status = thaw_error(THAW_ERR_FORMAT, "there is no order \"%s\"%s%s%s", shown,
                                    near ? "; did you mean " : "; docs/control.md lists them",
                                    near ? near : "", near ? "?" : "");
    free(shown);
    return status;
}

static thaw_status check_keys(const cJSON *line, thaw_order_kind kind) {
    const char *known[KEYS_MAX + 2] = {"do", "id"};
    size_t count = 2;
    for (int i = 0; i < KEYS_MAX && words[kind].key[i]; i++)
        known[count++] = words[kind].key[i];
    return json_check_keys(line, "", known, count);
}

static thaw_status need(const cJSON *line, thaw_order_kind kind, const char *key) {
    if (cJSON_GetObjectItemCaseSensitive(line, key)) return thaw_ok();
    return thaw_error(THAW_ERR_FORMAT, "%s needs \"%s\"", words[kind].name, key);
}

static thaw_status read_names(const cJSON *line, const char *key, char ***names, size_t *count) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(line, key);
    if (!list) return thaw_ok();
    thaw_status wrong =
        thaw_error(THAW_ERR_FORMAT, "%s: expected a list of at most %d layer names", key, ORDER_NAMES_MAX);
    if (!cJSON_IsArray(list)) return wrong;
    size_t n = 0;
    for (const cJSON *name = list->child; name; name = name->next)
        if (!cJSON_IsString(name) || ++n > ORDER_NAMES_MAX) return wrong;
    *names = n ? xcalloc(n, sizeof **names) : NULL;
    for (const cJSON *name = list->child; name; name = name->next)
        (*names)[(*count)++] = xstrdup(name->valuestring);
    return thaw_ok();
}

static thaw_status read_values(const cJSON *line, order_read *out) {
    thaw_order *o = &out->order;
    switch (o->kind) {
    case THAW_ORDER_STOP:
        o->save = true; /* nothing is lost unless that was asked for */
        return json_get_bool(line, "", "save", &o->save);
    case THAW_ORDER_LR:
        THAW_TRY(need(line, o->kind, "lr"));
        return json_get_double(line, "", "lr", &o->lr);
    case THAW_ORDER_PROFILE:
        THAW_TRY(need(line, o->kind, "on"));
        return json_get_bool(line, "", "on", &o->on);
    case THAW_ORDER_MASK:
        THAW_TRY(need(line, o->kind, "frozen"));
        THAW_TRY(read_names(line, "frozen", &out->frozen, &o->frozen_count));
        return read_names(line, "moving", &out->moving, &o->moving_count);
    default:
        return thaw_ok();
    }
}

/* A whole number that a double holds exactly. */
static thaw_status read_id(const cJSON *line, int64_t *id) {
    double value = 0;
    if (!cJSON_GetObjectItemCaseSensitive(line, "id")) return thaw_ok();
    THAW_TRY(json_get_double(line, "", "id", &value));
    if (!(value >= 0) || value > JSON_WHOLE_MAX || floor(value) != value)
        return thaw_error(THAW_ERR_FORMAT, "id: expected a whole number, 0 or more");
    *id = (int64_t)value;
    return thaw_ok();
}

static thaw_status read_order(const cJSON *line, order_read *out) {
    char *word = NULL;
    if (!cJSON_IsObject(line))
        return thaw_error(THAW_ERR_FORMAT, "an order is a JSON object, like {\"do\": \"pause\"}");
    THAW_TRY(read_id(line, &out->id));
    THAW_TRY(json_get_string(line, "", "do", &word));
    thaw_status status =
        word ? find_word(word, &out->order.kind)
             : thaw_error(THAW_ERR_FORMAT, "no order: \"do\" is missing, as in {\"do\": \"pause\"}");
    free(word);
    THAW_TRY(status);
    THAW_TRY(check_keys(line, out->order.kind));
    return read_values(line, out);
}

thaw_status order_parse(const char *line, size_t length, order_read *out) {
    cJSON *document = NULL;
    *out = (order_read){.id = ORDER_NO_ID};
    if (length > ORDER_LINE_MAX)
        return thaw_error(THAW_ERR_FORMAT, "an order is at most %d bytes long", ORDER_LINE_MAX);
    THAW_TRY(json_parse(line, length, "the order", &document));
    thaw_status status = read_order(document, out);
    cJSON_Delete(document);
    out->order.frozen = (const char *const *)out->frozen;
    out->order.moving = (const char *const *)out->moving;
    return status;
}

void order_read_clear(order_read *r) {
    thaw_names_free(r->frozen, r->order.frozen_count);
    thaw_names_free(r->moving, r->order.moving_count);
    *r = (order_read){.id = ORDER_NO_ID};
}

/* ---- writing ---- */

static void add_names(cJSON *line, const char *key, const char *const *names, size_t count) {
    cJSON *list = cJSON_AddArrayToObject(line, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
}

static void append_line(cJSON *line, str *out) {
    char *text = json_print_line(line);
    str_append(out, text);
    str_append(out, "\n");
    free(text);
    cJSON_Delete(line);
}

void order_write(const thaw_order *order, int64_t id, str *out) {
    cJSON *line = cJSON_CreateObject();
    if (id != ORDER_NO_ID) json_add_number(line, "id", (double)id);
    cJSON_AddStringToObject(line, "do", words[order->kind].name);
    if (order->kind == THAW_ORDER_STOP) cJSON_AddBoolToObject(line, "save", order->save);
    if (order->kind == THAW_ORDER_LR) json_add_number(line, "lr", order->lr);
    if (order->kind == THAW_ORDER_PROFILE) cJSON_AddBoolToObject(line, "on", order->on);
    if (order->kind == THAW_ORDER_MASK) {
        add_names(line, "frozen", order->frozen, order->frozen_count);
        add_names(line, "moving", order->moving, order->moving_count);
    }
    append_line(line, out);
}

/* ---- answers ---- */

void order_answer_write(int64_t id, const char *problem, str *out) {
    cJSON *line = cJSON_CreateObject();
    if (id != ORDER_NO_ID) json_add_number(line, "id", (double)id);
    cJSON_AddBoolToObject(line, "ok", !problem);
    if (problem) cJSON_AddStringToObject(line, "error", problem);
    append_line(line, out);
}

thaw_status order_answer_parse(const char *line, size_t length, thaw_answer *out) {
    cJSON *document = NULL;
    *out = (thaw_answer){.id = ORDER_NO_ID};
    THAW_TRY(json_parse(line, length, "the answer", &document));
    thaw_status status = read_id(document, &out->id);
    if (!thaw_failed(&status)) status = json_get_bool(document, "", "ok", &out->done);
    if (!thaw_failed(&status) && !out->done) status = json_get_string(document, "", "error", &out->problem);
    cJSON_Delete(document);
    if (!thaw_failed(&status) && !out->done && !out->problem)
        out->problem = xstrdup("refused, without a reason");
    return status;
}
