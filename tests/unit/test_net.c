/*
 * test_net.c - the parts of fetching that need no network: addresses, the head of an answer, patience, pace,
 * hashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/sha256.h"
#include "engine/net/address.h"
#include "engine/net/answer.h"
#include "engine/net/pace.h"
#include "engine/net/retry.h"
#include "thaw/fetch.h"
#include "tui/fetch_text.h"

static void assert_taken(char *text, const char *expected) {
    assert_string_equal(text, expected);
    free(text);
}

static void sha256_is_that_of_the_standard(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t times;
        const char *hex;
    } row[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
        {"0123456701234567012345670123456701234567012345670123456701234567", 10,
         "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char hex[SHA256_HEX_MAX];
        sha256 s;
        sha256_begin(&s);
        for (size_t n = 0; n < row[i].times; n++)
            sha256_add(&s, row[i].text, strlen(row[i].text));
        sha256_end(&s, hex);
        assert_string_equal(hex, row[i].hex);
    }
}

static bool stop_at_once(void *user, int64_t done) {
    *(int64_t *)user = done;
    return false;
}

static void sha256_of_a_file_can_be_stopped(void **state) {
    (void)state;
    char hex[SHA256_HEX_MAX];
    int64_t seen = 0;
    thaw_status status = file_replace("abc", "abc", 3);
    assert_false(thaw_failed(&status));
    status = sha256_file("abc", NULL, NULL, hex);
    assert_false(thaw_failed(&status));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    status = sha256_file("abc", stop_at_once, &seen, hex);
    assert_int_equal(status.code, THAW_ERR_CANCELLED);
    assert_int_equal(seen, 3);
    status = sha256_file("no such file", NULL, NULL, hex);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
}

static void mirrors_are_joined_with_one_slash(void **state) {
    (void)state;
    assert_taken(address_join("https://a.org/models", "x.pth"), "https://a.org/models/x.pth");
    assert_taken(address_join("https://a.org/models///", "/x.pth"), "https://a.org/models/x.pth");
    assert_taken(address_join("https://a.org", "sub/x.pth"), "https://a.org/sub/x.pth");
}

static void only_web_addresses_are_taken(void **state) {
    (void)state;
    static const char *const good[] = {"http://a", "https://a/b", "HTTPS://me:pw@a:80/"};
    static const char *const bad[] = {"",        "a.org",      "ftp://a",       "file:///etc/passwd",
                                      "http://", "https:///x", "https://a/b c", "http://a/\n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        thaw_status status = address_check("mirror", good[i]);
        assert_false(thaw_failed(&status));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        thaw_status status = address_check("mirror", bad[i]);
        assert_int_equal(status.code, THAW_ERR_USAGE);
        assert_non_null(strstr(status.message, "address"));
    }
}

static void a_password_is_not_shown(void **state) {
    (void)state;
    assert_taken(address_shown("https://me:secret@a.org/x@y"), "https://me:***@a.org/x@y");
    assert_taken(address_shown("https://me:se@cret@a.org/"), "https://me:***@a.org/");
    assert_taken(address_shown("https://me@a.org/"), "https://me@a.org/");
    assert_taken(address_shown("https://a.org:8080/x:y@z"), "https://a.org:8080/x:y@z");
    assert_taken(address_shown("nonsense"), "nonsense");
}

static void the_hash_is_read_from_the_name_as_pytorch_does(void **state) {
    (void)state;
    static const char *const none[] = {"model.safetensors",
                                       "resnet18.pth",
                                       "resnet18-f37072f.pth",
                                       "resnet18-F37072FD.pth",
                                       "resnet18-f37072fd",
                                       "a-0123456789g.pth",
                                       ""};
    assert_taken(address_hash("/some-deadbeef.d/resnet18-f37072fd.pth"), "f37072fd");
    assert_taken(address_hash("efficientnet_b0_rwightman-7f5810bc.pth"), "7f5810bc");
    assert_taken(address_hash("alexnet-owt-7be5be79.pth"), "7be5be79");
    assert_taken(address_hash("blobs/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_null(address_hash(none[i]));
}

/* LINES end in '\n' each. */
static answer read_head(const char *lines) {
    answer a = {.length = -1, .first = -1, .whole = -1};
    for (const char *line = lines; *line;) {
        size_t length = strcspn(line, "\n") + 1;
        answer_line(&a, line, length);
        line += length;
    }
    return a;
}

static void a_whole_answer_is_understood(void **state) {
    (void)state;
    answer a = read_head("HTTP/1.1 200 OK\r\nContent-Length: 46830571\r\nETag: \"abc-1\"\r\n"
                         "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.length, 46830571);
    assert_int_equal(answer_total(&a), 46830571);
    assert_string_equal(a.validator, "\"abc-1\"");
}

static void a_range_is_understood(void **state) {
    (void)state;
    answer a = read_head("HTTP/2 206\r\ncontent-range: bytes 100-199/200\r\ncontent-length: 100\r\n");
    assert_int_equal(a.status, 206);
    assert_int_equal(a.first, 100);
    assert_int_equal(answer_total(&a), 200);
    a = read_head("HTTP/1.1 206 x\nContent-Range: bytes 0-9/*\n");
    assert_int_equal(a.first, 0);
    assert_int_equal(answer_total(&a), -1);
    a = read_head("HTTP/1.1 416 x\nContent-Range: bytes */200\nContent-Length: 17\n");
    assert_int_equal(a.first, -1);
    assert_int_equal(answer_total(&a), 200);
}

static void nonsense_in_a_head_is_not_believed(void **state) {
    (void)state;
    static const char *const range[] = {
        "lines 1-2/3", "bytes", "bytes 5-4/9", "bytes -5-9/10", "bytes 99999999999999999999-1/2",
        "bytes x-y/z"};
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
        char head[128];
        snprintf(head, sizeof head, "HTTP/1.1 206 OK\nContent-Range: %s\n", range[i]);
        answer a = read_head(head);
        assert_int_equal(a.first, -1);
    }
    answer a = read_head("HTTP/1.1 206 OK\nContent-Range: bytes 0-99/50\nContent-Length: -3\n");
    assert_int_equal(a.whole, -1);
    assert_int_equal(a.length, -1);
    assert_int_equal(read_head("HTTP/1.1 banana\n").status, 0);
    assert_int_equal(read_head("HTTP/1.1\n").status, 0);
    answer_line(&a, "", 0);
}

static void a_redirect_leaves_nothing_behind(void **state) {
    (void)state;
    answer a = read_head("HTTP/1.1 302 Found\nContent-Length: 5\nETag: \"old\"\n\nHTTP/1.1 200 OK\n");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.length, -1);
    assert_string_equal(a.validator, "");
}

static void only_a_strong_tag_or_a_date_is_a_validator(void **state) {
    (void)state;
    answer a = read_head("HTTP/1.1 200 OK\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\nETag: W/\"weak\"\n");
    assert_string_equal(a.validator, "Wed, 21 Oct 2015 07:28:00 GMT");
    a = read_head("HTTP/1.1 200 OK\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\nETag: \"strong\"\n");
    assert_string_equal(a.validator, "\"strong\"");
}

static void what_may_pass_is_tried_again(void **state) {
    (void)state;
    static const int again[] = {408, 425, 429, 500, 502, 503, 504, 599},
                     never[] = {200, 400, 401, 403, 404, 410, 416, 501, 505, 600};
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++)
        assert_true(retry_status(again[i]));
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_false(retry_status(never[i]));
}

static void waits_double_up_to_a_ceiling_with_jitter_below(void **state) {
    (void)state;
    for (int failures = 1; failures < 70; failures++) {
        double full = retry_wait(failures, 1, 1, 0), least = retry_wait(failures, 1, 0, 0);
        double expected = failures < 6 ? (double)(1 << (failures - 1)) : 30;
        assert_true(full == expected);
        assert_true(least == expected / 2);
    }
    assert_true(retry_wait(1, 1, 0.5, 0) == 0.75);
    assert_true(retry_wait(1, 1, 1, 20) == 20);
    assert_true(retry_wait(5, 1, 1, 3) == 16);
    assert_true(retry_wait(3, 0, 1, 0) == 0);
}

static void pace_follows_what_comes_now(void **state) {
    (void)state;
    pace p = pace_begin(0, 1000);
    assert_true(p.rate != p.rate);
    assert_true(pace_left(&p, 2000) != pace_left(&p, 2000));
    pace_add(&p, 1, 1100);
    assert_true(p.rate == 100);
    assert_true(pace_left(&p, 2100) == 10);
    assert_true(pace_left(&p, -1) != pace_left(&p, -1));
    for (int i = 2; i < 60; i++)
        pace_add(&p, i, 1100 + 1000 * (i - 1));
    assert_true(p.rate > 999 && p.rate < 1001);
    pace_add(&p, 60, 0); /* started anew */
    assert_true(p.rate != p.rate && p.bytes == 0);
}

static void progress_reads_as_people_say_it(void **state) {
    (void)state;
    thaw_fetch_progress p = {
        .stage = THAW_FETCH_RECEIVING, .done = 20 << 20, .total = 40 << 20, .rate = 2 << 20, .left = 10};
    str text = {0};
    fetch_describe(&p, &text);
    assert_string_equal(str_text(&text), "20.0 MB of 40.0 MB  2.0 MB/s  0:10 left");
    assert_true(fetch_share(&p) == 0.5);
    str_reset(&text);
    p = (thaw_fetch_progress){.stage = THAW_FETCH_RETRYING, .total = -1, .wait = 2.2, .why = "dropped"};
    fetch_describe(&p, &text);
    assert_string_equal(str_text(&text), "dropped; next try in 3 s");
    assert_true(fetch_share(&p) < 0);
    str_clear(&text);
}

static void the_environment_sets_the_defaults(void **state) {
    (void)state;
    static const struct {
        const char *variable, *value;
        bool offline;
    } row[] = {{"THAW_OFFLINE", "1", true},
               {"THAW_OFFLINE", "0", false},
               {"THAW_OFFLINE", "", false},
               {"HF_HUB_OFFLINE", "ON", true},
               {"HF_HUB_OFFLINE", "false", false}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        setenv(row[i].variable, row[i].value, 1);
        assert_int_equal(thaw_fetch_default_params().offline, row[i].offline);
        unsetenv(row[i].variable);
    }
    setenv("THAW_FETCH_TRIES", "7", 1);
    setenv("THAW_FETCH_TIMEOUT", "soon", 1);
    setenv("THAW_MIRROR", "http://m/", 1);
    thaw_fetch_params p = thaw_fetch_default_params();
    assert_int_equal(p.tries, 7);
    assert_true(p.timeout == 30);
    thaw_weights_info info = {.url = "https://download.pytorch.org/models/sub/x-12345678.pth",
                              .file = "x-12345678.pth"};
    assert_taken(thaw_fetch_address(&info, &p), "http://m/sub/x-12345678.pth");
    info.url = "https://elsewhere.org/a/b/y.pth";
    assert_taken(thaw_fetch_address(&info, &p), "http://m/y.pth");
    p.mirror = NULL;
    assert_taken(thaw_fetch_address(&info, &p), "https://elsewhere.org/a/b/y.pth");
    unsetenv("THAW_FETCH_TRIES");
    unsetenv("THAW_FETCH_TIMEOUT");
    unsetenv("THAW_MIRROR");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_that_of_the_standard),
        cmocka_unit_test(sha256_of_a_file_can_be_stopped),
        cmocka_unit_test(mirrors_are_joined_with_one_slash),
        cmocka_unit_test(only_web_addresses_are_taken),
        cmocka_unit_test(a_password_is_not_shown),
        cmocka_unit_test(the_hash_is_read_from_the_name_as_pytorch_does),
        cmocka_unit_test(a_whole_answer_is_understood),
        cmocka_unit_test(a_range_is_understood),
        cmocka_unit_test(nonsense_in_a_head_is_not_believed),
        cmocka_unit_test(a_redirect_leaves_nothing_behind),
        cmocka_unit_test(only_a_strong_tag_or_a_date_is_a_validator),
        cmocka_unit_test(what_may_pass_is_tried_again),
        cmocka_unit_test(waits_double_up_to_a_ceiling_with_jitter_below),
        cmocka_unit_test(pace_follows_what_comes_now),
        cmocka_unit_test(progress_reads_as_people_say_it),
        cmocka_unit_test(the_environment_sets_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
