/* search.c - what matches, merged over streams in order of time.
 *
 * A search goes in batches: under the lock it merges the streams (a heap of cursors), keeps a
 * reference to each record that matches, and stops after a number of records looked at; then it
 * visits them with no lock held.  A cursor is the key of the last record it gave, so whatever was
 * appended or dropped in between does not disturb it; records younger than the search are left out.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "logs/stream.h"

typedef struct cursor {
    stream *s;
    record_key last; /* given last; at first just outside of the asked range */
    record *next;    /* valid while the lock is held */
} cursor;

typedef struct search {
    mw_logs *l;
    const mw_logs_query *q;
    mw_buf *field_text; /* the text that each field of the query must have */
    mw_buf scratch;
    uint64_t seq_end; /* records from here on came after the search began */
    cursor *cur;      /* the first n are a heap while the lock is held; the rest are done */
    size_t n, n_streams, cap;
    record **found;
    size_t n_found, cap_found;
    size_t left; /* of the limit */
} search;

/* -- one record ----------------------------------------------------------------------------- */

static bool field_matches(search *s, const mw_log_record *r, size_t i)
{
    mw_str want = {s->field_text[i].p, s->field_text[i].n}, key = s->q->fields[i].key;
    for (size_t k = 0; k < r->n_fields; k++) {
        const mw_attr *f = &r->fields[k];
        if (!mw_str_eq(f->key, key)) continue;
        if (f->type == MW_ATTR_STRING) return mw_str_eq(f->s, want);
        mw_buf_reset(&s->scratch);
        mw_attr_text(f, &s->scratch);
        return mw_str_eq((mw_str){s->scratch.p, s->scratch.n}, want);
    }
    return false;
}

static bool matches(search *s, const mw_log_record *r)
{
    const mw_logs_query *q = s->q;
    if (q->level_set && r->level < q->at_least) return false;
    if (q->trace_set && (!r->has_trace || memcmp(r->trace_id, q->trace_id, 16))) return false;
    if (q->contains.n && !memmem(r->message.p, r->message.n, q->contains.p, q->contains.n))
        return false;
    for (size_t i = 0; i < q->n_fields; i++)
        if (!field_matches(s, r, i)) return false;
    return !q->regex || mw_regex_matches(q->regex, r->message);
}

/* -- cursors -------------------------------------------------------------------------------- */

static int64_t end_of(const mw_logs_query *q) { return q->max_ns ? q->max_ns : INT64_MAX; }

static void look_up_next(search *s, cursor *c)
{
    const mw_logs_query *q = s->q;
    c->next = q->oldest_first ? stream_after(c->s, c->last) : stream_before(c->s, c->last);
    if (!c->next) return;
    int64_t t = c->next->r.t_ns;
    if (q->oldest_first ? t >= end_of(q) : t < q->min_ns) c->next = NULL;
}

static bool comes_first(const search *s, const cursor *a, const cursor *b)
{
    int cmp = record_key_cmp(record_key_of(a->next), record_key_of(b->next));
    return s->q->oldest_first ? cmp < 0 : cmp > 0;
}

static void sift(search *s, size_t at)
{
    cursor c = s->cur[at];
    for (size_t down; (down = 2 * at + 1) < s->n; at = down) {
        if (down + 1 < s->n && comes_first(s, &s->cur[down + 1], &s->cur[down])) down++;
        if (!comes_first(s, &s->cur[down], &c)) break;
        s->cur[at] = s->cur[down];
    }
    s->cur[at] = c;
}

/* The stream stays ours: records that were found refer to its labels. */
static void finish_cursor(search *s, size_t at)
{
    cursor done = s->cur[at];
    s->cur[at] = s->cur[--s->n];
    s->cur[s->n] = done;
}

/* The streams may have changed since the last batch: look again and make a heap. */
static void take_up(search *s)
{
    for (size_t i = s->n; i--;) {
        look_up_next(s, &s->cur[i]);
        if (!s->cur[i].next) finish_cursor(s, i);
    }
    for (size_t i = s->n / 2; i--;) sift(s, i);
}

static void batch(search *s)
{
    enum { LOOKED_AT = 8192 };
    /* Taking up costs a step per stream; keep it a fraction of the work. */
    size_t look = LOOKED_AT + 4 * s->n;
    pthread_rwlock_rdlock(&s->l->lock);
    take_up(s);
    while (s->n && look-- && s->n_found < s->left) {
        cursor *c = &s->cur[0];
        record *r = c->next;
        c->last = record_key_of(r);
        if (r->seq < s->seq_end && matches(s, &r->r)) {
            record_retain(r);
            MW_PUSH(s->found, s->n_found, s->cap_found, r);
        }
        look_up_next(s, c);
        if (!c->next) finish_cursor(s, 0);
        if (s->n) sift(s, 0);
    }
    pthread_rwlock_unlock(&s->l->lock);
}

/* -- the search ----------------------------------------------------------------------------- */

static void begin(search *s)
{
    const mw_logs_query *q = s->q;
    record_key from = q->oldest_first ? (record_key){q->min_ns, 0} : (record_key){end_of(q), 0};
    /* stream_after looks behind a key: begin just before the first possible one */
    if (q->oldest_first && from.t_ns != INT64_MIN) from = (record_key){q->min_ns - 1, UINT64_MAX};
    s->field_text = mw_array(q->n_fields + 1, sizeof *s->field_text);
    for (size_t i = 0; i < q->n_fields; i++) mw_attr_text(&q->fields[i], &s->field_text[i]);
    s->left = q->limit ? q->limit : SIZE_MAX;
    pthread_rwlock_rdlock(&s->l->lock);
    s->seq_end = s->l->seq;
    for (size_t i = 0; i < s->l->n_streams; i++) {
        stream *st = s->l->heap[i];
        if (!mw_matchers_match(q->matchers, q->n_matchers, st->labels)) continue;
        stream_retain(st);
        MW_PUSH(s->cur, s->n_streams, s->cap, ((cursor){.s = st, .last = from}));
    }
    s->n = s->n_streams;
    pthread_rwlock_unlock(&s->l->lock);
}

static void end(search *s)
{
    for (size_t i = 0; i < s->n_streams; i++) stream_release(s->cur[i].s);
    for (size_t i = 0; i < s->q->n_fields; i++) mw_buf_deinit(&s->field_text[i]);
    mw_buf_deinit(&s->scratch);
    mw_free(s->field_text);
    mw_free(s->cur);
    mw_free(s->found);
}

/* Visits and lets go of what the last batch found; true when the visitor wants no more. */
static bool hand_over(search *s, mw_logs_visit *visit, void *arg)
{
    bool stop = false;
    for (size_t i = 0; i < s->n_found; i++) {
        stop = stop || visit(arg, &s->found[i]->r);
        record_release(s->found[i]);
    }
    s->left -= s->n_found;
    s->n_found = 0;
    return stop;
}

int mw_logs_search(mw_logs *l, const mw_logs_query *q, mw_logs_visit *visit, void *arg, mw_err *err)
{
    search s = {.l = l, .q = q};
    int rc = MW_OK;
    begin(&s);
    while (s.n && s.left) {
        if (q->cancel && __atomic_load_n(q->cancel, __ATOMIC_RELAXED)) {
            rc = mw_fail(err, MW_ECANCEL, 0, 0, "log search was cancelled");
            break;
        }
        batch(&s);
        if (hand_over(&s, visit, arg)) break;
    }
    end(&s);
    return rc;
}

static int count_one(void *arg, const mw_log_record *r)
{
    ++*(uint64_t *)arg;
    return 0;
}

int mw_logs_count(mw_logs *l, const mw_logs_query *q, uint64_t *out, mw_err *err)
{
    *out = 0;
    return mw_logs_search(l, q, count_one, out, err);
}

int mw_logs_streams(mw_logs *l, const mw_matcher *m, size_t n, int64_t min_ns, int64_t max_ns,
                    mw_logs_stream_visit *visit, void *arg)
{
    stream **found = NULL;
    size_t n_found = 0, cap = 0;
    pthread_rwlock_rdlock(&l->lock);
    for (size_t i = 0; i < l->n_streams; i++) {
        stream *s = l->heap[i];
        if (max_ns && stream_oldest(s)->r.t_ns >= max_ns) continue;
        if (stream_newest(s)->r.t_ns < min_ns) continue;
        if (!mw_matchers_match(m, n, s->labels)) continue;
        stream_retain(s);
        MW_PUSH(found, n_found, cap, s);
    }
    pthread_rwlock_unlock(&l->lock);
    bool stop = false;
    for (size_t i = 0; i < n_found; i++) {
        stop = stop || visit(arg, found[i]->labels);
        stream_release(found[i]);
    }
    mw_free(found);
    return MW_OK;
}
