/*
 * pickle_globals.c - the names a pickle may refer to, and what "calling" them builds. This table is the whole
 * of what a weights file can ask for: whatever it does not list is refused, and nothing listed runs anything.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/weights/pickle_machine.h"

enum { ARGUMENTS_MAX = 8 };

typedef struct arguments {
    pickle_ref item[ARGUMENTS_MAX];
    size_t count;
} arguments;

typedef bool global_call(pickle_machine *m, const arguments *a, pickle_ref *out);

static bool gather(pickle_machine *m, pickle_ref tuple, arguments *a) {
    *a = (arguments){0};
    if (pickle_kind_of(m->p, tuple) != PICKLE_TUPLE)
        return pickle_fail(m, THAW_ERR_FORMAT, "a call without a tuple of arguments");
    for (pickle_items it = pickle_items_of(m->p, tuple); pickle_next(m->p, &it);) {
        if (a->count == ARGUMENTS_MAX)
            return pickle_fail(m, THAW_ERR_FORMAT, "a call with too many arguments");
        a->item[a->count++] = it.value;
    }
    return true;
}

/* ---- what calls build ---- */

static bool make_object(pickle_machine *m, const arguments *a, pickle_ref *out) {
    (void)a;
    return pickle_add(m, (pickle_value){.kind = PICKLE_OBJECT}, out);
}

/* OrderedDict(), or as Python 2 wrote it OrderedDict([[key, value], ...]). */
static bool make_ordered_dict(pickle_machine *m, const arguments *a, pickle_ref *out) {
    if (!pickle_add(m, (pickle_value){.kind = PICKLE_DICT}, out)) return false;
    if (!a->count) return true;
    for (pickle_items it = pickle_items_of(m->p, a->item[0]); pickle_next(m->p, &it);) {
        if (pickle_item_count(m->p, it.value) != 2 || pickle_kind_of(m->p, it.value) == PICKLE_DICT)
            return pickle_fail(m, THAW_ERR_FORMAT, "an OrderedDict of something else than pairs");
        for (pickle_items pair = pickle_items_of(m->p, it.value); pickle_next(m->p, &pair);)
            if (!pickle_append(m, *out, pair.value)) return false;
    }
    return true;
}

/* torch.Size((2, 3)) is the tuple itself. */
static bool make_size(pickle_machine *m, const arguments *a, pickle_ref *out) {
    if (a->count > 1) return pickle_fail(m, THAW_ERR_FORMAT, "torch.Size of %zu arguments", a->count);
    *out = a->count ? a->item[0] : PICKLE_REF_EMPTY_TUPLE;
    return true;
}

/* Extents or strides: a tuple or list of integers >= 0. */
static bool read_extents(pickle_machine *m, pickle_ref v, int64_t *extent, int *count) {
    *count = 0;
    pickle_kind kind = pickle_kind_of(m->p, v);
    if (kind != PICKLE_TUPLE && kind != PICKLE_LIST)
        return pickle_fail(m, THAW_ERR_FORMAT, "a tensor's size is %s", pickle_kind_name(kind));
    for (pickle_items it = pickle_items_of(m->p, v); pickle_next(m->p, &it);) {
        if (*count == SHAPE_MAX_DIMS)
            return pickle_fail(m, THAW_ERR_UNSUPPORTED,
                               "a tensor of more than %d dimensions; save it with fewer", SHAPE_MAX_DIMS);
        if (!pickle_int(m->p, it.value, &extent[*count]) || extent[*count] < 0)
            return pickle_fail(m, THAW_ERR_FORMAT, "a tensor's size or stride is no count");
        ++*count;
    }
    return true;
}

/* Does every element of T lie inside the COUNT elements of its storage? */
static bool tensor_fits(const pickle_tensor *t, int64_t count) {
    int64_t elements = shape_elements(&t->size), last = t->offset, step;
    if (elements == 0) return true;
    for (int i = 0; i < t->size.ndim; i++) {
        if (__builtin_mul_overflow(t->size.dim[i] - 1, t->stride[i], &step)) return false;
        if (__builtin_add_overflow(last, step, &last)) return false;
    }
    return last < count;
}

/* _rebuild_tensor(storage, offset, size, stride) and _v2, which adds requires_grad, hooks and metadata. */
static bool make_tensor(pickle_machine *m, const arguments *a, pickle_ref *out) {
    pickle_tensor t = {0};
    int strides;
    if (a->count < 4) return pickle_fail(m, THAW_ERR_FORMAT, "a tensor of %zu arguments", a->count);
    if (pickle_kind_of(m->p, a->item[0]) != PICKLE_STORAGE)
        return pickle_fail(m, THAW_ERR_FORMAT, "a tensor without a storage");
    t.storage = m->p->value[a->item[0]].index;
    if (!pickle_int(m->p, a->item[1], &t.offset) || t.offset < 0)
        return pickle_fail(m, THAW_ERR_FORMAT, "a tensor's offset is no count");
    if (!read_extents(m, a->item[2], t.size.dim, &t.size.ndim)) return false;
    if (!read_extents(m, a->item[3], t.stride, &strides)) return false;
    if (strides != t.size.ndim)
        return pickle_fail(m, THAW_ERR_FORMAT, "a tensor of %d dimensions and %d strides", t.size.ndim,
                           strides);
    if (shape_elements(&t.size) < 0 || !tensor_fits(&t, m->p->storage[t.storage].count))
        return pickle_fail(m, THAW_ERR_FORMAT, "a tensor reaches outside its storage");
    return pickle_add_tensor(m, &t, out);
}

/* _rebuild_parameter(tensor, requires_grad, hooks[, state]) and Parameter(tensor): the tensor itself. */
static bool make_parameter(pickle_machine *m, const arguments *a, pickle_ref *out) {
    if (!a->count || pickle_kind_of(m->p, a->item[0]) != PICKLE_TENSOR)
        return pickle_fail(m, THAW_ERR_FORMAT, "a Parameter without a tensor");
    *out = a->item[0];
    return true;
}

static global_call make_from_type;

typedef struct global_row {
    const char *module, *name;
    global_call *call; /* NULL: a name that is only referred to */
    bool is_storage;
    dtype type;
} global_row;

#define BUILDS(module_, name_, call_) \
    { .module = module_, .name = name_, .call = call_ }
#define STORES(module_, name_, type_) \
    { .module = module_, .name = name_, .is_storage = true, .type = type_ }
#define PLAIN(module_, name_) \
    { .module = module_, .name = name_ }
#define BUILTIN(name_) BUILDS("builtins", name_, make_object), BUILDS("__builtin__", name_, make_object)

static const global_row globals[] = {
    BUILDS("collections", "OrderedDict", make_ordered_dict),
    BUILDS("torch._utils", "_rebuild_tensor_v2", make_tensor),
    BUILDS("torch._utils", "_rebuild_tensor", make_tensor),
    BUILDS("torch._utils", "_rebuild_parameter", make_parameter),
    BUILDS("torch._utils", "_rebuild_parameter_with_state", make_parameter),
    BUILDS("torch._tensor", "_rebuild_from_type_v2", make_from_type),
    BUILDS("torch.nn.parameter", "Parameter", make_parameter),
    BUILDS("torch", "Size", make_size),
    BUILDS("torch", "device", make_object),
    BUILDS("torch.serialization", "_get_layout", make_object),
    STORES("torch", "FloatStorage", DTYPE_F32),
    STORES("torch", "DoubleStorage", DTYPE_F64),
    STORES("torch", "HalfStorage", DTYPE_F16),
    STORES("torch", "BFloat16Storage", DTYPE_BF16),
    STORES("torch", "LongStorage", DTYPE_I64),
    STORES("torch", "IntStorage", DTYPE_I32),
    STORES("torch", "ShortStorage", DTYPE_I16),
    STORES("torch", "CharStorage", DTYPE_I8),
    STORES("torch", "ByteStorage", DTYPE_U8),
    STORES("torch", "BoolStorage", DTYPE_BOOL),
    STORES("torch.cuda", "FloatStorage", DTYPE_F32), /* torch before 0.4 saved the GPU's own types */
    STORES("torch.cuda", "HalfStorage", DTYPE_F16),
    STORES("torch.cuda", "LongStorage", DTYPE_I64),
    PLAIN("torch", "Tensor"),
    PLAIN("torch", "float32"),
    PLAIN("torch", "float64"),
    PLAIN("torch", "float16"),
    PLAIN("torch", "bfloat16"),
    PLAIN("torch", "int64"),
    /* What training scripts keep beside the weights: arguments, milestones, the best accuracy so far. */
    BUILDS("argparse", "Namespace", make_object),
    BUILDS("collections", "defaultdict", make_object),
    BUILDS("collections", "Counter", make_object),
    BUILDS("collections", "deque", make_object),
    BUILTIN("dict"),
    BUILTIN("list"),
    BUILTIN("int"),
    BUILTIN("float"),
    BUILTIN("set"),
    BUILTIN("frozenset"),
    BUILTIN("complex"),
    BUILDS("_codecs", "encode", make_object), /* how protocol 2 writes bytes */
    BUILDS("pathlib", "PosixPath", make_object),
    BUILDS("numpy.core.multiarray", "scalar", make_object),
    BUILDS("numpy._core.multiarray", "scalar", make_object),
    BUILDS("numpy.core.multiarray", "_reconstruct", make_object),
    BUILDS("numpy._core.multiarray", "_reconstruct", make_object),
    BUILDS("numpy", "dtype", make_object),
    PLAIN("numpy", "ndarray"),
};

static const global_row *global_of(const pickle_machine *m, pickle_ref v) {
    const pickle_value *value = &m->p->value[v];
    return value->kind == PICKLE_GLOBAL ? &globals[value->index] : NULL;
}

/* _rebuild_from_type_v2(function, type, arguments, state): a tensor with attributes of its own. */
static bool make_from_type(pickle_machine *m, const arguments *a, pickle_ref *out) {
    arguments inner;
    const global_row *row = a->count >= 3 ? global_of(m, a->item[0]) : NULL;
    if (!row || (row->call != make_tensor && row->call != make_parameter))
        return pickle_fail(
            m, THAW_ERR_UNSUPPORTED,
            "holds a kind of tensor that thaw does not read; save plain (dense, unquantised) tensors");
    return gather(m, a->item[2], &inner) && row->call(m, &inner, out);
}

/* ---- refusing ---- */

/* Modules no weights file has business with: whatever else it holds, it is not to be trusted. */
static bool is_hostile(const char *module) {
    static const char *const hostile[] = {"os",       "posix",       "nt",     "subprocess", "sys",
                                          "builtins", "__builtin__", "shutil", "socket",     "pty",
                                          "runpy",    "importlib",   "ctypes", "commands",   "webbrowser",
                                          "pickle",   "operator",    "types"};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
        if (strcmp(module, hostile[i]) == 0) return true;
    return false;
}

static char *printable(pickle_text text) {
    char *raw = xstrndup(text.data, text.length < 80 ? text.length : 80);
    char *safe = text_escape(raw);
    free(raw);
    return safe;
}

static bool refuse(pickle_machine *m, pickle_text module, pickle_text name) {
    char *where = printable(module), *what = printable(name);
    bool is_os = strcmp(where, "posix") == 0 || strcmp(where, "nt") == 0; /* os is made of them */
    if (is_os || is_hostile(where))
        pickle_failure(m, THAW_ERR_UNSUPPORTED,
                       "the file calls %s.%s; thaw executes nothing from a weights file, and you should not "
                       "load this one anywhere else either",
                       is_os ? "os" : where, what);
    else
        pickle_failure(
            m, THAW_ERR_UNSUPPORTED,
            "the file needs Python's %s.%s; thaw executes nothing from a weights file. If it holds a "
            "whole model, save its weights alone in Python: torch.save(model.state_dict(), \"new.pth\")",
            where, what);
    free(where);
    free(what);
    return false;
}

bool pickle_global(pickle_machine *m, pickle_text module, pickle_text name, pickle_ref *out) {
    for (uint32_t i = 0; i < sizeof globals / sizeof globals[0]; i++)
        if (pickle_text_is(module, globals[i].module) && pickle_text_is(name, globals[i].name))
            return pickle_add(m, (pickle_value){.kind = PICKLE_GLOBAL, .index = i}, out);
    return refuse(m, module, name);
}

bool pickle_call(pickle_machine *m, pickle_ref callable, pickle_ref tuple, pickle_ref *out) {
    arguments a;
    const global_row *row = global_of(m, callable);
    if (!row)
        return pickle_fail(m, THAW_ERR_FORMAT, "%s is called",
                           pickle_kind_name(pickle_kind_of(m->p, callable)));
    if (!row->call) return pickle_fail(m, THAW_ERR_FORMAT, "%s.%s is called", row->module, row->name);
    if (row->call == make_object) return make_object(m, NULL, out); /* whatever the arguments */
    return gather(m, tuple, &a) && row->call(m, &a, out);
}

/* ---- storages ---- */

/* (view key, offset, size) of a storage that is a window of another; old files only. */
static bool read_view(pickle_machine *m, pickle_ref v, pickle_storage *s) {
    arguments a;
    int64_t end;
    if (pickle_kind_of(m->p, v) == PICKLE_NONE) return true;
    if (!gather(m, v, &a)) return false;
    if (a.count != 3 || !pickle_int(m->p, a.item[1], &s->view_offset) ||
        !pickle_int(m->p, a.item[2], &s->count))
        return pickle_fail(m, THAW_ERR_FORMAT, "a storage's view is not (key, offset, size)");
    if (s->view_offset < 0 || s->count < 0 || __builtin_add_overflow(s->view_offset, s->count, &end) ||
        end > s->root_count)
        return pickle_fail(m, THAW_ERR_FORMAT, "a view reaches outside its storage");
    return true;
}

/* ('storage', type, key, device, count[, view]), as torch.save's persistent_id writes it. */
bool pickle_persistent(pickle_machine *m, pickle_ref id, pickle_ref *out) {
    arguments a;
    pickle_storage s = {0};
    if (!gather(m, id, &a)) return false;
    pickle_text what = a.count ? pickle_text_of(m->p, a.item[0]) : (pickle_text){.data = ""};
    if (pickle_text_is(what, "module"))
        return pickle_fail(m, THAW_ERR_UNSUPPORTED,
                           "the file holds a whole Python model with its code, not a state "
                           "dict" PICKLE_SAVE_AGAIN);
    const global_row *row = a.count >= 5 ? global_of(m, a.item[1]) : NULL;
    if (!pickle_text_is(what, "storage") || !row || !row->is_storage)
        return pickle_fail(m, THAW_ERR_FORMAT, "a persistent id that is no storage");
    s.type = row->type;
    s.key = pickle_text_of(m->p, a.item[2]);
    if (!s.key.length || !pickle_int(m->p, a.item[4], &s.root_count) || s.root_count < 0)
        return pickle_fail(m, THAW_ERR_FORMAT, "a storage without a key and a size");
    s.count = s.root_count;
    if (a.count > 5 && !read_view(m, a.item[5], &s)) return false;
    return pickle_add_storage(m, s, out);
}
