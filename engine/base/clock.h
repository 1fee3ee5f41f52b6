/*
 * clock.h - monotonic time for durations, wall time for names.
 */
#ifndef ENGINE_BASE_CLOCK_H
#define ENGINE_BASE_CLOCK_H

double clock_seconds(void);      /* monotonic, arbitrary origin */
double clock_wall_seconds(void); /* Unix time */

#endif
