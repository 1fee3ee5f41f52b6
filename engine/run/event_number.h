/*
 * event_number.h - a decimal number to the nearest double, without strtod's cost.
 */
#ifndef ENGINE_RUN_EVENT_NUMBER_H
#define ENGINE_RUN_EVENT_NUMBER_H

#include <stdint.h>

/* The number at AT (JSON's syntax), which ends before END, as strtod would read it; where it ends, or NULL
 * when there is none. */
const char *event_read_number(const char *at, const char *end, double *out);

/* The same of a whole number without sign, point and exponent, of 15 digits at most; NULL for others. */
const char *event_read_digits(const char *at, const char *end, int64_t *out);

#endif
