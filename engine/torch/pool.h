/*
 * pool.h - the memory of large tensors, kept for the next ones.
 *
 * A training step makes and frees the same gigabyte of activations every time. Left to malloc, most of them
 * are mapped from the kernel and given back to it, and up to a quarter of the step goes into faulting pages
 * in and clearing them. Here memory that was given back waits for the next taker, and what a run no longer
 * needs after a while goes back to the system.
 *
 * One pool a process, because libtorch has one allocator a process. Any thread may call.
 */
#ifndef ENGINE_TORCH_POOL_H
#define ENGINE_TORCH_POOL_H

#include <stddef.h>

enum {
    POOL_ALIGNMENT = 64,     /* what libtorch promises its kernels */
    POOL_LARGE = 128 * 1024, /* bytes; below this malloc keeps memory well enough itself */
};

/* SIZE bytes at POOL_ALIGNMENT, with any contents; NULL when the system has no more. pool_give() frees it. */
void *pool_take(size_t size);
void pool_give(void *memory); /* NULL is fine */
/* From now on, until pool_trim(): the same sizes will come again many times, so huge pages are worth what
 * finding them may cost: where memory is in pieces, the system was seen to take a second for 500 MB. What was
 * of use until now goes back to the system: other sizes come. */
void pool_expect_reuse(void);
/*
 * Until pool_expect_none(): this thread makes tensors of BYTES in all (the sum of their pool_cut_size()), and
 * fills each before it makes the next, as loading does. They are cut from one block, small ones too; it is
 * free again when the last of them is given back.
 */
void pool_expect(size_t bytes);
void pool_expect_none(void);
size_t pool_cut_size(size_t size); /* what a tensor of SIZE bytes takes of it */
/* BYTES at MEMORY are about to be written. In such a block their pages are found now, a huge page at a time
 * where that is quick: small ones, each found when it is first touched, take longer than reading the file. */
void pool_ready(const void *memory, size_t bytes);
void pool_let_go(void); /* what nobody uses goes back to the system now; what comes, comes as before */
void pool_trim(void);   /* the same at the end of it all */

typedef struct pool_state {
    size_t used;    /* bytes of large blocks in use */
    size_t waiting; /* bytes kept for others, resident or not */
    size_t mapped;  /* how often the system was asked */
} pool_state;
pool_state pool_look(void);

#endif
