/*
 * model_rows.c - see model_rows.h. What comes with the program is first in every order: it is what works at
 * once.
 */
#include "tui/screens/model_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

static double parameters(const thaw_weights_info *i) {
    return (double)i->parameters;
}

static double operations(const thaw_weights_info *i) {
    return i->gflops;
}

static double accuracy(const thaw_weights_info *i) {
    return -i->acc1; /* the best first */
}

static double file_size(const thaw_weights_info *i) {
    return i->file_size_mb;
}

static const struct {
    const char *word;
    double (*figure)(const thaw_weights_info *info); /* NULL: the catalog's own order */
} orders[] = {
    {"name", NULL},         {"parameters", parameters}, {"operations", operations},
    {"accuracy", accuracy}, {"file size", file_size},
};
enum { ORDERS = sizeof orders / sizeof orders[0] };

int model_orders(void) {
    return ORDERS;
}

const char *model_order_word(int order) {
    return orders[order].word;
}

/* What works at once, what works with its file, what thaw cannot build yet. */
static int readiness(const thaw_weights_info *info) {
    return info->bundled ? 2 : info->buildable ? 1 : 0;
}

static int compare(const void *a, const void *b, void *user) {
    const model_rows *m = user;
    int first = *(const int *)a, second = *(const int *)b, sign = m->reverse ? -1 : 1;
    const thaw_weights_info *one = thaw_catalog_at(m->catalog, first),
                            *two = thaw_catalog_at(m->catalog, second);
    if (readiness(one) != readiness(two)) return readiness(two) - readiness(one);
    if (!orders[m->order].figure) return sign * (first - second);
    double x = orders[m->order].figure(one), y = orders[m->order].figure(two);
    if (isnan(x) != isnan(y)) return isnan(x) ? 1 : -1; /* what is not known comes last */
    return x < y ? -sign : x > y ? sign : first - second;
}

static bool wanted(const model_rows *m, int index) {
    const thaw_weights_info *info = thaw_catalog_at(m->catalog, index);
    const char *texts[] = {info->arch, info->name, info->family, info->dataset};
    if (m->here_only && !m->path[index]) return false;
    if (m->buildable_only && !info->buildable) return false;
    if (!m->filter || !m->filter[0]) return true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i] && strcasestr(texts[i], m->filter)) return true;
    return false;
}

void model_rows_arrange(model_rows *m) {
    m->count = 0;
    for (int i = 0; i < m->catalog_count; i++)
        if (wanted(m, i)) m->row[m->count++] = i;
    if (m->count) qsort_r(m->row, (size_t)m->count, sizeof *m->row, compare, m);
}

void model_rows_filter(model_rows *m, const char *text) {
    char *copy = xstrdup(text);
    free(m->filter);
    m->filter = copy;
    model_rows_arrange(m);
}

static void forget_paths(model_rows *m) {
    for (int i = 0; i < m->catalog_count; i++) {
        free(m->path[i]);
        m->path[i] = NULL;
    }
}

void model_rows_locate(model_rows *m) {
    forget_paths(m);
    for (int i = 0; i < m->catalog_count; i++)
        m->path[i] = thaw_catalog_locate(thaw_catalog_at(m->catalog, i));
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
    m->path = xcalloc((size_t)m->catalog_count + 1, sizeof *m->path);
}

void model_rows_clear(model_rows *m) {
    forget_paths(m);
    free(m->path);
    free(m->row);
    free(m->filter);
    *m = (model_rows){0};
}
