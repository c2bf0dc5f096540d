/* logs.h - log records in memory: a ring per stream under one byte budget.
 *
 * Any thread may append and search at once.  What is dropped to stay within the budget or the
 * retention is counted, oldest first.
 * SPDX-License-Identifier: MIT */
#ifndef MW_LOGS_LOGS_H
#define MW_LOGS_LOGS_H
#include "base/clock.h"
#include "model/hours.h"
#include "model/keep.h"
#include "model/logrec.h"

typedef struct mw_logs mw_logs;

typedef struct mw_logs_options {
    const mw_clock *clock;
    int64_t retention_ms;         /* 0: forever */
    const mw_keep_class *classes; /* the first that matches counts; borrowed for the store's life */
    size_t n_classes;
    size_t max_bytes;   /* 0: 256 MiB */
    size_t max_streams; /* 0: 100000 */
    size_t max_line;    /* longer messages are cut and counted; 0: 256 KiB */
} mw_logs_options;

mw_logs *mw_logs_open(const mw_logs_options *o, mw_err *err);
void mw_logs_close(mw_logs *l); /* NULL is fine */

/* Copies R.  MW_ELIMIT: too many streams.  MW_EOLD: before the retention. */
int mw_logs_append(mw_logs *l, const mw_log_record *r, mw_err *err);
int mw_logs_commit(mw_logs *l, mw_err *err); /* as mw_appender_commit */
mw_hours *mw_logs_late(mw_logs *l);          /* records more than two and a half minutes late */
void mw_logs_tick(mw_logs *l);

typedef struct mw_logs_query {
    const mw_matcher *matchers; /* on the stream's labels */
    size_t n_matchers;
    mw_str contains;       /* substring of the message; empty: any */
    const mw_regex *regex; /* must match the whole message; NULL: any */
    bool level_set;
    mw_level at_least;     /* with level_set */
    const mw_attr *fields; /* each must be there with the same text */
    size_t n_fields;
    bool trace_set;
    uint8_t trace_id[16];       /* with trace_set */
    int64_t min_ns, max_ns;     /* min inclusive, max exclusive; max 0: no end */
    size_t limit;               /* 0: no limit */
    bool oldest_first;          /* default newest first */
    const volatile int *cancel; /* not NULL: give up with MW_ECANCEL once it is non-zero */
} mw_logs_query;

/* Records in order of time; R is valid during the call.  Non-zero stops. */
typedef int mw_logs_visit(void *arg, const mw_log_record *r);
int mw_logs_search(mw_logs *l, const mw_logs_query *q, mw_logs_visit *visit, void *arg,
                   mw_err *err);
int mw_logs_count(mw_logs *l, const mw_logs_query *q, uint64_t *out, mw_err *err);

/* Streams that match (all when n is 0), labels valid during the call. */
typedef int mw_logs_stream_visit(void *arg, const mw_labels *stream);
int mw_logs_streams(mw_logs *l, const mw_matcher *m, size_t n, int64_t min_ns, int64_t max_ns,
                    mw_logs_stream_visit *visit, void *arg);

typedef struct mw_logs_stats {
    uint64_t streams, records, bytes;
    uint64_t appended, dropped, cut, refused;
} mw_logs_stats;
void mw_logs_stats_read(mw_logs *l, mw_logs_stats *out);

/* What was dropped since this was asked last: row I by the class I, row n_classes by the general
 * retention, the one behind it by the budget.  False: there is no such row. */
typedef struct mw_logs_dropped {
    uint64_t records, bytes;
    int64_t min_ns, max_ns; /* their times; of no meaning without records */
} mw_logs_dropped;
bool mw_logs_dropped_take(mw_logs *l, size_t i, mw_logs_dropped *out);

#endif
