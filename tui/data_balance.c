/*
 * data_balance.c - see data_balance.h.
 */
#include "tui/data_balance.h"

#include <math.h>
#include <stdlib.h>

static const double UNEVEN = 2;   /* times as many */
static const double SHIFT = 0.05; /* of all images: shares further apart than this are named */
static const double SHIFT_RATIO = 1.5;
static const double SHIFT_MORE = 1e-6; /* of two classes that mirror each other, the first is named */
enum { NAME_SHOWN = 24 };

static double share(size_t part, size_t whole) {
    return whole ? (double)part / (double)whole : 0;
}

/* Whether the shares of a class on both sides are so different that the curves would be about different
 * things. */
static bool is_shift(double train, double val) {
    double apart = fabs(train - val), low = fmin(train, val), high = fmax(train, val);
    return apart > SHIFT && high > SHIFT_RATIO * low;
}

static void take_class(data_balance *b, const thaw_dataset *d, int label) {
    size_t train = thaw_dataset_class_images(d, label, true),
           val = thaw_dataset_class_images(d, label, false);
    if (train > b->most_images) {
        b->most = label;
        b->most_images = train;
    }
    if (label == 0 || train < b->least_images) {
        b->least = label;
        b->least_images = train;
    }
    if (val > b->most_val) {
        b->commonest_val = label;
        b->most_val = val;
    }
    if (label == 0 || val < b->least_val) b->least_val = val;
    size_t all_train = thaw_dataset_images(d, true), all_val = thaw_dataset_images(d, false);
    double of_train = share(train, all_train), of_val = share(val, all_val);
    double so_far = b->shifted < 0 ? 0 : fabs(b->shifted_train - b->shifted_val);
    if (!all_val || !is_shift(of_train, of_val) || fabs(of_train - of_val) <= so_far + SHIFT_MORE) return;
    b->shifted = label;
    b->shifted_train = of_train;
    b->shifted_val = of_val;
}

data_balance data_balance_of(const thaw_dataset *d) {
    data_balance b = {.classes = thaw_dataset_class_count(d), .shifted = -1};
    for (int i = 0; i < b.classes; i++)
        take_class(&b, d, i);
    b.commonest_share = share(b.most_val, thaw_dataset_images(d, false));
    return b;
}

bool data_balance_uneven(const data_balance *b) {
    return b->classes > 1 && (double)b->most_images >= UNEVEN * (double)b->least_images && b->most_images > 0;
}

/* A class's name as it may stand in a sentence; owned by the caller. */
static char *name_of(const thaw_dataset *d, int label) {
    return text_escape(thaw_dataset_class_name(d, label));
}

static void describe_uneven(const data_balance *b, const thaw_dataset *d, str *out) {
    char *most = name_of(d, b->most), *least = name_of(d, b->least);
    if (b->least_images)
        str_appendf(out, "Uneven: %.*s has %.1f times the training images of %.*s (%zu to %zu).\n",
                    NAME_SHOWN, most, (double)b->most_images / (double)b->least_images, NAME_SHOWN, least,
                    b->most_images, b->least_images);
    else
        str_appendf(
            out, "Uneven: %.*s has %zu training images, %.*s none; a class without any cannot be learned.\n",
            NAME_SHOWN, most, b->most_images, NAME_SHOWN, least);
    free(most);
    free(least);
}

static void describe_commonest(const data_balance *b, const thaw_dataset *d, str *out) {
    char *name = name_of(d, b->commonest_val);
    if (b->classes > 1 && b->commonest_share >= UNEVEN / b->classes)
        str_appendf(out, "Always saying %.*s would be right for %.0f %% of the validation images.\n",
                    NAME_SHOWN, name, 100 * b->commonest_share);
    free(name);
}

static void describe_shift(const data_balance *b, const thaw_dataset *d, str *out) {
    if (b->shifted < 0) return;
    char *name = name_of(d, b->shifted);
    str_appendf(out, "%.*s is %.0f %% of what is trained on and %.0f %% of what is validated on.\n",
                NAME_SHOWN, name, 100 * b->shifted_train, 100 * b->shifted_val);
    free(name);
}

void data_balance_describe(const data_balance *b, const thaw_dataset *d, str *out) {
    if (b->classes == 1) str_append(out, "One class only: there is nothing to tell apart.\n");
    if (data_balance_uneven(b)) describe_uneven(b, d, out);
    if (thaw_dataset_images(d, false))
        describe_commonest(b, d, out);
    else
        str_append(out, "No images to validate on: there will be no validation curve.\n");
    describe_shift(b, d, out);
    if (out->length && out->data[out->length - 1] == '\n') out->data[--out->length] = '\0';
}
