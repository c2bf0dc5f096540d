/* agenda.h - targets by the time of their next scrape.  Under the lock of the scraper.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_AGENDA_H
#define MW_NET_AGENDA_H
#include "net/targets.h"

typedef struct mw_agenda { /* a heap: target[i] is not later than target[2i + 1] and [2i + 2] */
    mw_target **target;
    size_t n, cap;
} mw_agenda;

void mw_agenda_fill(mw_agenda *a, const mw_targets *set); /* anew */
mw_target *mw_agenda_first(const mw_agenda *a);           /* NULL: there is none */
void mw_agenda_settle(mw_agenda *a);                      /* the first has a later time now */
void mw_agenda_deinit(mw_agenda *a);

#endif
