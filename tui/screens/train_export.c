/*
 * train_export.c - the curves that are shown, as a picture or as numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "tui/screens/train.h"
#include "tui/widgets/chart_export.h"

static char *render(const app *a, const train_state *s, bool picture) {
    static const char *const names[] = {"loss", "accuracy"};
    const run_view *v = app_live(a);
    size_t marks;
    chart_mark *mark = train_marks(a, s, &marks);
    train_chart shown[] = {train_loss_chart(a, s), train_accuracy_chart(a, s)};
    chart item[] = {shown[0].chart, shown[1].chart};
    item[0].mark = mark;
    item[0].mark_count = marks;
    str title = {0};
    str_append(&title, v->folder ? path_base(v->folder) : "thaw");
    if (v->mask_label) str_appendf(&title, ": %s", v->mask_label);
    chart_sheet sheet = {.title = str_text(&title), .item = item, .name = names, .count = 2};
    char *text = picture ? chart_svg(&sheet) : chart_csv(&sheet);
    str_clear(&title);
    train_chart_free(&shown[0]);
    train_chart_free(&shown[1]);
    free(mark);
    return text;
}

static bool ends_in(const char *path, const char *end) {
    size_t length = strlen(path), n = strlen(end);
    return length > n && strcmp(path + length - n, end) == 0;
}

static thaw_status write_to(app *a, void *self, const char *path) {
    bool picture = ends_in(path, ".svg");
    if (!picture && !ends_in(path, ".csv"))
        return thaw_error(THAW_ERR_USAGE,
                          "a name that ends in .svg (a picture) or .csv (the numbers) is expected");
    char *text = render(a, self, picture), *full = path_expand(path);
    thaw_status status = file_replace(full, text, strlen(text));
    if (!thaw_failed(&status)) app_say(a, "the curves are in %s", full);
    free(text);
    free(full);
    return status;
}

void train_export(app *a, void *self, const char *argument) {
    if (argument) {
        thaw_status status = write_to(a, self, argument);
        if (thaw_failed(&status)) app_fail(a, &status);
        return;
    }
    const run_view *v = app_live(a);
    char *initial = xasprintf("%s.svg", v->folder ? path_base(v->folder) : "curves");
    prompt_params params = {.label = "write the curves to",
                            .initial = initial,
                            .hint = "a file: .svg or .csv",
                            .accept = write_to,
                            .complete = prompt_complete_path,
                            .user = self};
    app_prompt(a, &params);
    free(initial);
}
