/*
 * test_theme.c - themes: the ones that ship are complete and readable; broken files are refused with line and
 * key.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "tui/theme.h"

static const char *const shipped[] = {"dark", "light",   "high-contrast", "colour-blind",
                                      "nord", "gruvbox", "mono"};
enum { SHIPPED = sizeof shipped / sizeof *shipped };

static char *shipped_text(const char *name, size_t *size) {
    char path[512], *text = NULL;
    const char *root = getenv("THAW_ROOT");
    snprintf(path, sizeof path, "%s/themes/%s.json", root ? root : ".", name);
    thaw_status status = file_read(path, 1 << 20, &text, size);
    assert_string_equal(status.message, "");
    return text;
}

/* The theme of that name, read; its text, owned by the caller. */
static char *shipped_theme(const char *name, theme *out) {
    size_t size;
    char *text = shipped_text(name, &size);
    thaw_status status = theme_parse(text, size, name, out);
    assert_string_equal(status.message, "");
    return text;
}

static thaw_status parse(const char *text, theme *out) {
    return theme_parse(text, strlen(text), "t.json", out);
}

static void themes_that_ship_parse_and_name_every_role(void **state) {
    (void)state;
    for (int i = 0; i < SHIPPED; i++) {
        theme t;
        char *text = shipped_theme(shipped[i], &t);
        assert_string_equal(t.name, shipped[i]);
        for (int role = 0; role < ROLE_COUNT; role++) {
            char quoted[64];
            snprintf(quoted, sizeof quoted, "\"%s\":", theme_role_name((theme_role)role));
            if (!strstr(text, quoted)) fail_msg("%s has no role %s", shipped[i], quoted);
        }
        theme_clear(&t);
        free(text);
    }
}

static void ink_never_has_the_colour_of_its_ground(void **state) {
    (void)state;
    for (int i = 0; i < SHIPPED; i++) {
        theme t;
        free(shipped_theme(shipped[i], &t));
        for (int role = 0; role < ROLE_COUNT; role++)
            for (int depth = DEPTH_8; depth < DEPTH_COUNT; depth++) {
                theme_style s = t.style[role][depth];
                if (s.foreground != COLOUR_DEFAULT && s.foreground == s.background)
                    fail_msg("%s: %s is unreadable at depth %d", shipped[i],
                             theme_role_name((theme_role)role), depth);
                static const int most[DEPTH_COUNT] = {[DEPTH_8] = 8, [DEPTH_16] = 16, [DEPTH_256] = 256};
                assert_true(s.foreground < most[depth] && s.background < most[depth]);
            }
        theme_clear(&t);
    }
}

static void without_colour_the_cursor_and_the_active_tab_still_show(void **state) {
    (void)state;
    for (int i = 0; i < SHIPPED; i++) {
        theme t;
        free(shipped_theme(shipped[i], &t));
        for (int role = 0; role < ROLE_COUNT; role++) {
            assert_int_equal(t.style[role][DEPTH_MONO].foreground, COLOUR_DEFAULT);
            assert_int_equal(t.style[role][DEPTH_MONO].background, COLOUR_DEFAULT);
        }
        assert_true(t.style[ROLE_CURSOR][DEPTH_MONO].attributes & ATTR_REVERSE);
        assert_true(t.style[ROLE_TAB_ACTIVE][DEPTH_MONO].attributes & ATTR_REVERSE);
        theme_clear(&t);
    }
}

/* A document, and what the message must name. */
typedef struct broken {
    const char *text, *names[3];
} broken;

static void a_broken_theme_is_refused_with_its_line_and_key(void **state) {
    (void)state;
    static const broken cases[] = {
        {"", {"t.json"}},
        {"{", {"t.json", "line"}},
        {"[1, 2]", {"t.json"}},
        {"{\"name\": \"x\"}", {"t.json", "roles"}},
        {"{\"roles\": 3}", {"roles"}},
        {"{\"colours\": {}, \"roles\": {}}", {"colours"}},
        {"{\"name\": 3, \"roles\": {}}", {"name"}},
        {"{\"roles\": {\n\"text\": {},\n\"boarder\": {}}}", {"line 3", "boarder", "border"}},
        {"{\"roles\": {\n\"text\": 5}}", {"line 2", "text"}},
        {"{\"roles\": {\n\"text\": {\n\"fg\": \"#12345\"}}}", {"line 3", "text.fg", "#rrggbb"}},
        {"{\"roles\": {\n\"text\": {\"fg\": \"pinkish\"}}}", {"line 2", "text.fg"}},
        {"{\"roles\": {\n\"text\": {\"fg\": 256}}}", {"line 2", "text.fg"}},
        {"{\"roles\": {\n\"text\": {\"fg\": -1}}}", {"line 2", "text.fg"}},
        {"{\"roles\": {\n\"text\": {\"fg\": 1.5}}}", {"line 2", "text.fg"}},
        {"{\"roles\": {\n\"text\": {\"fg16\": 16}}}", {"line 2", "text.fg16", "0..15"}},
        {"{\"roles\": {\n\"text\": {\"fg8\": \"bright red\"}}}", {"line 2", "text.fg8"}},
        {"{\"roles\": {\n\"text\": {\"fg\": null}}}", {"line 2", "text.fg"}},
        {"{\"roles\": {\n\"text\": {\"colour\": 1}}}", {"line 2", "text.colour"}},
        {"{\"roles\": {\n\"text\": {\"attr\": \"bold shiny\"}}}", {"line 2", "text.attr"}},
        {"{\"roles\": {\n\"text\": {\"mono\": 4}}}", {"line 2", "text.mono"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        theme t;
        thaw_status status = parse(cases[i].text, &t);
        if (status.code == THAW_OK) fail_msg("accepted: %s", cases[i].text);
        for (int k = 0; k < 3 && cases[i].names[k]; k++)
            if (!strstr(status.message, cases[i].names[k]))
                fail_msg("\"%s\" does not name %s", status.message, cases[i].names[k]);
        assert_null(t.name); /* cleared */
    }
}

static void a_theme_cut_anywhere_is_refused_or_whole(void **state) {
    (void)state;
    size_t size;
    char *text = shipped_text("dark", &size);
    for (size_t cut = 0; cut + 2 < size; cut += 7) {
        theme t;
        thaw_status status = theme_parse(text, cut, "cut", &t);
        assert_true(status.code != THAW_OK);
    }
    free(text);
}

static void fewer_colours_fall_back_to_the_nearest(void **state) {
    (void)state;
    theme t;
    thaw_status status = parse(
        "{\"roles\": {\"good\": {\"fg\": \"#00ff00\", \"bg\": \"#000000\"}, \"dim\": {\"fg\": \"#444444\"},"
        "\"warn\": {\"fg\": \"#123456\", \"fg16\": \"bright yellow\", \"fg8\": \"yellow\"}}}",
        &t);
    assert_string_equal(status.message, "");
    assert_int_equal(t.style[ROLE_GOOD][DEPTH_256].foreground, 46);
    assert_int_equal(t.style[ROLE_GOOD][DEPTH_16].foreground, 10);
    assert_int_equal(t.style[ROLE_GOOD][DEPTH_8].foreground, 2);
    assert_int_equal(t.style[ROLE_GOOD][DEPTH_256].background, 16);
    assert_int_equal(t.style[ROLE_WARN][DEPTH_16].foreground, 11);
    assert_int_equal(t.style[ROLE_WARN][DEPTH_8].foreground, 3);
    /* A grey that 8 colours have only as black would be unseen on black: the default ink, dim. */
    assert_int_equal(t.style[ROLE_DIM][DEPTH_8].foreground, COLOUR_DEFAULT);
    assert_true(t.style[ROLE_DIM][DEPTH_8].attributes & ATTR_DIM);
    theme_clear(&t);
}

static void every_palette_colour_is_nearest_to_itself(void **state) {
    (void)state;
    for (int i = 16; i < 256; i++)
        assert_int_equal(theme_rgb(theme_nearest(theme_rgb(i), DEPTH_256)), theme_rgb(i));
    for (int i = 0; i < 16; i++)
        assert_int_equal(theme_nearest(theme_rgb(i), DEPTH_16), i);
    for (int i = 0; i < 8; i++)
        assert_int_equal(theme_nearest(theme_rgb(i), DEPTH_8), i);
}

/* docs/themes.md is what people write themes by. */
static void the_manual_has_every_role_and_its_example_is_a_theme(void **state) {
    (void)state;
    char *path = path_join(getenv("THAW_ROOT"), "docs/themes.md"), *text, quoted[64];
    size_t length;
    thaw_status status = file_read(path, 1 << 20, &text, &length);
    assert_string_equal(status.message, "");
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (role > ROLE_GHOST_1 && role < ROLE_GHOST_6) continue; /* "ghost-1 ... ghost-6" */
        snprintf(quoted, sizeof quoted, "`%s`", theme_role_name((theme_role)role));
        if (!strstr(text, quoted)) fail_msg("%s is not in docs/themes.md", quoted);
    }
    char *begin = strstr(text, "```json\n");
    assert_non_null(begin);
    begin += strlen("```json\n");
    char *end = strstr(begin, "```");
    assert_non_null(end);
    theme t;
    status = theme_parse(begin, (size_t)(end - begin), "the example", &t);
    assert_string_equal(status.message, "");
    assert_string_equal(t.name, "dusk");
    theme_clear(&t);
    free(text);
    free(path);
}

static void an_unknown_theme_is_named(void **state) {
    (void)state;
    theme t;
    thaw_status status = theme_load("no-such-theme", &t);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_non_null(strstr(status.message, "no-such-theme"));
    assert_non_null(strstr(status.message, "colour-blind, dark, gruvbox"));
    status = theme_load("/no/such/file.json", &t);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
}

static void every_theme_that_ships_is_found_by_name(void **state) {
    (void)state;
    size_t count, found = 0;
    char **names = theme_names(&count);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < SHIPPED; k++)
            found += !strcmp(names[i], shipped[k]);
    theme_names_free(names, count);
    assert_int_equal(found, SHIPPED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(themes_that_ship_parse_and_name_every_role),
        cmocka_unit_test(ink_never_has_the_colour_of_its_ground),
        cmocka_unit_test(without_colour_the_cursor_and_the_active_tab_still_show),
        cmocka_unit_test(a_broken_theme_is_refused_with_its_line_and_key),
        cmocka_unit_test(a_theme_cut_anywhere_is_refused_or_whole),
        cmocka_unit_test(fewer_colours_fall_back_to_the_nearest),
        cmocka_unit_test(every_palette_colour_is_nearest_to_itself),
        cmocka_unit_test(the_manual_has_every_role_and_its_example_is_a_theme),
        cmocka_unit_test(an_unknown_theme_is_named),
        cmocka_unit_test(every_theme_that_ships_is_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
