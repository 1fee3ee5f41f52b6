/*
 * test_cpu.c - the processor's facts, read from CPUID answers of processors that are not here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/torch/cpu.h"

/* What a made-up processor answers. One thread, one test at a time. */
static struct {
    const char *vendor;
    uint32_t last, signature, ecx1, ebx7, edx7, eax7_1;
    const char *name;
    uint64_t xcr0;
} fake;

static void fake_id(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
    memset(out, 0, 4 * sizeof out[0]);
    if (leaf == 0) {
        out[0] = fake.last;
        memcpy(&out[1], fake.vendor, 4);
        memcpy(&out[3], fake.vendor + 4, 4);
        memcpy(&out[2], fake.vendor + 8, 4);
    } else if (leaf == 1) {
        out[0] = fake.signature;
        out[2] = fake.ecx1;
    } else if (leaf == 7 && subleaf == 0) {
        out[0] = 1;
        out[1] = fake.ebx7;
        out[3] = fake.edx7;
    } else if (leaf == 7 && subleaf == 1) {
        out[0] = fake.eax7_1;
    } else if (leaf == 0x80000000u) {
        out[0] = fake.name ? 0x80000004u : 0x80000000u;
    } else if (leaf >= 0x80000002u && leaf <= 0x80000004u) {
        char text[48] = "";
        memcpy(text, fake.name, strlen(fake.name));
        memcpy(out, text + 16 * (leaf - 0x80000002u), 16);
    }
}

static uint64_t fake_xcr0(void) {
    return fake.xcr0;
}

/* Signatures as CPUID gives them: stepping, model, family, extended model, extended family. */
#define SIGNATURE(family, model)                                                                 \
    ((uint32_t)(((family) >= 15 ? 15 : (family)) << 8 | ((model)&15) << 4 | (model) >> 4 << 16 | \
                ((family) >= 15 ? (family)-15 : 0) << 20))

enum { AVX2 = 1 << 5, OSXSAVE = 1 << 27, AMX = 1 << 22 | 1 << 24, BF16 = 1 << 5 };
#define AVX512       (1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31)
#define STATE_AVX    0x7u
#define STATE_AVX512 0xE7u
#define STATE_AMX    0x600E7u

static cpu_facts detect(const char *vendor, int family, int model, uint32_t ebx7, uint32_t edx7,
                        uint32_t eax7_1, uint64_t xcr0) {
    fake.vendor = vendor;
    fake.last = 0x1F;
    fake.signature = SIGNATURE(family, model);
    fake.ecx1 = OSXSAVE;
    fake.ebx7 = ebx7;
    fake.edx7 = edx7;
    fake.eax7_1 = eax7_1;
    fake.name = NULL;
    fake.xcr0 = xcr0;
    return cpu_detect_with(&(cpu_probe){fake_id, fake_xcr0});
}

static void family_and_model_include_the_extended_parts(void **state) {
    (void)state;
    cpu_facts cpu = detect("GenuineIntel", 6, 0x8F, 0, 0, 0, 0);
    assert_int_equal(cpu.vendor, CPU_INTEL);
    assert_int_equal(cpu.family, 6);
    assert_int_equal(cpu.model, 0x8F);
    cpu = detect("AuthenticAMD", 0x19, 0x11, 0, 0, 0, 0);
    assert_int_equal(cpu.vendor, CPU_AMD);
    assert_int_equal(cpu.family, 0x19);
    assert_int_equal(cpu.model, 0x11);
    cpu = detect("HygonGenuine", 0x18, 1, AVX2, 0, 0, STATE_AVX);
    assert_int_equal(cpu.vendor, CPU_OTHER);
    assert_true(cpu.avx2);
}

static void openblas_is_told_only_about_processors_it_mistakes(void **state) {
    (void)state;
    static const struct {
        const char *what, *vendor;
        int family, model;
        bool avx2, avx512;
        const char *core;
    } row[] = {
        {"Haswell", "GenuineIntel", 6, 0x3C, true, false, NULL},
        {"Skylake-X", "GenuineIntel", 6, 0x55, true, true, NULL},
        {"Ice Lake SP", "GenuineIntel", 6, 0x6A, true, true, NULL},
        {"Sapphire Rapids", "GenuineIntel", 6, 0x8F, true, true, NULL},
        {"Granite Rapids", "GenuineIntel", 6, 0xAD, true, true, NULL},
        {"Raptor Lake", "GenuineIntel", 6, 0xB7, true, false, "Haswell"},
        {"Emerald Rapids", "GenuineIntel", 6, 0xCF, true, true, "SkylakeX"},
        {"Arrow Lake", "GenuineIntel", 6, 0xC6, true, false, "Haswell"},
        {"Diamond Rapids", "GenuineIntel", 19, 1, true, true, "SkylakeX"},
        {"Pentium 4", "GenuineIntel", 15, 2, false, false, NULL},
        {"Zen 2", "AuthenticAMD", 0x17, 0x31, true, false, NULL},
        {"Zen 4", "AuthenticAMD", 0x19, 0x11, true, true, NULL},
        {"Zen 5", "AuthenticAMD", 0x1A, 0x02, true, true, NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint32_t features = (row[i].avx2 ? AVX2 : 0) | (row[i].avx512 ? AVX512 : 0);
        cpu_facts cpu = detect(row[i].vendor, row[i].family, row[i].model, features, 0, 0, STATE_AVX512);
        const char *core = cpu_openblas_core(&cpu);
        if (!core != !row[i].core || (core && strcmp(core, row[i].core) != 0))
            fail_msg("%s: %s instead of %s", row[i].what, core ? core : "nothing",
                     row[i].core ? row[i].core : "nothing");
    }
}

static void bf16_is_fast_with_amx_or_avx512_bf16_only(void **state) {
    (void)state;
    cpu_facts sapphire_rapids = detect("GenuineIntel", 6, 0x8F, AVX2 | AVX512, AMX, BF16, STATE_AMX);
    assert_true(sapphire_rapids.amx_bf16);
    assert_true(cpu_fast_bf16(&sapphire_rapids));
    cpu_facts zen4 = detect("AuthenticAMD", 0x19, 0x11, AVX2 | AVX512, 0, BF16, STATE_AVX512);
    assert_false(zen4.amx_bf16);
    assert_true(cpu_fast_bf16(&zen4));
    cpu_facts ice_lake = detect("GenuineIntel", 6, 0x6A, AVX2 | AVX512, 0, 0, STATE_AVX512);
    assert_false(cpu_fast_bf16(&ice_lake));
}

static void a_feature_the_system_does_not_save_does_not_count(void **state) {
    (void)state;
    cpu_facts no_tiles = detect("GenuineIntel", 6, 0x8F, AVX2 | AVX512, AMX, 0, STATE_AVX512);
    assert_true(no_tiles.avx512);
    assert_false(no_tiles.amx_bf16);
    cpu_facts no_masks = detect("GenuineIntel", 6, 0x8F, AVX2 | AVX512, AMX, BF16, STATE_AVX);
    assert_true(no_masks.avx2);
    assert_false(no_masks.avx512 || no_masks.avx512_bf16 || no_masks.amx_bf16);
    fake.ecx1 = 0; /* no XGETBV: XCR0 may not even be read */
    cpu_facts nothing = cpu_detect_with(&(cpu_probe){fake_id, fake_xcr0});
    assert_false(nothing.avx2 || nothing.avx512);
}

static void an_old_processor_without_leaf_7_has_no_features(void **state) {
    (void)state;
    detect("GenuineIntel", 6, 0x17, AVX2 | AVX512, AMX, BF16, STATE_AMX);
    fake.last = 4;
    cpu_facts cpu = cpu_detect_with(&(cpu_probe){fake_id, fake_xcr0});
    assert_false(cpu.avx2 || cpu.avx512 || cpu.amx_bf16 || cpu.avx512_bf16);
}

static void the_name_is_trimmed_and_may_fill_all_48_bytes(void **state) {
    (void)state;
    detect("GenuineIntel", 6, 0x3C, 0, 0, 0, 0);
    fake.name = "      Some CPU @ 2.00GHz   ";
    assert_string_equal(cpu_detect_with(&(cpu_probe){fake_id, fake_xcr0}).name, "Some CPU @ 2.00GHz");
    fake.name = "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF";
    assert_string_equal(cpu_detect_with(&(cpu_probe){fake_id, fake_xcr0}).name, fake.name);
}

static void this_machine_answers(void **state) {
    (void)state;
    cpu_facts cpu = cpu_detect();
#if defined(__x86_64__)
    assert_true(cpu.name[0]);
    assert_int_equal(cpu.avx2, !!__builtin_cpu_supports("avx2"));
    assert_int_equal(cpu.avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                                     __builtin_cpu_supports("avx512bw") &&
                                     __builtin_cpu_supports("avx512dq") &&
                                     __builtin_cpu_supports("avx512cd"));
#else
    assert_int_equal(cpu.vendor, CPU_OTHER);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(family_and_model_include_the_extended_parts),
        cmocka_unit_test(openblas_is_told_only_about_processors_it_mistakes),
        cmocka_unit_test(bf16_is_fast_with_amx_or_avx512_bf16_only),
        cmocka_unit_test(a_feature_the_system_does_not_save_does_not_count),
        cmocka_unit_test(an_old_processor_without_leaf_7_has_no_features),
        cmocka_unit_test(the_name_is_trimmed_and_may_fill_all_48_bytes),
        cmocka_unit_test(this_machine_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
