/*
 * dialog.c - see dialog.h.
 */
#include "tui/widgets/dialog.h"

#include <stdlib.h>

#include "engine/base/alloc.h"
#include "tui/key.h"
#include "tui/text.h"

enum { WIDTH_MOST = 60, WIDTH_LEAST = 16, MARGIN = 2 };

void dialog_close(dialog *d) {
    free(d->title);
    free(d->text);
    for (int i = 0; i < d->answers; i++)
        free(d->answer_text[i]);
    *d = (dialog){0};
}

void dialog_open(dialog *d, const dialog_params *params) {
    dialog_close(d);
    d->open = true;
    d->title = xstrdup(params->title ? params->title : "");
    d->text = xstrdup(params->text ? params->text : "");
    for (int i = 0; i < DIALOG_ANSWERS_MAX && params->answer[i].text; i++) {
        d->answer_key[i] = params->answer[i].key;
        d->answer_text[i] = xstrdup(params->answer[i].text);
        d->answers++;
    }
    d->answered = params->answered;
    d->user = params->user;
}

/* Rows TEXT takes in WIDTH columns. */
static int text_rows(const char *text, int width) {
    canvas measure;
    canvas_init(&measure, 1, 1);
    int rows = canvas_paragraph(&measure, (rect){0, 0, 0, width}, text, ROLE_DIALOG);
    canvas_clear(&measure);
    return rows;
}

static void draw_answer(const dialog *d, canvas *c, int row, int col, int width, int index) {
    char key[KEY_NAME_MAX];
    key_text(d->answer_key[index], key);
    rect line = {row, col, 1, width};
    canvas_textf(c, row, col + 1, 5, ROLE_FOOTER_KEY, "%s", key);
    canvas_text(c, row, col + 6, width - 7, d->answer_text[index], ROLE_DIALOG);
    canvas_ground(c, line, index == d->cursor ? ROLE_CURSOR : ROLE_DIALOG);
}

void dialog_draw(dialog *d, canvas *c, rect screen) {
    int width = screen.cols - 2 * MARGIN;
    if (width > WIDTH_MOST) width = WIDTH_MOST;
    if (width < WIDTH_LEAST) width = screen.cols;
    int inner_width = width - 2 * MARGIN - 2;
    int words = inner_width > 0 ? text_rows(d->text, inner_width) : 0;
    int rows = words + d->answers + 4;
    if (rows > screen.rows) rows = screen.rows;
    rect box = {screen.row + (screen.rows - rows) / 2, screen.col + (screen.cols - width) / 2, rows, width};
    canvas_fill(c, box, ROLE_DIALOG);
    rect in = canvas_frame(c, box, d->title, NULL, FRAME_FOCUS);
    rect former = canvas_clip(c, in);
    canvas_ground(c, in, ROLE_DIALOG);
    /* When there is little room, the answers matter more than the words. */
    int space = in.rows - d->answers;
    int shown = words + 1 < space ? words : space - 1;
    rect text = {in.row + (space > words + 1 ? 1 : 0), in.col + MARGIN, shown > 0 ? shown : 0, inner_width};
    canvas_paragraph(c, text, d->text, ROLE_DIALOG);
    d->area = rect_inset(in, in.rows - d->answers, 0, 0, 0);
    for (int i = 0; i < d->answers; i++)
        draw_answer(d, c, in.row + in.rows - d->answers + i, in.col + 1, in.cols - 2, i);
    canvas_unclip(c, former);
}

int dialog_click(const dialog *d, int row, int col) {
    return rect_holds(d->area, row, col) && row - d->area.row < d->answers ? d->answer_key[row - d->area.row]
                                                                           : K_NONE;
}

int dialog_key(dialog *d, int key) {
    if (key == K_ESC || key == K_CTRL('C')) return d->answer_key[d->answers - 1];
    if (key == K_UP || key == 'k') d->cursor = (d->cursor + d->answers - 1) % d->answers;
    if (key == K_DOWN || key == 'j' || key == K_TAB) d->cursor = (d->cursor + 1) % d->answers;
    if (key == K_ENTER) return d->answer_key[d->cursor];
    for (int i = 0; i < d->answers; i++)
        if (d->answer_key[i] == key) return key;
    return K_NONE;
}
