/*
 * test_pickle.c - the restricted pickle reader: what torch.save writes is understood, nothing else is, and no
 * bytes can make it crash, recurse, or take memory without bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/rng.h"
#include "engine/weights/pickle.h"
#include "tests/unit/weights_fixture.h"

/* Read exactly SIZE bytes, copied so that a sanitizer sees every step outside. */
static thaw_status read_bytes(const char *bytes, size_t size, pickle **p) {
    size_t used = 0;
    uint8_t *copy = xmalloc(size);
    if (size) memcpy(copy, bytes, size);
    thaw_status status = pickle_read(copy, size, &used, p);
    assert_true(used <= size);
    free(copy); /* texts are not looked at after this */
    return status;
}

static void refused(const char *bytes, size_t size, thaw_code code, const char *word) {
    pickle *p;
    thaw_status status = read_bytes(bytes, size, &p);
    if (!thaw_failed(&status)) fail_msg("accepted, expected: %s", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
    assert_int_equal(status.code, code);
    assert_null(p);
}
#define REFUSED(literal, code, word) refused(literal, sizeof(literal) - 1, code, word)

static pickle *accepted(const char *bytes, size_t size) {
    pickle *p = NULL;
    size_t used;
    thaw_status status = pickle_read((const uint8_t *)bytes, size, &used, &p);
    assert_string_equal(status.message, "");
    assert_int_equal(used, size);
    return p;
}
#define ACCEPTED(literal) accepted(literal, sizeof(literal) - 1)

static void a_list_of_every_plain_kind_is_read(void **state) {
    (void)state;
    static const pickle_kind kinds[] = {PICKLE_NONE,   PICKLE_BOOL,  PICKLE_BOOL,   PICKLE_INT,   PICKLE_INT,
                                        PICKLE_INT,    PICKLE_FLOAT, PICKLE_LIST,   PICKLE_TUPLE, PICKLE_DICT,
                                        PICKLE_STRING, PICKLE_BYTES, PICKLE_OBJECT, PICKLE_TUPLE};
    pickle *p = ACCEPTED("\x80\x04\x95\0\0\0\0\0\0\0\0](N\x88\x89K\x07M\x01\x02J\xfe\xff\xff\xff"
                         "G\x3f\xf8\0\0\0\0\0\0])}\x8c\x02hiC\x01z\x8fK\x01\x85"
                         "e.");
    size_t i = 0;
    assert_int_equal(pickle_kind_of(p, pickle_root(p)), PICKLE_LIST);
    assert_int_equal(pickle_item_count(p, pickle_root(p)), sizeof kinds / sizeof kinds[0]);
    for (pickle_items it = pickle_items_of(p, pickle_root(p)); pickle_next(p, &it); i++) {
        assert_int_equal(pickle_kind_of(p, it.value), kinds[i]);
        int64_t number = 0;
        if (i == 5) assert_true(pickle_int(p, it.value, &number) && number == -2);
        if (i == 4) assert_true(pickle_int(p, it.value, &number) && number == 0x201);
        if (i == 10) assert_true(pickle_text_is(pickle_text_of(p, it.value), "hi"));
    }
    pickle_free(p);
}

static void long_integers_keep_their_sign(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int64_t value;
    } row[] = {
        {"\x8a\x00.", 3, 0},
        {"\x8a\x01\xff.", 4, -1},
        {"\x8a\x02\xff\x00.", 5, 255},
        {"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", 11, INT64_MIN},
        {"\x8b\x01\x00\x00\x00\x7f.", 7, 127},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        int64_t number;
        pickle *p = accepted(row[i].bytes, row[i].size);
        assert_true(pickle_int(p, pickle_root(p), &number));
        assert_int_equal(number, row[i].value);
        pickle_free(p);
    }
    pickle *p = ACCEPTED("\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09.");
    assert_int_equal(pickle_kind_of(p, pickle_root(p)), PICKLE_BIG_INT);
    pickle_free(p);
}

static void whatever_is_not_allowed_is_refused_by_name(void **state) {
    (void)state;
    /* pickle.dumps of an object whose __reduce__ gives (os.system, ("id",)), in three protocols, and INST. */
    REFUSED("\x80\x02"
            "cposix\nsystem\nq\x00X\x02\x00\x00\x00idq\x01\x85q\x02Rq\x03.",
            THAW_ERR_UNSUPPORTED, "os.system");
    REFUSED("\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R"
            "\x94.",
            THAW_ERR_UNSUPPORTED, "os.system");
    REFUSED("cos\nsystem\n(S'id'\ntR.", THAW_ERR_UNSUPPORTED, "os.system");
    REFUSED("(ios\nsystem\n.", THAW_ERR_UNSUPPORTED, "os.system");
    REFUSED("\x80\x02"
            "c__builtin__\neval\n.",
            THAW_ERR_UNSUPPORTED, "__builtin__.eval");
    REFUSED("\x80\x02"
            "cbuiltins\ngetattr\n.",
            THAW_ERR_UNSUPPORTED, "executes nothing");
    REFUSED("\x80\x02"
            "csubprocess\nPopen\n.",
            THAW_ERR_UNSUPPORTED, "subprocess.Popen");
    REFUSED("\x80\x02"
            "ctorchvision.models.resnet\nResNet\n.",
            THAW_ERR_UNSUPPORTED, "model.state_dict()");
    REFUSED("\x80\x02"
            "ctorch\nload\n.",
            THAW_ERR_UNSUPPORTED, "torch.load");
    REFUSED("\x80\x02"
            "ca\x1b[2J\nb\n.",
            THAW_ERR_UNSUPPORTED, "a\\x1b[2J.b"); /* and is safe to print */
    REFUSED("\x80\x02"
            "ccollections\nOrderedDict2\n.",
            THAW_ERR_UNSUPPORTED, "OrderedDict2");
}

static void names_that_only_stand_for_something_cannot_be_called(void **state) {
    (void)state;
    REFUSED("ctorch\nFloatStorage\n)R.", THAW_ERR_FORMAT, "torch.FloatStorage is called");
    REFUSED("K\x01)R.", THAW_ERR_FORMAT, "an integer is called");
    REFUSED("ccollections\nOrderedDict\nK\x01R.", THAW_ERR_FORMAT, "tuple");
    REFUSED("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nN)NtR.",
            THAW_ERR_UNSUPPORTED, "kind of tensor");
}

static void what_training_scripts_keep_beside_the_weights_is_let_pass(void **state) {
    (void)state;
    pickle *p =
        ACCEPTED("\x80\x02}(X\x04\0\0\0argscargparse\nNamespace\n)\x81}X\x02\0\0\0lrK\x01sb"
                 "X\x04\0\0\0"
                 "bestcnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\nX\x02\0\0\0f8\x89\x88\x87R"
                 "(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbc_codecs\nencode\nX\x01\0\0\0zX"
                 "\x06\0\0\0latin1\x86RtR"
                 "u.");
    assert_int_equal(pickle_item_count(p, pickle_root(p)), 2);
    for (pickle_items it = pickle_items_of(p, pickle_root(p)); pickle_next(p, &it);)
        assert_int_equal(pickle_kind_of(p, it.value), PICKLE_OBJECT);
    pickle_free(p);
}

static void an_ordered_dict_of_pairs_as_python_2_wrote_it_is_read(void **state) {
    (void)state;
    pickle *p = ACCEPTED("\x80\x02"
                         "ccollections\nOrderedDict\n](](U\x01"
                         "aK\x01"
                         "e](U\x01"
                         "bK\x02"
                         "ee\x85R.");
    assert_int_equal(pickle_item_count(p, pickle_root(p)), 2);
    pickle_items it = pickle_items_of(p, pickle_root(p));
    assert_true(pickle_next(p, &it));
    assert_true(pickle_text_is(pickle_text_of(p, it.key), "a"));
    pickle_free(p);
    REFUSED("ccollections\nOrderedDict\n](](U\x01"
            "aeee\x85R.",
            THAW_ERR_FORMAT, "");
}

static void damage_is_told_from_refusal(void **state) {
    (void)state;
    REFUSED("", THAW_ERR_FORMAT, "ends in the middle");
    REFUSED(".", THAW_ERR_FORMAT, "missing");
    REFUSED("(.", THAW_ERR_FORMAT, "missing");
    REFUSED("t.", THAW_ERR_FORMAT, "mark");
    REFUSED("K\x01\x86.", THAW_ERR_FORMAT, "missing");
    REFUSED("}K\x01s.", THAW_ERR_FORMAT, "missing");
    REFUSED("}(K\x01u.", THAW_ERR_FORMAT, "without a value");
    REFUSED("]K\x01K\x02s.", THAW_ERR_FORMAT, "stored in a list");
    REFUSED("}K\x01"
            "a.",
            THAW_ERR_FORMAT, "appended to a dictionary");
    REFUSED("h\x05.", THAW_ERR_FORMAT, "never remembered");
    REFUSED("Nq\x02h\x01.", THAW_ERR_FORMAT, "never remembered");
    REFUSED("X\xff\xff\xff\xff"
            "abc.",
            THAW_ERR_FORMAT, "longer than the file");
    REFUSED("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
            "abc.",
            THAW_ERR_FORMAT, "longer than the file");
    REFUSED("\xfe.", THAW_ERR_FORMAT, "0xfe");
    REFUSED("cposix", THAW_ERR_FORMAT, "does not end");
    REFUSED("NN\x93.", THAW_ERR_FORMAT, "no text");
    REFUSED("NQ.", THAW_ERR_FORMAT, "tuple");
    REFUSED("NNb.", THAW_ERR_UNSUPPORTED, "attributes of None");
}

static void truncation_anywhere_is_an_error(void **state) {
    (void)state;
    static const fix_tensor t = {"w", "FloatStorage", "0", 6, 0, {2, {2, 3}}, {3, 1}};
    str s = {0};
    fix_state_dict(&s, &t, 1, false);
    str_append(&s, ".");
    pickle_free(accepted(s.data, s.length));
    for (size_t size = 0; size < s.length; size++)
        refused(s.data, size, THAW_ERR_FORMAT, "damaged");
    str_clear(&s);
}

static void nesting_and_cycles_cost_no_recursion(void **state) {
    (void)state;
    enum { DEEP = 300000 };
    str s = {0};
    for (int i = 0; i < DEEP; i++)
        str_append(&s, "]");
    for (int i = 1; i < DEEP; i++)
        str_append(&s, "a");
    str_append(&s, ".");
    pickle_free(accepted(s.data, s.length));
    str_clear(&s);
    for (int i = 0; i < DEEP; i++)
        str_append(&s, "(");
    refused(s.data, s.length, THAW_ERR_UNSUPPORTED, "deeper");
    str_clear(&s);
    pickle_free(ACCEPTED("]q\x00h\x00"
                         "a."));                            /* a list in itself */
    pickle_free(ACCEPTED("}q\x00X\x05\0\0\0modelh\x00s.")); /* a checkpoint in itself */
    pickle_free(ACCEPTED("]q\x00(h\x00h\x00h\x00"
                         "e."));
}

static void every_limit_holds(void **state) {
    (void)state;
    enum { MANY = 5 << 20 };
    str s = {0};
    for (int i = 0; i < MANY; i++)
        str_append_n(&s, "N", 1);
    refused(s.data, s.length, THAW_ERR_UNSUPPORTED, "on the stack");
    str_reset(&s);
    for (int i = 0; i < MANY; i++)
        str_append_n(&s, "]0", 2);
    refused(s.data, s.length, THAW_ERR_UNSUPPORTED, "values");
    str_reset(&s);
    str_append(&s, "]");
    for (int i = 0; i < MANY; i++)
        str_append_n(&s, "Na", 2);
    refused(s.data, s.length, THAW_ERR_UNSUPPORTED, "items");
    str_clear(&s);
    REFUSED("Nr\xff\xff\xff\xff.", THAW_ERR_UNSUPPORTED, "remembered");
    REFUSED("Nr\0\0\x10\0.", THAW_ERR_FORMAT, "out of turn");
}

static void tensors_must_lie_inside_their_storage(void **state) {
    (void)state;
    static const struct {
        fix_tensor t;
        const char *word; /* NULL: fine */
    } row[] = {
        {{"w", "FloatStorage", "0", 6, 0, {2, {2, 3}}, {3, 1}}, NULL},
        {{"w", "FloatStorage", "0", 6, 1, {2, {2, 3}}, {3, 1}}, "outside"},
        {{"w", "FloatStorage", "0", 7, 1, {2, {2, 3}}, {3, 1}}, NULL},
        {{"w", "FloatStorage", "0", 5, 0, {2, {2, 3}}, {3, 1}}, "outside"},
        {{"w", "FloatStorage", "0", 1, 0, {2, {1000, 1000}}, {0, 0}}, NULL},
        {{"w", "FloatStorage", "0", 0, 5, {2, {0, 3}}, {3, 1}}, NULL},
        {{"w", "FloatStorage", "0", 6, -1, {1, {2}}, {1}}, "offset"},
        {{"w", "FloatStorage", "0", 6, 0, {1, {-2}}, {1}}, "no count"},
        {{"w", "FloatStorage", "0", 6, 0, {1, {2}}, {-1}}, "no count"},
        {{"w", "FloatStorage", "0", 6, 0, {1, {2}}, {INT64_MAX}}, "outside"},
        {{"w", "FloatStorage", "0", INT64_MAX, INT64_MAX, {1, {2}}, {1}}, "outside"},
        {{"w", "FloatStorage", "0", 6, 0, {3, {1LL << 40, 1LL << 40, 2}}, {0, 0, 0}}, "outside"},
        {{"w", "FloatStorage", "0", -6, 0, {1, {2}}, {1}}, "size"},
        {{"w", "FloatStorage", "", 6, 0, {1, {2}}, {1}}, "key"},
        {{"w", "Size", "0", 6, 0, {1, {2}}, {1}}, "no storage"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        str s = {0};
        fix_state_dict(&s, &row[i].t, 1, false);
        str_append(&s, ".");
        if (row[i].word)
            refused(s.data, s.length, THAW_ERR_FORMAT, row[i].word);
        else
            pickle_free(accepted(s.data, s.length));
        str_clear(&s);
    }
}

static void random_changes_never_crash(void **state) {
    (void)state;
    static const fix_tensor t = {"w", "FloatStorage", "0", 6, 0, {2, {2, 3}}, {3, 1}};
    str s = {0};
    fix_state_dict(&s, &t, 1, true);
    str_append(&s, ".");
    rng r = rng_keyed(1, RNG_TEST, 0, 0);
    for (int round = 0; round < 20000; round++) {
        char *copy = xmalloc(s.length);
        pickle *p;
        memcpy(copy, s.data, s.length);
        for (int change = 0; change < 3; change++)
            copy[rng_below(&r, s.length)] = (char)rng_below(&r, 256);
        thaw_status status = read_bytes(copy, s.length, &p);
        if (!thaw_failed(&status)) pickle_free(p);
        free(copy);
    }
    str_clear(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_every_plain_kind_is_read),
        cmocka_unit_test(long_integers_keep_their_sign),
        cmocka_unit_test(whatever_is_not_allowed_is_refused_by_name),
        cmocka_unit_test(names_that_only_stand_for_something_cannot_be_called),
        cmocka_unit_test(what_training_scripts_keep_beside_the_weights_is_let_pass),
        cmocka_unit_test(an_ordered_dict_of_pairs_as_python_2_wrote_it_is_read),
        cmocka_unit_test(damage_is_told_from_refusal),
        cmocka_unit_test(truncation_anywhere_is_an_error),
        cmocka_unit_test(nesting_and_cycles_cost_no_recursion),
        cmocka_unit_test(every_limit_holds),
        cmocka_unit_test(tensors_must_lie_inside_their_storage),
        cmocka_unit_test(random_changes_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
