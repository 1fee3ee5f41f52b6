/*
 * snapshot.c - see snapshot.h. Copies of one type lie one after the other, so that what a device has of them
 * is put together there and read at once.
 */
#include "engine/train/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/torch/pool.h"

enum {
    ALIGNMENT = 64,
    GATHER_BYTES = 64 << 20, /* that a device puts together at once: so much more memory it needs */
    CHECK_ELEMENTS = 4096,
    PART_BYTES = 256 << 10, /* that are brought in order at once */
};

/* ---- items ---- */

void snapshot_begin(snapshot *s, bool mask_changed) {
    snapshot_let_go(s);
    for (size_t i = 0; i < s->count; i++)
        free((void *)s->item[i].key);
    snapshot_place *place = s->before;
    size_t capacity = s->before_capacity;
    s->before = s->place;
    s->before_capacity = s->place_capacity;
    s->before_count = mask_changed ? 0 : s->count;
    s->place = place;
    s->place_capacity = capacity;
    s->count = s->copied = 0;
}

/* Where X's elements lie, if they can be copied, or read there, without libtorch. */
static void look_at(tscope *scope, snapshot_place *p, const weights_item *item, tensor *x) {
    bool image = item->size.ndim == 4 && item->type == DTYPE_F32;
    p->memory = t_data(scope, x, FORMAT_CONTIGUOUS);
    if (p->memory || !image) return;
    p->memory = t_data(scope, x, FORMAT_CHANNELS_LAST);
    p->nhwc = p->memory != NULL;
}

thaw_status snapshot_add(snapshot *s, char *key, const shape *size, dtype type, tensor *x, bool settled) {
    s->item = vec_reserve(s->item, &s->item_capacity, s->count + 1, sizeof *s->item);
    s->place = vec_reserve(s->place, &s->place_capacity, s->count + 1, sizeof *s->place);
    weights_item *item = &s->item[s->count];
    snapshot_place *p = &s->place[s->count++];
    *item = (weights_item){.key = key, .type = type, .size = *size};
    tscope scope;
    tscope_begin(&scope, s->torch);
    *p = (snapshot_place){.of = x, .version = t_version(&scope, x), .settled = settled};
    if (!s->gather) look_at(&scope, p, item, x);
    if (p->memory && settled) p->held = t_keep(&scope, t_detach(&scope, x));
    return tscope_end(&scope);
}

/* Give each copy its place in the buffer. */
static void lay_out(snapshot *s) {
    size_t at = 0;
    for (int type = 0; type < DTYPE_COUNT; type++) {
        at = (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        for (size_t i = 0; i < s->count; i++) {
            if ((int)s->item[i].type != type || s->place[i].held) continue;
            s->place[i].offset = at;
            at += weights_item_bytes(&s->item[i]);
        }
    }
    s->copied = at;
}

size_t snapshot_bytes(snapshot *s) {
    lay_out(s);
    return s->copied;
}

size_t snapshot_lacks(snapshot *s) {
    size_t bytes = snapshot_bytes(s);
    return bytes > s->room ? bytes : 0;
}

/* ---- copying ---- */

void snapshot_free_buffer(snapshot *s) {
    if (s->pinned.count)
        pinned_clear(&s->pinned);
    else
        pool_give(s->buffer);
    s->buffer = NULL;
    s->room = s->before_count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (!s->place[i].held) s->place[i].taken = false;
}

static thaw_status make_room(snapshot *s) {
    if (!snapshot_lacks(s)) return thaw_ok();
    torch *t = s->gather ? s->torch : NULL;
    snapshot_free_buffer(s);
    s->pinned.torch = t;
    s->buffer = pinned_take(&s->pinned, s->copied);
    if (!s->buffer) s->buffer = pool_take(s->copied);
    if (!s->buffer)
        return thaw_error(THAW_ERR_IO,
                          "there is no memory for a copy of the weights, %zu MB; end other programs",
                          s->copied >> 20);
    s->room = s->copied;
    return thaw_ok();
}

/* The copy made the last time is still what the tensor holds. */
static bool still_holds(const snapshot *s, size_t i) {
    const snapshot_place *now = &s->place[i], *then = &s->before[i];
    return i < s->before_count && now->settled && then->taken && !then->held && then->of == now->of &&
           then->version == now->version && then->offset == now->offset;
}

/* Tensors that lie beside each other in the buffer, on their way there. */
typedef struct gathering {
    snapshot *s;
    tscope scope;
    tensor **flat;
    size_t count, bytes, offset;
    dtype type;
} gathering;

static thaw_status read_gathered(gathering *g) {
    tscope *scope = &g->scope;
    if (g->count) {
        tensor *all = g->count == 1 ? g->flat[0] : t_cat(scope, g->flat, g->count, 0);
        shape whole = SHAPE_1((int64_t)(g->bytes / dtype_size(g->type)));
        t_copy_(scope, t_from_blob(scope, whole, g->type, g->s->buffer + g->offset, FORMAT_CONTIGUOUS), all);
    }
    g->count = g->bytes = 0;
    thaw_status status = tscope_end(scope);
    tscope_begin(scope, g->s->torch);
    return status;
}

static thaw_status gather(gathering *g, size_t i) {
    const weights_item *item = &g->s->item[i];
    size_t bytes = weights_item_bytes(item);
    if (g->bytes + bytes > GATHER_BYTES) THAW_TRY(read_gathered(g));
    if (!g->count) g->offset = g->s->place[i].offset;
    shape flat = SHAPE_1(shape_elements(&item->size));
    g->flat[g->count++] = t_reshape(&g->scope, t_detach(&g->scope, g->s->place[i].of), flat);
    g->type = item->type;
    g->bytes += bytes;
    return thaw_ok();
}

/* What the buffer has already parts what is read together. */
static thaw_status gather_all(snapshot *s) {
    gathering g = {.s = s, .flat = xcalloc(s->count, sizeof(tensor *))};
    tscope_begin(&g.scope, s->torch);
    thaw_status status = thaw_ok();
    for (int type = 0; type < DTYPE_COUNT && !thaw_failed(&status); type++) {
        for (size_t i = 0; i < s->count && !thaw_failed(&status); i++) {
            if ((int)s->item[i].type != type) continue;
            status = still_holds(s, i) ? read_gathered(&g) : gather(&g, i);
        }
        if (!thaw_failed(&status)) status = read_gathered(&g);
    }
    thaw_status end = tscope_end(&g.scope);
    free(g.flat);
    return thaw_failed(&status) ? status : end;
}

static thaw_status copy_all(snapshot *s) {
    tscope scope;
    tscope_begin(&scope, s->torch);
    for (size_t i = 0; i < s->count && !tscope_failed(&scope); i++) {
        snapshot_place *p = &s->place[i];
        size_t bytes = weights_item_bytes(&s->item[i]);
        if (p->held) continue;
        if (p->memory)
            memcpy(s->buffer + p->offset, p->memory, bytes);
        else
            t_read(&scope, t_detach(&scope, p->of), s->buffer + p->offset, bytes);
    }
    return tscope_end(&scope);
}

thaw_status snapshot_take(snapshot *s) {
    THAW_TRY(make_room(s));
    thaw_status status = s->gather ? gather_all(s) : copy_all(s);
    /* A device without room for putting them together gives them one by one. */
    if (s->gather && thaw_failed(&status)) status = copy_all(s);
    for (size_t i = 0; i < s->count; i++)
        s->place[i].taken = !thaw_failed(&status);
    return status;
}

/* ---- reading ---- */

static const void *bytes_of(const snapshot *s, size_t i) {
    const snapshot_place *p = &s->place[i];
    return p->held ? p->memory : s->buffer + p->offset;
}

/* ROWS times (H, W, C) as (C, H, W). */
static void put_in_rows(const uint32_t *from, size_t rows, size_t channels, size_t pixels, uint32_t *to) {
    for (size_t n = 0; n < rows; n++, from += channels * pixels)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                *to++ = from[p * channels + c];
}

/* What has to be brought in order is so a few rows at a time: a second copy of the largest tensor would be as
 * much as all batches that wait. */
static thaw_status part(void *user, size_t index, size_t offset, size_t *bytes, const void **data) {
    snapshot *s = user;
    const int64_t *dim = s->item[index].size.dim;
    size_t left = weights_item_bytes(&s->item[index]) - offset;
    *data = (const unsigned char *)bytes_of(s, index) + offset;
    *bytes = left;
    if (!s->place[index].nhwc) return thaw_ok();
    size_t channels = (size_t)dim[1], pixels = (size_t)(dim[2] * dim[3]);
    size_t row = channels * pixels * sizeof(uint32_t), rows = PART_BYTES / row;
    if (rows == 0) rows = 1;
    if (rows * row < left) *bytes = rows * row;
    if (!s->scratch || *bytes > s->scratch_room) {
        s->scratch_room = *bytes > PART_BYTES ? *bytes : PART_BYTES;
        s->scratch = xrealloc(s->scratch, s->scratch_room);
    }
    put_in_rows(*data, *bytes / row, channels, pixels, s->scratch);
    *data = s->scratch;
    return thaw_ok();
}

weights_source snapshot_source(snapshot *s) {
    return (weights_source){.item = s->item, .count = s->count, .part = part, .user = s};
}

/* By their bits, without a branch for each: the exponent is all ones. */
static bool all_finite(const uint32_t *bits, int64_t count) {
    const uint32_t exponent = 0x7F800000;
    for (int64_t at = 0; at < count; at += CHECK_ELEMENTS) {
        int64_t end = at + CHECK_ELEMENTS < count ? at + CHECK_ELEMENTS : count;
        uint32_t found = 0;
        for (int64_t i = at; i < end; i++)
            found |= (bits[i] & exponent) == exponent;
        if (found) return false;
    }
    return true;
}

const char *snapshot_not_finite(const snapshot *s) {
    for (size_t i = 0; i < s->count; i++)
        if (s->item[i].type == DTYPE_F32 && !all_finite(bytes_of(s, i), shape_elements(&s->item[i].size)))
            return s->item[i].key;
    return NULL;
}

/* ---- the end ---- */

void snapshot_let_go(snapshot *s) {
    for (size_t i = 0; i < s->count; i++) {
        tensor_free(s->torch, s->place[i].held);
        s->place[i].held = NULL;
    }
    free(s->scratch);
    s->scratch = NULL;
    s->scratch_room = 0;
}

void snapshot_clear(snapshot *s) {
    snapshot_begin(s, true);
    snapshot_free_buffer(s);
    free(s->item);
    free(s->place);
    free(s->before);
    *s = (snapshot){.torch = s->torch, .gather = s->gather};
}
