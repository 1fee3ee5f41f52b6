/*
 * trainer_key.c - what decides the bits of a kept output: the name under which it is found by a later run.
 *
 * Everything that could make a difference in the last bit is in the key: the same weights in front of the
 * cut, the same transform, the same library on the same kind of processor with the same number of threads,
 * and the same size of batch. So a run takes the same course whether it finds something or not. What does not
 * matter is not in it: the head, the learning rate, the optimizer, the layers behind the cut, the order of
 * images.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/nn/fuse.h"
#include "engine/train/trainer.h"

enum { HASH_TEXT_MAX = 40, DEVICE_NAME_MAX = 64 };

/* ---- the weights in front of the cut ---- */

typedef struct digest {
    torch *torch;
    XXH3_state_t *state;
    thaw_status status;
} digest;

/* In a scope of its own: what one was brought in order in is the next one's memory. */
static void digest_param(digest *d, const layer *l, param *p) {
    tscope s;
    tscope_begin(&s, d->torch);
    shape size = t_shape(&s, p->t);
    dtype type = t_dtype(&s, p->t);
    tensor *rows = t_to(&s, p->t, (device){.kind = DEVICE_CPU}, type, FORMAT_CONTIGUOUS);
    const void *bytes = t_data(&s, rows, FORMAT_CONTIGUOUS);
    char *key = param_key(l, p), text[SHAPE_TEXT_MAX];
    XXH3_128bits_update(d->state, key, strlen(key) + 1);
    XXH3_128bits_update(d->state, dtype_name(type), strlen(dtype_name(type)) + 1);
    shape_text(&size, text);
    XXH3_128bits_update(d->state, text, strlen(text) + 1);
    if (bytes) XXH3_128bits_update(d->state, bytes, (size_t)shape_elements(&size) * dtype_size(type));
    free(key);
    d->status = tscope_end(&s);
}

static void digest_layer(void *user, layer *l) {
    digest *d = user;
    for (int i = 0; i < l->param_count && !thaw_failed(&d->status); i++)
        if (l->param[i].t) digest_param(d, l, &l->param[i]);
}

/* Of the stages before CUT: every parameter and buffer, with its key, type and shape. */
static thaw_status digest_weights(const model *m, size_t cut, char text[HASH_TEXT_MAX]) {
    digest d = {.torch = m->torch, .state = XXH3_createState()};
    XXH3_128bits_reset(d.state);
    for (size_t i = 0; i < cut; i++)
        layer_each(m->stage[i], digest_layer, &d);
    XXH128_hash_t hash = XXH3_128bits_digest(d.state);
    snprintf(text, HASH_TEXT_MAX, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    XXH3_freeState(d.state);
    return d.status;
}

/* ---- the rest ---- */

static void add_transform(cJSON *to, const transform *t, bool train) {
    cJSON *o = cJSON_AddObjectToObject(to, "transform"), *mean = cJSON_CreateArray(),
          *std = cJSON_CreateArray();
    augment a = train ? t->augment : AUGMENT_NONE;
    cJSON_AddNumberToObject(o, "resize", t->resize);
    cJSON_AddNumberToObject(o, "crop", t->crop);
    cJSON_AddStringToObject(o, "interpolation", interpolation_name(t->interpolation));
    cJSON_AddStringToObject(o, "augment", augment_name(a));
    if (a == AUGMENT_BASIC) json_add_number(o, "scale_min", t->scale_min);
    if (a == AUGMENT_BASIC) json_add_number(o, "scale_max", t->scale_max);
    for (int i = 0; i < 3; i++) {
        cJSON_AddItemToArray(mean, cJSON_CreateNumber((double)t->mean[i]));
        cJSON_AddItemToArray(std, cJSON_CreateNumber((double)t->std[i]));
    }
    cJSON_AddItemToObject(o, "mean", mean);
    cJSON_AddItemToObject(o, "std", std);
}

static void add_machine(cJSON *to, const trainer *t) {
    const torch_facts *facts = torch_about(t->host.torch);
    char name[DEVICE_NAME_MAX];
    uint64_t free_bytes, total;
    thaw_status status =
        torch_device_describe(t->host.torch, t->device, name, sizeof name, &free_bytes, &total);
    cJSON_AddStringToObject(to, "libtorch", facts->version);
    cJSON_AddStringToObject(to, "device", thaw_failed(&status) ? t->recipe.device : name);
    cJSON_AddNumberToObject(to, "threads", t->device.kind == DEVICE_CPU ? facts->threads : 0);
}

thaw_status trainer_cache_key(const trainer *t, bool train, size_t cut, char **out) {
    const char *root = thaw_dataset_root(t->dataset);
    const model *m = t->model;
    const loader *from = train ? t->train : t->val;
    char weights[HASH_TEXT_MAX];
    THAW_TRY(digest_weights(m, cut, weights));
    char *absolute = realpath(root, NULL), *data = text_utf8(absolute ? absolute : root);
    cJSON *key = cJSON_CreateObject();
    cJSON_AddStringToObject(key, "thaw", THAW_VERSION);
    cJSON_AddStringToObject(key, "model", t->recipe.model);
    cJSON_AddStringToObject(key, "layer", model_cut_name(m, cut));
    cJSON_AddStringToObject(key, "data", data);
    cJSON_AddStringToObject(key, "images", train ? "train" : "val");
    cJSON_AddStringToObject(key, "weights", weights);
    add_transform(key, &t->plan.transform, train);
    if (train && t->recipe.data.fast_decode) cJSON_AddTrueToObject(key, "fast_decode");
    /* Random crops are drawn from the seed. */
    if (transform_views(&t->plan.transform, train) == 0) json_add_number(key, "seed", (double)t->recipe.seed);
    cJSON_AddStringToObject(key, "precision", t->recipe.precision);
    cJSON_AddStringToObject(key, "kept", t->recipe.cache_precision);
    cJSON_AddBoolToObject(key, "channels_last", m->format == FORMAT_CHANNELS_LAST);
    cJSON_AddBoolToObject(key, "fused", fuse_possible(m, t->learner.bf16 ? DTYPE_BF16 : DTYPE_F32));
    cJSON_AddBoolToObject(key, "winograd", torch_about(m->torch)->winograd);
    cJSON_AddNumberToObject(key, "batch_size", loader_batch_size(from));
    add_machine(key, t);
    *out = json_print_indented(key);
    cJSON_Delete(key);
    free(absolute);
    free(data);
    return thaw_ok();
}

row_id *trainer_cache_ids(const trainer *t, bool train, int views) {
    const split *s = train ? &t->dataset->train : &t->dataset->val;
    bool countless = transform_views(&t->plan.transform, train) == 0;
    row_id *id = xcalloc(s->count * (size_t)views, sizeof *id);
    str text = {0};
    for (size_t i = 0; i < s->count; i++)
        for (int view = 0; view < views; view++) {
            const sample *x = &s->item[i];
            str_reset(&text);
            str_appendf(&text, "%s\n%lld %lld %d", x->path, (long long)x->bytes, (long long)x->modified,
                        view);
            /* The numbers of a random crop are keyed by the image's place in the split. */
            if (countless) str_appendf(&text, " %zu", i);
            id[i * (size_t)views + (size_t)view] = row_id_of(str_text(&text), text.length);
        }
    str_clear(&text);
    return id;
}
