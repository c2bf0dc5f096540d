/* hist.c - histograms at work, and what is told about them.  SPDX-License-Identifier: MIT */
#include "promql/hist.h"

#include <string.h>

mw_nwork *mw_pq_work(struct run *r, int which)
{
    mw_nwork **w = &r->work_of[which];
    if (!*w) *w = mw_nwork_new(r->arena);
    if (!*w) mw_pq_no_room(r);
    return *w;
}

const mw_nhist *mw_pq_take(struct ev *e, mw_nwork *w, bool compact)
{
    const mw_nhist *h = mw_nwork_take(w, e->run->arena, compact);
    if (!h) mw_pq_no_room(e->run);
    mw_pq_tick(e->run, 16 + h->pos.n_counts + h->neg.n_counts);
    return h;
}

const mw_nhist *mw_pq_hinted(struct ev *e, const mw_nhist *h, mw_reset_hint hint)
{
    if (h->hint == hint) return h;
    mw_nhist *copy = mw_pq_alloc(e->run, 1, sizeof *copy);
    *copy = *h; /* what it points to does not change */
    copy->hint = (uint8_t)hint;
    return copy;
}

/* -- rows ----------------------------------------------------------------------------------- */

void mw_pq_set_h(struct ev *e, struct series *s, size_t step, const mw_nhist *h)
{
    if (!s->h) s->h = memset(mw_pq_alloc(e->run, e->n, sizeof *s->h), 0, e->n * sizeof *s->h);
    s->h[step] = h;
}

void mw_pq_drop_h(struct vec *v)
{
    for (size_t i = 0; i < v->n; i++) v->s[i].h = NULL;
}

bool mw_pq_expose(struct ev *e, struct vec *v)
{
    bool any = false;
    for (size_t i = 0; i < v->n; i++) {
        if (!v->s[i].h) continue;
        any = true;
        for (size_t k = 0; k < e->n; k++)
            if (v->s[i].h[k]) v->s[i].v[k] = 0;
    }
    return any;
}

/* -- notes ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    int kind;
    const char *before, *after; /* AFTER NULL: what is told about is in quotes */
} texts[] = {
    [HN_MIXED_RANGE]   = {PQ_WARNING, "encountered a mix of histograms and floats for metric name ", NULL},
    [HN_MIXED_GROUP]   = {PQ_WARNING, "encountered a mix of histograms and floats for aggregation", ""},
    [HN_MIXED_BUCKETS] = {PQ_WARNING, "vector contains a mix of histograms with exponential and custom buckets schemas for metric name ", NULL},
    [HN_MIXED_CLASSIC] = {PQ_WARNING, "vector contains a mix of classic and native histograms", ""},
    [HN_NO_COUNTER]    = {PQ_WARNING, "this native histogram metric is not a counter: ", NULL},
    [HN_NO_GAUGE]      = {PQ_WARNING, "this native histogram metric is not a gauge: ", NULL},
    [HN_IGNORED_RANGE] = {PQ_INFO, "ignored histograms in a range containing both floats and histograms for metric name ", NULL},
    [HN_IGNORED_GROUP] = {PQ_INFO, "ignored histogram in ", " aggregation"},
    [HN_COLLISION]     = {PQ_WARNING, "conflicting counter resets during histogram ", ""},
    [HN_RECONCILED]    = {PQ_INFO, "mismatched custom buckets were reconciled during ", ""},
    [HN_LAYOUT]        = {PQ_WARNING, "incompatible bucket layout encountered for binary operator ", ""},
    [HN_NAN_RESULT]    = {PQ_INFO, "input to histogram_quantile has NaN observations, result is NaN", ""},
    [HN_NAN_SKEW]      = {PQ_INFO, "input to histogram_quantile has NaN observations, result is skewed higher", ""},
    [HN_NAN_FRACTION]  = {PQ_INFO, "input to histogram_fraction has NaN observations, which are excluded from all fractions", ""},
};
/* clang-format on */

static bool names_metric(enum hist_note note)
{
    return note == HN_MIXED_CLASSIC || note >= HN_NAN_RESULT;
}

void mw_pq_hist_note(struct ev *e, const struct node *node, enum hist_note note, mw_str what)
{
    int kind = texts[note].kind;
    const char *word = kind == PQ_WARNING ? "warning" : "info", *before = texts[note].before;
    if (what.n > 200) what.n = 200;
    if (!texts[note].after)
        mw_pq_note(e->run, kind, node, "PromQL %s: %s\"%.*s\"", word, before, MW_STR_ARG(what));
    else if (names_metric(note) && what.n)
        mw_pq_note(e->run, kind, node, "PromQL %s: %s for metric name \"%.*s\"", word, before,
                   MW_STR_ARG(what));
    else
        mw_pq_note(e->run, kind, node, "PromQL %s: %s%.*s%s", word, before, MW_STR_ARG(what),
                   texts[note].after);
}

/* -- sums ----------------------------------------------------------------------------------- */

/* A sum as long as it stays finite, then a running mean. */
struct total {
    mw_nwork *sum, *next, *part;
    double n;
    bool incremental;
    unsigned met;
};

static void mean_add(struct ev *e, struct total *t, const mw_nhist *h)
{
    if (!t->incremental) {
        mw_nwork_copy(t->next, t->sum);
        t->met |= mw_nwork_sum(t->next, h);
        if (t->met & MW_NHIST_MIXED) return;
        if (!mw_nwork_overflows(t->next)) {
            mw_nwork *old = t->sum;
            t->sum = t->next;
            t->next = old;
            return;
        }
        t->incremental = true;
        mw_nwork_divide(t->sum, t->n - 1);
    }
    mw_nwork_scale(t->sum, (t->n - 1) / t->n);
    mw_nwork_set(t->part, h);
    mw_nwork_divide(t->part, t->n);
    t->met |= mw_nwork_sum(t->sum, mw_pq_take(e, t->part, false));
}

static void tell(struct ev *e, const struct node *node, const struct total *t, bool yes, bool no)
{
    mw_str during = MW_STR("aggregation");
    if (yes && no) mw_pq_hist_note(e, node, HN_COLLISION, during);
    if (t->met & MW_NHIST_RECONCILED) mw_pq_hist_note(e, node, HN_RECONCILED, during);
}

const mw_nhist *mw_pq_hist_sum(struct ev *e, const struct node *node, const mw_nhist *const *h,
                               size_t n, bool mean, bool compact, size_t *bad)
{
    struct run *r = e->run;
    struct total t = {mw_pq_work(r, 0), mw_pq_work(r, 1), mw_pq_work(r, 2), .n = 1};
    bool yes = false, no = false;
    mw_nwork_set(t.sum, h[0]);
    for (size_t i = 0; i < n; i++) {
        yes |= h[i]->hint == MW_RESET_YES;
        no |= h[i]->hint == MW_RESET_NO;
        if (!i) continue;
        t.n++;
        if (mean)
            mean_add(e, &t, h[i]);
        else
            t.met |= mw_nwork_sum(t.sum, h[i]);
        mw_pq_tick(r, 16 + h[i]->pos.n_counts + h[i]->neg.n_counts);
        if (t.met & MW_NHIST_MIXED) return *bad = i, NULL;
    }
    if (mean && !t.incremental) mw_nwork_divide(t.sum, t.n);
    tell(e, node, &t, yes, no);
    return mw_pq_take(e, t.sum, compact);
}
