/*
 * test_jobs.c - evaluating, predicting, exporting and diagnosing, on a few drawn pictures and a CIFAR
 * ResNet-20 with random weights. What needs libtorch is skipped, loudly, where there is none.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/jobs/source.h"
#include "engine/run/card.h"
#include "engine/run/checkpoint.h"
#include "engine/run/folder.h"
#include "tests/unit/support_torch.h"
#include "thaw/jobs.h"
#include "thaw/run.h"

enum { CLASSES = 8, PER_CLASS = 2, IMAGES = CLASSES * PER_CLASS };

static const char model_name[] = "cifar_resnet20";

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void assert_says(thaw_status status, const char *word) {
    if (!thaw_failed(&status)) fail_msg("succeeded; expected a failure about \"%s\"", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

/* ---- fixtures ---- */

/* `data/` with PER_CLASS training and validation pictures a class; drawn once a program. */
static const char *data_folder(void) {
    static const char folder[] = "data";
    if (path_exists(folder)) return folder;
    thaw_shapes_params params = thaw_shapes_default_params();
    params.path = folder;
    params.train_per_class = params.val_per_class = PER_CLASS;
    assert_ok(thaw_shapes_draw(&params));
    return folder;
}

static thaw_dataset *open_data(const char *path) {
    thaw_dataset *d;
    thaw_dataset_params params = thaw_dataset_default_params();
    params.path = path;
    assert_ok(thaw_dataset_open(&params, &d));
    return d;
}

/* Random weights of a model with HEAD, at PATH; in a .safetensors with METADATA. */
static void save_weights(const char *path, const char *name, int classes, const thaw_head *head,
                         uint64_t seed, const weights_pair *metadata, size_t metadata_count) {
    model *m;
    assert_ok(model_build(name, classes, 0, 0, &m));
    if (head) assert_ok(model_replace_head(m, head, classes, seed));
    assert_ok(model_materialise(m, support_torch(), (device){.kind = DEVICE_CPU}, false, seed));
    assert_ok(weights_save_model(path, m, metadata, metadata_count));
    model_free(m);
}

static thaw_subject subject_of(const char *weights) {
    return (thaw_subject){
        .model = model_name, .weights = weights, .threads = 2, .device = "cpu", .precision = "fp32"};
}

/* The paths of the validation pictures, in the dataset's order; free both. */
static char **val_files(const thaw_dataset *d) {
    size_t count = thaw_dataset_images(d, false);
    char **files = xcalloc(count, sizeof *files);
    for (size_t i = 0; i < count; i++) {
        const char *path;
        int label, width, height;
        assert_ok(thaw_dataset_image(d, false, i, &path, &label, &width, &height));
        files[i] = path_join(thaw_dataset_root(d), path);
    }
    return files;
}

/* Share of the validation pictures whose likeliest class, by name, is their folder's. */
static double top1_by_name(const thaw_dataset *d, const thaw_prediction *p) {
    size_t count = thaw_dataset_images(d, false), right = 0;
    for (size_t i = 0; i < count; i++) {
        const char *path;
        int label, width, height;
        assert_ok(thaw_dataset_image(d, false, i, &path, &label, &width, &height));
        right += strcmp(p[i].top[0].name, thaw_dataset_class_name(d, label)) == 0;
    }
    return (double)right / (double)count;
}

static thaw_prediction *predict_val(const thaw_subject *subject, const thaw_dataset *d) {
    char **files = val_files(d);
    size_t count = thaw_dataset_images(d, false);
    thaw_prediction *p;
    assert_ok(thaw_predict(subject, (const char *const *)files, count, &p));
    thaw_names_free(files, count);
    return p;
}

/* ---- predicting ---- */

static void probabilities_are_the_softmax_of_the_logits_in_order(void **state) {
    (void)state;
    save_weights("plain.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    thaw_subject subject = subject_of("plain.pth");
    thaw_dataset *d = open_data(data_folder());
    thaw_prediction *p = predict_val(&subject, d);
    for (int i = 0; i < IMAGES; i++) {
        double sum = 0;
        assert_null(p[i].problem);
        assert_int_equal(p[i].classes, CLASSES);
        assert_int_equal(p[i].top_count, 5);
        for (int k = 0; k < CLASSES; k++)
            sum += exp((double)p[i].logits[k]);
        for (int k = 0; k < 5; k++) {
            int label = -1;
            assert_int_equal(sscanf(p[i].top[k].name, "class %d", &label), 1); /* no names are known */
            assert_true(fabs(p[i].top[k].probability - exp((double)p[i].logits[label]) / sum) < 1e-9);
            if (k) assert_true(p[i].top[k - 1].probability >= p[i].top[k].probability);
        }
    }
    thaw_predictions_free(p, IMAGES);
    thaw_dataset_free(d);
}

static void the_batch_size_changes_no_prediction(void **state) {
    (void)state;
    save_weights("batch.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    thaw_subject subject = subject_of("batch.pth");
    thaw_dataset *d = open_data(data_folder());
    thaw_prediction *whole = predict_val(&subject, d);
    subject.batch_size = 3;
    thaw_prediction *thirds = predict_val(&subject, d);
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < CLASSES; k++)
            assert_true(fabsf(whole[i].logits[k] - thirds[i].logits[k]) < 1e-4f);
    thaw_predictions_free(whole, IMAGES);
    thaw_predictions_free(thirds, IMAGES);
    thaw_dataset_free(d);
}

static void a_file_that_cannot_be_read_holds_up_no_other(void **state) {
    (void)state;
    save_weights("files.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    thaw_subject subject = subject_of("files.pth");
    thaw_dataset *d = open_data(data_folder());
    char **good = val_files(d);
    assert_ok(file_replace("text.jpg", "this is text", 12));
    assert_ok(file_replace("moving.jpg", "GIF89a\1\0\1\0\0\0\0;", 14));
    assert_ok(file_replace("empty.png", "", 0));
    const char *const files[] = {"text.jpg", good[0], "absent.jpg", "moving.jpg", "empty.png", ".", good[1]};
    thaw_prediction *p;
    assert_ok(thaw_predict(&subject, files, 7, &p));
    for (int i = 0; i < 7; i++) {
        bool readable = i == 1 || i == 6;
        assert_string_equal(p[i].file, files[i]);
        assert_int_equal(p[i].problem == NULL, readable);
        assert_int_equal(p[i].top_count, readable ? 5 : 0);
        assert_int_equal(p[i].logits != NULL, readable);
    }
    thaw_predictions_free(p, 7);
    assert_ok(thaw_predict(&subject, files, 1, &p)); /* not one readable file */
    assert_non_null(p[0].problem);
    thaw_predictions_free(p, 1);
    assert_says(thaw_predict(&subject, files, 0, &p), "no image");
    thaw_names_free(good, IMAGES);
    thaw_dataset_free(d);
}

/* ---- evaluating ---- */

static weights_pair *card_with_names(const char *const *name, size_t *count) {
    model_card card = {.model = (char *)model_name, .class_name = (char **)name, .class_count = CLASSES};
    return model_card_pairs(&card, count);
}

/* The model's outputs are named in the reverse of the folder's order. */
static void classes_are_matched_by_name(void **state) {
    (void)state;
    thaw_dataset *d = open_data(data_folder());
    const char *reverse[CLASSES];
    size_t pairs;
    for (int i = 0; i < CLASSES; i++)
        reverse[i] = thaw_dataset_class_name(d, CLASSES - 1 - i);
    weights_pair *card = card_with_names(reverse, &pairs);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        save_weights("named.safetensors", model_name, CLASSES, NULL, seed, card, pairs);
        thaw_subject subject = subject_of("named.safetensors");
        thaw_prediction *p = predict_val(&subject, d);
        thaw_eval_report r;
        assert_ok(thaw_evaluate(&subject, data_folder(), NULL, NULL, &r));
        assert_int_equal(r.images, IMAGES);
        assert_true(r.top1 == top1_by_name(d, p));
        assert_int_equal(r.class_count, CLASSES);
        double sum = 0;
        for (int i = 0; i < CLASSES; i++) {
            assert_string_equal(r.classes[i].name, thaw_dataset_class_name(d, i));
            assert_int_equal(r.classes[i].images, PER_CLASS);
            sum += r.classes[i].top1 / CLASSES;
        }
        assert_true(fabs(sum - r.top1) < 1e-9);
        assert_true(r.top5 >= r.top1 && r.loss > 0);
        assert_int_equal(r.worst_count, IMAGES - (int)(r.top1 * IMAGES + 0.5));
        for (size_t i = 0; i < r.worst_count; i++) {
            const thaw_mistake *m = &r.worst[i];
            assert_non_null(strstr(m->file, m->label)); /* its folder is its class */
            assert_string_not_equal(m->label, m->predicted);
            assert_true(m->probability >= m->label_probability);
            if (i > 0) assert_true(r.worst[i - 1].loss >= m->loss);
        }
        thaw_eval_report_clear(&r);
        thaw_predictions_free(p, IMAGES);
    }
    model_card_pairs_free(card, pairs);
    thaw_dataset_free(d);
}

/* Only some of the model's classes are in the folder: possible by name, and only so. */
static void a_folder_of_some_classes_needs_their_names(void **state) {
    (void)state;
    thaw_dataset *d = open_data(data_folder());
    const char *names[CLASSES];
    size_t pairs;
    for (int i = 0; i < CLASSES; i++)
        names[i] = thaw_dataset_class_name(d, i);
    weights_pair *card = card_with_names(names, &pairs);
    save_weights("some.safetensors", model_name, CLASSES, NULL, 1, card, pairs);
    save_weights("some.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    model_card_pairs_free(card, pairs);
    assert_ok(path_make_directory("some"));
    for (int i = 2; i < 5; i++) {
        char *from = xasprintf("../%s/val/%s", data_folder(), names[i]), *to = xasprintf("some/%s", names[i]);
        if (!path_exists(to)) assert_int_equal(symlink(from, to), 0);
        free(from);
        free(to);
    }
    thaw_subject named = subject_of("some.safetensors"), nameless = subject_of("some.pth");
    thaw_eval_report r;
    assert_ok(thaw_evaluate(&named, "some", NULL, NULL, &r));
    assert_int_equal(r.images, 3 * PER_CLASS); /* no split is named: all of it */
    assert_int_equal(r.class_count, 3);
    thaw_eval_report_clear(&r);
    assert_says(thaw_evaluate(&nameless, "some", NULL, NULL, &r), "3 classes and the model 8");
    thaw_dataset_free(d);
}

/* A folder's name may be any bytes; in a card, which is JSON, it is not quite the same. */
static void class_names_that_are_not_utf8_still_match(void **state) {
    (void)state;
    thaw_dataset *d = open_data(data_folder());
    assert_ok(path_make_directory("latin"));
    for (int i = 0; i < 2; i++) {
        char *from = xasprintf("../%s/val/%s", data_folder(), thaw_dataset_class_name(d, i));
        if (!path_exists(i ? "latin/th\xe9" : "latin/caf\xe9"))
            assert_int_equal(symlink(from, i ? "latin/th\xe9" : "latin/caf\xe9"), 0);
        free(from);
    }
    const char *names[CLASSES] = {"a", "b", "c", "th\xe9", "d", "caf\xe9", "e", "f"};
    size_t pairs;
    weights_pair *card = card_with_names(names, &pairs);
    save_weights("latin.safetensors", model_name, CLASSES, NULL, 1, card, pairs);
    model_card_pairs_free(card, pairs);
    thaw_eval_report r;
    thaw_subject subject = subject_of("latin.safetensors");
    assert_ok(thaw_evaluate(&subject, "latin", NULL, NULL, &r));
    assert_int_equal(r.images, 2 * PER_CLASS);
    assert_string_equal(r.classes[0].name, "caf\xEF\xBF\xBD");
    thaw_eval_report_clear(&r);
    thaw_dataset_free(d);
}

static void files_that_are_no_pictures_are_listed(void **state) {
    (void)state;
    save_weights("skip.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    thaw_shapes_params params = thaw_shapes_default_params();
    params.path = "spoilt";
    params.train_per_class = params.val_per_class = PER_CLASS;
    assert_ok(thaw_shapes_draw(&params));
    thaw_dataset *d = open_data("spoilt");
    char **files = val_files(d), *bytes;
    size_t size;
    char *text = xasprintf("spoilt/val/%s/text.jpg", thaw_dataset_class_name(d, 0));
    assert_ok(file_replace(text, "text", 4));
    assert_ok(file_read(files[3], 1 << 20, &bytes, &size));
    assert_ok(file_replace(files[3], bytes, 40)); /* begins like a JPEG */
    thaw_subject subject = subject_of("skip.pth");
    thaw_eval_report r;
    assert_ok(thaw_evaluate(&subject, "spoilt", NULL, NULL, &r));
    assert_int_equal(r.images, IMAGES - 1);
    assert_int_equal(r.skipped_count, 2);
    thaw_eval_report_clear(&r);
    thaw_names_free(files, IMAGES);
    free(text);
    free(bytes);
    thaw_dataset_free(d);
}

static bool stop_at_once(void *user, int64_t done, int64_t total) {
    (void)done;
    *(int64_t *)user = total;
    return false;
}

static void an_evaluation_can_be_stopped(void **state) {
    (void)state;
    save_weights("stop.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    thaw_subject subject = subject_of("stop.pth");
    thaw_eval_report r;
    int64_t total = 0;
    thaw_status status = thaw_evaluate(&subject, data_folder(), stop_at_once, &total, &r);
    assert_int_equal(status.code, THAW_ERR_CANCELLED);
    assert_int_equal(total, IMAGES);
}

static void bf16_is_near_fp32(void **state) {
    (void)state;
    save_weights("half.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    thaw_subject subject = subject_of("half.pth");
    thaw_dataset *d = open_data(data_folder());
    thaw_prediction *exact = predict_val(&subject, d);
    subject.precision = "bf16";
    thaw_prediction *rough = predict_val(&subject, d);
    float largest = 0, apart = 0;
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < CLASSES; k++) {
            largest = fmaxf(largest, fabsf(exact[i].logits[k]));
            apart = fmaxf(apart, fabsf(exact[i].logits[k] - rough[i].logits[k]));
        }
    assert_true(apart > 0); /* it was another precision */
    assert_true(apart < 0.05f * largest);
    thaw_predictions_free(exact, IMAGES);
    thaw_predictions_free(rough, IMAGES);
    thaw_dataset_free(d);
}

/* ---- heads ---- */

static void heads_are_read_off_files_that_say_nothing(void **state) {
    (void)state;
    static const thaw_head heads[] = {
        {.hidden_count = 0},
        {.hidden = {16}, .hidden_count = 1},
        {.hidden = {16, 24}, .hidden_count = 2, .batch_norm = true},
        {.hidden = {16, 24, 8}, .hidden_count = 3, .dropout = 0.3},
        {.hidden = {16}, .hidden_count = 1, .dropout = 0.3, .batch_norm = true, .pool = THAW_POOL_AVG_MAX},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        save_weights("head.pth", model_name, CLASSES, &heads[i], 1, NULL, 0);
        thaw_subject subject = subject_of("head.pth");
        source s;
        assert_ok(source_open(&subject, false, &s));
        assert_int_equal(s.model->classes, CLASSES);
        assert_int_equal(s.head.hidden_count, heads[i].hidden_count);
        for (int k = 0; k < heads[i].hidden_count; k++)
            assert_int_equal(s.head.hidden[k], heads[i].hidden[k]);
        assert_int_equal(s.head.batch_norm, heads[i].batch_norm);
        assert_int_equal(s.head.dropout > 0, heads[i].dropout > 0);
        assert_int_equal(s.head.pool == THAW_POOL_AVG_MAX, heads[i].pool == THAW_POOL_AVG_MAX);
        source_close(&s);
    }
}

static void a_file_of_ten_classes_has_the_catalogs_names(void **state) {
    (void)state;
    save_weights("ten.pth", model_name, 10, NULL, 1, NULL, 0);
    thaw_subject subject = subject_of("ten.pth");
    source s;
    assert_ok(source_open(&subject, false, &s));
    assert_non_null(s.class_name);
    assert_string_equal(s.class_name[0], "airplane");
    assert_int_equal(s.transform.crop, 32);
    assert_int_equal(s.transform.resize, 32);
    source_close(&s);
}

/* ---- exporting ---- */

static void assert_same_predictions(const char *a, const char *b) {
    thaw_subject x = subject_of(a), y = subject_of(b);
    thaw_dataset *d = open_data(data_folder());
    thaw_prediction *p = predict_val(&x, d), *q = predict_val(&y, d);
    for (int i = 0; i < IMAGES; i++)
        assert_memory_equal(p[i].logits, q[i].logits, CLASSES * sizeof(float));
    thaw_predictions_free(p, IMAGES);
    thaw_predictions_free(q, IMAGES);
    thaw_dataset_free(d);
}

static void exported_weights_predict_the_same(void **state) {
    (void)state;
    thaw_head head = {.hidden = {16}, .hidden_count = 1, .dropout = 0.25};
    save_weights("from.pth", model_name, CLASSES, &head, 1, NULL, 0);
    thaw_subject subject = subject_of("from.pth");
    assert_ok(thaw_export(&subject, "to.safetensors", false));
    assert_same_predictions("from.pth", "to.safetensors");
    subject.weights = "to.safetensors";
    assert_ok(thaw_export(&subject, "back.pth", false));
    assert_same_predictions("from.pth", "back.pth");
    weights_file *f;
    model_card card;
    assert_ok(weights_open("to.safetensors", &f));
    assert_ok(model_card_read(f, &card));
    assert_string_equal(card.model, model_name);
    assert_int_equal(card.head.hidden[0], 16);
    assert_int_equal(card.transform.crop, 32);
    model_card_clear(&card);
    weights_close(f);
}

static void exports_that_make_no_sense_are_refused(void **state) {
    (void)state;
    save_weights("ok.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    thaw_subject subject = subject_of("ok.pth");
    assert_says(thaw_export(&subject, "weights.txt", false), ".safetensors");
    assert_says(thaw_export(&subject, ".pth", false), ".safetensors");
    assert_says(thaw_export(&subject, ".", false), "folder");
    assert_says(thaw_export(&subject, "absent/w.pth", false), "absent/w.pth");
    assert_says(thaw_export(&subject, "/proc/w.safetensors", false), "/proc/w.safetensors");
}

/* ---- runs ---- */

typedef struct tensors {
    weights_item item[512];
    char *key[512];
    float *data[512];
    size_t count;
} tensors;

static thaw_status add_tensor(void *user, layer *l, param *p, const char *key) {
    tensors *t = user;
    (void)l;
    size_t bytes = (size_t)shape_elements(&p->size) * dtype_size(p->type);
    t->data[t->count] = xmalloc(bytes);
    t->key[t->count] = xstrdup(key);
    tscope s;
    tscope_begin(&s, support_torch());
    t_read(&s, t_detach(&s, p->t), t->data[t->count], bytes);
    t->item[t->count] = (weights_item){t->key[t->count], p->type, p->size, t->data[t->count]};
    t->count++;
    return tscope_end(&s);
}

/* A checkpoint of a model with random weights from SEED, as the trainer writes them. */
static void write_checkpoint(const char *folder, const thaw_head *head, uint64_t seed, bool best) {
    model *m;
    tensors t = {.count = 0};
    assert_ok(model_build(model_name, 0, 0, 0, &m));
    assert_ok(model_replace_head(m, head, CLASSES, seed));
    assert_ok(model_materialise(m, support_torch(), (device){.kind = DEVICE_CPU}, false, seed));
    assert_ok(model_each_param(m, add_tensor, &t));
    checkpoint_state s;
    checkpoint_state_init(&s);
    checkpoint_content content = {.model = weights_source_of(t.item, t.count), .state = &s, .best = best};
    assert_ok(checkpoint_write(folder, &content));
    for (size_t i = 0; i < t.count; i++) {
        free(t.key[i]);
        free(t.data[i]);
    }
    model_free(m);
}

static void a_run_is_its_best_checkpoint_on_its_own_data(void **state) {
    (void)state;
    thaw_dataset *d = open_data(data_folder());
    const char *names[CLASSES];
    for (int i = 0; i < CLASSES; i++)
        names[i] = thaw_dataset_class_name(d, i);
    thaw_recipe r;
    run_folder *f;
    thaw_recipe_init(&r);
    assert_ok(thaw_recipe_set(&r, "model=cifar_resnet20"));
    assert_ok(thaw_recipe_set(&r, "weights=a-file-that-is-gone.pth")); /* it is in the checkpoint by now */
    assert_ok(thaw_recipe_set(&r, "head.hidden=16"));
    free(r.data.path);
    r.data.path = realpath(data_folder(), NULL);
    assert_ok(run_folder_create("runs", &r, names, CLASSES, &f));
    thaw_subject subject = {.run = run_folder_id(f), .runs = "runs", .device = "cpu", .precision = "fp32"};
    thaw_eval_report report;
    assert_says(thaw_evaluate(&subject, NULL, NULL, NULL, &report), "before the first one");
    write_checkpoint(run_folder_path(f), &r.head, 1, true);
    write_checkpoint(run_folder_path(f), &r.head, 2, false);
    assert_ok(thaw_evaluate(&subject, NULL, NULL, NULL, &report));
    thaw_prediction *p = predict_val(&subject, d);
    assert_int_equal(report.images, IMAGES);
    assert_true(report.top1 == top1_by_name(d, p));
    thaw_eval_report_clear(&report);
    assert_ok(thaw_export(&subject, "best.pth", false));
    assert_ok(thaw_export(&subject, "last.pth", true));
    thaw_subject best = subject_of("best.pth"), last = subject_of("last.pth");
    thaw_prediction *q = predict_val(&best, d), *o = predict_val(&last, d);
    assert_memory_equal(p[0].logits, q[0].logits, CLASSES * sizeof(float));
    assert_memory_not_equal(p[0].logits, o[0].logits, CLASSES * sizeof(float));
    thaw_predictions_free(p, IMAGES);
    thaw_predictions_free(q, IMAGES);
    thaw_predictions_free(o, IMAGES);
    thaw_recipe_clear(&r);
    run_folder_close(f);
    thaw_dataset_free(d);
}

/* ---- what cannot be ---- */

static thaw_status evaluate(thaw_subject subject, const char *data) {
    thaw_eval_report r;
    thaw_status status = thaw_evaluate(&subject, data, NULL, NULL, &r);
    if (!thaw_failed(&status)) thaw_eval_report_clear(&r);
    return status;
}

static void subjects_that_cannot_be_are_refused_without_libtorch(void **state) {
    (void)state;
    thaw_subject subject = {.model = model_name};
    assert_says(evaluate((thaw_subject){0}, "data"), "which model");
    subject.model = "cifar_resnet21";
    assert_says(evaluate(subject, "data"), "did you mean");
    subject.model = model_name;
    subject.weights = "absent.pth";
    assert_says(evaluate(subject, "data"), "absent.pth");
    assert_ok(file_replace("rubbish.pth", "rubbish", 7));
    subject.weights = "rubbish.pth";
    assert_says(evaluate(subject, "data"), "rubbish.pth");
    subject.batch_size = -1;
    assert_says(evaluate(subject, "data"), "batch of -1");
    assert_says(evaluate((thaw_subject){.run = "nobody", .runs = "no-runs"}, NULL), "there are no runs");
}

static void subjects_that_do_not_fit_are_refused(void **state) {
    (void)state;
    save_weights("deep.pth", "cifar_resnet32", CLASSES, NULL, 1, NULL, 0);
    save_weights("fine.pth", model_name, CLASSES, NULL, 1, NULL, 0);
    assert_says(evaluate(subject_of("deep.pth"), data_folder()), "cifar_resnet32");
    thaw_subject subject = subject_of("fine.pth");
    assert_says(evaluate(subject, "absent-folder"), "absent-folder");
    assert_says(evaluate(subject, NULL), "--data");
    subject.precision = "fp17";
    assert_says(evaluate(subject, data_folder()), "fp17");
    subject.precision = NULL;
    subject.device = "abacus";
    assert_says(evaluate(subject, data_folder()), "abacus");
    char *bytes;
    size_t size;
    assert_ok(file_read("fine.pth", 64 << 20, &bytes, &size));
    subject.device = NULL;
    subject.weights = "cut.pth";
    for (size_t cut = 0; cut < size; cut += size / 7 + 1) {
        assert_ok(file_replace("cut.pth", bytes, cut));
        assert_says(evaluate(subject, data_folder()), "cut.pth");
    }
    free(bytes);
}

static void a_diagnosis_names_every_topic(void **state) {
    (void)state;
    static const char *const topics[] = {"libtorch", "plugin", "runs"};
    thaw_finding *f;
    size_t count;
    assert_ok(thaw_diagnose(&f, &count));
    for (size_t t = 0; t < sizeof topics / sizeof topics[0]; t++) {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found |= strcmp(f[i].topic, topics[t]) == 0;
        if (!found) fail_msg("nothing about %s", topics[t]);
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(f[i].text && f[i].text[0]);
        assert_in_range(f[i].level, 0, 2);
        if (f[i].level == 2) assert_non_null(f[i].advice); /* what is wrong comes with what to do */
    }
    thaw_findings_free(f, count);
}

static void a_missing_plugin_is_a_finding_and_not_a_failure(void **state) {
    (void)state;
    thaw_finding *f;
    size_t count;
    bool wrong = false;
    setenv("THAW_TORCH_PLUGIN", "/nowhere/libthaw_torch.so", 1);
    assert_ok(thaw_diagnose(&f, &count));
    unsetenv("THAW_TORCH_PLUGIN");
    for (size_t i = 0; i < count; i++)
        wrong |= strcmp(f[i].topic, "libtorch") == 0 && f[i].level == 2;
    assert_true(wrong);
    thaw_findings_free(f, count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects_that_cannot_be_are_refused_without_libtorch),
        cmocka_unit_test(a_diagnosis_names_every_topic),
        cmocka_unit_test(a_missing_plugin_is_a_finding_and_not_a_failure),
        cmocka_unit_test(probabilities_are_the_softmax_of_the_logits_in_order),
        cmocka_unit_test(the_batch_size_changes_no_prediction),
        cmocka_unit_test(a_file_that_cannot_be_read_holds_up_no_other),
        cmocka_unit_test(classes_are_matched_by_name),
        cmocka_unit_test(a_folder_of_some_classes_needs_their_names),
        cmocka_unit_test(class_names_that_are_not_utf8_still_match),
        cmocka_unit_test(files_that_are_no_pictures_are_listed),
        cmocka_unit_test(an_evaluation_can_be_stopped),
        cmocka_unit_test(bf16_is_near_fp32),
        cmocka_unit_test(heads_are_read_off_files_that_say_nothing),
        cmocka_unit_test(a_file_of_ten_classes_has_the_catalogs_names),
        cmocka_unit_test(exported_weights_predict_the_same),
        cmocka_unit_test(exports_that_make_no_sense_are_refused),
        cmocka_unit_test(a_run_is_its_best_checkpoint_on_its_own_data),
        cmocka_unit_test(subjects_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
