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
    bool forgotten; /* no longer in the store */
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
    mw_traces_stats stats;
    mw_hours late; /* by when spans ended */
};

trace *traces_find(mw_traces *t, const uint8_t id[16]);

#endif
