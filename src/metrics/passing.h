/* passing.h - series that are there as long as what they are about: devices, groups, processes.
 *
 * Between begin and end each that is still there is set; those that were not leave the registry.
 * One thread at a time.  SPDX-License-Identifier: MIT */
#ifndef MW_METRICS_PASSING_H
#define MW_METRICS_PASSING_H
#include "metrics/registry.h"

typedef struct mw_passing {
    mw_registry *reg;
    struct mw_passing_slot *slot; /* a hash table by series */
    size_t n, cap;
    uint32_t round;
} mw_passing;

void mw_passing_init(mw_passing *p, mw_registry *reg);
void mw_passing_deinit(mw_passing *p); /* the series stay: the registry owns them */

void mw_passing_begin(mw_passing *p);
/* A refusal by the registry is ignored: it counts its refusals itself. */
void mw_passing_set(mw_passing *p, mw_kind kind, const char *name, const char *help,
                    const mw_label *labels, size_t n, double v);
void mw_passing_end(mw_passing *p);

#endif
