/* clock.h - the only place that asks what time it is.
 *
 * Everything that decides by time takes an mw_clock, so that a test can own time.  Deadlines and
 * durations of work use mw_mono_ns, which no clock step touches.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_CLOCK_H
#define MW_BASE_CLOCK_H
#include <stdint.h>

typedef struct mw_clock {
    int64_t (*now_ms)(const struct mw_clock *self); /* unix time, milliseconds */
} mw_clock;

extern const mw_clock mw_clock_system;

/* A clock that stands still until told otherwise.  Any thread may set it. */
typedef struct mw_clock_manual {
    mw_clock clock;
    int64_t ms;
} mw_clock_manual;
void mw_clock_manual_init(mw_clock_manual *c, int64_t ms);
void mw_clock_manual_set(mw_clock_manual *c, int64_t ms);

int64_t mw_now_ms(const mw_clock *c);
int64_t mw_mono_ns(void);
int64_t mw_boot_ms(void); /* likewise not stepped, but it goes on while the machine is suspended */
int64_t
mw_wall_ns(void); /* unix time in nanoseconds, for stamping records that came without a time */

/* RFC 3339 in UTC with milliseconds ("2026-11-23T09:00:00.000Z"); OUT holds 32 bytes; returns OUT.
 */
char *mw_time_rfc3339(int64_t ms, char *out);

#endif
