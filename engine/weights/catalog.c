/*
 * catalog.c - the catalog's rows as structs. The parsed documents stay alive and own every string; opening it
 * is part of the program's first frame, so it does nothing but parse.
 */
#include "thaw/catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/models/registry.h"

enum { IMAGENET_CLASSES = 1000, NAMES_MAX = 512, NAMES_SHOWN = 4 };
static const char imagenet[] = "ImageNet-1K";

struct thaw_catalog {
    cJSON *torchvision, *bundled, *classes; /* the documents */
    thaw_weights_info *info;
    const cJSON **row; /* info[i] came from row[i] */
    int count;
};

/* ---- reading rows ---- */

static const char *text_of(const cJSON *row, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static double number_of(const cJSON *row, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static int whole_of(const cJSON *row, const char *key, int otherwise) {
    double value = number_of(row, key);
    return value >= 0 && value <= INT32_MAX ? (int)value : otherwise;
}

/* A number, or a quotient that was kept as text: "<1.0 / 255.0>", torchvision's own way of writing it. */
static float quotient(const cJSON *item) {
    double over, under;
    char *end;
    if (cJSON_IsNumber(item)) return (float)item->valuedouble;
    if (!cJSON_IsString(item) || item->valuestring[0] != '<') return NAN;
    over = strtod(item->valuestring + 1, &end);
    end = strchr(end, '/');
    under = end ? strtod(end + 1, NULL) : 0;
    return under > 0 ? (float)(over / under) : NAN;
}

static void channels_of(const cJSON *row, const char *key, float out[3]) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(row, key);
    const cJSON *item = cJSON_IsArray(list) ? list->child : NULL;
    for (int c = 0; c < 3; c++, item = item ? item->next : NULL)
        out[c] = quotient(item);
}

static thaw_weights_info read_row(const cJSON *row, bool bundled) {
    const char *dataset = text_of(row, "dataset");
    const cJSON *min_size = cJSON_GetObjectItemCaseSensitive(row, "min_size");
    thaw_weights_info info = {
        .arch = text_of(row, "arch"),
        .name = text_of(row, "weights_name"),
        .family = text_of(row, "category"),
        .url = text_of(row, "url"),
        .file = text_of(row, "file"),
        .sha256_prefix = text_of(row, "sha256_prefix"),
        .older_file = text_of(row, "older_file"),
        .is_default = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "default")),
        .bundled = bundled,
        .parameters = (int64_t)fmax(number_of(row, "num_params"), 0),
        .gflops = number_of(row, "gflops"),
        .file_size_mb = number_of(row, "file_size_mb"),
        .acc1 = number_of(row, "acc1"),
        .acc5 = number_of(row, "acc5"),
        .resize = whole_of(row, "resize", 0),
        .crop = whole_of(row, "crop", 0),
        .min_size = cJSON_IsArray(min_size) && min_size->child ? min_size->child->valueint : 1,
        .interpolation = text_of(row, "interpolation"),
        .license = text_of(row, "license"),
        .recipe = text_of(row, "recipe"),
        .dataset = dataset ? dataset : imagenet,
        .classes = whole_of(row, "classes", IMAGENET_CLASSES),
    };
    info.buildable = arch_find(info.arch) != NULL;
    channels_of(row, "mean", info.mean);
    channels_of(row, "std", info.std);
    return info;
}

static thaw_status read_rows(thaw_catalog *c, const cJSON *document, bool bundled) {
    const cJSON *row;
    cJSON_ArrayForEach(row, document) {
        thaw_weights_info info = read_row(row, bundled);
        if (!info.arch || !info.name || !info.file)
            return thaw_error(
                THAW_ERR_FORMAT,
                "the catalog that came with thaw is damaged: row %d has no name; install thaw again",
                c->count);
        c->info[c->count] = info;
        c->row[c->count++] = row;
    }
    return thaw_ok();
}

static thaw_status read_resource(const char *name, cJSON **out) {
    char *path = path_resource(name);
    if (!path)
        return thaw_error(THAW_ERR_NOT_FOUND,
                          "%s, which comes with thaw, is not beside the program nor in its share/thaw; set "
                          "THAW_HOME to the folder that has zoo/",
                          name);
    thaw_status status = json_read_file(path, out);
    free(path);
    return status;
}

static thaw_status open_documents(thaw_catalog *c) {
    THAW_TRY(read_resource("zoo/catalog.json", &c->torchvision));
    THAW_TRY(read_resource("zoo/bundled.json", &c->bundled));
    THAW_TRY(read_resource("zoo/classes.json", &c->classes));
    size_t rows = (size_t)cJSON_GetArraySize(c->torchvision) + (size_t)cJSON_GetArraySize(c->bundled);
    c->info = xcalloc(rows, sizeof *c->info);
    c->row = xcalloc(rows, sizeof *c->row);
    THAW_TRY(read_rows(c, c->torchvision, false));
    return read_rows(c, c->bundled, true);
}

thaw_status thaw_catalog_open(thaw_catalog **out) {
    thaw_catalog *c = xcalloc(1, sizeof *c);
    thaw_status status = open_documents(c);
    if (thaw_failed(&status)) {
        thaw_catalog_free(c);
        c = NULL;
    }
    *out = c;
    return status;
}

void thaw_catalog_free(thaw_catalog *c) {
    if (!c) return;
    cJSON_Delete(c->torchvision);
    cJSON_Delete(c->bundled);
    cJSON_Delete(c->classes);
    free(c->info);
    free(c->row);
    free(c);
}

int thaw_catalog_count(const thaw_catalog *c) {
    return c->count;
}

const thaw_weights_info *thaw_catalog_at(const thaw_catalog *c, int index) {
    return index >= 0 && index < c->count ? &c->info[index] : NULL;
}

/* ---- finding ---- */

static thaw_status unknown_arch(const thaw_catalog *c, const char *wanted) {
    const char *names[NAMES_MAX];
    size_t count = 0;
    if (arch_find(wanted))
        return thaw_error(
            THAW_ERR_NOT_FOUND,
            "the catalog has no pretrained weights for %s; give the path of a weights file, or null "
            "for random weights",
            wanted);
    for (int i = 0; i < c->count && count < NAMES_MAX; i++)
        names[count++] = c->info[i].arch;
    const char *nearest = text_nearest(wanted, names, count);
    if (nearest)
        return thaw_error(THAW_ERR_NOT_FOUND, "no model is called '%s'; did you mean '%s'?", wanted, nearest);
    return thaw_error(THAW_ERR_NOT_FOUND, "no model is called '%s'; 'thaw models' lists them", wanted);
}

static thaw_status unknown_weights(const thaw_catalog *c, const char *arch_name, const char *wanted) {
    str names = {0};
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->info[i].arch, arch_name) == 0)
            str_appendf(&names, "%s%s", names.length ? ", " : "", c->info[i].name);
    thaw_status status = thaw_error(THAW_ERR_NOT_FOUND,
                                    "%s has no weights called '%s'; it has %s; the path of a "
                                    "weights file does as well",
                                    arch_name, wanted, str_text(&names));
    str_clear(&names);
    return status;
}

/* "IMAGENET1K_V1", in any case, or torchvision's whole "ResNet18_Weights.IMAGENET1K_V1". */
static bool is_named(const thaw_catalog *c, int index, const char *name) {
    const char *whole = text_of(c->row[index], "weights");
    if (!name || strcasecmp(name, "DEFAULT") == 0) return c->info[index].is_default;
    return strcasecmp(name, c->info[index].name) == 0 || (whole && strcasecmp(name, whole) == 0);
}

thaw_status thaw_catalog_find(const thaw_catalog *c, const char *arch_name, const char *name,
                              const thaw_weights_info **out) {
    bool arch_seen = false;
    for (int i = 0; i < c->count; i++) {
        if (strcmp(c->info[i].arch, arch_name) != 0) continue;
        arch_seen = true;
        if (!is_named(c, i, name)) continue;
        *out = &c->info[i];
        return thaw_ok();
    }
    return arch_seen ? unknown_weights(c, arch_name, name ? name : "DEFAULT") : unknown_arch(c, arch_name);
}

char *thaw_catalog_json(const thaw_catalog *c, int index) {
    if (index < 0 || index >= c->count) return xstrdup("null");
    char *where = thaw_catalog_locate(&c->info[index]);
    cJSON *row = cJSON_Duplicate(c->row[index], true);
    cJSON_AddBoolToObject(row, "cached", where != NULL);
    cJSON_AddBoolToObject(row, "buildable", c->info[index].buildable);
    cJSON_AddBoolToObject(row, "bundled", c->info[index].bundled);
    char *text = json_print_line(row);
    cJSON_Delete(row);
    free(where);
    return text;
}

const char *thaw_catalog_class(const thaw_catalog *c, const char *dataset, int label) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(c->classes, dataset ? dataset : "");
    const cJSON *item = label >= 0 && cJSON_IsArray(list) ? cJSON_GetArrayItem(list, label) : NULL;
    return cJSON_IsString(item) ? item->valuestring : NULL;
}
