/* rates.c - what services did, out of their spans: how many requests, how many failed, how long
 * they took.
 *
 * A request of a service is a span with which it was entered: of kind server or consumer, or a
 * root. Each step of each service has a histogram whose buckets grow by a tenth, so a quantile is
 * right within five in a hundred, and what is kept does not depend on the number of spans.  The
 * walk is that of search.c: a number of spans per hold of the lock.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "traces/trace.h"

enum { BUCKETS = 240, MAX_SERVICES = 500 }; /* 1.1^240 of a microsecond is two hours and a half */

static const double GROWTH = 1.1, SMALLEST_NS = 1000;

typedef struct step {
    uint64_t spans, errors;
    uint32_t buckets[BUCKETS];
} step;

typedef struct row {
    mw_str service; /* owned */
    step **steps;   /* those in which nothing was are NULL */
} row;

typedef struct rates {
    mw_traces *t;
    const mw_traces_rates_query *q;
    size_t n_steps, n, cap;
    row *rows;
} rates;

/* -- counting ------------------------------------------------------------------------------- */

static size_t bucket_of(int64_t duration_ns)
{
    if (duration_ns <= SMALLEST_NS) return 0;
    size_t at = (size_t)ceil(log((double)duration_ns / SMALLEST_NS) / log(GROWTH));
    return at < BUCKETS ? at : BUCKETS - 1;
}

static bool is_entry(const mw_span *s)
{
    static const uint8_t none[8];
    if (s->kind == MW_SPAN_SERVER || s->kind == MW_SPAN_CONSUMER) return true;
    bool leaves = s->kind == MW_SPAN_CLIENT || s->kind == MW_SPAN_PRODUCER;
    return !leaves && !memcmp(s->parent_id, none, 8);
}

static row *row_of(rates *r, mw_str service)
{
    for (size_t i = 0; i < r->n; i++)
        if (mw_str_eq(r->rows[i].service, service)) return &r->rows[i];
    if (r->n == MAX_SERVICES) return NULL;
    row fresh = {{mw_strndup(service.p, service.n), service.n},
                 mw_array(r->n_steps, sizeof(step *))};
    MW_PUSH(r->rows, r->n, r->cap, fresh);
    return &r->rows[r->n - 1];
}

static void count(rates *r, const mw_span *s)
{
    const mw_traces_rates_query *q = r->q;
    if (s->start_ns < q->min_ns || s->start_ns >= q->max_ns || !s->service.n || !is_entry(s))
        return;
    if (q->service.n && !mw_str_eq(q->service, s->service)) return;
    row *to = row_of(r, s->service);
    if (!to) return;
    step **at = &to->steps[(size_t)((s->start_ns - q->min_ns) / q->step_ns)];
    if (!*at) {
        *at = mw_alloc(sizeof **at);
        memset(*at, 0, sizeof **at);
    }
    (*at)->spans++;
    (*at)->errors += s->status == MW_SPAN_ERROR;
    (*at)->buckets[bucket_of(span_duration(s->start_ns, s->end_ns))]++;
}

/* -- the walk ------------------------------------------------------------------------------- */

/* Goes on from *AT (retained; NULL: from the youngest); false when the walk is over. */
static bool walk(rates *r, trace **at)
{
    enum { SPANS = 8192, EACH = 8 };
    size_t looked = 0;
    trace *from = *at;
    pthread_rwlock_rdlock(&r->t->lock);
    trace *tr = traces_before(r->t, from);
    *at = NULL;
    for (; tr; tr = tr->older) {
        if (tr->min_ns < r->q->max_ns && tr->max_ns >= r->q->min_ns) {
            for (size_t i = 0; i < tr->n; i++) count(r, &tr->spans[i]->s);
            looked += tr->n;
        }
        if ((looked += EACH) < SPANS) continue;
        trace_retain(*at = tr);
        break;
    }
    pthread_rwlock_unlock(&r->t->lock);
    if (from) trace_release(from);
    return *at;
}

/* -- what comes out ------------------------------------------------------------------------- */

/* The middle of the bucket in which the quantile is, by the ratio of its bounds. */
static double quantile(const step *s, double q)
{
    uint64_t wanted = (uint64_t)ceil(q * (double)s->spans), seen = 0;
    size_t at = 0;
    for (; at < BUCKETS - 1; at++)
        if ((seen += s->buckets[at]) >= wanted) break;
    return SMALLEST_NS * pow(GROWTH, (double)at - (at ? 0.5 : 0)) / 1e9;
}

static int tell(const rates *r, mw_traces_rates_visit *visit, void *arg)
{
    int stop = 0;
    for (size_t i = 0; i < r->n && !stop; i++)
        for (size_t k = 0; k < r->n_steps && !stop; k++) {
            const step *s = r->rows[i].steps[k];
            if (!s) continue;
            mw_traces_rates_step out = {
                r->rows[i].service, r->q->min_ns + (int64_t)k * r->q->step_ns,
                s->spans,           s->errors,
                quantile(s, 0.5),   quantile(s, 0.95),
                quantile(s, 0.99)};
            stop = visit(arg, &out);
        }
    return stop;
}

int mw_traces_rates(mw_traces *t, const mw_traces_rates_query *q, mw_traces_rates_visit *visit,
                    void *arg, mw_err *err)
{
    rates r = {.t = t, .q = q};
    if (q->step_ns <= 0 || q->max_ns <= q->min_ns)
        return mw_fail(err, MW_EARG, 0, 0, "the end must be after the beginning, and a step long");
    r.n_steps = (size_t)((q->max_ns - q->min_ns + q->step_ns - 1) / q->step_ns);
    if (r.n_steps > MW_TRACES_RATES_STEPS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "more than %d steps", MW_TRACES_RATES_STEPS);
    for (trace *at = NULL; walk(&r, &at);) continue;
    tell(&r, visit, arg);
    for (size_t i = 0; i < r.n; i++) {
        for (size_t k = 0; k < r.n_steps; k++) mw_free(r.rows[i].steps[k]);
        mw_free(r.rows[i].steps);
        mw_free((void *)r.rows[i].service.p);
    }
    mw_free(r.rows);
    return MW_OK;
}
