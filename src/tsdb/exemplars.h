/* exemplars.h - the newest exemplars of all series: a ring of a fixed number.
 *
 * Any thread.  SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_EXEMPLARS_H
#define MW_TSDB_EXEMPLARS_H
#include "tsdb/tsdb.h"

typedef struct mw_exemplars mw_exemplars;

mw_exemplars *mw_exemplars_new(size_t max);
void mw_exemplars_free(mw_exemplars *x);
/* Copies both.  MW_EORDER: older than the newest of its series, or another one at the same time.
 * *FRESH: it was not there before. */
int mw_exemplars_add(mw_exemplars *x, mw_key key, const mw_labels *series, const mw_exemplar *e,
                     bool *fresh);
int mw_exemplars_each(mw_exemplars *x, const mw_select *sel, size_t n, mw_exemplar_visit *visit,
                      void *arg);
/* Forget those of series that SEL matches in its range. */
void mw_exemplars_delete(mw_exemplars *x, const mw_select *sel);
void mw_exemplars_count(mw_exemplars *x, mw_tsdb_stats *out);

#endif
