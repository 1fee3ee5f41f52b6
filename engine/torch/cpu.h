/*
 * cpu.h - what the processor is, as far as the speed of libtorch depends on it.
 *
 * Two things depend on it: OpenBLAS 0.3.21 (Debian 12's) takes Intel's newer processors for a Pentium 4,
 * unless OPENBLAS_CORETYPE names better kernels; and bf16 pays only where the processor multiplies it in
 * hardware.
 */
#ifndef ENGINE_TORCH_CPU_H
#define ENGINE_TORCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cpu_vendor { CPU_OTHER, CPU_INTEL, CPU_AMD } cpu_vendor;

typedef struct cpu_facts {
    cpu_vendor vendor;
    int family, model; /* as /proc/cpuinfo shows them: extended parts included */
    bool avx2, avx512; /* avx512: F, DQ, CD, BW and VL, what OpenBLAS's SkylakeX kernels use */
    bool avx512_bf16;
    bool amx_bf16; /* tiles too, and the system lets programs have them */
    char name[64]; /* the processor's own, "AMD EPYC 7B13"; trimmed */
} cpu_facts;

/* One CPUID query: fills eax, ebx, ecx, edx. The second function reads XCR0. Tests bring their own. */
typedef struct cpu_probe {
    void (*id)(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
    uint64_t (*xcr0)(void);
} cpu_probe;

cpu_facts cpu_detect(void); /* everything zero on a machine that is not x86 */
cpu_facts cpu_detect_with(const cpu_probe *probe);

/* The OPENBLAS_CORETYPE that OpenBLAS 0.3.21 should be told, or NULL where it chooses well by itself. */
const char *cpu_openblas_core(const cpu_facts *cpu);

/* Whether matrix products in bf16 are faster than in fp32 here. */
bool cpu_fast_bf16(const cpu_facts *cpu);

#endif
