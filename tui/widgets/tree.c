/*
 * tree.c - see tree.h.
 */
#include "tui/widgets/tree.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

static void rebuild(tree *t) {
    t->rows = 0;
    for (int node = 0; node < t->count;) {
        t->row[t->rows++] = node;
        int end = t->end(t->user, node);
        node = end > node && t->folded[node] ? end : node + 1;
    }
}

void tree_init(tree *t, int count, tree_end end, const void *user) {
    *t = (tree){.count = count, .end = end, .user = user};
    t->folded = xcalloc((size_t)count + 1, sizeof *t->folded);
    t->row = xcalloc((size_t)count + 1, sizeof *t->row);
    tree_fold_all(t, true);
}

void tree_clear(tree *t) {
    free(t->folded);
    free(t->row);
    *t = (tree){0};
}

void tree_fold(tree *t, int node, bool folded) {
    if (node < 0 || node >= t->count) return;
    t->folded[node] = folded;
    rebuild(t);
}

void tree_fold_all(tree *t, bool folded) {
    for (int i = 0; i < t->count; i++)
        t->folded[i] = folded;
    rebuild(t);
}

void tree_reveal(tree *t, int node) {
    for (int i = 0; i < node && i < t->count; i++)
        if (t->end(t->user, i) > node) t->folded[i] = false;
    rebuild(t);
}

int tree_row_of(const tree *t, int node) {
    int row = 0;
    while (row + 1 < t->rows && t->row[row + 1] <= node)
        row++;
    return row;
}
