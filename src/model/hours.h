/* hours.h - which hours got something after the others.
 *
 * A store marks an hour when it takes what happened there so long ago that whoever counts as things
 * come has counted that hour already; he takes the marks and looks at those hours again.  Any
 * thread marks; one reader takes.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_HOURS_H
#define MW_MODEL_HOURS_H
#include <stddef.h>
#include <stdint.h>

enum { MW_HOURS = 16384 }; /* that are told apart: nearly two years; older ones are no matter */

typedef struct mw_hours {
    int64_t after_ms; /* what is older than this comes late */
    uint64_t hours[MW_HOURS / 64];
} mw_hours;

/* Something of T is there for readers since just now, at NOW; both in milliseconds.  To be called
 * once it can be read. */
void mw_hours_mark(mw_hours *late, int64_t t, int64_t now);
/* The hours that were marked since the last time, as their beginnings; the newest first. */
typedef void mw_hours_visit(void *arg, int64_t hour_ms);
void mw_hours_take(mw_hours *late, int64_t now, mw_hours_visit *visit, void *arg);

#endif
