/*
 * term_kind.c - see term_kind.h.
 */
#include "tui/term_kind.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static bool environment_names_locale(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return true;
    }
    return false;
}

term_glyphs term_choose_glyphs(bool ascii) {
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    if (!environment_names_locale()) setlocale(LC_CTYPE, "C.UTF-8");
    if (ascii || strcmp(nl_langinfo(CODESET), "UTF-8")) return GLYPHS_ASCII;
    const char *name = getenv("TERM");
    return name && !strncmp(name, "linux", 5) ? GLYPHS_BOX : GLYPHS_ALL;
}

const char *term_capability(const char *name) {
    const char *value = tigetstr((char *)name);
    return value && value != (char *)-1 ? value : "";
}

theme_depth term_colour_depth(void) {
    const char *no_color = getenv("NO_COLOR");
    if ((no_color && *no_color) || !has_colors() || start_color() == ERR) return DEPTH_MONO;
    use_default_colors();
    return COLORS >= 256 ? DEPTH_256 : COLORS >= 16 ? DEPTH_16 : COLORS >= 8 ? DEPTH_8 : DEPTH_MONO;
}

bool term_takes_truecolour(theme_depth depth) {
    const char *says = getenv("COLORTERM");
    if (depth != DEPTH_256) return false;
    if (says && (!strcmp(says, "truecolor") || !strcmp(says, "24bit"))) return true;
    char *name = (char *)"RGB"; /* a flag, a number or text: any of them means yes */
    const char *text = tigetstr(name);
    return tigetflag(name) > 0 || tigetnum(name) > 0 || (text && text != (char *)-1);
}
