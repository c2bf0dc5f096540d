/* lane.h - queries that take longer than a moment, asked in threads of their own.
 *
 * Whoever evaluates many rules in one thread cannot wait for one of them.  A job is one query: it
 * waits for its turn, runs within its own time, and its reply says that it is there to be taken.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_LANE_H
#define MW_SCRIPT_LANE_H
#include "script/host.h"

typedef struct mw_lane mw_lane;
typedef struct mw_lane_job mw_lane_job;

mw_lane *mw_lane_new(mw_host *host); /* starts its threads with its first job */
/* Cancels what runs, and waits for that; what waits is answered.  NULL is fine. */
void mw_lane_free(mw_lane *l);

/* QUERY is copied with its text; its deadline does not count, but SECONDS from when it begins do.
 * REPLY is called once, from any thread, when the job has come to an end. */
mw_lane_job *mw_lane_add(mw_lane *l, const mw_promql_query *query, double seconds, mw_reply *reply,
                         void *reply_arg);
/* Of a job that has ended: its result, which the caller frees, or NULL with ERR. */
mw_promql_result *mw_lane_take(mw_lane_job *j, mw_err *err);
double mw_lane_seconds(const mw_lane_job *j); /* that its query took; ended only */
/* Nobody wants it any more: a job that waits or runs ends soon. */
void mw_lane_release(mw_lane_job *j);

#endif
