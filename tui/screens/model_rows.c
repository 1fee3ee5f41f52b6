/*
 * model_rows.c - see model_rows.h. In the order of names, what comes with the program is first: it is what
 * works at once.
 */
#include "tui/screens/model_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "thaw/layers.h"

static int compare(const void *a, const void *b, void *user) {
    const model_rows *m = user;
    const model_facts *one = &m->facts[*(const int *)a], *two = &m->facts[*(const int *)b];
    if (m->order == MODEL_BY_NAME && one->info->bundled != two->info->bundled)
        return two->info->bundled - one->info->bundled;
    return model_compare(one, two, m->order, m->reverse);
}

void model_rows_arrange(model_rows *m) {
    m->count = 0;
    for (int i = 0; i < m->catalog_count; i++)
        if (model_filter_wants(m->terms, &m->facts[i])) m->row[m->count++] = i;
    if (m->count) qsort_r(m->row, (size_t)m->count, sizeof *m->row, compare, m);
}

void model_rows_filter(model_rows *m, const char *text) {
    char *copy = xstrdup(text);
    free(m->filter);
    free(m->problem);
    model_filter_free(m->terms);
    m->filter = copy;
    thaw_status status = model_filter_parse(text, &m->terms);
    m->problem = thaw_failed(&status) ? xstrdup(status.message) : NULL;
    model_rows_arrange(m);
}

bool model_rows_filtered(const model_rows *m) {
    return m->filter && m->filter[strspn(m->filter, " ")];
}

bool model_rows_lists(const model_rows *m, int index) {
    return model_filter_wants(m->terms, &m->facts[index]);
}

model_key model_rows_next_order(const model_rows *m, int step) {
    static const model_key order[] = {MODEL_BY_NAME,       MODEL_BY_FAMILY,   MODEL_BY_PARAMETERS,
                                      MODEL_BY_OPERATIONS, MODEL_BY_ACCURACY, MODEL_BY_SIZE,
                                      MODEL_BY_MEMORY,     MODEL_BY_CACHED};
    enum { ORDERS = sizeof order / sizeof *order };
    int at = 0;
    for (int i = 0; i < ORDERS; i++)
        if (order[i] == m->order) at = i;
    return order[(at + step + ORDERS) % ORDERS];
}

static void forget_paths(model_rows *m) {
    for (int i = 0; i < m->catalog_count; i++) {
        thaw_names_free(m->files[i].path, m->files[i].count);
        m->files[i] = (model_files){0};
    }
}

void model_rows_locate(model_rows *m) {
    forget_paths(m);
    for (int i = 0; i < m->catalog_count; i++) {
        m->files[i].path = thaw_catalog_locate_all(thaw_catalog_at(m->catalog, i), &m->files[i].count);
        m->facts[i].here = m->files[i].count > 0;
    }
    model_rows_arrange(m);
}

bool model_rows_ambiguous(const model_rows *m, int index) {
    const char *arch = thaw_catalog_at(m->catalog, index)->arch;
    for (int i = 0; i < m->catalog_count; i++)
        if (i != index && !strcmp(thaw_catalog_at(m->catalog, i)->arch, arch)) return true;
    return false;
}

void model_rows_init(model_rows *m, const thaw_catalog *catalog) {
    *m = (model_rows){.catalog = catalog, .catalog_count = catalog ? thaw_catalog_count(catalog) : 0};
    m->row = xcalloc((size_t)m->catalog_count + 1, sizeof *m->row);
    m->files = xcalloc((size_t)m->catalog_count + 1, sizeof *m->files);
    m->facts = xcalloc((size_t)m->catalog_count + 1, sizeof *m->facts);
    for (int i = 0; i < m->catalog_count; i++)
        m->facts[i] = (model_facts){.info = thaw_catalog_at(catalog, i), .memory = NAN};
}

void model_rows_clear(model_rows *m) {
    forget_paths(m);
    free(m->files);
    free(m->facts);
    free(m->row);
    free(m->filter);
    free(m->problem);
    model_filter_free(m->terms);
    *m = (model_rows){0};
}
