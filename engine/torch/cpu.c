/*
 * cpu.c - see cpu.h. CPUID is read through a probe, so that the mapping is tested for processors nobody here
 * has.
 *
 * How OpenBLAS 0.3.21 chooses is in its driver/others/dynamic.c.
 */
#include "engine/torch/cpu.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static void machine_id(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
    memset(out, 0, 4 * sizeof out[0]);
    __get_cpuid_count(leaf, subleaf, &out[0], &out[1], &out[2], &out[3]);
}

static uint64_t machine_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

cpu_facts cpu_detect(void) {
    return cpu_detect_with(&(cpu_probe){machine_id, machine_xcr0});
}
#else
cpu_facts cpu_detect(void) {
    return (cpu_facts){0};
}
#endif

enum { EAX, EBX, ECX, EDX };

/* Bits of CPUID and XCR0, from Intel's and AMD's manuals. */
enum {
    LEAF1_ECX_OSXSAVE = 27,
    LEAF7_EBX_AVX2 = 5,
    LEAF7_EBX_AVX512F = 16,
    LEAF7_EBX_AVX512DQ = 17,
    LEAF7_EBX_AVX512CD = 28,
    LEAF7_EBX_AVX512BW = 30,
    LEAF7_EBX_AVX512VL = 31,
    LEAF7_EDX_AMX_BF16 = 22,
    LEAF7_EDX_AMX_TILE = 24,
    LEAF7_1_EAX_AVX512_BF16 = 5,
    XCR0_AVX = 0x06,        /* SSE and AVX state */
    XCR0_AVX512 = 0xE6,     /* ... and the masks and the upper halves */
    XCR0_AMX = 0x60000,     /* tile configuration and data */
    FAMILY_EXTENDED = 0x0F, /* from here on the extended family counts */
};

static bool bit(uint32_t word, int index) {
    return word >> index & 1;
}

static bool all_bits(uint64_t word, uint64_t mask) {
    return (word & mask) == mask;
}

static void read_identity(const cpu_probe *probe, cpu_facts *cpu) {
    uint32_t r[4];
    char vendor[13];
    probe->id(0, 0, r);
    memcpy(vendor, &r[EBX], 4);
    memcpy(vendor + 4, &r[EDX], 4);
    memcpy(vendor + 8, &r[ECX], 4);
    vendor[12] = '\0';
    cpu->vendor = !strcmp(vendor, "GenuineIntel")   ? CPU_INTEL
                  : !strcmp(vendor, "AuthenticAMD") ? CPU_AMD
                                                    : CPU_OTHER;

    probe->id(1, 0, r);
    int family = r[EAX] >> 8 & 0xF, model = r[EAX] >> 4 & 0xF;
    if (family == 6 || family == FAMILY_EXTENDED) model |= (int)(r[EAX] >> 16 & 0xF) << 4;
    if (family == FAMILY_EXTENDED) family += (int)(r[EAX] >> 20 & 0xFF);
    cpu->family = family;
    cpu->model = model;
}

static void read_name(const cpu_probe *probe, cpu_facts *cpu) {
    uint32_t r[4];
    char text[3 * sizeof r + 1] = "";
    probe->id(0x80000000u, 0, r);
    if (r[EAX] < 0x80000004u) return;
    for (uint32_t i = 0; i < 3; i++) {
        probe->id(0x80000002u + i, 0, r);
        memcpy(text + i * sizeof r, r, sizeof r);
    }
    const char *start = text + strspn(text, " ");
    size_t length = strlen(start);
    while (length && start[length - 1] == ' ')
        length--;
    snprintf(cpu->name, sizeof cpu->name, "%.*s", (int)length, start);
}

static void read_features(const cpu_probe *probe, cpu_facts *cpu) {
    uint32_t r[4], first[4];
    probe->id(1, 0, first);
    uint64_t state = bit(first[ECX], LEAF1_ECX_OSXSAVE) ? probe->xcr0() : 0;

    probe->id(7, 0, r);
    uint32_t subleaves = r[EAX];
    cpu->avx2 = bit(r[EBX], LEAF7_EBX_AVX2) && all_bits(state, XCR0_AVX);
    cpu->avx512 = bit(r[EBX], LEAF7_EBX_AVX512F) && bit(r[EBX], LEAF7_EBX_AVX512DQ) &&
                  bit(r[EBX], LEAF7_EBX_AVX512CD) && bit(r[EBX], LEAF7_EBX_AVX512BW) &&
                  bit(r[EBX], LEAF7_EBX_AVX512VL) && all_bits(state, XCR0_AVX512);
    cpu->amx_bf16 = cpu->avx512 && bit(r[EDX], LEAF7_EDX_AMX_BF16) && bit(r[EDX], LEAF7_EDX_AMX_TILE) &&
                    all_bits(state, XCR0_AMX);
    if (subleaves < 1) return;
    probe->id(7, 1, r);
    cpu->avx512_bf16 = cpu->avx512 && bit(r[EAX], LEAF7_1_EAX_AVX512_BF16);
}

cpu_facts cpu_detect_with(const cpu_probe *probe) {
    cpu_facts cpu = {0};
    uint32_t r[4];
    probe->id(0, 0, r);
    uint32_t last = r[EAX];
    read_identity(probe, &cpu);
    read_name(probe, &cpu);
    if (last >= 7) read_features(probe, &cpu);
    return cpu;
}

/*
 * OpenBLAS 0.3.21 knows Intel's models up to 0xAF one by one, and goes by features where its table says
 * nothing. Past the table's end (Raptor Lake, Emerald Rapids, Arrow Lake, ...) and for families after 6 its
 * switch falls through to NetBurst's kernels, 30 times slower. AMD's new families do go by features.
 * "Cooperlake", which the same processors would get, cannot be asked for: its search of the names stops one
 * short.
 */
const char *cpu_openblas_core(const cpu_facts *cpu) {
    enum { FAMILY_CORE = 6, MODEL_TABLE_END = 0xB0 };
    if (cpu->vendor != CPU_INTEL || cpu->family < FAMILY_CORE) return NULL;
    if (cpu->family == FAMILY_CORE && cpu->model < MODEL_TABLE_END) return NULL;
    return cpu->avx512 ? "SkylakeX" : cpu->avx2 ? "Haswell" : NULL;
}

bool cpu_fast_bf16(const cpu_facts *cpu) {
    return cpu->amx_bf16 || cpu->avx512_bf16;
}
