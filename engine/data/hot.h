/*
 * hot.h - mark the few inner loops worth compiling for newer processors as well.
 *
 * HOT_LOOP asks for vectorising and, on x86-64 with glibc, for an AVX2 and an AVX-512 copy chosen when the
 * program starts. The sanitizers run before that choice can be made, so they get the plain loop; results are
 * the same bytes either way, because the arithmetic is in integers, or in floats that are neither contracted
 * (-ffp-contract=off, C11) nor summed in another order.
 */
#ifndef ENGINE_DATA_HOT_H
#define ENGINE_DATA_HOT_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HOT_SANITIZED 1
#endif
#endif

#ifdef __clang__
#define HOT_VECTORISE
#else
#define HOT_VECTORISE __attribute__((optimize("O3")))
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(HOT_SANITIZED)
#define HOT_LOOP HOT_VECTORISE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HOT_LOOP HOT_VECTORISE
#endif

#endif
