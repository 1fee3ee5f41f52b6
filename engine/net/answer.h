/*
 * answer.h - what the head of an HTTP answer says, as far as a download cares.
 */
#ifndef ENGINE_NET_ANSWER_H
#define ENGINE_NET_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum { VALIDATOR_MAX = 256 };

typedef struct answer {
    int status;                    /* 200; 0: none yet */
    int64_t length;                /* Content-Length, bytes that follow; -1: not said */
    int64_t first;                 /* Content-Range: the place of the first of them; -1: not said */
    int64_t whole;                 /* Content-Range: bytes of the whole file; -1: not said */
    char validator[VALIDATOR_MAX]; /* for If-Range: a strong ETag, else Last-Modified; "": none */
} answer;

/*
 * Take one line of the head (LENGTH bytes, with or without its line end). A status line begins a new answer:
 * those of redirects are forgotten. Numbers that make no sense are "not said".
 */
void answer_line(answer *a, const char *line, size_t length);

/* Bytes of the whole file that this answer is of or about, or -1. */
int64_t answer_total(const answer *a);

#endif
