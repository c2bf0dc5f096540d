/* hist_range.c - functions over windows of samples among which there are histograms.
 *
 * The numbers of a series have been through the function already, as if there were no histograms.
 * What stands here decides at each step whether that may stay, and answers where there are
 * histograms in the window.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/functions.h"
#include "promql/hist.h"

mw_str mw_pq_window_name(const struct hwindow *w) { return mw_pq_range_name(w->range, w->s); }

void mw_pq_window_note(const struct hwindow *w, enum hist_note note)
{
    mw_pq_hist_note(w->e, w->range, note, mw_pq_window_name(w));
}

static struct hanswer nothing(void) { return (struct hanswer){mw_pq_none(), NULL}; }

/* -- *_over_time ---------------------------------------------------------------------------- */

static void total(const struct hwindow *w, struct hanswer *a, bool mean)
{
    size_t bad;
    *a = nothing();
    if (w->n_numbers) {
        mw_pq_window_note(w, HN_MIXED_RANGE);
        return;
    }
    a->h = mw_pq_hist_sum(w->e, w->range, w->h, w->n, mean, false, &bad);
    if (!a->h) mw_pq_window_note(w, HN_MIXED_BUCKETS);
}

static void sum_over_time(const struct hwindow *w, struct hanswer *a) { total(w, a, false); }
static void avg_over_time(const struct hwindow *w, struct hanswer *a) { total(w, a, true); }

static void sample(const struct hwindow *w, size_t i, struct hanswer *a)
{
    *a = nothing();
    if (w->s->h[i])
        a->h = mw_pq_keep_histogram(w->e, w->s->h[i]);
    else
        a->v = w->s->v[i];
}

static void last_over_time(const struct hwindow *w, struct hanswer *a) { sample(w, w->hi - 1, a); }
static void first_over_time(const struct hwindow *w, struct hanswer *a) { sample(w, w->lo, a); }

static void count_over_time(const struct hwindow *w, struct hanswer *a)
{
    a->v = (double)(w->n + w->n_numbers);
}

static void present_over_time(const struct hwindow *w, struct hanswer *a)
{
    (void)w;
    a->v = 1;
}

static void ts_of_first(const struct hwindow *w, struct hanswer *a)
{
    a->v = (double)w->s->t[w->lo] / 1000;
}

static void ts_of_last(const struct hwindow *w, struct hanswer *a)
{
    a->v = (double)w->s->t[w->hi - 1] / 1000;
}

/* -- resets, changes ------------------------------------------------------------------------ */

/* An anchored range begins with the last sample at or before its start. */
static bool first_sample(const struct hwindow *w, size_t *first)
{
    *first = w->lo;
    if (!w->kind) return true;
    if (w->s->t[w->hi - 1] <= w->from) return false;
    while (*first + 1 < w->hi && w->s->t[*first + 1] <= w->from) ++*first;
    return true;
}

static void count_pairs(const struct hwindow *w, struct hanswer *a, bool resets)
{
    const struct samples *s = w->s;
    size_t first, count = 0;
    *a = nothing();
    if (!first_sample(w, &first)) return;
    for (size_t i = first + 1; i < w->hi; i++) {
        const mw_nhist *h = s->h[i], *before = s->h[i - 1];
        if (!h != !before)
            count++;
        else if (h)
            count += resets ? mw_nhist_was_reset(h, before) : !mw_nhist_equal(h, before);
        else if (resets)
            count += s->v[i] < s->v[i - 1];
        else
            count += s->v[i] != s->v[i - 1] && (s->v[i] == s->v[i] || s->v[i - 1] == s->v[i - 1]);
    }
    a->v = (double)count;
}

static void resets(const struct hwindow *w, struct hanswer *a) { count_pairs(w, a, true); }
static void changes(const struct hwindow *w, struct hanswer *a) { count_pairs(w, a, false); }

/* -- which answers for which ---------------------------------------------------------------- */

static const struct {
    const char *function;
    hist_window_fn *answers;
} table[] = {
    {"rate", mw_pq_hist_rate},
    {"increase", mw_pq_hist_increase},
    {"delta", mw_pq_hist_delta},
    {"irate", mw_pq_hist_irate},
    {"idelta", mw_pq_hist_idelta},
    {"sum_over_time", sum_over_time},
    {"avg_over_time", avg_over_time},
    {"last_over_time", last_over_time},
    {"first_over_time", first_over_time},
    {"count_over_time", count_over_time},
    {"present_over_time", present_over_time},
    {"ts_of_first_over_time", ts_of_first},
    {"ts_of_last_over_time", ts_of_last},
    {"resets", resets},
    {"changes", changes},
};

/* All other functions are of numbers: they leave histograms out, and say so when there are both. */
static void numbers_only(const struct hwindow *w, struct hanswer *a)
{
    (void)a;
    if (w->n_numbers) mw_pq_window_note(w, HN_IGNORED_RANGE);
}

static hist_window_fn *find(const struct function *f)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].function, f->name)) return table[i].answers;
    return numbers_only;
}

/* -- windows -------------------------------------------------------------------------------- */

struct samples mw_pq_numbers_of(struct ev *e, const struct samples *s)
{
    int64_t *t = mw_pq_alloc(e->run, s->n, sizeof *t);
    double *v = mw_pq_alloc(e->run, s->n, sizeof *v);
    struct samples out = {.labels = s->labels, .nameless = s->nameless, .t = t, .v = v};
    for (size_t i = 0; i < s->n; i++)
        if (!s->h[i]) t[out.n] = s->t[i], v[out.n++] = s->v[i];
    return out;
}

/* What was reset between two samples says nothing of two steps. */
void mw_pq_hist_subquery(struct ev *e, const struct series *row, struct samples *s)
{
    int64_t *t = mw_pq_alloc(e->run, e->n, sizeof *t);
    double *v = mw_pq_alloc(e->run, e->n, sizeof *v);
    const mw_nhist **h = mw_pq_alloc(e->run, e->n, sizeof *h);
    for (size_t k = 0; k < e->n; k++) {
        const mw_nhist *at = row->h[k];
        if (!mw_pq_there(row, k)) continue;
        if (at && at->hint != MW_RESET_GAUGE) at = mw_pq_hinted(e, at, MW_RESET_UNKNOWN);
        t[s->n] = e->start + (int64_t)k * e->step;
        h[s->n] = at;
        v[s->n++] = row->v[k];
    }
    s->t = t;
    s->v = v;
    s->h = h;
}

/* The histograms of a series on their own. */
struct stretch {
    int64_t *t;
    const mw_nhist **h;
    size_t *before; /* how many there are before sample i */
};

static struct stretch histograms_of(struct ev *e, const struct samples *s)
{
    struct stretch st = {mw_pq_alloc(e->run, s->n, sizeof *st.t),
                         mw_pq_alloc(e->run, s->n, sizeof *st.h),
                         mw_pq_alloc(e->run, s->n + 1, sizeof *st.before)};
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        st.before[i] = n;
        if (s->h[i]) st.t[n] = s->t[i], st.h[n++] = s->h[i];
    }
    st.before[s->n] = n;
    return st;
}

static unsigned answer(const struct hwindow *w, hist_window_fn *fn, struct series *row, size_t step)
{
    struct hanswer a = {row->v[step], NULL};
    if (w->n) fn(w, &a);
    row->v[step] = a.h ? mw_pq_none() : a.v;
    if (a.h) mw_pq_set_h(w->e, row, step, a.h);
    mw_pq_tick(w->e->run, w->n * 8 + 1);
    return a.h ? PQ_HAS_HISTOGRAMS : mw_pq_absent(a.v) ? 0 : PQ_HAS_NUMBERS;
}

unsigned mw_pq_hist_windows(struct ev *e, const struct node *call, const struct node *range,
                            const struct samples *s, struct series *row)
{
    const struct when *when = &range->sel.when;
    hist_window_fn *fn = find(call->call.fn);
    struct stretch st = histograms_of(e, s);
    struct hwindow w = {.e = e, .range = range, .s = s};
    unsigned has = 0;
    w.kind = range->kind == N_SELECTOR ? range->sel.window : WINDOW_PLAIN;
    int64_t before = w.kind ? e->lookback : 0, after = w.kind == WINDOW_SMOOTHED ? e->lookback : 0;
    bool closed = e->run->opt->closed_ranges;
    for (size_t k = 0; k < e->n; k++) {
        w.to = mw_pq_time(e, when, k);
        w.from = w.to - when->range_ms;
        while (w.hi < s->n && s->t[w.hi] <= w.to + after) w.hi++;
        while (w.lo < w.hi && s->t[w.lo] < w.from - before + !closed) w.lo++;
        w.t = st.t + st.before[w.lo];
        w.h = st.h + st.before[w.lo];
        w.n = st.before[w.hi] - st.before[w.lo];
        w.n_numbers = w.hi - w.lo - w.n;
        has |= answer(&w, fn, row, k);
    }
    return has;
}
