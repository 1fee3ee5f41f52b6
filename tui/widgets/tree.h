/*
 * tree.h - which rows of a tree are visible, over a flat list in depth-first order.
 *
 * The tree holds folding only. Rows shown are indices into the flat list; a `list` (list.h) scrolls them.
 */
#ifndef TUI_WIDGETS_TREE_H
#define TUI_WIDGETS_TREE_H

#include <stdbool.h>

/* For node INDEX: one past its subtree, as thaw_layer_info.end. */
typedef int (*tree_end)(const void *user, int index);

typedef struct tree {
    int count;    /* nodes */
    bool *folded; /* a node each */
    int *row;     /* visible rows: node indices */
    int rows;
    tree_end end;
    const void *user;
} tree;

void tree_init(tree *t, int count, tree_end end, const void *user); /* all folded to depth 0 */
void tree_clear(tree *t);
void tree_fold(tree *t, int node, bool folded);
void tree_fold_all(tree *t, bool folded);
void tree_reveal(tree *t, int node);      /* unfold everything above it */
int tree_row_of(const tree *t, int node); /* the row it is on, or that of the fold that hides it */

#endif
