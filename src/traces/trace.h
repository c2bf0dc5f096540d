/* trace.h - spans, the traces they belong to, and the store; for traces/ only.
 *
 * Spans and traces are counted references: a reader keeps what it found while the store forgets.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TRACES_TRACE_H
#define MW_TRACES_TRACE_H
#include <pthread.h>

#include "traces/traces.h"

/* -- names: services and their operations, counted by the spans that have them ---------------- */

typedef struct name {
    mw_str service, operation;
    mw_span_kind kind;
    size_t spans;
    struct name *next;
} name;

typedef struct names {
    name **buckets;
    size_t n, n_buckets; /* buckets: a power of two */
    size_t bytes;
} names;

void names_init(names *t);
void names_deinit(names *t);
name *names_add(names *t, const mw_span *s); /* counts one more span */
void names_remove(names *t, name *n);        /* one less; forgotten with the last */

/* -- spans ---------------------------------------------------------------------------------- */

typedef struct held_span {
    mw_span s;
    name *name;
    size_t bytes; /* of the whole block */
    unsigned refs;
} held_span;

held_span *span_new(const mw_span *s, name *n);
void span_retain(held_span *s);
void span_release(held_span *s);
int64_t span_duration(int64_t start_ns, int64_t end_ns); /* never negative */

/* -- traces --------------------------------------------------------------------------------- */

typedef struct trace {
    uint8_t id[16];
    int64_t seen_ms;        /* when its first span came */
    int64_t min_ns, max_ns; /* no span starts before or ends after; a replaced span may have */
    held_span **spans;      /* in order of arrival */
    uint32_t *slots;        /* open addressing: number of a span + 1, by span id; 0 is free */
    size_t n, cap, n_slots; /* slots: a power of two, at least 2 n */
    struct trace *next_in_bucket, *older, *younger;
    uint64_t nth;    /* in the order in which their first spans came */
    size_t by_class; /* how long it is kept; n_classes: as the general retention says */
    bool forgotten;  /* no longer in the store */
    unsigned refs;
} trace;

trace *trace_new(const uint8_t id[16], int64_t seen_ms);
void trace_retain(trace *t);
void trace_release(trace *t);
/* Where the span with this id is kept, or NULL. */
held_span **trace_find(const trace *t, const uint8_t span_id[8]);
void trace_add(trace *t, held_span *take); /* its id is not there yet */
void trace_stretch(trace *t, const mw_span *s);
size_t trace_bytes(const trace *t); /* without its spans */

/* -- the store ------------------------------------------------------------------------------ */

struct mw_traces {
    mw_traces_options o;
    pthread_rwlock_t lock; /* over everything below */
    trace **buckets;       /* by trace id */
    size_t n_traces, n_buckets;
    trace *oldest, *youngest; /* by the time their first span came */
    names names;
    uint64_t nth;
    mw_traces_dropped *dropped; /* n_classes + 2 rows, see mw_traces_dropped_take */
    mw_traces_stats stats;
    mw_hours late;     /* by when spans ended */
    int64_t looked_ms; /* the thread that ticks: when all were looked at */
};

trace *traces_find(mw_traces *t, const uint8_t id[16]);
/* The next older one than FROM, which may have been forgotten; NULL: the youngest. */
trace *traces_before(mw_traces *t, const trace *from);
void traces_forget(mw_traces *t, trace *tr, size_t row); /* by the rule of ROW; exclusive lock */
size_t traces_class_of(const mw_traces *t, const mw_span *s);

#endif
