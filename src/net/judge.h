/* judge.h - asking policy about label sets: which targets are wanted, which series are kept.
 *
 * Functions of users run in the rules actor; here a batch of label sets becomes a message to it,
 * and its answer becomes verdicts.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_JUDGE_H
#define MW_NET_JUDGE_H
#include "ingest/ingest.h"
#include "net/jobs.h"
#include "script/actor.h"

enum { MW_JUDGE_BATCH = 256 };

typedef struct mw_verdict {
    mw_fate fate;  /* MW_FATE_WAIT: not judged yet */
    mw_labels *as; /* owned; with MW_FATE_AS */
    char *error;   /* owned; the function failed, and the fate is MW_FATE_DROP */
} mw_verdict;

void mw_verdict_deinit(mw_verdict *v);

/* WHAT is "targets" or "series".  REPLY gets the answer, as in mw_actor_ask. */
int mw_judge_ask(mw_actor *rules, const char *what, const mw_scrape_job *job,
                 const mw_labels *const *ls, size_t n, mw_reply *reply, void *arg);

/* The verdicts of ANSWER, of which there must be N.  MW_EBUSY: policy changes just now, and there
 * will be another function to ask. */
int mw_judge_read(const mw_value *answer, mw_verdict *out, size_t n, mw_err *err);

#endif
