/*
 * data_probe.c - thaw's decoding, resizing and cropping for data_parity.py, one request a line on stdin.
 *
 *   decode PATH
 *   resize WIDTH HEIGHT LEFT TOP RIGHT BOTTOM HOW      of the last decoded picture
 *   eval RESIZE CROP HOW                               its 8-bit square
 *   pixels RESIZE CROP HOW                             the same as the numbers it stands for, floats
 *   time COUNT                                         decode + training transform, images a second
 * Answers "WIDTH HEIGHT\n" and the bytes, or "error REASON\n".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/data/image.h"
#include "engine/data/transform.h"
#include "engine/nn/pixel_scale.h"

static const transform basic = {.resize = 256,
                                .crop = 224,
                                .interpolation = INTERPOLATE_BILINEAR,
                                .augment = AUGMENT_BASIC,
                                .scale_min = 0.08,
                                .scale_max = 1,
                                .mean = {0.485f, 0.456f, 0.406f},
                                .std = {0.229f, 0.224f, 0.225f}};

static void answer(const image *im) {
    printf("%d %d\n", im->width, im->height);
    fwrite(im->rgb, 3, (size_t)im->width * (size_t)im->height, stdout);
}

static void answer_numbers(const transform *t, const image *im) {
    float table[PIXEL_CHANNELS][PIXEL_VALUES];
    pixel_scale_table(t->mean, t->std, table);
    printf("%d %d\n", im->width, im->height);
    for (size_t i = 0; i < (size_t)im->width * (size_t)im->height * PIXEL_CHANNELS; i++)
        fwrite(&table[i % PIXEL_CHANNELS][im->rgb[i]], sizeof **table, 1, stdout);
}

static void decode(const char *path, image *current) {
    image_clear(current);
    thaw_status status = image_read(path, 0, current);
    if (thaw_failed(&status))
        printf("error %s\n", status.message);
    else
        answer(current);
}

static void resize(const char *line, const image *current) {
    int width, height;
    double box[4];
    char how[16];
    interpolation kind;
    if (sscanf(line, "resize %d %d %lf %lf %lf %lf %15s", &width, &height, &box[0], &box[1], &box[2], &box[3],
               how) != 7 ||
        !interpolation_parse(how, &kind))
        exit(2);
    image out;
    image_resize(current, box, width, height, kind, &out);
    answer(&out);
    image_clear(&out);
}

static void evaluate(const char *line, const image *current) {
    transform t = basic;
    char verb[16], how[16];
    if (sscanf(line, "%15s %d %d %15s", verb, &t.resize, &t.crop, how) != 4 ||
        !interpolation_parse(how, &t.interpolation))
        exit(2);
    image out;
    transform_preview(&t, current, false, NULL, &out);
    if (strcmp(verb, "pixels") == 0)
        answer_numbers(&t, &out);
    else
        answer(&out);
    image_clear(&out);
}

/* Paths follow, one a line. */
static void measure(int count) {
    char path[4096];
    uint8_t *out = malloc(224 * 224 * 3);
    double decoding = 0, transforming = 0;
    for (int i = 0; out && i < count && fgets(path, sizeof path, stdin); i++) {
        path[strcspn(path, "\n")] = '\0';
        image im;
        double begin = clock_seconds();
        thaw_status status = image_read(path, 0, &im);
        double middle = clock_seconds();
        if (thaw_failed(&status)) exit(4);
        rng r = rng_keyed(0, RNG_AUGMENT, 0, (uint64_t)i);
        transform_train(&basic, &im, &r, out);
        decoding += middle - begin;
        transforming += clock_seconds() - middle;
        image_clear(&im);
    }
    free(out);
    printf("%.6f %.6f\n", decoding, transforming);
}

int main(void) {
    char line[8192];
    image current = {0};
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "decode ", 7) == 0)
            decode(line + 7, &current);
        else if (strncmp(line, "resize ", 7) == 0)
            resize(line, &current);
        else if (strncmp(line, "time ", 5) == 0)
            measure((int)strtol(line + 5, NULL, 10));
        else
            evaluate(line, &current);
        fflush(stdout);
    }
    image_clear(&current);
    return 0;
}
