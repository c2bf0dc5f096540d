/* traces.h - spans in memory, by trace id, searchable, under one byte budget.
 *
 * Any thread may append and read at once.  Whole traces leave, oldest first, and are counted; the
 * age of a trace counts from when its first span came.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TRACES_TRACES_H
#define MW_TRACES_TRACES_H
#include "base/clock.h"
#include "base/err.h"
#include "model/hours.h"
#include "model/keep.h"
#include "model/span.h"

typedef struct mw_traces mw_traces;

typedef struct mw_traces_options {
    const mw_clock *clock;
    int64_t retention_ms;         /* 0: forever */
    const mw_keep_class *classes; /* the first that matches a span of a trace counts; borrowed */
    size_t n_classes;
    size_t max_bytes;           /* 0: 256 MiB */
    size_t max_spans_per_trace; /* 0: 100000; more are refused and counted */
} mw_traces_options;

mw_traces *mw_traces_open(const mw_traces_options *o, mw_err *err);
void mw_traces_close(mw_traces *t); /* NULL is fine */

/* Copies S.  A span id that is there already replaces the older one (clients retry).
 * MW_EARG: trace or span id all zero.  MW_ELIMIT: too many spans in this trace. */
int mw_traces_append(mw_traces *t, const mw_span *s, mw_err *err);
int mw_traces_commit(mw_traces *t, mw_err *err); /* as mw_appender_commit */
mw_hours *
mw_traces_late(mw_traces *t); /* spans more than two and a half minutes late, by their end */
void mw_traces_tick(mw_traces *t);

/* Spans of one trace in order of start; S valid during the call.  MW_ENOENT: no such trace. */
typedef int mw_span_visit(void *arg, const mw_span *s);
int mw_traces_get(mw_traces *t, const uint8_t trace_id[16], mw_span_visit *visit, void *arg);

typedef struct mw_traces_query {
    mw_str service, name;   /* of a span; empty: any */
    int64_t min_ns, max_ns; /* start of a span, min inclusive, max exclusive; max 0: no end */
    int64_t min_duration_ns, max_duration_ns; /* of a span; max 0: no limit */
    const mw_attr *tags; /* all on the same span (or its resource); compared as text */
    size_t n_tags;
    bool errors_only;           /* status error */
    size_t limit;               /* traces; 0: 20 */
    bool slowest;               /* order by duration of the matching span instead of newest first */
    const volatile int *cancel; /* not NULL: give up with MW_ECANCEL once it is non-zero */
} mw_traces_query;

typedef struct mw_trace_summary {
    uint8_t trace_id[16];
    mw_str root_service, root_name; /* of the root span, or of the earliest one */
    int64_t start_ns, duration_ns;  /* of the whole trace */
    size_t spans, errors;
    mw_str matched_name, matched_service; /* the span that matched best (longest) */
    int64_t matched_duration_ns;
} mw_trace_summary;

typedef int mw_trace_visit(void *arg, const mw_trace_summary *s);
int mw_traces_search(mw_traces *t, const mw_traces_query *q, mw_trace_visit *visit, void *arg,
                     mw_err *err);

/* What a span has to keep to be good. */
typedef struct mw_span_promise {
    int64_t under_ns; /* not longer than this; 0: any */
    bool errors;      /* no error status */
} mw_span_promise;

typedef struct mw_span_count {
    uint64_t total, bad;
} mw_span_count;

/* How many spans match Q, whose times are of the END of a span here (limit and slowest do not
 * count), and how many of them break PROMISE. */
int mw_traces_count(mw_traces *t, const mw_traces_query *q, const mw_span_promise *promise,
                    mw_span_count *out, mw_err *err);

/* Requests per service: spans with which one was entered (server, consumer, or a root), in steps
 * from min_ns on.  Steps without any are left out; at most 500 services. */
enum { MW_TRACES_RATES_STEPS = 400 };
typedef struct mw_traces_rates_query {
    mw_str service; /* empty: each */
    int64_t min_ns, max_ns, step_ns;
} mw_traces_rates_query;

typedef struct mw_traces_rates_step {
    mw_str service;
    int64_t from_ns;
    uint64_t spans, errors;
    double p50, p95, p99; /* seconds, within five in a hundred */
} mw_traces_rates_step;

typedef int mw_traces_rates_visit(void *arg, const mw_traces_rates_step *s);
int mw_traces_rates(mw_traces *t, const mw_traces_rates_query *q, mw_traces_rates_visit *visit,
                    void *arg, mw_err *err);

typedef int mw_traces_name_visit(void *arg, mw_str name, mw_span_kind kind);
int mw_traces_services(mw_traces *t, mw_traces_name_visit *visit, void *arg);
int mw_traces_operations(mw_traces *t, mw_str service, mw_traces_name_visit *visit, void *arg);

typedef struct mw_traces_stats {
    uint64_t traces, spans, bytes;
    uint64_t appended, dropped_traces, dropped_spans, refused;
} mw_traces_stats;
void mw_traces_stats_read(mw_traces *t, mw_traces_stats *out);

/* What was forgotten since this was asked last: row I by the class I, row n_classes by the general
 * retention, the one behind it by the budget.  False: there is no such row. */
typedef struct mw_traces_dropped {
    uint64_t traces, spans, bytes;
    int64_t min_ns, max_ns; /* their times; of no meaning without spans */
} mw_traces_dropped;
bool mw_traces_dropped_take(mw_traces *t, size_t i, mw_traces_dropped *out);

#endif
