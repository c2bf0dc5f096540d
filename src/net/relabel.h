/* relabel.h - what a job's function says about targets, remembered as long as they are discovered.
 *
 * Everything here happens under the lock of the scraper.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_RELABEL_H
#define MW_NET_RELABEL_H
#include <pthread.h>

#include "net/judge.h"

typedef struct mw_relabel mw_relabel;

/* NEWS is called under LOCK when there are verdicts that were waited for. */
mw_relabel *mw_relabel_new(pthread_mutex_t *lock, void (*news)(void *arg), void *arg,
                           mw_registry *reg);
void mw_relabel_free(mw_relabel *r); /* NULL is fine; no question may be under way */

/* Between begin and end every target is named that is discovered; others are forgotten. */
void mw_relabel_begin(mw_relabel *r);
/* LS of a target of JOB, discovered; *AS: its labels with MW_FATE_AS, living until the next end.
 * MW_FATE_WAIT: it will be asked about. */
mw_fate mw_relabel_judge(mw_relabel *r, const mw_scrape_job *job, const mw_labels *ls,
                         const mw_labels **as);
void mw_relabel_end(mw_relabel *r);

/* What nobody was asked yet, and once a minute again where the function failed.  NULL is fine. */
void mw_relabel_ask(mw_relabel *r, mw_actor *rules, int64_t now_ms);

/* The targets that are dropped, as discovered. */
typedef void mw_relabel_visit(void *arg, mw_str job, const mw_labels *ls);
void mw_relabel_each_dropped(const mw_relabel *r, mw_relabel_visit *visit, void *arg);

#endif
