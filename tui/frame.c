/*
 * frame.c - the border of a pane: thin lines, a title at the left, a note at the right.
 */
#include "tui/canvas.h"
#include "tui/text.h"

enum {
    CORNER_TL = 0x250c,
    CORNER_TR = 0x2510,
    CORNER_BL = 0x2514,
    CORNER_BR = 0x2518,
    TEE_L = 0x251c,
    TEE_R = 0x2524,
    LINE_H = 0x2500,
    LINE_V = 0x2502,
    TITLE_LEFT = 2,
    TITLE_LEAST = 4
};

static void edge(canvas *c, int row, rect r, uint32_t left, uint32_t right, theme_role role) {
    for (int col = r.col + 1; col < r.col + r.cols - 1; col++)
        canvas_put(c, row, col, LINE_H, role);
    canvas_put(c, row, r.col, left, role);
    if (r.cols > 1) canvas_put(c, row, r.col + r.cols - 1, right, role);
}

/* " TITLE ───── NOTE ─" over the top edge; the note yields to the title. */
static void caption(canvas *c, rect r, const char *title, const char *note, bool focus) {
    int room = r.cols - 2 * TITLE_LEFT - 2;
    if (room < TITLE_LEAST) return;
    int used = 0;
    if (title) {
        used = canvas_text(c, r.row, r.col + TITLE_LEFT + 1, room, title, ROLE_TITLE);
        canvas_put(c, r.row, r.col + TITLE_LEFT, ' ', ROLE_BORDER);
        canvas_put(c, r.row, r.col + TITLE_LEFT + 1 + used, ' ', ROLE_BORDER);
        if (focus) canvas_attributes(c, (rect){r.row, r.col + TITLE_LEFT + 1, 1, used}, ATTR_BOLD);
        used += 3;
    }
    if (!note || !*note) return;
    int width = text_columns(note);
    if (used + width > room) width = room - used;
    if (width < TITLE_LEAST && width < text_columns(note)) return;
    int col = r.col + r.cols - TITLE_LEFT - 1 - width;
    canvas_text(c, r.row, col, width, note, ROLE_DIM);
    canvas_put(c, r.row, col - 1, ' ', ROLE_BORDER);
    canvas_put(c, r.row, col + width, ' ', ROLE_BORDER);
}

rect canvas_frame(canvas *c, rect r, const char *title, const char *note, int flags) {
    if (rect_empty(r)) return r;
    rect former = canvas_clip(c, r);
    bool joined = flags & FRAME_JOINED, bottom = !(flags & FRAME_NO_BOTTOM), focus = flags & FRAME_FOCUS;
    theme_role role = focus ? ROLE_BORDER_FOCUS : ROLE_BORDER;
    edge(c, r.row, r, joined ? TEE_L : CORNER_TL, joined ? TEE_R : CORNER_TR, role);
    for (int row = r.row + 1; row < r.row + r.rows; row++) {
        canvas_put(c, row, r.col, LINE_V, role);
        if (r.cols > 1) canvas_put(c, row, r.col + r.cols - 1, LINE_V, role);
    }
    if (bottom && r.rows > 1) edge(c, r.row + r.rows - 1, r, CORNER_BL, CORNER_BR, role);
    caption(c, r, title, note, focus);
    canvas_unclip(c, former);
    return rect_inset(r, 1, 1, bottom ? 1 : 0, 1);
}
