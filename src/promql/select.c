/* select.c - instant selectors: one fetch for all steps, then one walk along each series.
 *
 * The index of the newest sample at or before a step only moves forward.  A stale marker there, or
 * nothing within the look-back, leaves the step without a value.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "promql/eval.h"

const mw_labels *mw_pq_keep(struct ev *e, const mw_labels *ls)
{
    size_t bytes = mw_labels_bytes(ls);
    mw_labels *copy = mw_pq_alloc(e->run, bytes, 1);
    memcpy(copy, ls, bytes); /* one block: its pointers move along with it */
    ptrdiff_t by = (char *)copy - (char *)ls;
    for (uint32_t i = 0; i < ls->n; i++) {
        copy->l[i].name.p = ls->l[i].name.p + by;
        copy->l[i].value.p = ls->l[i].value.p + by;
    }
    return copy;
}

int64_t mw_pq_time(const struct ev *e, const struct when *w, size_t step)
{
    int64_t t = w->at ? w->at_ms : e->start + (int64_t)step * e->step;
    return t - w->offset_ms;
}

bool mw_pq_one_name(const struct node *sel)
{
    for (size_t i = 0; i < sel->sel.n_matchers; i++)
        if (sel->sel.matchers[i].op == MW_MATCH_EQ &&
            mw_str_is(sel->sel.matchers[i].name, MW_METRIC_NAME))
            return true;
    return false;
}

void mw_pq_open(struct ev *e, const struct node *n, int64_t min_t, int64_t max_t)
{
    struct run *r = e->run;
    mw_select sel = {.matchers = n->sel.matchers,
                     .n = n->sel.n_matchers,
                     .min_t = min_t,
                     .max_t = max_t,
                     .cancel = r->query->cancel};
    int rc = r->source->select(r->source, &sel, &r->open, r->err);
    if (rc != MW_OK) r->open = NULL, mw_pq_throw(r, rc, "%s", mw_code_text(rc));
}

bool mw_pq_next_series(struct ev *e, mw_series_view *out)
{
    struct run *r = e->run;
    int rc = r->open->next(r->open, out, r->err);
    if (rc < 0) mw_pq_throw(r, rc, "%s", mw_code_text(rc));
    if (rc == 0) {
        r->open->close(r->open);
        r->open = NULL;
        return false;
    }
    mw_pq_read(r, out->n + 1);
    return true;
}

/* Fill ROW from one series; whether any step got a value. */
static bool walk(struct ev *e, const struct when *w, const mw_series_view *s, bool timestamps,
                 double *row)
{
    bool any = false;
    int64_t back = e->lookback - (e->run->opt->closed_ranges ? 0 : 1);
    for (size_t i = 0, k = 0; i < e->n; i++) {
        int64_t t = mw_pq_time(e, w, i);
        while (k < s->n && s->t[k] <= t) k++;
        if (!k || s->t[k - 1] < t - back || mw_pq_absent(s->v[k - 1])) continue;
        row[i] = timestamps ? (double)s->t[k - 1] / 1000 : s->v[k - 1];
        any = true;
    }
    return any;
}

/* Interpolate between the samples around each step; the last one is carried on. */
static bool walk_smoothed(struct ev *e, const struct when *w, const mw_series_view *s, double *row)
{
    bool any = false;
    for (size_t i = 0, k = 0; i < e->n; i++) {
        int64_t t = mw_pq_time(e, w, i);
        while (k < s->n && s->t[k] <= t) k++;
        size_t a = k, b = k; /* the nearest samples that are no stale markers */
        while (a > 0 && mw_pq_absent(s->v[a - 1])) a--;
        while (b < s->n && mw_pq_absent(s->v[b])) b++;
        if (!a || s->t[a - 1] <= t - e->lookback) continue;
        double v = s->v[a - 1];
        if (s->t[a - 1] < t && b < s->n && s->t[b] <= t + e->lookback)
            v += (s->v[b] - v) * (double)(t - s->t[a - 1]) / (double)(s->t[b] - s->t[a - 1]);
        row[i] = v;
        any = true;
    }
    return any;
}

/* Types and units may be all that tells two series apart, and go with the name. */
bool mw_pq_has_type(const mw_labels *ls)
{
    for (uint32_t i = 0; i < ls->n; i++)
        if (mw_pq_is_meta(ls->l[i].name) && !mw_str_is(ls->l[i].name, MW_METRIC_NAME)) return true;
    return false;
}

struct vec mw_pq_select(struct ev *e, const struct node *n, bool timestamps)
{
    const struct when *w = &n->sel.when;
    struct vec out = {.distinct = mw_pq_one_name(n)};
    double *row = NULL;
    mw_series_view s;
    int64_t back = e->lookback - (e->run->opt->closed_ranges ? 0 : 1);
    bool smoothed = n->sel.window == WINDOW_SMOOTHED && !timestamps;
    mw_pq_open(e, n, mw_pq_time(e, w, 0) - back,
               mw_pq_time(e, w, e->n - 1) + (smoothed ? e->lookback : 0));
    while (mw_pq_next_series(e, &s)) {
        if (!row) row = mw_pq_row(e);
        mw_pq_tick(e->run, e->n);
        bool any = smoothed ? walk_smoothed(e, w, &s, row) : walk(e, w, &s, timestamps, row);
        if (!any) continue;
        out.distinct &= !mw_pq_has_type(s.labels);
        mw_pq_add_row(e, &out, mw_pq_keep(e, s.labels), row);
        row = NULL;
    }
    return out;
}
