/*
 * weights_probe.c - the C side of weights_parity.py. `list FILE`: a line "key type extents..." and the
 * elements in row-major order for each tensor, or "error: message". `widen FILE`: the same with every float
 * as float32 and every integer as int64. `copy FILE OUT`: FILE's tensors written to OUT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/weights.h"

static dtype widened(dtype type) {
    bool is_float = type == DTYPE_F32 || type == DTYPE_F64 || type == DTYPE_F16 || type == DTYPE_BF16;
    return is_float ? DTYPE_F32 : DTYPE_I64;
}

static void *elements_of(const weights_entry *e, dtype type, size_t *bytes) {
    *bytes = (size_t)shape_elements(&e->size) * dtype_size(type);
    void *data = xmalloc(*bytes);
    thaw_status status = weights_copy(e, type, data);
    if (!thaw_failed(&status)) return data;
    fprintf(stderr, "%s\n", status.message);
    exit(1);
}

static void list(const weights_file *f, bool widen) {
    for (size_t i = 0; i < weights_count(f); i++) {
        const weights_entry *e = weights_at(f, i);
        dtype type = widen ? widened(e->type) : e->type;
        size_t bytes;
        void *data = elements_of(e, type, &bytes);
        printf("%s %s", e->key, dtype_name(type));
        for (int d = 0; d < e->size.ndim; d++)
            printf(" %lld", (long long)e->size.dim[d]);
        printf("\n");
        fwrite(data, 1, bytes, stdout);
        free(data);
    }
}

static thaw_status copy(const weights_file *f, const char *out) {
    size_t count = weights_count(f), length = strlen(out);
    weights_item *item = xcalloc(count, sizeof *item);
    for (size_t i = 0; i < count; i++) {
        const weights_entry *e = weights_at(f, i);
        size_t bytes;
        item[i] = (weights_item){e->key, e->type, e->size, elements_of(e, e->type, &bytes)};
    }
    const weights_pair pair = {"format", "pt"};
    bool torch = length > 4 && strcmp(out + length - 4, ".pth") == 0;
    thaw_status status =
        torch ? weights_write_torch(out, item, count) : weights_write_safetensors(out, item, count, &pair, 1);
    for (size_t i = 0; i < count; i++)
        free((void *)item[i].data);
    free(item);
    return status;
}

int main(int argc, char **argv) {
    weights_file *f = NULL;
    if (argc < 3) return 2;
    thaw_status status = weights_open(argv[2], &f);
    if (!thaw_failed(&status) && argc > 3)
        status = copy(f, argv[3]);
    else if (!thaw_failed(&status))
        list(f, strcmp(argv[1], "widen") == 0);
    if (thaw_failed(&status)) printf("error: %s\n", status.message);
    weights_close(f);
    return 0;
}
