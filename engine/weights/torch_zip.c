/*
 * torch_zip.c - what torch.save writes since 1.6: a zip of stored members under one folder, NAME/data.pkl
 * with the structure and NAME/data/KEY with the elements of each storage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/weights_file.h"
#include "engine/weights/zip.h"

enum { MEMBER_NAME_MAX = 256 };

typedef struct archive {
    zip z;
    char folder[MEMBER_NAME_MAX]; /* with the slash; empty when the members lie at the top */
} archive;

/* The member NAME of the archive's folder, or NULL. */
static const zip_member *find_member(const archive *a, const char *folder, pickle_text name) {
    char path[2 * MEMBER_NAME_MAX + 8];
    int length = snprintf(path, sizeof path, "%s%s", a->folder, folder);
    if (name.length > MEMBER_NAME_MAX || (size_t)length + name.length > sizeof path) return NULL;
    memcpy(path + length, name.data, name.length);
    return zip_find(&a->z, path, (size_t)length + name.length);
}

static const zip_member *find_named(const archive *a, const char *name) {
    return find_member(a, "", (pickle_text){.data = name, .length = strlen(name)});
}

/* The folder is the one that data.pkl lies in. */
static thaw_status find_folder(archive *a) {
    static const char data[] = "data.pkl";
    const size_t length = sizeof data - 1;
    for (size_t i = 0; i < a->z.count; i++) {
        const zip_member *m = &a->z.member[i];
        if (m->name_length < length || memcmp(m->name + m->name_length - length, data, length) != 0) continue;
        size_t folder = m->name_length - length;
        if (folder >= MEMBER_NAME_MAX || (folder && m->name[folder - 1] != '/')) continue;
        memcpy(a->folder, m->name, folder);
        a->folder[folder] = '\0';
        return thaw_ok();
    }
    return thaw_error(THAW_ERR_UNSUPPORTED,
                      "a zip file, but not one that torch.save wrote: it has no data.pkl" PICKLE_SAVE_AGAIN);
}

/* Refuse what looks alike but is not a state dict of this machine's byte order. */
static thaw_status check_kind(const archive *a) {
    const uint8_t *text;
    if (find_named(a, "constants.pkl"))
        return thaw_error(THAW_ERR_UNSUPPORTED, "a TorchScript program; in Python: "
                                                "torch.save(torch.jit.load(FILE).state_dict(), \"new.pth\")");
    const zip_member *order = find_named(a, "byteorder");
    if (!order) return thaw_ok();
    THAW_TRY(zip_contents(&a->z, order, &text));
    if (order->size == strlen("big") && memcmp(text, "big", order->size) == 0)
        return thaw_error(THAW_ERR_UNSUPPORTED, "written on a big-endian machine; save it again on this one");
    return thaw_ok();
}

/* Where the elements of S are: record must hold them all. */
static thaw_status find_record(const archive *a, const pickle_storage *s, const uint8_t **record) {
    uint64_t need;
    const zip_member *m = find_member(a, "data/", s->key);
    if (!m) return thaw_ok(); /* an error only when a tensor we list needs it */
    THAW_TRY(zip_contents(&a->z, m, record));
    if (__builtin_mul_overflow((uint64_t)s->root_count, (uint64_t)dtype_size(s->type), &need) ||
        need > m->size)
        return thaw_error(THAW_ERR_FORMAT, "the storage data/%.*s has %llu bytes, and its tensors need more",
                          (int)(s->key.length < 40 ? s->key.length : 40), s->key.data,
                          (unsigned long long)m->size);
    return thaw_ok();
}

static thaw_status list_tensors(weights_file *f, const archive *a, const pickle *p) {
    size_t count = pickle_storage_count(p);
    const uint8_t **record = xcalloc(count, sizeof *record);
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < count && !thaw_failed(&status); i++)
        status = find_record(a, pickle_storage_at(p, i), &record[i]);
    if (!thaw_failed(&status)) status = torch_state_list(f, p, record);
    free(record);
    return status;
}

static thaw_status read_archive(weights_file *f, archive *a) {
    const uint8_t *bytes;
    size_t used;
    pickle *p;
    THAW_TRY(find_folder(a));
    THAW_TRY(check_kind(a));
    const zip_member *data = find_named(a, "data.pkl");
    if (!data) return thaw_error(THAW_ERR_FORMAT, "the zip file has no data.pkl");
    THAW_TRY(zip_contents(&a->z, data, &bytes));
    THAW_TRY(pickle_read(bytes, (size_t)data->size, &used, &p));
    thaw_status status = list_tensors(f, a, p);
    pickle_free(p);
    return status;
}

thaw_status torch_zip_read(weights_file *f) {
    archive a = {0};
    thaw_status status = zip_open(f->map.data, f->map.size, &a.z);
    if (!thaw_failed(&status)) status = read_archive(f, &a);
    zip_clear(&a.z);
    return status;
}
