/*
 * trainer.c - opening everything a run needs, in the order in which a mistake is cheapest to find: the
 * recipe, the dataset, the device, the weights, and only then the run folder. See trainer.h.
 */
#include "engine/train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "engine/models/registry.h"
#include "engine/nn/freeze.h"
#include "engine/train/keep.h"
#include "engine/train/layout.h"
#include "thaw/run.h"

enum { CLASSES_MIN = 2 };

static bool keep_scanning(void *user) {
    trainer *t = user;
    return !mailbox_stop_waits(t->host.mailbox);
}

static thaw_status open_dataset(trainer *t) {
    thaw_dataset_params params = thaw_dataset_default_params();
    params.path = t->recipe.data.path;
    params.val_fraction = t->recipe.data.val_fraction;
    params.keep_going = keep_scanning;
    params.user = t;
    THAW_TRY(thaw_dataset_open(&params, &t->dataset));
    int classes = thaw_dataset_class_count(t->dataset);
    size_t images = thaw_dataset_images(t->dataset, true);
    if (classes < CLASSES_MIN)
        return thaw_error(THAW_ERR_USAGE,
                          "%s has %d class%s; a classifier needs at least two (one folder of images each)",
                          t->recipe.data.path, classes, classes == 1 ? "" : "es");
    if (images == 0)
        return thaw_error(THAW_ERR_USAGE, "%s has no training image that can be read; `thaw data` says why",
                          t->recipe.data.path);
    return thaw_ok();
}

/* "auto" decided once and written into the recipe, so that resuming never decides it again. */
static void decide(char **field, const char *value) {
    free(*field);
    *field = xstrdup(value);
}

static thaw_status choose_device(trainer *t) {
    char text[24];
    bool automatic = strcmp(t->recipe.device, "auto") == 0;
    const char *wanted = automatic && t->host.device ? t->host.device : t->recipe.device;
    thaw_status status = torch_parse_device(t->host.torch, wanted, &t->device);
    if (thaw_failed(&status) && t->resumed) {
        trainer_log(t, 1, "this run was on %s: %s; going on with what is here", wanted, status.message);
        status = torch_parse_device(t->host.torch, t->host.device ? t->host.device : "auto", &t->device);
    }
    THAW_TRY(status);
    decide(&t->recipe.device, device_text(t->device, text));
    return thaw_ok();
}

static void choose_precision(trainer *t) {
    const torch_facts *facts = torch_about(t->host.torch);
    bool fast_bf16 = t->device.kind == DEVICE_CUDA || facts->cpu_bf16;
    bool automatic = strcmp(t->recipe.precision, "auto") == 0;
    if (automatic) decide(&t->recipe.precision, fast_bf16 ? "bf16" : "fp32");
    t->learner.bf16 = strcmp(t->recipe.precision, "bf16") == 0;
    if (automatic)
        trainer_log(t, 0, "precision %s: %s", t->recipe.precision,
                    !fast_bf16                      ? "bf16 is not fast on this processor"
                    : t->device.kind == DEVICE_CUDA ? "CUDA devices multiply bf16 in hardware"
                                                    : "the processor multiplies bf16 in hardware");
    else if (t->learner.bf16 && !fast_bf16)
        trainer_log(t, 1, "precision bf16 was asked for and is slow on this processor; fp32 would be faster");
    int threads = t->recipe.threads;
    if (threads > 0 && threads != facts->threads)
        trainer_log(t, 1, "threads %d was asked for; this process computes with %d since it started", threads,
                    facts->threads);
}

/* Bytes of D's free memory that something kept may fill. */
static size_t cache_budget(trainer *t, device d, double share) {
    if (strcmp(t->recipe.cache, "off") == 0) return 0;
    char name[64];
    uint64_t free_bytes = 0, total = 0;
    thaw_status status = torch_device_describe(t->host.torch, d, name, sizeof name, &free_bytes, &total);
    return thaw_failed(&status) ? 0 : (size_t)(share * (double)free_bytes);
}

static thaw_status open_loader(trainer *t, bool train, size_t cache_bytes, loader **out) {
    loader_params params = loader_default_params(t->dataset, train);
    params.transform = t->plan.transform;
    params.batch_size = t->recipe.batch_size;
    size_t images = thaw_dataset_images(t->dataset, train);
    if ((size_t)params.batch_size > images) {
        if (train)
            trainer_log(t, 1, "batch_size %d is more than the %zu training images; using %zu",
                        params.batch_size, images, images);
        params.batch_size = (int)images;
    }
    params.shuffle = train;
    params.seed = t->recipe.seed;
    params.workers = t->recipe.workers;
    params.computing = t->device.kind == DEVICE_CPU ? torch_about(t->host.torch)->threads : 1;
    params.cache_bytes = cache_bytes;
    params.take_memory = pinned_take;
    params.memory_user = &t->pinned;
    params.fast_decode = t->recipe.data.fast_decode;
    return loader_new(&params, out);
}

static thaw_status open_loaders(trainer *t) {
    /* In a single epoch no image comes again. */
    size_t budget = t->recipe.epochs > 1 ? cache_budget(t, (device){.kind = DEVICE_CPU}, keep_image_part) : 0;
    t->cache_bytes = cache_budget(t, t->device, keep_output_part);
    if (t->device.kind == DEVICE_CUDA) t->pinned.torch = t->host.torch;
    trainer_choose_views(t);
    THAW_TRY(open_loader(t, true, budget / 2, &t->train));
    if (thaw_dataset_images(t->dataset, false) == 0) {
        trainer_log(t, 1,
                    "there are no validation images: the best epoch is that of the lowest training loss");
        return thaw_ok();
    }
    return open_loader(t, false, budget / 2, &t->val);
}

static void choose_layout(trainer *t) {
    const layout_question q = {.arch = arch_find(t->recipe.model),
                               .side = t->plan.transform.crop,
                               .bf16 = t->learner.bf16,
                               .cuda = t->device.kind == DEVICE_CUDA,
                               .avx512 = torch_about(t->host.torch)->cpu_avx512,
                               .winograd = torch_about(t->host.torch)->winograd,
                               .old = t->resumed};
    if (strcmp(t->recipe.layout, "auto") != 0) return;
    decide(&t->recipe.layout, layout_channels_last(&q) ? "channels_last" : "contiguous");
}

static thaw_status open_model(trainer *t) {
    int classes = thaw_dataset_class_count(t->dataset);
    THAW_TRY(recipe_open_model(&t->recipe, &t->plan, classes, t->host.torch, t->device,
                               strcmp(t->recipe.layout, "channels_last") == 0, &t->model));
    if (t->model->note && !t->resumed) trainer_log(t, 1, "%s", t->model->note);
    THAW_TRY(thaw_layers_new(t->recipe.model, &t->recipe.head, classes, t->plan.transform.crop, &t->layers));
    THAW_TRY(trainer_check_phases(t));
    THAW_TRY(optimizer_new(&t->recipe, t->model, &t->optimizer));
    t->stats = layer_stats_new(t->model);
    profile_watch_model(&t->profile, t->model);
    t->learner.profile = &t->profile;
    t->learner.model = t->model;
    t->learner.optimizer = t->optimizer;
    t->learner.label_smoothing = t->recipe.label_smoothing;
    t->learner.seed = t->recipe.seed;
    t->learner.graph = step_graph_new(t->model, t->optimizer);
    if (freeze_trainable_count(t->model) == 0)
        return thaw_error(THAW_ERR_USAGE,
                          "\"freeze\" names every layer, so nothing would be trained; leave the head out");
    THAW_TRY(learner_mask_changed(&t->learner));
    torch_expect_steps();
    return layer_stats_remember(t->stats, t->optimizer);
}

/* A batch of one image has no variance where a norm sees one value a channel: not a thing to find out in
 * step 1. */
static thaw_status check_lone_image(const trainer *t) {
    size_t images = thaw_dataset_images(t->dataset, true);
    const layer *norm = learner_needs_two(&t->learner);
    if (!norm || (t->recipe.batch_size > 1 && images > 1)) return thaw_ok();
    return thaw_error(THAW_ERR_USAGE,
                      "one image a batch gives \"%s\" a single value a channel, which has no variance; %s",
                      norm->path,
                      images > 1 ? "set batch_size to 2 or more, or freeze it"
                                 : "the training set needs at least two images, or freeze it");
}

/* Everything but the run folder. */
static thaw_status open_all(trainer *t) {
    if (!t->catalog) THAW_TRY(thaw_catalog_open(&t->catalog));
    THAW_TRY(recipe_resolve(&t->recipe, t->catalog, &t->plan));
    THAW_TRY(open_dataset(t));
    THAW_TRY(choose_device(t));
    choose_precision(t);
    choose_layout(t);
    THAW_TRY(open_model(t));
    THAW_TRY(check_lone_image(t));
    THAW_TRY(open_loaders(t));
    metrics_init(&t->score, thaw_dataset_class_count(t->dataset));
    return schedule_init(&t->recipe, loader_batches(t->train), &t->schedule);
}

static trainer *trainer_new(const trainer_host *host) {
    trainer *t = xcalloc(1, sizeof *t);
    t->host = *host;
    t->best_epoch = -1;
    t->saved_steps = -1;
    t->best_val_top1 = t->best_val_loss = NAN;
    t->clock_zero = t->data_checked_at = clock_seconds();
    profile_init(&t->profile, t->clock_zero);
    t->profile.detailed = host->profile;
    thaw_recipe_init(&t->recipe);
    return t;
}

static thaw_status prepare(trainer *t, const thaw_recipe *recipe) {
    thaw_recipe_clear(&t->recipe);
    thaw_recipe_copy(recipe, &t->recipe);
    THAW_TRY(open_all(t));
    t->base_lr = t->recipe.optimizer.lr;
    int classes = thaw_dataset_class_count(t->dataset);
    const char **names = xcalloc((size_t)classes, sizeof *names);
    for (int i = 0; i < classes; i++)
        names[i] = thaw_dataset_class_name(t->dataset, i);
    thaw_status status = run_folder_create(t->host.runs, &t->recipe, names, classes, &t->folder);
    free(names);
    THAW_TRY(status);
    return run_folder_require_space(t->folder, trainer_checkpoint_bytes(t));
}

thaw_status trainer_prepare(const trainer_host *host, const thaw_recipe *recipe, trainer **out) {
    trainer *t = trainer_new(host);
    thaw_status status = prepare(t, recipe);
    if (thaw_failed(&status))
        trainer_free(t);
    else
        *out = t;
    return status;
}

/* The classes of today must be those of the run: its head knows no others. */
static thaw_status check_classes(const trainer *t, const char *folder) {
    char **name = NULL;
    int count = 0;
    THAW_TRY(run_folder_classes(folder, &name, &count));
    thaw_status status = thaw_ok();
    if (count != thaw_dataset_class_count(t->dataset))
        status = thaw_error(THAW_ERR_USAGE,
                            "%s has %d classes now and the run was started with %d; begin a new run",
                            t->recipe.data.path, thaw_dataset_class_count(t->dataset), count);
    for (int i = 0; i < count && !thaw_failed(&status); i++)
        if (strcmp(name[i], thaw_dataset_class_name(t->dataset, i)) != 0)
            status = thaw_error(
                THAW_ERR_USAGE,
                "class %d of %s is \"%s\" now and was \"%s\" when the run was started; begin a new run", i,
                t->recipe.data.path, thaw_dataset_class_name(t->dataset, i), name[i]);
    thaw_names_free(name, (size_t)count);
    return status;
}

/* The weights a run began with may be gone by now; then only how far it has drifted from them is not known.
 */
static bool first_weights_known(trainer *t) {
    recipe_plan plan = {0};
    thaw_recipe copy;
    thaw_recipe_copy(&t->recipe, &copy);
    thaw_status status = recipe_resolve(&copy, t->catalog, &plan);
    recipe_plan_clear(&plan);
    thaw_recipe_clear(&copy);
    if (!thaw_failed(&status)) return true;
    trainer_log(t, 1, "%s; going on from the checkpoint, without drift", status.message);
    free(t->recipe.weights);
    t->recipe.weights = NULL;
    return false;
}

/* Find the run, read its recipe and take its lock. */
static thaw_status open_run(trainer *t, const char *run) {
    thaw_run_info info = {0};
    THAW_TRY(thaw_run_find(t->host.runs, run, &info));
    thaw_recipe recipe;
    thaw_status status = thaw_run_recipe(info.folder, &recipe);
    if (!thaw_failed(&status)) {
        thaw_recipe_clear(&t->recipe);
        t->recipe = recipe;
        status = run_folder_open(info.folder, &t->folder);
    }
    thaw_run_info_clear(&info);
    return status;
}

static thaw_status check_unfinished(const trainer *t) {
    if (t->epoch < t->recipe.epochs) return thaw_ok();
    return thaw_error(
        THAW_ERR_USAGE,
        "%s is finished: it has had its %d epochs; for more, begin a run from its weights (`thaw export`)",
        run_folder_id(t->folder), t->recipe.epochs);
}

static thaw_status prepare_resume(trainer *t, const char *run) {
    bool any = false;
    t->resumed = true;
    THAW_TRY(open_run(t, run));
    THAW_TRY(thaw_catalog_open(&t->catalog));
    bool known = first_weights_known(t);
    THAW_TRY(open_all(t));
    THAW_TRY(check_classes(t, run_folder_path(t->folder)));
    if (!known) layer_stats_forget(t->stats);
    t->base_lr = t->recipe.optimizer.lr;
    THAW_TRY(trainer_restore(t, &any));
    if (!any) trainer_log(t, 1, "this run never got to a checkpoint: starting it again from its beginning");
    return check_unfinished(t);
}

thaw_status trainer_prepare_resume(const trainer_host *host, const char *run, trainer **out) {
    trainer *t = trainer_new(host);
    thaw_status status = prepare_resume(t, run);
    if (thaw_failed(&status))
        trainer_free(t);
    else
        *out = t;
    return status;
}

void trainer_free(trainer *t) {
    if (!t) return;
    trainer_saving_free(t); /* it may be reading the model */
    loader_free(t->train);
    loader_free(t->val);
    pinned_clear(&t->pinned);
    prefix_cache_free(t->train_cache);
    prefix_cache_free(t->val_cache);
    free(t->cache_trouble);
    learner_clear(&t->learner);
    profile_clear(&t->profile);
    layer_stats_free(t->stats);
    optimizer_free(t->optimizer);
    model_free(t->model);
    thaw_layers_free(t->layers);
    thaw_dataset_free(t->dataset);
    recipe_plan_clear(&t->plan);
    thaw_catalog_free(t->catalog);
    thaw_recipe_clear(&t->recipe);
    metrics_clear(&t->score);
    run_folder_close(t->folder);
    for (size_t i = 0; i < t->early_count; i++)
        thaw_event_clear(&t->early[i]);
    free(t->early);
    free(t);
    torch_trim();
}
