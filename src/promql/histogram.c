/* histogram.c - quantiles and fractions of histograms: of classic ones (series with an "le" label).
 *
 * Buckets of one histogram are found by grouping without "le".  Counts must not fall from one
 * bucket to the next: tiny falls are rounding and put right silently, others with an info.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "promql/functions.h"
#include "promql/hist.h"

struct bucket {
    double le, count;
};

/* All histograms of a vector. */
struct histograms {
    struct groups g;
    struct vec in;
    double *le;             /* of each row; NaN when it is no bucket */
    size_t *first, *next;   /* rows of a group, plus one */
    struct bucket *buckets; /* room for all rows */
};

static bool any_number(struct ev *e, const struct series *s)
{
    for (size_t k = 0; k < e->n; k++)
        if (!mw_pq_absent(s->v[k])) return true;
    return false;
}

static struct histograms histograms_of(struct ev *e, const struct node *arg)
{
    struct histograms h = {.in = mw_pq_eval_vec(e, arg)};
    mw_str le_name = MW_STR("le");
    struct grouping by = {{&le_name, 1}, .without = true, .keep_name = true};
    h.g = mw_pq_group(e, &h.in, NULL, &by);
    h.le = mw_pq_alloc(e->run, h.in.n, sizeof *h.le);
    h.next = mw_pq_alloc(e->run, h.in.n, sizeof *h.next);
    h.first = mw_pq_alloc(e->run, h.g.n, sizeof *h.first);
    h.buckets = mw_pq_alloc(e->run, h.in.n, sizeof *h.buckets);
    memset(h.first, 0, h.g.n * sizeof *h.first);
    for (size_t i = h.in.n; i-- > 0;) {
        const struct series *s = &h.in.s[i];
        mw_str le = mw_labels_find(s->labels, "le");
        if (s->h && !any_number(e, s)) continue;
        if (!mw_double_parse(le, &h.le[i]) || isnan(h.le[i])) {
            mw_pq_note(e->run, PQ_WARNING, arg,
                       "PromQL warning: bucket label \"le\" is missing or has a malformed value of "
                       "\"%.*s\" for metric name \"%.*s\"",
                       MW_STR_ARG(le), MW_STR_ARG(mw_pq_name(s)));
            continue;
        }
        h.next[i] = h.first[h.g.of[i]];
        h.first[h.g.of[i]] = i + 1;
    }
    return h;
}

static int by_bound(const void *a, const void *b)
{
    const struct bucket *x = a, *y = b;
    return (x->le > y->le) - (x->le < y->le);
}

/* The buckets of GROUP at STEP in order, equal bounds added up; their number. */
static size_t buckets_at(const struct histograms *h, size_t group, size_t step)
{
    size_t n = 0, kept = 0;
    struct bucket *b = h->buckets;
    for (size_t i = h->first[group]; i; i = h->next[i - 1]) {
        double v = h->in.s[i - 1].v[step];
        if (!mw_pq_absent(v)) b[n++] = (struct bucket){h->le[i - 1], v};
    }
    qsort(b, n, sizeof *b, by_bound);
    for (size_t i = 1; i < n; i++) {
        if (b[i].le == b[kept].le)
            b[kept].count += b[i].count;
        else
            b[++kept] = b[i];
    }
    return n ? kept + 1 : 0;
}

static bool nearly_equal(double a, double b)
{
    if (a == b) return true;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < 2.2250738585072014e-308)
        return diff < 1e-12 * 2.2250738585072014e-308;
    return diff / fmin(sum, 1.7976931348623157e308) < 1e-12;
}

struct repair {
    bool forced;
    double low, high, diff; /* bounds between which counts fell, and by how much at most */
};

static struct repair make_monotonic(struct bucket *b, size_t n)
{
    struct repair r = {false, INFINITY, -INFINITY, 0};
    double before = b[0].count;
    for (size_t i = 1; i < n; i++) {
        if (b[i].count == before) continue;
        bool same = nearly_equal(before, b[i].count);
        if (!same && !(b[i].count < before)) {
            before = b[i].count;
            continue;
        }
        if (!same) {
            r.forced = true;
            r.low = fmin(r.low, b[i].le);
            r.high = fmax(r.high, b[i].le);
            r.diff = fmax(r.diff, before - b[i].count);
        }
        b[i].count = before;
    }
    return r;
}

/* Of a classic and a native histogram with the same labels at the same step neither counts. */
static void refuse_mixed(struct ev *e, struct histograms *h, const struct node *arg)
{
    for (size_t i = 0; i < h->in.n; i++) {
        struct series *s = &h->in.s[i];
        size_t g = h->g.of[i];
        if (!s->h || !h->first[g] || mw_labels_find(s->labels, "le").n) continue;
        for (size_t k = 0; k < e->n; k++) {
            if (!s->h[k] || !buckets_at(h, g, k)) continue;
            mw_pq_hist_note(e, arg, HN_MIXED_CLASSIC, mw_pq_name(s));
            s->h[k] = NULL;
            for (size_t b = h->first[g]; b; b = h->next[b - 1]) h->in.s[b - 1].v[k] = mw_pq_none();
        }
    }
}

static double quantile(double q, struct bucket *b, size_t n, struct repair *repair)
{
    *repair = (struct repair){.forced = false};
    if (isnan(q)) return NAN;
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    if (!isinf(b[n - 1].le) || b[n - 1].le < 0) return NAN;
    *repair = make_monotonic(b, n);
    double all = b[n - 1].count, rank = q * all;
    if (n < 2 || all == 0 || isnan(all)) return NAN;
    size_t i = 0;
    while (i < n - 1 && !(b[i].count >= rank)) i++;
    if (i == n - 1) return b[n - 2].le;
    if (i == 0 && b[0].le <= 0) return b[0].le;
    double from = i ? b[i - 1].le : 0, below = i ? b[i - 1].count : 0;
    return from + (b[i].le - from) * ((rank - below) / (b[i].count - below));
}

/* Observations at or below V, interpolated within its bucket. */
static double rank_of(double v, const struct bucket *b, size_t n)
{
    double below = 0, from = b[0].le <= 0 ? -INFINITY : 0, all = b[n - 1].count;
    for (size_t i = 0; i < n; i++) {
        if (i) from = b[i - 1].le;
        if (from >= v) return fmin(below, all);
        if (b[i].le > v) {
            double rank = isinf(from)
                              ? b[i].count
                              : below + (b[i].count - below) * (v - from) / (b[i].le - from);
            return rank > all ? all : rank;
        }
        below = b[i].count;
    }
    return all;
}

static double fraction(double low, double high, const struct bucket *b, size_t n)
{
    double all = b[n - 1].count;
    if (!isinf(b[n - 1].le) || b[n - 1].le < 0) return NAN;
    if (all == 0 || isnan(low) || isnan(high)) return NAN;
    if (low >= high) return 0;
    return (rank_of(high, b, n) - rank_of(low, b, n)) / all;
}

/* -- the functions -------------------------------------------------------------------------- */

static void note_repair(struct ev *e, const struct node *arg, const struct repair *r, size_t step)
{
    char when[40];
    if (!r->forced) return;
    mw_pq_note(e->run, PQ_INFO, arg,
               "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
               "https://prometheus.io/docs/prometheus/latest/querying/functions/"
               "#histogram_quantile), from buckets %g to %g, with a max diff of %.2g, at %s",
               r->low, r->high, r->diff, mw_time_rfc3339(e->start + (int64_t)step * e->step, when));
}

static void quantile_rows(struct ev *e, struct histograms *h, const struct node *arg,
                          const double *q, struct vec *out)
{
    struct repair repair;
    for (size_t g = 0; g < h->g.n; g++) {
        if (!h->first[g]) continue;
        struct series *s = mw_pq_add(e, out, h->g.labels[g]);
        s->nameless = true;
        for (size_t k = 0; k < e->n; k++) {
            size_t n = buckets_at(h, g, k);
            if (!n) continue;
            s->v[k] = quantile(q[k], h->buckets, n, &repair);
            note_repair(e, arg, &repair, k);
            mw_pq_tick(e->run, n * 4);
        }
    }
    mw_pq_hist_numbers(e, &h->in, arg, mw_pq_hist_quantile, q, out);
}

struct value mw_pq_call_histogram_quantile(struct ev *e, const struct node *call)
{
    const double *q = mw_pq_eval_scalar(e, call->call.args[0]);
    struct vec out = {.cap = 0};
    mw_pq_note_quantile(e, call->call.args[0], q);
    struct histograms h = histograms_of(e, call->call.args[1]);
    refuse_mixed(e, &h, call->call.args[1]);
    quantile_rows(e, &h, call->call.args[1], q, &out);
    mw_pq_merge(e, &out, false);
    return mw_pq_vector(out);
}

/* Several quantiles at once, told apart by a label. */
struct value mw_pq_call_histogram_quantiles(struct ev *e, const struct node *call)
{
    const struct node *arg = call->call.args[0];
    struct histograms h = histograms_of(e, arg);
    refuse_mixed(e, &h, arg);
    mw_str label = call->call.args[1]->string;
    struct vec out = {.cap = 0};
    for (size_t a = 2; a < call->call.n_args; a++) {
        const double *q = mw_pq_eval_scalar(e, call->call.args[a]);
        size_t from = out.n;
        mw_pq_note_quantile(e, call->call.args[a], q);
        quantile_rows(e, &h, arg, q, &out);
        for (size_t i = from; i < out.n; i++) {
            char text[MW_DOUBLE_MAX + 2];
            int n = mw_double_general(q[0], text);
            if (isfinite(q[0]) && !strpbrk(text, ".e")) strcpy(text + n, ".0"), n += 2;
            const mw_labels *ls = mw_pq_seen(e, &out.s[i]);
            mw_label *l = mw_pq_alloc(e->run, ls->n + 1, sizeof *l);
            memcpy(l, ls->l, ls->n * sizeof *l);
            l[ls->n] = (mw_label){label, {text, (size_t)n}};
            out.s[i].labels = mw_pq_labels(e, l, ls->n + 1);
        }
    }
    mw_pq_merge(e, &out, false);
    return mw_pq_vector(out);
}

struct value mw_pq_call_histogram_fraction(struct ev *e, const struct node *call)
{
    const double *low = mw_pq_eval_scalar(e, call->call.args[0]);
    const double *high = mw_pq_eval_scalar(e, call->call.args[1]);
    struct histograms h = histograms_of(e, call->call.args[2]);
    const double *const ends[] = {low, high};
    refuse_mixed(e, &h, call->call.args[2]);
    struct vec out = {.cap = 0};
    for (size_t g = 0; g < h.g.n; g++) {
        if (!h.first[g]) continue;
        struct series *s = mw_pq_add(e, &out, h.g.labels[g]);
        s->nameless = true;
        for (size_t k = 0; k < e->n; k++) {
            size_t n = buckets_at(&h, g, k);
            if (n) s->v[k] = fraction(low[k], high[k], h.buckets, n);
            mw_pq_tick(e->run, n * 4);
        }
    }
    mw_pq_hist_numbers(e, &h.in, call->call.args[2], mw_pq_hist_fraction, ends, &out);
    mw_pq_merge(e, &out, false);
    return mw_pq_vector(out);
}
