/* asks.h - the queries of rules: at once when that takes a moment only, otherwise in the lane.
 *
 * A thread that evaluates many rules asks each query for a short slice of time.  One that does not
 * end within it is stopped and asked again in the lane, and from then on there at once, until it
 * has become quick again.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_ASKS_H
#define MW_SCRIPT_ASKS_H
#include "script/lane.h"
#include "script/meter.h"
#include "script/state.h"

typedef struct mw_ask {
    mw_promql_prepared *prepared; /* or NULL: the text in query.expr */
    mw_promql_query query;        /* deadline, origin and max_samples are filled in */
    mw_meter *meter;              /* may be NULL */
    bool patient;                 /* the one who asks can wait for the lane */
} mw_ask;

/* The result, or NULL: with *SLOW the lane must be asked, otherwise ERR says why not. */
mw_promql_result *mw_ask_now(mw_face *face, mw_ask *a, bool *slow, mw_err *err);
/* The same question to the lane, after mw_ask_now; REPLY as in mw_lane_add. */
mw_lane_job *mw_ask_lane(mw_face *face, mw_ask *a, mw_reply *reply, void *reply_arg);
/* What the lane has found. */
mw_promql_result *mw_ask_take(mw_face *face, mw_lane_job *j, mw_meter *meter, mw_str expr,
                              mw_err *err);

/* Is EXPR known to take long? */
bool mw_ask_is_slow(const mw_lua *l, mw_str expr);
void mw_ask_slow(mw_lua *l, mw_str expr); /* it did not end within the slice */

/* What an actor's state remembers of this; made with its first slow query. */
typedef struct mw_slow mw_slow;
void mw_slow_free(mw_slow *s); /* NULL is fine */

#endif
