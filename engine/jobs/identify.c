/*
 * identify.c - what a file of weights is for: what it says of itself, else what its keys and shapes say.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/jobs/source.h"
#include "engine/models/registry.h"
#include "engine/run/card.h"
#include "thaw/catalog.h"

static thaw_status unknown(const weights_file *f) {
    str nearest = {0};
    weights_append_nearest(f, &nearest);
    thaw_status status =
        thaw_error(THAW_ERR_SHAPE, "%s has the keys of no architecture that `thaw models` lists: %s",
                   weights_file_name(f), str_text(&nearest));
    str_clear(&nearest);
    return status;
}

static thaw_status find_arch(const weights_file *f, const model_card *card, thaw_identity *out) {
    const arch *own = arch_find(card->model);
    out->arch = own ? own->name : weights_guess_arch(f);
    return out->arch ? thaw_ok() : unknown(f);
}

static thaw_status find_head(const weights_file *f, const model_card *card, thaw_identity *out) {
    model *m;
    thaw_head head;
    THAW_TRY(model_build(out->arch, 0, 0, 0, &m));
    thaw_status status = head_guess(f, m, &head, &out->classes);
    model_free(m);
    if (thaw_failed(&status)) return thaw_ok(); /* one without a classifier is a backbone: no classes */
    out->head = card->has_head ? card->head : head;
    return thaw_ok();
}

static thaw_status identify(const weights_file *f, bool with_head, thaw_identity *out) {
    model_card card;
    THAW_TRY(model_card_read(f, &card));
    thaw_status status = find_arch(f, &card, out);
    if (!thaw_failed(&status) && with_head) status = find_head(f, &card, out);
    model_card_clear(&card);
    return status;
}

static thaw_status open_named(const char *weights, weights_file **out) {
    char *path = path_expand(weights);
    char *elsewhere = path_exists(path) || strchr(path, '/') ? NULL : thaw_catalog_search(path);
    if (elsewhere) {
        free(path);
        path = elsewhere;
    }
    thaw_status status =
        path_exists(path)
            ? weights_open(path, out)
            : thaw_error(THAW_ERR_NOT_FOUND,
                         "there is no weights file %s; weights that the catalog names need their "
                         "architecture: --model M",
                         path);
    free(path);
    return status;
}

static thaw_status look(const char *weights, bool with_head, thaw_identity *out) {
    weights_file *f;
    *out = (thaw_identity){0};
    THAW_TRY(open_named(weights, &f));
    thaw_status status = identify(f, with_head, out);
    weights_close(f);
    return status;
}

thaw_status identify_architecture(const char *weights, const char **arch_name) {
    thaw_identity identity;
    thaw_status status = look(weights, false, &identity);
    *arch_name = identity.arch;
    return status;
}

thaw_status thaw_identify(const char *weights, thaw_identity *out) {
    return look(weights, true, out);
}
