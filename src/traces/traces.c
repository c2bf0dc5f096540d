/* traces.c - traces by id, in the order in which their first spans came, under one byte budget.
 *
 * The list from oldest to youngest is the order in which the budget forgets; nothing ever changes
 * its place in it, which lets a search walk it in pieces.  Searches are in search.c, what leaves by
 * its age in expire.c.
 * SPDX-License-Identifier: MIT */
#include "traces/traces.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "traces/trace.h"

enum { LATE_MS = 150000 };

mw_traces *mw_traces_open(const mw_traces_options *o, mw_err *err)
{
    mw_traces *t = mw_zalloc(sizeof *t);
    t->o = *o;
    if (!t->o.clock) t->o.clock = &mw_clock_system;
    t->late.after_ms = LATE_MS;
    if (!t->o.max_bytes) t->o.max_bytes = (size_t)256 << 20;
    if (!t->o.max_spans_per_trace) t->o.max_spans_per_trace = 100000;
    t->n_buckets = 1024;
    t->buckets = mw_array(t->n_buckets, sizeof *t->buckets);
    t->dropped = mw_array(t->o.n_classes + 2, sizeof *t->dropped);
    names_init(&t->names);
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* Searches come in long rows of short reads; appends must not starve behind them. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    MW_ASSERT(pthread_rwlock_init(&t->lock, &attr) == 0);
    pthread_rwlockattr_destroy(&attr);
    return t;
}

void mw_traces_close(mw_traces *t)
{
    if (!t) return;
    for (trace *tr = t->oldest, *next; tr; tr = next) {
        next = tr->younger;
        trace_release(tr);
    }
    names_deinit(&t->names);
    pthread_rwlock_destroy(&t->lock);
    mw_free(t->buckets);
    mw_free(t->dropped);
    mw_free(t);
}

/* -- traces by id --------------------------------------------------------------------------- */

static trace **bucket(mw_traces *t, const uint8_t id[16])
{
    return &t->buckets[mw_hash(id, 16) & (t->n_buckets - 1)];
}

trace *traces_find(mw_traces *t, const uint8_t id[16])
{
    trace *tr = *bucket(t, id);
    while (tr && memcmp(tr->id, id, 16)) tr = tr->next_in_bucket;
    return tr;
}

static void put_in_bucket(mw_traces *t, trace *tr)
{
    trace **b = bucket(t, tr->id);
    tr->next_in_bucket = *b;
    *b = tr;
}

static void grow_buckets(mw_traces *t)
{
    mw_free(t->buckets);
    t->n_buckets *= 2;
    t->buckets = mw_array(t->n_buckets, sizeof *t->buckets);
    for (trace *tr = t->oldest; tr; tr = tr->younger) put_in_bucket(t, tr);
}

static trace *add_trace(mw_traces *t, const uint8_t id[16], int64_t now)
{
    if (t->n_traces >= t->n_buckets) grow_buckets(t);
    trace *tr = trace_new(id, now);
    tr->nth = ++t->nth;
    tr->by_class = t->o.n_classes;
    put_in_bucket(t, tr);
    tr->older = t->youngest;
    if (t->youngest) t->youngest->younger = tr;
    t->youngest = tr;
    if (!t->oldest) t->oldest = tr;
    t->n_traces++;
    t->stats.bytes += trace_bytes(tr);
    return tr;
}

trace *traces_before(mw_traces *t, const trace *from)
{
    if (!from) return t->youngest;
    if (!from->forgotten) return from->older;
    trace *tr = t->youngest;
    while (tr && tr->nth > from->nth) tr = tr->older;
    return tr;
}

static void count_dropped(mw_traces_dropped *d, const trace *tr, uint64_t bytes)
{
    if (!d->spans || tr->min_ns < d->min_ns) d->min_ns = tr->min_ns;
    if (!d->spans || tr->max_ns > d->max_ns) d->max_ns = tr->max_ns;
    d->traces++;
    d->spans += tr->n;
    d->bytes += bytes;
}

void traces_forget(mw_traces *t, trace *tr, size_t row)
{
    trace **at = bucket(t, tr->id);
    uint64_t before = t->stats.bytes;
    while (*at != tr) at = &(*at)->next_in_bucket;
    *at = tr->next_in_bucket;
    *(tr->older ? &tr->older->younger : &t->oldest) = tr->younger;
    *(tr->younger ? &tr->younger->older : &t->youngest) = tr->older;
    t->n_traces--;
    t->stats.bytes -= trace_bytes(tr);
    for (size_t i = 0; i < tr->n; i++) {
        t->stats.bytes -= tr->spans[i]->bytes;
        names_remove(&t->names, tr->spans[i]->name);
    }
    t->stats.spans -= tr->n;
    t->stats.dropped_traces++;
    t->stats.dropped_spans += tr->n;
    count_dropped(&t->dropped[row], tr, before - t->stats.bytes);
    tr->forgotten = true;
    trace_release(tr);
}

/* -- appending ------------------------------------------------------------------------------ */

static bool all_zero(const uint8_t *p, size_t n)
{
    while (n && !p[n - 1]) n--;
    return !n;
}

static void replace(mw_traces *t, trace *tr, held_span **at, held_span *s)
{
    trace_stretch(tr, &s->s);
    held_span *before = *at;
    *at = s;
    names_remove(&t->names, before->name);
    t->stats.bytes -= before->bytes;
    span_release(before);
}

static void add(mw_traces *t, trace *tr, held_span *s)
{
    t->stats.bytes -= trace_bytes(tr);
    trace_add(tr, s);
    t->stats.bytes += trace_bytes(tr);
    t->stats.spans++;
}

int mw_traces_append(mw_traces *t, const mw_span *s, mw_err *err)
{
    int rc = MW_OK;
    int64_t now = mw_now_ms(t->o.clock);
    size_t by_class = traces_class_of(t, s);
    pthread_rwlock_wrlock(&t->lock);
    if (all_zero(s->trace_id, 16) || all_zero(s->span_id, 8)) {
        rc = mw_fail(err, MW_EARG, 0, 0, "span without a trace id or span id");
        goto out;
    }
    trace *tr = traces_find(t, s->trace_id);
    held_span **there = tr ? trace_find(tr, s->span_id) : NULL;
    if (tr && !there && tr->n >= t->o.max_spans_per_trace) {
        rc = mw_fail(err, MW_ELIMIT, 0, 0, "trace has too many spans (limit %zu)",
                     t->o.max_spans_per_trace);
        goto out;
    }
    if (!tr) tr = add_trace(t, s->trace_id, now);
    if (by_class < tr->by_class) tr->by_class = by_class;
    held_span *held = span_new(s, names_add(&t->names, s));
    if (there)
        replace(t, tr, there, held);
    else
        add(t, tr, held);
    t->stats.bytes += held->bytes;
    t->stats.appended++;
    while (t->oldest && t->stats.bytes + t->names.bytes > t->o.max_bytes)
        traces_forget(t, t->oldest, t->o.n_classes + 1);
out:
    t->stats.refused += rc != MW_OK;
    pthread_rwlock_unlock(&t->lock);
    if (rc == MW_OK) mw_hours_mark(&t->late, s->end_ns / 1000000, now);
    return rc;
}

mw_hours *mw_traces_late(mw_traces *t) { return &t->late; }

/* Memory is all there is: what was appended is as safe as it gets. */
int mw_traces_commit(mw_traces *t, mw_err *err) { return MW_OK; }

void mw_traces_stats_read(mw_traces *t, mw_traces_stats *out)
{
    pthread_rwlock_rdlock(&t->lock);
    *out = t->stats;
    out->traces = t->n_traces;
    out->bytes += t->names.bytes;
    pthread_rwlock_unlock(&t->lock);
}
