/*
 * theme.c - reading themes. See theme.h; docs/themes.md has the format.
 *
 * A file that is wrong anywhere is refused as a whole, with the line and the key, rather than half applied.
 */
#include "tui/theme.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "tui/palette.h"

enum { THEME_FILE_MAX = 256 << 10, WHERE_MAX = 64 };

static const char *const role_names[] = {
#define THEME_NAME(id, name) name,
    THEME_ROLES(THEME_NAME)
#undef THEME_NAME
};

static const char *const document_keys[] = {"name", "about", "roles"};
static const char *const role_keys[] = {"fg", "bg", "fg16", "bg16", "fg8", "bg8", "attr", "mono"};

typedef struct attribute_name {
    const char *name;
    uint8_t bit;
} attribute_name;

static const attribute_name attribute_names[] = {
    {"bold", ATTR_BOLD},       {"dim", ATTR_DIM},       {"underline", ATTR_UNDERLINE},
    {"reverse", ATTR_REVERSE}, {"italic", ATTR_ITALIC},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *theme_role_name(theme_role role) {
    return role < ROLE_COUNT ? role_names[role] : "?";
}

/* What parsing one role needs to say where it is. */
typedef struct source {
    const char *text, *where, *role;
} source;

static thaw_status complain(const source *s, const char *key, const char *problem) {
    return thaw_error(THAW_ERR_FORMAT, "%s, line %d, \"%s.%s\": %s", s->where,
                      json_find_line(s->text, s->role, key), s->role, key, problem);
}

/* ---- values ---- */

static thaw_status read_colour(const source *s, const cJSON *role, const char *key, theme_depth depth,
                               colour *out, bool *given) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(role, key);
    *given = item != NULL;
    if (!item) return thaw_ok();
    static const char *const expected[DEPTH_COUNT] = {
        [DEPTH_8] = "expected a colour's name or 0..7",
        [DEPTH_16] = "expected a colour's name or 0..15",
        [DEPTH_256] = "expected \"#rrggbb\", a colour's name, \"default\", or 0..255",
    };
    bool fine = cJSON_IsNumber(item)   ? colour_from_number(item->valuedouble, depth, out)
                : cJSON_IsString(item) ? colour_from_text(item->valuestring, depth, out)
                                       : false;
    return fine ? thaw_ok() : complain(s, key, expected[depth]);
}

static thaw_status read_attributes(const source *s, const cJSON *role, const char *key, uint8_t *out) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(role, key);
    if (!item) return thaw_ok();
    if (!cJSON_IsString(item)) return complain(s, key, "expected text like \"bold underline\"");
    *out = 0;
    for (const char *word = item->valuestring; *word;) {
        size_t length = strcspn(word, " "), i = 0;
        while (i < COUNT(attribute_names) && !(strlen(attribute_names[i].name) == length &&
                                               !strncmp(attribute_names[i].name, word, length)))
            i++;
        if (length && i == COUNT(attribute_names))
            return complain(s, key, "expected some of bold, dim, underline, reverse, italic");
        if (length) *out |= attribute_names[i].bit;
        word += length + strspn(word + length, " ");
    }
    return thaw_ok();
}

/* ---- roles ---- */

static theme_style style_for(theme_depth depth, colour foreground, colour background, uint8_t attributes) {
    theme_style style = {colour_index(foreground, depth), colour_index(background, depth), attributes};
    /* A dark grey becomes black among 8 colours; on whatever ground the terminal has it would be unseen. */
    if (depth == DEPTH_8 && style.foreground == 0 && style.background == COLOUR_DEFAULT) {
        style.foreground = COLOUR_DEFAULT;
        style.attributes |= ATTR_DIM;
    }
    if (depth == DEPTH_8 && style.foreground != COLOUR_DEFAULT && style.foreground == style.background)
        style.foreground = style.background == 0 ? 7 : 0;
    return style;
}

static thaw_status read_role(const source *s, const cJSON *item, theme_style style[DEPTH_COUNT]) {
    if (!cJSON_IsObject(item))
        return thaw_error(THAW_ERR_FORMAT,
                          "%s, line %d, \"%s\": expected an object like {\"fg\": \"#5fafff\"}", s->where,
                          json_find_line(s->text, s->role, NULL), s->role);
    for (const cJSON *key = item->child; key; key = key->next) {
        size_t i = 0;
        while (i < COUNT(role_keys) && strcmp(role_keys[i], key->string))
            i++;
        if (i == COUNT(role_keys))
            return complain(s, key->string,
                            "unknown key; fg, bg, fg16, bg16, fg8, bg8, attr, mono are known");
    }
    static const char *const keys[DEPTH_COUNT][2] = {
        [DEPTH_8] = {"fg8", "bg8"}, [DEPTH_16] = {"fg16", "bg16"}, [DEPTH_256] = {"fg", "bg"}};
    uint8_t attributes = 0;
    THAW_TRY(read_attributes(s, item, "attr", &attributes));
    colour ground[2] = {colour_default(), colour_default()};
    for (int depth = DEPTH_256; depth > DEPTH_MONO; depth--) { /* each depth falls back to the richer one */
        for (int i = 0; i < 2; i++) {
            bool given;
            colour c;
            THAW_TRY(read_colour(s, item, keys[depth][i], (theme_depth)depth, &c, &given));
            if (given) ground[i] = c;
        }
        style[depth] = style_for((theme_depth)depth, ground[0], ground[1], attributes);
    }
    uint8_t mono = attributes;
    THAW_TRY(read_attributes(s, item, "mono", &mono));
    style[DEPTH_MONO] = (theme_style){COLOUR_DEFAULT, COLOUR_DEFAULT, mono};
    return thaw_ok();
}

static thaw_status read_roles(source *s, const cJSON *roles, theme *out) {
    for (const cJSON *item = roles->child; item; item = item->next) {
        s->role = item->string;
        size_t role = 0;
        while (role < ROLE_COUNT && strcmp(role_names[role], item->string))
            role++;
        if (role < ROLE_COUNT) {
            THAW_TRY(read_role(s, item, out->style[role]));
            continue;
        }
        const char *near = text_nearest(item->string, role_names, ROLE_COUNT);
        return thaw_error(THAW_ERR_FORMAT, "%s, line %d: there is no role \"%s\"%s%s%s", s->where,
                          json_find_line(s->text, s->role, NULL), item->string,
                          near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return thaw_ok();
}

thaw_status theme_parse(const char *text, size_t length, const char *where, theme *out) {
    theme_plain(out);
    cJSON *document = NULL;
    char *copy = xstrndup(text, length);
    source s = {.text = copy, .where = where};
    thaw_status status;
    THAW_TRY_GOTO(status, out, json_parse(copy, strlen(copy), where, &document));
    if (!cJSON_IsObject(document)) {
        status = thaw_error(THAW_ERR_FORMAT, "%s: a theme is an object with \"name\" and \"roles\"", where);
        goto out;
    }
    THAW_TRY_GOTO(status, out, json_check_keys(document, "", document_keys, COUNT(document_keys)));
    THAW_TRY_GOTO(status, out, json_get_string(document, "", "name", &out->name));
    THAW_TRY_GOTO(status, out, json_get_string(document, "", "about", &out->about));
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(document, "roles");
    if (!cJSON_IsObject(roles)) {
        status = thaw_error(THAW_ERR_FORMAT, "%s: \"roles\" is missing; expected an object of roles", where);
        goto out;
    }
    status = read_roles(&s, roles, out);
out:
    cJSON_Delete(document);
    free(copy);
    if (thaw_failed(&status)) theme_clear(out);
    return status;
}

void theme_clear(theme *t) {
    free(t->name);
    free(t->about);
    *t = (theme){0};
}

/* What shows without any colour: enough to tell cursor, titles and input apart. */
void theme_plain(theme *out) {
    static const uint8_t plain[ROLE_COUNT] = {
        [ROLE_DIM] = ATTR_DIM,
        [ROLE_STRONG] = ATTR_BOLD,
        [ROLE_ACCENT] = ATTR_BOLD,
        [ROLE_WARN] = ATTR_BOLD,
        [ROLE_BAD] = ATTR_BOLD,
        [ROLE_BORDER_FOCUS] = ATTR_BOLD,
        [ROLE_TAB_ACTIVE] = ATTR_REVERSE,
        [ROLE_FOOTER_KEY] = ATTR_BOLD,
        [ROLE_HEADING] = ATTR_UNDERLINE,
        [ROLE_CURSOR] = ATTR_REVERSE,
        [ROLE_CURSOR_IDLE] = ATTR_UNDERLINE,
        [ROLE_SELECTED] = ATTR_REVERSE,
        [ROLE_MATCH] = ATTR_UNDERLINE,
        [ROLE_INPUT] = ATTR_UNDERLINE,
        [ROLE_INPUT_BAD] = ATTR_BOLD | ATTR_UNDERLINE,
        [ROLE_PROGRESS] = ATTR_BOLD,
        [ROLE_PROGRESS_REST] = ATTR_DIM,
        [ROLE_TRAINABLE] = ATTR_BOLD,
        [ROLE_FROZEN] = ATTR_DIM,
        [ROLE_CROSSHAIR] = ATTR_BOLD,
        [ROLE_TRAIN] = ATTR_BOLD,
        [ROLE_TRAIN_RAW] = ATTR_DIM,
        [ROLE_VAL_RAW] = ATTR_DIM,
        [ROLE_GHOST_1] = ATTR_DIM,
        [ROLE_GHOST_2] = ATTR_DIM,
        [ROLE_GHOST_3] = ATTR_DIM,
        [ROLE_GHOST_4] = ATTR_DIM,
        [ROLE_GHOST_5] = ATTR_DIM,
        [ROLE_GHOST_6] = ATTR_DIM,
        [ROLE_MARK_BEST] = ATTR_BOLD,
    };
    *out = (theme){.name = xstrdup("plain"), .about = xstrdup("attributes only")};
    for (int role = 0; role < ROLE_COUNT; role++)
        for (int depth = 0; depth < DEPTH_COUNT; depth++)
            out->style[role][depth] = (theme_style){COLOUR_DEFAULT, COLOUR_DEFAULT, plain[role]};
}

static thaw_status no_theme(const char *name) {
    size_t count;
    char **names = theme_names(&count);
    str list = {0};
    for (size_t i = 0; i < count; i++)
        str_appendf(&list, "%s%s", i ? ", " : "", names[i]);
    thaw_status status =
        count ? thaw_error(THAW_ERR_NOT_FOUND, "there is no theme \"%s\"; there are %s; or give a file", name,
                           str_text(&list))
              : thaw_error(THAW_ERR_NOT_FOUND,
                           "there is no theme \"%s\", and no other: share/thaw/themes is missing; THAW_HOME "
                           "names the folder that holds themes",
                           name);
    str_clear(&list);
    theme_names_free(names, count);
    return status;
}

thaw_status theme_load(const char *name, theme *out) {
    char *path = theme_find(name);
    if (!path) return no_theme(name);
    char *text = NULL;
    size_t length;
    thaw_status status = file_read(path, THEME_FILE_MAX, &text, &length);
    if (!thaw_failed(&status)) status = theme_parse(text, length, path, out);
    if (!thaw_failed(&status) &&
        !strcmp(out->name, "plain")) { /* the file names itself only if it wants to */
        free(out->name);
        out->name = xstrdup(name);
    }
    free(text);
    free(path);
    return status;
}
