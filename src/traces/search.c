/* search.c - reading traces back: one by its id, the best ones by what their spans are like.
 *
 * A search walks from the youngest trace to the oldest and takes a number of spans per hold of the
 * lock; in between it keeps a reference to the trace it stands on.  When that one was forgotten
 * meanwhile it goes on from where that one was.  The best traces are kept in a heap
 * with the worst of them on top, so memory is bounded by the limit.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "traces/trace.h"

/* -- one trace ------------------------------------------------------------------------------ */

static int by_start(const void *x, const void *y)
{
    const held_span *a = *(held_span *const *)x, *b = *(held_span *const *)y;
    if (a->s.start_ns != b->s.start_ns) return a->s.start_ns < b->s.start_ns ? -1 : 1;
    return memcmp(a->s.span_id, b->s.span_id, 8);
}

int mw_traces_get(mw_traces *t, const uint8_t trace_id[16], mw_span_visit *visit, void *arg)
{
    held_span **spans = NULL;
    size_t n = 0;
    pthread_rwlock_rdlock(&t->lock);
    trace *tr = traces_find(t, trace_id);
    if (tr) {
        n = tr->n;
        spans = mw_array(n, sizeof *spans);
        for (size_t i = 0; i < n; i++) span_retain(spans[i] = tr->spans[i]);
    }
    pthread_rwlock_unlock(&t->lock);
    if (!n) return MW_ENOENT;
    qsort(spans, n, sizeof *spans, by_start);
    bool stop = false;
    for (size_t i = 0; i < n; i++) {
        stop = stop || visit(arg, &spans[i]->s);
        span_release(spans[i]);
    }
    mw_free(spans);
    return MW_OK;
}

/* -- what matches --------------------------------------------------------------------------- */

typedef struct candidate {
    held_span *root, *matched; /* retained */
    int64_t start_ns, duration_ns;
    size_t spans, errors;
} candidate;

typedef struct search search;
struct search {
    mw_traces *t;
    const mw_traces_query *q;
    void (*look)(search *s, const trace *tr); /* at a trace that may match */
    mw_buf *tag_text;                         /* the text that each tag of the query must have */
    mw_buf scratch;
    candidate *best; /* a heap, worst on top */
    size_t n, cap, limit;
    const mw_span_promise *promise; /* of whoever counts: a span is of the time at which it ended */
    mw_span_count *count;
};

static bool attr_is(search *s, const mw_attr *a, mw_str want)
{
    if (a->type == MW_ATTR_STRING) return mw_str_eq(a->s, want);
    mw_buf_reset(&s->scratch);
    mw_attr_text(a, &s->scratch);
    return mw_str_eq((mw_str){s->scratch.p, s->scratch.n}, want);
}

static bool any_attr_is(search *s, const mw_attr *attrs, size_t n, mw_str key, mw_str want)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_eq(attrs[i].key, key) && attr_is(s, &attrs[i], want)) return true;
    return false;
}

static bool matches(search *s, const mw_span *span)
{
    const mw_traces_query *q = s->q;
    int64_t duration = span_duration(span->start_ns, span->end_ns);
    if (q->errors_only && span->status != MW_SPAN_ERROR) return false;
    int64_t at = s->count ? span->end_ns : span->start_ns;
    if (at < q->min_ns || (q->max_ns && at >= q->max_ns)) return false;
    if (duration < q->min_duration_ns) return false;
    if (q->max_duration_ns && duration > q->max_duration_ns) return false;
    if (q->service.n && !mw_str_eq(span->service, q->service)) return false;
    if (q->name.n && !mw_str_eq(span->name, q->name)) return false;
    for (size_t i = 0; i < q->n_tags; i++) {
        mw_str key = q->tags[i].key, want = {s->tag_text[i].p, s->tag_text[i].n};
        if (!any_attr_is(s, span->attrs, span->n_attrs, key, want) &&
            !any_attr_is(s, span->resource, span->n_resource, key, want))
            return false;
    }
    return true;
}

static bool is_root(const mw_span *s)
{
    static const uint8_t none[8];
    return !memcmp(s->parent_id, none, 8);
}

static bool better_root(const held_span *a, const held_span *b)
{
    if (!b) return true;
    if (is_root(&a->s) != is_root(&b->s)) return is_root(&a->s);
    return a->s.start_ns < b->s.start_ns;
}

static int64_t duration_of(const held_span *s) { return span_duration(s->s.start_ns, s->s.end_ns); }

/* False when no span of TR matches. */
static bool examine(search *s, const trace *tr, candidate *out)
{
    int64_t start = INT64_MAX, end = INT64_MIN;
    *out = (candidate){.spans = tr->n};
    for (size_t i = 0; i < tr->n; i++) {
        held_span *span = tr->spans[i];
        if (span->s.start_ns < start) start = span->s.start_ns;
        if (span->s.end_ns > end) end = span->s.end_ns;
        out->errors += span->s.status == MW_SPAN_ERROR;
        if (better_root(span, out->root)) out->root = span;
        bool longer = !out->matched || duration_of(span) > duration_of(out->matched);
        if (longer && matches(s, &span->s)) out->matched = span;
    }
    out->start_ns = start;
    out->duration_ns = span_duration(start, end);
    return out->matched;
}

/* -- the best of them ----------------------------------------------------------------------- */

static bool better(const search *s, const candidate *a, const candidate *b)
{
    if (s->q->slowest) {
        int64_t da = duration_of(a->matched), db = duration_of(b->matched);
        if (da != db) return da > db;
    }
    if (a->start_ns != b->start_ns) return a->start_ns > b->start_ns;
    return memcmp(a->root->s.trace_id, b->root->s.trace_id, 16) < 0;
}

static void let_go(candidate *c)
{
    span_release(c->root);
    span_release(c->matched);
}

static void sift_down(search *s, size_t at)
{
    candidate c = s->best[at];
    for (size_t down; (down = 2 * at + 1) < s->n; at = down) {
        if (down + 1 < s->n && better(s, &s->best[down], &s->best[down + 1])) down++;
        if (!better(s, &c, &s->best[down])) break;
        s->best[at] = s->best[down];
    }
    s->best[at] = c;
}

static void sift_up(search *s, size_t at)
{
    candidate c = s->best[at];
    for (size_t up; at && better(s, &s->best[up = (at - 1) / 2], &c); at = up)
        s->best[at] = s->best[up];
    s->best[at] = c;
}

static void offer(search *s, candidate *c)
{
    if (s->n == s->limit && !better(s, c, &s->best[0])) return;
    span_retain(c->root);
    span_retain(c->matched);
    if (s->n == s->limit) {
        let_go(&s->best[0]);
        s->best[0] = *c;
        sift_down(s, 0);
        return;
    }
    MW_PUSH(s->best, s->n, s->cap, *c);
    sift_up(s, s->n - 1);
}

static void look_for_best(search *s, const trace *tr)
{
    candidate c;
    if (examine(s, tr, &c)) offer(s, &c);
}

static void tally(search *s, const trace *tr)
{
    const mw_span_promise *p = s->promise;
    for (size_t i = 0; i < tr->n; i++) {
        const mw_span *span = &tr->spans[i]->s;
        if (!matches(s, span)) continue;
        bool failed = p->errors && span->status == MW_SPAN_ERROR;
        bool slow = p->under_ns && duration_of(tr->spans[i]) > p->under_ns;
        s->count->total++;
        s->count->bad += failed || slow;
    }
}

/* The heap as an array from best to worst. */
static void sort_best(search *s)
{
    size_t n = s->n;
    while (s->n > 1) {
        candidate worst = s->best[0];
        s->best[0] = s->best[--s->n];
        sift_down(s, 0);
        s->best[s->n] = worst;
    }
    s->n = n;
}

/* -- the walk ------------------------------------------------------------------------------- */

static bool may_match(const search *s, const trace *tr)
{
    const mw_traces_query *q = s->q;
    if (q->max_ns && tr->min_ns >= q->max_ns) return false;
    return tr->max_ns >= q->min_ns || tr->min_ns >= q->min_ns;
}

/* Goes on from *AT (retained; NULL: from the youngest); false when the walk is over. */
static bool walk(search *s, trace **at)
{
    enum { SPANS = 8192, EACH = 8 }; /* a trace that is not looked into counts a little too */
    size_t looked = 0;
    trace *from = *at;
    pthread_rwlock_rdlock(&s->t->lock);
    trace *tr = traces_before(s->t, from);
    *at = NULL;
    for (; tr; tr = tr->older) {
        if (may_match(s, tr)) {
            looked += tr->n;
            s->look(s, tr);
        }
        if ((looked += EACH) < SPANS) continue;
        trace_retain(*at = tr);
        break;
    }
    pthread_rwlock_unlock(&s->t->lock);
    if (from) trace_release(from);
    return *at;
}

static void summarise(const candidate *c, mw_trace_summary *out)
{
    *out = (mw_trace_summary){
        .root_service = c->root->s.service,
        .root_name = c->root->s.name,
        .start_ns = c->start_ns,
        .duration_ns = c->duration_ns,
        .spans = c->spans,
        .errors = c->errors,
        .matched_name = c->matched->s.name,
        .matched_service = c->matched->s.service,
        .matched_duration_ns = duration_of(c->matched),
    };
    memcpy(out->trace_id, c->root->s.trace_id, 16);
}

/* The whole walk. */
static int look_at_all(search *s, mw_err *err)
{
    const mw_traces_query *q = s->q;
    trace *at = NULL;
    int rc = MW_OK;
    s->tag_text = mw_array(q->n_tags + 1, sizeof *s->tag_text);
    for (size_t i = 0; i < q->n_tags; i++) mw_attr_text(&q->tags[i], &s->tag_text[i]);
    while (walk(s, &at)) {
        if (!q->cancel || !__atomic_load_n(q->cancel, __ATOMIC_RELAXED)) continue;
        trace_release(at);
        rc = mw_fail(err, MW_ECANCEL, 0, 0, "trace search was cancelled");
        break;
    }
    for (size_t i = 0; i < q->n_tags; i++) mw_buf_deinit(&s->tag_text[i]);
    mw_buf_deinit(&s->scratch);
    mw_free(s->tag_text);
    return rc;
}

int mw_traces_search(mw_traces *t, const mw_traces_query *q, mw_trace_visit *visit, void *arg,
                     mw_err *err)
{
    search s = {.t = t, .q = q, .limit = q->limit ? q->limit : 20, .look = look_for_best};
    int rc = look_at_all(&s, err);
    sort_best(&s);
    bool stop = rc != MW_OK;
    for (size_t i = 0; i < s.n; i++) {
        mw_trace_summary sum;
        summarise(&s.best[i], &sum);
        stop = stop || visit(arg, &sum);
        let_go(&s.best[i]);
    }
    mw_free(s.best);
    return rc;
}

int mw_traces_count(mw_traces *t, const mw_traces_query *q, const mw_span_promise *promise,
                    mw_span_count *out, mw_err *err)
{
    *out = (mw_span_count){0};
    search s = {.t = t, .q = q, .look = tally, .promise = promise, .count = out};
    return look_at_all(&s, err);
}

/* -- names ---------------------------------------------------------------------------------- */

typedef struct found_name {
    mw_str text; /* owned */
    mw_span_kind kind;
} found_name;

static int by_name(const void *x, const void *y)
{
    const found_name *a = x, *b = y;
    int cmp = mw_str_cmp(a->text, b->text);
    return cmp ? cmp : (int)a->kind - (int)b->kind;
}

/* Services when SERVICE is NULL, else its operations: sorted, each once, visited without a lock. */
static int visit_names(mw_traces *t, const mw_str *service, mw_traces_name_visit *visit, void *arg)
{
    found_name *found = NULL;
    size_t n = 0, cap = 0;
    pthread_rwlock_rdlock(&t->lock);
    for (size_t i = 0; i < t->names.n_buckets; i++)
        for (const name *e = t->names.buckets[i]; e; e = e->next) {
            if (service && !mw_str_eq(e->service, *service)) continue;
            mw_str text = service ? e->operation : e->service;
            mw_span_kind kind = service ? e->kind : MW_SPAN_UNSPECIFIED;
            found_name f = {{mw_strndup(text.p, text.n), text.n}, kind};
            MW_PUSH(found, n, cap, f);
        }
    pthread_rwlock_unlock(&t->lock);
    if (n) qsort(found, n, sizeof *found, by_name);
    bool stop = false;
    for (size_t i = 0; i < n; i++)
        if (!i || by_name(&found[i - 1], &found[i]))
            stop = stop || visit(arg, found[i].text, found[i].kind);
    for (size_t i = 0; i < n; i++) mw_free((void *)found[i].text.p);
    mw_free(found);
    return MW_OK;
}

int mw_traces_services(mw_traces *t, mw_traces_name_visit *visit, void *arg)
{
    return visit_names(t, NULL, visit, arg);
}

int mw_traces_operations(mw_traces *t, mw_str service, mw_traces_name_visit *visit, void *arg)
{
    return visit_names(t, &service, visit, arg);
}
