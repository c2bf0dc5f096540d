/* ahead_window.c - range queries as windows.  SPDX-License-Identifier: MIT */
#include "script/ahead_window.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "script/signals.h"

static const int64_t most_ns = 30000000000LL; /* that one query may take */

void mw_window_free(mw_window *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->n_rows; i++) {
        mw_free(w->rows[i].labels);
        mw_free(w->rows[i].t);
        mw_free(w->rows[i].v);
    }
    mw_free(w->rows);
    mw_free(w);
}

/* -- making ------------------------------------------------------------------------------------ */

bool mw_window_says_something(const mw_window_ask *ask, double v)
{
    return (isnan(ask->above) && isnan(ask->below)) || v > ask->above || v < ask->below;
}

static void keep_row(mw_window *w, const mw_promql_row *from)
{
    mw_window_row *r = &w->rows[w->n_rows++];
    r->labels = from->labels ? mw_labels_copy(from->labels) : NULL;
    r->n = from->n;
    r->t = mw_array(from->n + 1, sizeof *r->t);
    r->v = mw_array(from->n + 1, sizeof *r->v);
    memcpy(r->t, from->t, from->n * sizeof *r->t);
    memcpy(r->v, from->v, from->n * sizeof *r->v);
    for (size_t i = 0; i < from->n; i++) {
        if (!mw_window_says_something(&w->ask, from->v[i])) continue;
        size_t at = (size_t)((from->t[i] - w->ask.start) / w->ask.step);
        w->loud[at / 64] |= 1ULL << at % 64;
    }
}

/* Keeps the points of RES; NULL: there are histograms among them. */
static mw_window *keep(const mw_window_ask *ask, const mw_promql_result *res)
{
    for (size_t i = 0; i < res->n; i++)
        if (res->rows[i].n_h) return NULL;
    mw_window *w = mw_zalloc(sizeof *w);
    w->ask = *ask;
    w->rows = mw_array(res->n + 1, sizeof *w->rows);
    for (size_t i = 0; i < res->n; i++) keep_row(w, &res->rows[i]);
    return w;
}

int mw_window_open(mw_host *h, mw_promql_prepared *query, mw_str expr, const mw_window_ask *ask,
                   const volatile int *cancel, mw_window **out)
{
    mw_promql_result *res = NULL;
    mw_promql_query q = {.expr = expr,
                         .range = true,
                         .start = ask->start,
                         .end = ask->start + (int64_t)(ask->n_steps - 1) * ask->step,
                         .step = ask->step,
                         .histograms = ask->histograms,
                         .deadline_mono_ns = mw_mono_ns() + most_ns,
                         .cancel = cancel,
                         .origin = "backtest"};
    int rc = query ? mw_promql_eval_prepared(h->promql, h->source, query, &q, &res, NULL)
                   : mw_promql_eval(h->promql, h->source, &q, &res, NULL);
    if (rc != MW_OK) return rc;
    *out = keep(ask, res);
    mw_promql_result_free(res);
    return *out ? MW_OK : MW_EUNSUPPORTED;
}

/* -- looking ----------------------------------------------------------------------------------- */

bool mw_window_same(const mw_window_ask *a, const mw_window_ask *b)
{
    return a->start == b->start && a->step == b->step && a->n_steps == b->n_steps;
}

static size_t place(const mw_window *w, int64_t t)
{
    return (size_t)((t - w->ask.start) / w->ask.step);
}

bool mw_window_covers(const mw_window *w, int64_t t)
{
    if (!w || t < w->ask.start) return false;
    return (t - w->ask.start) % w->ask.step == 0 && place(w, t) < w->ask.n_steps;
}

bool mw_window_is_loud(const mw_window *w, int64_t t)
{
    size_t at = place(w, t);
    return w->loud[at / 64] >> at % 64 & 1;
}

/* The place of T among the times of R; r->n when it has none there. */
static size_t find(mw_window_row *r, int64_t t)
{
    size_t at = r->at;
    if (at < r->n && r->t[at] > t) at = 0;
    while (at < r->n && r->t[at] < t) at++;
    r->at = at < r->n ? at : 0;
    return at < r->n && r->t[at] == t ? at : r->n;
}

mw_promql_result *mw_window_at(mw_window *w, int64_t t)
{
    mw_promql_row *rows;
    mw_promql_result *out = mw_promql_vector(w->n_rows, &rows);
    size_t n = 0;
    for (size_t i = 0; i < w->n_rows; i++) {
        mw_window_row *r = &w->rows[i];
        size_t at = find(r, t);
        if (at == r->n) continue;
        rows[n] = (mw_promql_row){.labels = r->labels, .n = 1, .t = &r->t[at], .v = &r->v[at]};
        n++;
    }
    out->n = n;
    return out;
}
