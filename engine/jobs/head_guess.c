/*
 * head_guess.c - see source.h. A state dict does not say what its classifier is made of, but the keys and
 * shapes of its linear layers leave no doubt: hidden sizes from the shapes, batch norm from its statistics,
 * dropout from the gap it leaves in the numbering, the pooling from how many features go in.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/jobs/source.h"

static const double some_dropout = 0.5; /* which makes the same keys as any other, and is off in evaluation */

enum { GUESS_LAYERS = THAW_HEAD_HIDDEN_MAX + 1, NUMBER_MAX = 1000 };

/* The linear layers found under the head, by their number in the Sequential; -1: the head itself. */
typedef struct found {
    struct {
        long number;
        int64_t in, out;
    } linear[GUESS_LAYERS];
    int count;
    bool norm;
} found;

/* "fc.3.weight" under "fc" gives 3 and "weight", "fc.weight" gives -1 and "weight". False: not the head's. */
static bool split_key(const char *key, const char *head, long *number, const char **last) {
    size_t length = strlen(head);
    if (strncmp(key, head, length) != 0 || key[length] != '.') return false;
    char *end;
    *last = key + length + 1;
    *number = -1;
    if (**last < '0' || **last > '9') return true;
    *number = strtol(*last, &end, 10);
    if (*end != '.' || *number > NUMBER_MAX) return false;
    *last = end + 1;
    return true;
}

static void insert(found *f, long number, const shape *size) {
    int at = f->count++;
    for (; at > 0 && f->linear[at - 1].number > number; at--)
        f->linear[at] = f->linear[at - 1];
    f->linear[at].number = number;
    f->linear[at].out = size->dim[0];
    f->linear[at].in = size->dim[1];
}

static void look(const weights_file *f, const char *head, found *out) {
    for (size_t i = 0; i < weights_count(f); i++) {
        const weights_entry *entry = weights_at(f, i);
        const char *last;
        long number;
        if (!split_key(entry->key, head, &number, &last)) continue;
        if (strcmp(last, "running_mean") == 0) out->norm = true;
        const int64_t *extent = entry->size.dim; /* a 1x1 convolution is a linear layer at every place */
        bool linear = strcmp(last, "weight") == 0 &&
                      (entry->size.ndim == 2 || (entry->size.ndim == 4 && extent[2] == 1 && extent[3] == 1));
        if (linear && out->count < GUESS_LAYERS) insert(out, number, &entry->size);
    }
}

thaw_status head_guess(const weights_file *f, const model *m, thaw_head *head, int *classes) {
    found have = {0};
    look(f, m->arch->head, &have);
    *head = (thaw_head){.batch_norm = have.norm};
    if (!have.count) {
        const char *guess = weights_guess_arch(f);
        bool other = guess && strcmp(guess, m->arch->name) != 0;
        return thaw_error(THAW_ERR_SHAPE, "%s has no classifier for a %s: none of its keys is %s.weight%s%s",
                          weights_file_name(f), m->arch->name, m->arch->head,
                          other ? "; name the right model, the file is a "
                                : "; train one, with these weights in a recipe",
                          other ? guess : "");
    }
    int64_t outputs = have.linear[have.count - 1].out;
    if (outputs < 1 || outputs > MODEL_CLASSES_MAX)
        return thaw_error(THAW_ERR_SHAPE,
                          "%s has a classifier of %lld classes, which cannot be; get the file again",
                          weights_file_name(f), (long long)outputs);
    *classes = (int)outputs;
    for (int i = 0; i + 1 < have.count; i++) {
        int64_t hidden = have.linear[i].out;
        head->hidden[head->hidden_count++] = hidden > MODEL_HIDDEN_MAX ? MODEL_HIDDEN_MAX : (int)hidden;
    }
    long gap = have.count > 1 ? have.linear[1].number - have.linear[0].number : 0;
    if (gap > 2 + have.norm) head->dropout = some_dropout;
    if (m->pool && have.linear[0].in == 2 * m->features) head->pool = THAW_POOL_AVG_MAX;
    return thaw_ok();
}
