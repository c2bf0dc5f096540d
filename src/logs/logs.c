/* logs.c - streams under one byte budget.
 *
 * Streams are found by a hash of their labels and stand in a heap by their oldest record, so the
 * oldest record of all is always at hand to be dropped.  A stream without records is forgotten at
 * once and does not count against max_streams.  Searches are in search.c.
 * SPDX-License-Identifier: MIT */
#include "logs/logs.h"

#include "base/mem.h"
#include "logs/stream.h"

enum { LATE_MS = 150000 };

mw_logs *mw_logs_open(const mw_logs_options *o, mw_err *err)
{
    mw_logs *l = mw_zalloc(sizeof *l);
    l->o = *o;
    if (!l->o.clock) l->o.clock = &mw_clock_system;
    l->late.after_ms = LATE_MS;
    if (!l->o.max_bytes) l->o.max_bytes = (size_t)256 << 20;
    if (!l->o.max_streams) l->o.max_streams = 100000;
    if (!l->o.max_line) l->o.max_line = (size_t)256 << 10;
    l->dropped = mw_array(l->o.n_classes + 2, sizeof *l->dropped);
    l->n_buckets = 1024;
    l->buckets = mw_array(l->n_buckets, sizeof *l->buckets);
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* Searches come in long rows of short reads; appends must not starve behind them. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    MW_ASSERT(pthread_rwlock_init(&l->lock, &attr) == 0);
    pthread_rwlockattr_destroy(&attr);
    return l;
}

void mw_logs_close(mw_logs *l)
{
    if (!l) return;
    for (size_t i = 0; i < l->n_streams; i++) stream_release(l->heap[i]);
    pthread_rwlock_destroy(&l->lock);
    mw_free(l->dropped);
    mw_free(l->heap);
    mw_free(l->buckets);
    mw_free(l);
}

/* -- the heap of oldest records ------------------------------------------------------------- */

static bool older(const stream *a, const stream *b)
{
    return record_key_cmp(record_key_of(stream_oldest(a)), record_key_of(stream_oldest(b))) < 0;
}

static void place(mw_logs *l, stream *s, size_t at)
{
    l->heap[at] = s;
    s->heap_at = at;
}

/* The oldest record of the stream at AT has changed: move it to where it belongs. */
static void settle(mw_logs *l, size_t at)
{
    stream *s = l->heap[at];
    for (size_t up; at && older(s, l->heap[up = (at - 1) / 2]); at = up) place(l, l->heap[up], at);
    for (size_t down; (down = 2 * at + 1) < l->n_streams; at = down) {
        if (down + 1 < l->n_streams && older(l->heap[down + 1], l->heap[down])) down++;
        if (!older(l->heap[down], s)) break;
        place(l, l->heap[down], at);
    }
    place(l, s, at);
}

/* -- streams by label ----------------------------------------------------------------------- */

static stream **bucket(mw_logs *l, const mw_labels *labels)
{
    return &l->buckets[labels->hash & (l->n_buckets - 1)];
}

static stream *find_stream(mw_logs *l, const mw_labels *labels)
{
    stream *s = *bucket(l, labels);
    while (s && !mw_labels_eq(s->labels, labels)) s = s->next_in_bucket;
    return s;
}

static void grow_buckets(mw_logs *l)
{
    mw_free(l->buckets);
    l->n_buckets *= 2;
    l->buckets = mw_array(l->n_buckets, sizeof *l->buckets);
    for (size_t i = 0; i < l->n_streams; i++) {
        stream **b = bucket(l, l->heap[i]->labels);
        l->heap[i]->next_in_bucket = *b;
        *b = l->heap[i];
    }
}

/* S has its first record already: the heap compares records. */
static void add_stream(mw_logs *l, stream *s)
{
    if (l->n_streams >= l->n_buckets) grow_buckets(l);
    stream **b = bucket(l, s->labels);
    s->next_in_bucket = *b;
    *b = s;
    mw_grow(&l->heap, &l->cap_heap, l->n_streams + 1, sizeof *l->heap);
    place(l, s, l->n_streams++);
    l->stats.bytes += s->bytes;
}

/* S is empty. */
static void remove_stream(mw_logs *l, stream *s)
{
    size_t hole = s->heap_at;
    stream **at = bucket(l, s->labels);
    while (*at != s) at = &(*at)->next_in_bucket;
    *at = s->next_in_bucket;
    l->stats.bytes -= s->bytes;
    if (--l->n_streams != hole) {
        place(l, l->heap[l->n_streams], hole);
        settle(l, hole);
    }
    stream_release(s);
}

/* -- appending and forgetting --------------------------------------------------------------- */

static void count_dropped(mw_logs_dropped *d, const record *r)
{
    if (!d->records || r->r.t_ns < d->min_ns) d->min_ns = r->r.t_ns;
    if (!d->records || r->r.t_ns > d->max_ns) d->max_ns = r->r.t_ns;
    d->records++;
    d->bytes += r->bytes;
}

void logs_drop_oldest(mw_logs *l, stream *s, size_t row)
{
    record *r = stream_shift(s);
    l->stats.bytes -= r->bytes;
    l->stats.records--;
    l->stats.dropped++;
    count_dropped(&l->dropped[row], r);
    record_release(r);
    if (s->n_records)
        settle(l, s->heap_at);
    else
        remove_stream(l, s);
}

bool mw_logs_dropped_take(mw_logs *l, size_t i, mw_logs_dropped *out)
{
    if (i > l->o.n_classes + 1) return false;
    pthread_rwlock_wrlock(&l->lock);
    *out = l->dropped[i];
    l->dropped[i] = (mw_logs_dropped){0};
    pthread_rwlock_unlock(&l->lock);
    return true;
}

static int refuse(mw_logs *l, const mw_log_record *r, int64_t oldest, mw_err *err)
{
    if (r->t_ns < oldest)
        return mw_fail(err, MW_EOLD, 0, 0, "log record is older than the retention");
    if (l->n_streams >= l->o.max_streams && !find_stream(l, r->stream))
        return mw_fail(err, MW_ELIMIT, 0, 0,
                       "too many log streams (limit %zu): use fewer distinct stream labels",
                       l->o.max_streams);
    return MW_OK;
}

int mw_logs_append(mw_logs *l, const mw_log_record *r, mw_err *err)
{
    size_t by_class = logs_class_of(l, r->stream);
    int64_t oldest = logs_floor(l, by_class);
    pthread_rwlock_wrlock(&l->lock);
    int rc = refuse(l, r, oldest, err);
    if (rc) {
        l->stats.refused++;
        goto out;
    }
    stream *s = find_stream(l, r->stream);
    bool fresh = !s;
    if (fresh) s = stream_new(r->stream);
    if (fresh) s->by_class = by_class;
    record *rec = record_new(r, s->labels, l->seq++, l->o.max_line);
    stream_insert(s, rec);
    if (fresh) add_stream(l, s);
    settle(l, s->heap_at);
    l->stats.bytes += rec->bytes;
    l->stats.records++;
    l->stats.appended++;
    l->stats.cut += rec->r.message.n < r->message.n;
    while (l->n_streams && l->stats.bytes > l->o.max_bytes)
        logs_drop_oldest(l, l->heap[0], l->o.n_classes + 1);
out:
    pthread_rwlock_unlock(&l->lock);
    if (rc == MW_OK) mw_hours_mark(&l->late, r->t_ns / 1000000, mw_now_ms(l->o.clock));
    return rc;
}

mw_hours *mw_logs_late(mw_logs *l) { return &l->late; }

/* Memory is all there is: what was appended is as safe as it gets. */
int mw_logs_commit(mw_logs *l, mw_err *err) { return MW_OK; }

void mw_logs_stats_read(mw_logs *l, mw_logs_stats *out)
{
    pthread_rwlock_rdlock(&l->lock);
    *out = l->stats;
    out->streams = l->n_streams;
    pthread_rwlock_unlock(&l->lock);
}
