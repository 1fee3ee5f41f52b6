/*
 * theme.h - what things look like: named roles, and files that say which colours they have.
 *
 * Everything drawn names a role, never a colour. A theme (themes/NAME.json) gives each role a foreground, a
 * background and attributes; values for 16 and 8 colours are derived from the 256-colour ones where the file
 * does not name them, and a terminal without colour uses the role's "mono" attributes. docs/themes.md has the
 * format.
 */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

/* role, name in theme files */
#define THEME_ROLES(X)                                           \
    X(TEXT, "text")                                              \
    X(DIM, "dim") /* what may be overlooked */                   \
    X(STRONG, "strong")                                          \
    X(ACCENT, "accent") /* the program's own colour */           \
    X(GOOD, "good")                                              \
    X(WARN, "warn")                                              \
    X(BAD, "bad")                                                \
    X(BORDER, "border")                                          \
    X(BORDER_FOCUS, "border-focus")                              \
    X(TITLE, "title") /* in a pane's border */                   \
    X(BAR, "bar")     /* the row of tabs */                      \
    X(TAB, "tab")                                                \
    X(TAB_ACTIVE, "tab-active")                                  \
    X(FOOTER, "footer") /* what a key does */                    \
    X(FOOTER_KEY, "footer-key")                                  \
    X(HEADING, "heading")         /* of a column */              \
    X(CURSOR, "cursor")           /* the row the cursor is on */ \
    X(CURSOR_IDLE, "cursor-idle") /* … in another pane */      \
    X(SELECTED, "selected")       /* a range of rows */          \
    X(MATCH, "match")                                            \
    X(INPUT, "input")                                            \
    X(INPUT_BAD, "input-bad")                                    \
    X(DIALOG, "dialog")                                          \
    X(PROGRESS, "progress")                                      \
    X(PROGRESS_REST, "progress-rest")                            \
    X(TRAINABLE, "trainable")                                    \
    X(MOVING, "moving")                                          \
    X(FROZEN, "frozen")                                          \
    X(MIXED, "mixed")                                            \
    X(AXIS, "axis")                                              \
    X(CROSSHAIR, "crosshair")                                    \
    X(TRAIN, "train") /* the training curve */                   \
    X(TRAIN_RAW, "train-raw")                                    \
    X(VAL, "val")                                                \
    X(VAL_RAW, "val-raw")                                        \
    X(GHOST_1, "ghost-1")                                        \
    X(GHOST_2, "ghost-2")                                        \
    X(GHOST_3, "ghost-3")                                        \
    X(GHOST_4, "ghost-4")                                        \
    X(GHOST_5, "ghost-5")                                        \
    X(GHOST_6, "ghost-6")                                        \
    X(MARK_FREEZE, "mark-freeze")                                \
    X(MARK_THAW, "mark-thaw")                                    \
    X(MARK_LR, "mark-lr")                                        \
    X(MARK_SAVE, "mark-save")                                    \
    X(MARK_BEST, "mark-best")

typedef enum theme_role {
#define THEME_ENUM(id, name) ROLE_##id,
    THEME_ROLES(THEME_ENUM)
#undef THEME_ENUM
        ROLE_COUNT
} theme_role;

enum { THEME_GHOSTS = ROLE_GHOST_6 - ROLE_GHOST_1 + 1 };

enum { /* attributes, as bits */
       ATTR_BOLD = 1,
       ATTR_DIM = 2,
       ATTR_UNDERLINE = 4,
       ATTR_REVERSE = 8,
       ATTR_ITALIC = 16,
};

enum { COLOUR_DEFAULT = -1 };

/* How a role looks on a terminal with so many colours: indices into its palette, or COLOUR_DEFAULT. */
typedef struct theme_style {
    int16_t foreground, background;
    uint8_t attributes;
} theme_style;

typedef enum theme_depth { DEPTH_MONO, DEPTH_8, DEPTH_16, DEPTH_256, DEPTH_COUNT } theme_depth;

typedef struct theme {
    char *name, *about;
    theme_style style[ROLE_COUNT][DEPTH_COUNT];
} theme;

/* A role's name in theme files. Static. */
const char *theme_role_name(theme_role role);

/* Parse a theme document. WHERE names it; the error says line and key. On failure OUT is cleared. */
thaw_status theme_parse(const char *text, size_t length, const char *where, theme *out);
/* By name ("dark": $XDG_CONFIG_HOME/thaw/themes, then what came with the program), or the path of a file. */
thaw_status theme_load(const char *name, theme *out);
void theme_clear(theme *t);
/* A theme that needs no file and uses attributes only, so that there always is one. */
void theme_plain(theme *out);

/* The file of a theme by name or path, owned by the caller; NULL: there is none. */
char *theme_find(const char *name);
/* Names of all themes that can be loaded, sorted; owned by the caller (theme_names_free). */
char **theme_names(size_t *count);
void theme_names_free(char **names, size_t count);

/* The entry nearest to a colour (0xRRGGBB) in the palettes of 256, 16 and 8 colours. */
int theme_nearest(uint32_t rgb, theme_depth depth);
uint32_t theme_rgb(int index_256); /* what xterm shows for an index */

#endif
