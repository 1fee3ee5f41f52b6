/*
 * app_keys.c - who gets a key: what lies over the panes first (a question, the prompt, help), then the pane
 * that has the focus, then the actions of the screen and those of the app. The mouse does nothing that a key
 * cannot do: it chooses a tab or a pane, a row in it, or an answer; the wheel is three arrows.
 */
#include "tui/app_state.h"
#include "tui/key.h"

enum { WHEEL_UP = 4, WHEEL_DOWN = 5, WHEEL_ROWS = 3 };

static void answer_dialog(app *a, int key) {
    bool leaving = key == K_CTRL('C') && app_asks_to_leave(a); /* Ctrl-C twice: stop, save, leave */
    app_mouse m = app_mouse_at(a);
    int answer = leaving          ? APP_LEAVE_SAVING
                 : key == K_MOUSE ? dialog_click(&a->ask_box, m.row, m.col)
                                  : dialog_key(&a->ask_box, key);
    if (answer == K_NONE) return;
    void (*answered)(app *, void *, int) = a->ask_box.answered;
    void *user = a->ask_box.user;
    dialog_close(&a->ask_box);
    if (answered) answered(a, user, answer);
}

/* The pane at a place on the screen, or PANE_COUNT. */
static pane pane_at(const app *a, int row, int col) {
    int p = 0;
    while (p < PANE_COUNT && !rect_holds(a->lay.pane[p], row, col))
        p++;
    return (pane)p;
}

static bool is_wheel(const app_mouse *m) {
    return m->button == WHEEL_UP || m->button == WHEEL_DOWN;
}

static void mouse_key(app *a) {
    app_mouse m = app_mouse_at(a);
    const screen *s = app_screens[a->current];
    if (rect_holds(a->lay.bar, m.row, m.col)) {
        int tab = app_tab_at(a, m.col);
        if (tab >= 0 && !m.drag && !is_wheel(&m)) app_go(a, (screen_id)tab);
        return;
    }
    pane p = pane_at(a, m.row, m.col);
    if ((!is_wheel(&m) && app_drag_edge(a, &m)) || p == PANE_COUNT) return;
    if (!m.drag) app_set_focus(a, p);
    for (int i = 0; is_wheel(&m) && i < WHEEL_ROWS; i++)
        if (s->key) s->key(a, a->state[a->current], m.button == WHEEL_UP ? K_UP : K_DOWN);
    if (!is_wheel(&m) && s->key) s->key(a, a->state[a->current], K_MOUSE);
}

/* Over the help: the wheel scrolls, a click closes. */
static void help_mouse(app *a) {
    app_mouse m = app_mouse_at(a);
    for (int i = 0; is_wheel(&m) && i < WHEEL_ROWS; i++)
        app_help_key(a, m.button == WHEEL_UP ? K_UP : K_DOWN);
    if (!is_wheel(&m) && !m.drag) app_help_key(a, K_ESC);
}

/* The action of TABLE that has KEY but cannot be done now, or NULL. */
static const action *idle_action(const action_table *table, int key) {
    for (size_t i = 0; i < table->count; i++)
        if (key_in(key, table->item[i].keys)) return &table->item[i];
    return NULL;
}

/* A letter that does nothing leaves a newcomer guessing; Escape and the like are pressed to be safe. */
static void say_why_not(app *a, const action_table *tables, size_t count, int key) {
    for (size_t i = 0; i < count && key_is_text(key); i++) {
        const action *found = idle_action(&tables[i], key);
        if (!found) continue;
        thaw_status status = app_not_now(a, found);
        app_warn(a, "%s", status.message);
        return;
    }
}

static void run_key_action(app *a, int key) {
    enum { TABLES = 2 };
    action_table tables[TABLES] = {app_screen_table(a), app_table(a)};
    for (size_t i = 0; i < TABLES; i++) {
        const action *found = action_for_key(&tables[i], a, key);
        if (!found) continue;
        found->run(a, tables[i].self, NULL);
        return;
    }
    say_why_not(a, tables, TABLES, key);
}

static void save_what_moved(app *a, int key) {
    if (!a->prefs_stale || (key == K_MOUSE && app_mouse_at(a).drag)) return;
    a->prefs_stale = false;
    app_prefs_save(a);
}

void app_take_key(app *a, int key) {
    if (key == K_RESIZE) {
        int rows, cols;
        if (!a->term) return;
        term_size(a->term, &rows, &cols);
        canvas_resize(&a->frame, rows, cols);
        return;
    }
    app_hush(a);
    a->greeting = false;
    const screen *s = app_screens[a->current];
    if (a->ask_box.open)
        answer_dialog(a, key);
    else if (a->ask_line.open)
        prompt_key(&a->ask_line, a, key);
    else if (a->help_open && key == K_MOUSE)
        help_mouse(a);
    else if (a->help_open)
        app_help_key(a, key);
    else if (a->tour)
        app_tour_key(a, key);
    else if (key == K_MOUSE)
        mouse_key(a);
    else if (!(s->key && s->key(a, a->state[a->current], key)))
        run_key_action(a, key);
    save_what_moved(a, key);
}
