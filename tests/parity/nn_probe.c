/*
 * nn_probe.c - thaw's models for nn_parity.py: what they are made of, and what they compute.
 *
 *   nn_probe keys                                 every architecture's state dict
 *   nn_probe pass ARCH WEIGHTS BATCH OUT LAYOUT [FROZEN...]
 *                                                 evaluation logits; then one training pass: logits, loss,
 *                                                 gradients, statistics
 *   nn_probe train ARCH WEIGHTS BATCHES OUT LAYOUT [FROZEN...] [@STEP [FROZEN...]]...
 *                                                 SGD steps, each one's loss, logits and weights; the mask
 *                                                 changes before STEP
 *   nn_probe random ARCH SEED OUT                 first weights
 *   nn_probe load ARCH WEIGHTS SIDE [OUT]         each tensor of the model for images of SIDE (0: the usual)
 * that has loaded WEIGHTS: a line with key, type, CRC-32 and extents; a line "note" and what was done; the
 * model as a file OUT
 *
 * WEIGHTS, BATCH and OUT are files of torch.save; images are NHWC. LAYOUT is "nchw" or "nhwc"; with
 * "+auxiliary" behind it the auxiliary classifiers take part.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "engine/base/alloc.h"
#include "engine/models/registry.h"
#include "engine/nn/freeze.h"
#include "engine/train/learner.h"
#include "engine/weights/weights.h"

static void must(thaw_status status) {
    if (!thaw_failed(&status)) return;
    fprintf(stderr, "nn_probe: %s\n", status.message);
    exit(1);
}

/* ---- what is written ---- */

typedef struct results {
    weights_item *item;
    size_t count, capacity;
} results;

static void results_add(results *r, const char *key, shape size, dtype type, void *data) {
    r->item = vec_reserve(r->item, &r->capacity, r->count + 1, sizeof *r->item);
    r->item[r->count++] = (weights_item){.key = xstrdup(key), .size = size, .type = type, .data = data};
}

static void results_add_tensor(results *r, tscope *s, const char *key, tensor *x) {
    shape size = t_shape(s, x);
    dtype type = t_dtype(s, x);
    size_t bytes = (size_t)shape_elements(&size) * dtype_size(type);
    void *data = xmalloc(bytes);
    t_read(s, t_detach(s, x), data, bytes);
    results_add(r, key, size, type, data);
}

static void results_write(results *r, const char *path) {
    must(weights_write_torch(path, r->item, r->count));
    for (size_t i = 0; i < r->count; i++) {
        free((char *)r->item[i].key);
        free((void *)r->item[i].data);
    }
    free(r->item);
}

/* ---- what is read ---- */

typedef struct job {
    torch *torch;
    model *m;
    weights_file *batches;
    results out;
} job;

/* THAW_TEST_DEVICE ("cuda"), the CPU without it. */
static device test_device(torch *t) {
    const char *name = getenv("THAW_TEST_DEVICE");
    device d;
    must(torch_parse_device(t, name ? name : "cpu", &d));
    return d;
}

/* With the weights of PATH; HEIGHT and WIDTH 0: the usual. */
static model *load_model(torch *t, const char *arch, const char *layout, int height, int width,
                         const char *path) {
    model *m;
    must(model_build(arch, 0, height, width, &m));
    const thaw_head with = {.auxiliary = true};
    if (strstr(layout, "+auxiliary")) must(model_replace_head(m, &with, m->classes, 0));
    model_place(m, t, test_device(t), strncmp(layout, "nhwc", 4) == 0);
    weights_file *weights;
    must(weights_open(path, &weights));
    must(weights_load(weights, m, WEIGHTS_HEAD_STRICT, NULL));
    weights_close(weights);
    must(model_fill(m, 0));
    return m;
}

/* Freeze what the COUNT names say, up to one that begins with '@'; how many those were. */
static int job_freeze(job *j, char **name, int count) {
    freeze_mask mask = {0};
    int used = 0;
    while (used < count && *name[used] != '@')
        freeze_mask_add(&mask, name[used++], THAW_FROZEN);
    must(freeze_apply(j->m, &mask));
    freeze_mask_clear(&mask);
    must(freeze_commit(j->m));
    return used;
}

static void job_open(job *j, char **argv, int frozen) {
    must(torch_open(&(torch_params){.threads = 2}, &j->torch));
    must(weights_open(argv[4], &j->batches));
    const weights_entry *x = weights_find(j->batches, "x.0");
    int height = x ? (int)x->size.dim[1] : 0, width = x ? (int)x->size.dim[2] : 0;
    j->m = load_model(j->torch, argv[2], argv[6], height, width, argv[3]);
    job_freeze(j, argv + 7, frozen);
}

static void job_close(job *j, const char *path) {
    results_write(&j->out, path);
    weights_close(j->batches);
    model_free(j->m);
    torch_close(j->torch);
}

/* Batch INDEX of the file: "x.INDEX" and "y.INDEX". False past the last. */
static bool job_batch(job *j, int index, image_batch *out) {
    char key[32];
    snprintf(key, sizeof key, "x.%d", index);
    const weights_entry *x = weights_find(j->batches, key);
    snprintf(key, sizeof key, "y.%d", index);
    const weights_entry *y = weights_find(j->batches, key);
    if (!x || !y) return false;
    float *pixels = xcalloc((size_t)shape_elements(&x->size), sizeof *pixels);
    int64_t *label = xcalloc((size_t)shape_elements(&y->size), sizeof *label);
    must(weights_copy(x, DTYPE_F32, pixels));
    must(weights_copy(y, DTYPE_I64, label));
    *out = (image_batch){.count = (int)x->size.dim[0],
                         .height = (int)x->size.dim[1],
                         .width = (int)x->size.dim[2],
                         .numbers = pixels,
                         .label = label};
    return true;
}

static void batch_clear(image_batch *b) {
    free(b->numbers);
    free((int64_t *)b->label);
}

static tensor *batch_images(job *j, tscope *s, const image_batch *b) {
    tensor *x = t_from_blob(s, SHAPE_4(b->count, 3, b->height, b->width), DTYPE_F32, b->numbers,
                            FORMAT_CHANNELS_LAST);
    return t_to(s, x, j->m->device, DTYPE_F32, j->m->format);
}

/* ---- commands ---- */

static thaw_status print_key(void *user, layer *l, param *p, const char *key) {
    (void)user;
    (void)l;
    printf("%s %s %d", key, dtype_name(p->type), p->buffer);
    for (int i = 0; i < p->size.ndim; i++)
        printf(" %" PRId64, p->size.dim[i]);
    puts("");
    return thaw_ok();
}

static void print_keys(void) {
    const arch *a;
    for (size_t i = 0; (a = arch_at(i)); i++) {
        model *m;
        must(model_build(a->name, 0, 0, 0, &m));
        printf("arch %s\n", a->name);
        must(model_each_param(m, print_key, NULL));
        model_free(m);
    }
}

typedef struct collect {
    job *j;
    tscope *scope;
    const char *prefix;
    bool gradients, buffers; /* these only */
} collect;

static thaw_status collect_param(void *user, layer *l, param *p, const char *key) {
    collect *c = user;
    (void)l;
    tensor *x = p->t;
    if (c->gradients) x = p->buffer ? NULL : t_grad(c->scope, p->t);
    if (c->buffers && !p->buffer) return thaw_ok();
    if (!x) return thaw_ok();
    char name[160];
    snprintf(name, sizeof name, "%s.%s", c->prefix, key);
    results_add_tensor(&c->j->out, c->scope, name, x);
    return thaw_ok();
}

enum { ALL, GRADIENTS, BUFFERS };

static void collect_params(job *j, tscope *s, const char *prefix, int which) {
    collect c = {j, s, prefix, which == GRADIENTS, which == BUFFERS};
    must(model_each_param(j->m, collect_param, &c));
}

static tensor *forward(job *j, tscope *s, const image_batch *b, bool training) {
    pass p = {.scope = s, .training = training};
    act x = {.size = SHAPE_4(b->count, 3, b->height, b->width), .t = batch_images(j, s, b)};
    return model_forward(j->m, &p, x, 0, j->m->stage_count).t;
}

static void run_pass(char **argv, int frozen) {
    job j = {0};
    job_open(&j, argv, frozen);
    image_batch b;
    if (!job_batch(&j, 0, &b)) exit(2);
    tscope s;
    tscope_begin(&s, j.torch);
    bool recording = torch_grad_mode(j.torch, false);
    results_add_tensor(&j.out, &s, "eval", forward(&j, &s, &b, false));
    torch_grad_mode(j.torch, recording);
    tensor *logits = forward(&j, &s, &b, true);
    tensor *target = t_from_data(&s, SHAPE_1(b.count), DTYPE_I64, b.label, j.m->device);
    tensor *loss = t_cross_entropy(&s, logits, target, 0);
    t_backward(&s, loss);
    results_add_tensor(&j.out, &s, "logits", logits);
    results_add_tensor(&j.out, &s, "loss", loss);
    collect_params(&j, &s, "grad", GRADIENTS);
    collect_params(&j, &s, "after", BUFFERS);
    must(tscope_end(&s));
    batch_clear(&b);
    job_close(&j, argv[5]);
}

/* Where the mask changes at STEP: REST, what was not used of COUNT names, says to what. */
static void change_mask(learner *l, job *j, int step, char ***rest, int *count) {
    if (*count == 0 || strtol(**rest + 1, NULL, 10) != step) return;
    int used = 1 + job_freeze(j, *rest + 1, *count - 1);
    *rest += used;
    *count -= used;
    must(learner_mask_changed(l));
}

static void run_train(char **argv, int frozen) {
    job j = {0};
    job_open(&j, argv, frozen);
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    recipe.optimizer.momentum = 0.9;
    recipe.optimizer.weight_decay = 1e-4;
    optimizer *o;
    must(optimizer_new(&recipe, j.m, &o));
    learner l = {.model = j.m, .optimizer = o};
    must(learner_mask_changed(&l));
    image_batch b;
    char **rest = argv + 7;
    for (; frozen && **rest != '@'; frozen--)
        rest++;
    for (int step = 0; job_batch(&j, step, &b); step++) {
        change_mask(&l, &j, step, &rest, &frozen);
        double *loss = xcalloc(1, sizeof *loss);
        char key[32];
        must(learner_step(&l, &b, step, 0.001, NULL, loss));
        snprintf(key, sizeof key, "loss.%d", step);
        results_add(&j.out, key, SHAPE_0(), DTYPE_F64, loss);
        tscope s;
        tscope_begin(&s, j.torch);
        snprintf(key, sizeof key, "step.%d", step);
        collect_params(&j, &s, key, ALL);
        must(tscope_end(&s));
        batch_clear(&b);
    }
    optimizer_free(o);
    learner_clear(&l);
    thaw_recipe_clear(&recipe);
    job_close(&j, argv[5]);
}

static void run_random(const char *arch, const char *seed, const char *path) {
    job j = {0};
    must(torch_open(&(torch_params){.threads = 2}, &j.torch));
    must(model_build(arch, 0, 0, 0, &j.m));
    must(model_materialise(j.m, j.torch, test_device(j.torch), false, strtoull(seed, NULL, 10)));
    tscope s;
    tscope_begin(&s, j.torch);
    collect_params(&j, &s, "first", ALL);
    must(tscope_end(&s));
    job_close(&j, path);
}

static thaw_status print_contents(void *user, layer *l, param *p, const char *key) {
    tscope *s = user;
    (void)l;
    size_t bytes = (size_t)shape_elements(&p->size) * dtype_size(p->type);
    void *data = xmalloc(bytes);
    t_read(s, t_detach(s, p->t), data, bytes);
    printf("%s %s %08lx", key, dtype_name(p->type), crc32_z(0, data, bytes));
    for (int i = 0; i < p->size.ndim; i++)
        printf(" %" PRId64, p->size.dim[i]);
    puts("");
    free(data);
    return thaw_ok();
}

static void run_load(const char *arch, const char *path, int side, const char *out) {
    torch *t;
    must(torch_open(&(torch_params){.threads = 2}, &t));
    model *m = load_model(t, arch, "nchw", side, side, path);
    tscope s;
    tscope_begin(&s, t);
    must(model_each_param(m, print_contents, &s));
    must(tscope_end(&s));
    if (m->note) printf("note %s\n", m->note);
    if (out) must(weights_save_model(out, m, NULL, 0));
    model_free(m);
    torch_close(t);
}

int main(int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[1], "keys") == 0)
        print_keys();
    else if (argc >= 7 && strcmp(argv[1], "pass") == 0)
        run_pass(argv, argc - 7);
    else if (argc >= 7 && strcmp(argv[1], "train") == 0)
        run_train(argv, argc - 7);
    else if (argc == 5 && strcmp(argv[1], "random") == 0)
        run_random(argv[2], argv[3], argv[4]);
    else if ((argc == 5 || argc == 6) && strcmp(argv[1], "load") == 0)
        run_load(argv[2], argv[3], (int)strtol(argv[4], NULL, 10), argv[5]);
    else
        return 2;
    return 0;
}
