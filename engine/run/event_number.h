/*
 * event_number.h - a decimal number to the nearest double, without strtod's cost.
 */
#ifndef ENGINE_RUN_EVENT_NUMBER_H
#define ENGINE_RUN_EVENT_NUMBER_H

#include <stdint.h>

/* The number at AT (JSON's syntax), which ends before END, as strtod would read it; where it ends, or NULL
 * when there is none. */
const char *event_read_number(const char *at, const char *end, double *out);

/*
 * The same of what a log has most of, where EVENT_NUMBER_ROOM bytes from AT on can be read and
 * EVENT_NUMBER_BEFORE before it, whatever they are: a number with a point ("0.25", "6.07e-07"), or a whole
 * one of up to seven digits. NULL for some of these, and for all others.
 */
enum { EVENT_NUMBER_ROOM = 48, EVENT_NUMBER_BEFORE = 16 };
const char *event_read_decimal(const char *at, double *out);
const char *event_read_count(const char *at, int64_t *out);

/* The same of a whole number without sign, point and exponent, of 15 digits at most; NULL for others. */
const char *event_read_digits(const char *at, const char *end, int64_t *out);

#endif
