/*
 * train_fixture.c - see train_fixture.h.
 */
#include "tests/unit/train_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tests/unit/support_torch.h"
#include "thaw/session.h"

enum { NAME_BYTES = 64, SIDE = 16 };

void expect_ok(thaw_status status) {
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}

const char *fixture_images(int train, int val) {
    static char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "images-%d-%d", train, val);
    if (path_exists(name)) return name;
    thaw_shapes_params params = thaw_shapes_default_params();
    params.path = name;
    params.train_per_class = train;
    params.val_per_class = val;
    params.side = SIDE;
    expect_ok(thaw_shapes_draw(&params));
    return name;
}

void fixture_recipe(thaw_recipe *r, const char *const *assignments) {
    static const char *const common[] = {"model=cifar_resnet20",
                                         "weights=null",
                                         "data.augment=shift",
                                         "data.crop=16",
                                         "data.resize=0",
                                         "epochs=2",
                                         "batch_size=8",
                                         "seed=3",
                                         "freeze=[]",
                                         "optimizer.lr=0.05",
                                         "optimizer.momentum=0.9",
                                         "optimizer.weight_decay=0.01",
                                         "precision=fp32",
                                         "workers=1",
                                         "cache=memory",
                                         "checkpoint_seconds=0"};
    thaw_recipe_init(r);
    free(r->data.path);
    r->data.path = xstrdup(fixture_images(4, 2));
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        expect_ok(thaw_recipe_set(r, common[i]));
    expect_ok(thaw_recipe_set_text(r, "device", support_device_name()));
    for (size_t i = 0; assignments[i]; i++)
        expect_ok(thaw_recipe_set(r, assignments[i]));
    expect_ok(thaw_recipe_check(r));
}

/* ---- driving ---- */

static void record(void *user, thaw_event *e) {
    rig *r = user;
    r->event = vec_reserve(r->event, &r->capacity, r->count + 1, sizeof *r->event);
    r->event[r->count++] = *e;
    thaw_event copy = *e; /* the handler may cause more events and so move the list */
    *e = (thaw_event){0};
    if (r->on_event) r->on_event(r, &copy);
}

static trainer_host rig_host(rig *r) {
    r->mailbox = mailbox_new();
    return (trainer_host){.torch = support_torch(),
                          .runs = "runs",
                          .device = "cpu",
                          .mailbox = r->mailbox,
                          .emit = record,
                          .user = r};
}

static void rig_run(rig *r) {
    if (thaw_failed(&r->status)) return;
    r->folder = xstrdup(run_folder_path(r->trainer->folder));
    r->status = trainer_run(r->trainer, &r->how);
    if (r->keep) return;
    trainer_free(r->trainer);
    r->trainer = NULL;
}

void rig_train(rig *r, const thaw_recipe *recipe) {
    trainer_host host = rig_host(r);
    r->status = trainer_prepare(&host, recipe, &r->trainer);
    rig_run(r);
}

void rig_train_with(rig *r, void (*on_event)(rig *r, const thaw_event *e), const char *const *assignments) {
    thaw_recipe recipe;
    fixture_recipe(&recipe, assignments);
    *r = (rig){.on_event = on_event, .keep = true};
    rig_train(r, &recipe);
    expect_ok(r->status);
    thaw_recipe_clear(&recipe);
}

void rig_resume(rig *r, const char *folder) {
    trainer_host host = rig_host(r);
    r->status = trainer_prepare_resume(&host, folder, &r->trainer);
    rig_run(r);
}

void rig_clear(rig *r) {
    trainer_free(r->trainer);
    mailbox_free(r->mailbox);
    for (size_t i = 0; i < r->count; i++)
        thaw_event_clear(&r->event[i]);
    free(r->event);
    free(r->folder);
    *r = (rig){0};
}

void rig_post(rig *r, command_kind kind) {
    mailbox_post(r->mailbox, command_new(kind));
}

void rig_post_mask(rig *r, const char *frozen, const char *moving) {
    command *c = command_new(COMMAND_MASK);
    if (frozen) freeze_mask_add(&c->mask, frozen, THAW_FROZEN);
    if (moving) freeze_mask_add(&c->mask, moving, THAW_STATS_MOVING);
    mailbox_post(r->mailbox, c);
}

/* ---- looking ---- */

size_t rig_events(const rig *r, thaw_event_kind kind) {
    size_t found = 0;
    for (size_t i = 0; i < r->count; i++)
        found += r->event[i].kind == kind;
    return found;
}

const thaw_event *rig_event(const rig *r, thaw_event_kind kind, int index) {
    const thaw_event *last = NULL;
    for (size_t i = 0; i < r->count; i++) {
        if (r->event[i].kind != kind) continue;
        last = &r->event[i];
        if (index == 0) return last;
        if (index > 0) index--;
    }
    return index < 0 ? last : NULL;
}

bool rig_logged(const rig *r, const char *part) {
    for (size_t i = 0; i < r->count; i++)
        if (r->event[i].kind == THAW_EVENT_LOG && strstr(r->event[i].log.text, part)) return true;
    return false;
}

typedef struct digesting {
    const rig *rig;
    const char *path;
    digest_of what;
    uint64_t hash;
} digesting;

static void add_tensor(digesting *d, tensor *x, const shape *size, dtype type) {
    size_t bytes = (size_t)shape_elements(size) * dtype_size(type);
    void *data = xmalloc(bytes);
    tscope s;
    tscope_begin(&s, d->rig->trainer->model->torch);
    t_read(&s, t_detach(&s, x), data, bytes);
    expect_ok(tscope_end(&s));
    d->hash = hash_bytes(data, bytes, d->hash);
    free(data);
}

static thaw_status digest_param(void *user, layer *l, param *p, const char *key) {
    digesting *d = user;
    (void)l;
    if (strncmp(key, d->path, strlen(d->path)) != 0) return thaw_ok();
    if (d->what != DIGEST_ALL && p->buffer != (d->what == DIGEST_BUFFERS)) return thaw_ok();
    add_tensor(d, p->t, &p->size, p->type);
    optimizer_slot *slot = optimizer_find(d->rig->trainer->optimizer, key);
    if (d->what != DIGEST_ALL || !slot) return thaw_ok();
    for (int i = 0; i < OPTIMIZER_STATE_MAX; i++)
        if (slot->state[i]) add_tensor(d, slot->state[i], &p->size, DTYPE_F32);
    return thaw_ok();
}

uint64_t rig_digest(const rig *r, const char *path, digest_of what) {
    digesting d = {r, path, what, 1};
    expect_ok(model_each_param(r->trainer->model, digest_param, &d));
    return d.hash;
}

int fixture_train_as_child(const char *recipe_path, const char *runs) {
    thaw_recipe recipe;
    thaw_session *s = NULL;
    thaw_session_params params = thaw_session_default_params();
    params.runs = runs;
    params.threads = 2;
    thaw_recipe_init(&recipe);
    thaw_status status = thaw_recipe_read(recipe_path, &recipe);
    if (!thaw_failed(&status)) status = thaw_session_new(&params, &s);
    if (!thaw_failed(&status)) status = thaw_session_train(s, &recipe);
    if (thaw_failed(&status)) fprintf(stderr, "child: %s\n", status.message);
    bool over = thaw_failed(&status);
    for (thaw_event e; !over && thaw_session_wait(s, -1, &e); thaw_event_clear(&e))
        over = e.kind == THAW_EVENT_END;
    thaw_session_free(s);
    thaw_recipe_clear(&recipe);
    return thaw_failed(&status);
}
