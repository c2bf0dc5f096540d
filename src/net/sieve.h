/* sieve.h - which series of one page are stored: the selectors of its job, then its function.
 *
 * Lives as long as the round that needs it.  What it learns stays with the series in the target's
 * cache.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_SIEVE_H
#define MW_NET_SIEVE_H
#include "net/judge.h"

typedef struct mw_sieve mw_sieve;

mw_sieve *mw_sieve_new(const mw_scrape_job *job); /* JOB must live as long */
void mw_sieve_free(mw_sieve *k);                  /* NULL is fine */

mw_fate mw_sieve_judge(void *sieve, const mw_labels *ls,
                       const mw_labels **as); /* mw_series_judge */

/* Ask about the next series that wait, then give the answer to mw_sieve_learn. */
int mw_sieve_ask(mw_sieve *k, mw_actor *rules, mw_reply *reply, void *arg);
bool mw_sieve_waits(const mw_sieve *k); /* there are more to ask about */

/* On a refusal of the function, MW_EEXEC; otherwise as mw_judge_read. */
int mw_sieve_learn(mw_sieve *k, const mw_value *answer, mw_err *err);

#endif
