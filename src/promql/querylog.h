/* querylog.h - which queries run, what those that ran have cost, which metrics were asked for.
 *
 * An engine has one, from its start; nothing of it is kept on disk.  Everything in it is bounded:
 * of queries it keeps those that took the most time, of metric names those asked for last.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_QUERYLOG_H
#define MW_PROMQL_QUERYLOG_H
#include "base/clock.h"
#include "promql/promql.h"

typedef struct mw_querylog mw_querylog;

mw_querylog *mw_querylog_new(const mw_clock *clock); /* NULL: the system's */
void mw_querylog_free(mw_querylog *l);               /* NULL is fine; nothing runs any more */

mw_querylog *mw_promql_log(const mw_promql *q);

/* -- what runs now -------------------------------------------------------------------------- */

/* Linked into the log while the query runs; lives with whoever runs it. */
typedef struct mw_query_running {
    struct mw_query_running *prev, *next;
    uint64_t id;
    mw_str expr;
    const mw_promql_query *query;
    int64_t began_mono_ns, began_ms;
    volatile int cancel; /* non-zero once somebody asked for it */
} mw_query_running;

void mw_querylog_begin(mw_querylog *l, mw_query_running *r, mw_str expr,
                       const mw_promql_query *query);

/* Oldest first.  Under the lock of the log: VISIT must be quick and keep nothing. */
typedef void mw_running_visit(void *arg, const mw_query_running *r, int64_t age_ns);
void mw_querylog_running(mw_querylog *l, mw_running_visit *visit, void *arg);
int mw_querylog_cancel(mw_querylog *l, uint64_t id); /* MW_ENOENT: no such query runs */

/* -- what ran ------------------------------------------------------------------------------- */

enum { MW_QUERY_TEXT = 1000, MW_QUERY_TABLE = 1000, MW_QUERY_NAMES = 10000 };

typedef enum mw_query_order { MW_BY_TIME, MW_BY_SAMPLES, MW_BY_COUNT } mw_query_order;

/* Queries with the same text, once spelling is out of the way. */
typedef struct mw_query_cost {
    const char *text; /* its first MW_QUERY_TEXT bytes */
    uint64_t count, ranges, failed, samples, max_samples;
    int64_t total_ns, max_ns, first_ms, last_ms;
    int64_t missed_ns; /* it may have taken up to that much more before it came into the table */
} mw_query_cost;

typedef struct mw_query_end {
    int code;
    size_t samples;
    mw_str text; /* normalised; empty: it is not to be remembered */
} mw_query_end;

/* R is over.  What it asked for is noted with mw_querylog_asked. */
void mw_querylog_end(mw_querylog *l, mw_query_running *r, const mw_query_end *end);

typedef void mw_cost_visit(void *arg, const mw_query_cost *c);
void mw_querylog_top(mw_querylog *l, mw_query_order by, size_t limit, mw_cost_visit *visit,
                     void *arg);

/* -- which metrics were asked for ----------------------------------------------------------- */

void mw_querylog_asked(mw_querylog *l, mw_str name);

typedef struct mw_name_use {
    uint64_t count;  /* queries that named it; 0: none that is remembered */
    int64_t last_ms; /* when the last one of them did */
} mw_name_use;

mw_name_use mw_querylog_use(mw_querylog *l, mw_str name);
/* Both of R, whose tree is A. */
struct ast;
void mw_pq_log_query(mw_querylog *l, mw_query_running *r, const struct ast *a, int code,
                     size_t samples);

/* What is not remembered was not asked for since this time, in milliseconds. */
int64_t mw_querylog_since(mw_querylog *l);

#endif
