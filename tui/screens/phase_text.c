/*
 * phase_text.c - see phase_text.h.
 */
#include "tui/screens/phase_text.h"

#include <stdlib.h>

static void append_names(str *out, char *const *names, size_t count, const char *what) {
    for (size_t i = 0; i < count; i++) {
        char *name = text_escape(names[i]);
        str_appendf(out, "%s%s", i ? ", " : "", name);
        free(name);
    }
    str_append(out, what);
}

void phase_text(const thaw_recipe_phase *phase, str *out) {
    str_appendf(out, "after %d epoch%s ", phase->epoch, phase->epoch == 1 ? "" : "s");
    if (!phase->masks)
        str_append(out, "the mask stays");
    else if (!phase->freeze_count && !phase->moving_count)
        str_append(out, "everything trains");
    else if (phase->freeze_count)
        append_names(out, phase->freeze, phase->freeze_count, " frozen");
    if (phase->masks && phase->moving_count) {
        if (phase->freeze_count) str_append(out, ", ");
        append_names(out, phase->moving, phase->moving_count, " with moving statistics");
    }
    if (phase->lr > 0) str_appendf(out, ", lr %g", phase->lr);
}

void phase_facts(facts *f, const thaw_recipe *r) {
    for (size_t i = 0; i < r->phase_count; i++) {
        str text = {0};
        phase_text(&r->phase[i], &text);
        facts_line(f, "then", "%s", str_text(&text));
        str_clear(&text);
    }
}
