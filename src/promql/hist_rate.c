/* hist_rate.c - rates and differences of histograms in a window.
 *
 * As for numbers: what the samples show is extrapolated to the whole range, but a counter not to
 * before it was zero, for which its count of observations stands.  SPDX-License-Identifier: MIT */
#include "promql/hist.h"

/* -- rate, increase, delta ------------------------------------------------------------------ */

/* An empty histogram in the shape of H: what a counter was before it was reset. */
static mw_nhist empty_like(const mw_nhist *h)
{
    return (mw_nhist){.schema = h->schema, .custom = h->custom, .n_custom = h->n_custom};
}

static bool is_custom(const mw_nhist *h) { return h->schema == MW_HIST_CUSTOM; }

static int lower_schema(const mw_nhist *a, const mw_nhist *b)
{
    return a->schema < b->schema ? a->schema : b->schema;
}

/* The lowest resolution of the window, as far as Prometheus looks; false: mixed buckets. */
static bool check_samples(const struct hwindow *w, bool counter, const mw_nhist *first, int *schema)
{
    const mw_nhist *last = w->h[w->n - 1];
    if (counter && (w->h[0]->hint == MW_RESET_GAUGE || last->hint == MW_RESET_GAUGE))
        mw_pq_window_note(w, HN_NO_COUNTER);
    *schema = lower_schema(last, first);
    if (is_custom(last) != is_custom(first)) return false;
    for (size_t i = 1; counter && i + 1 < w->n; i++) {
        if (w->h[i]->hint == MW_RESET_GAUGE) mw_pq_window_note(w, HN_NO_COUNTER);
        if (is_custom(w->h[i]) != is_custom(first)) return false;
        if (w->h[i]->schema < *schema) *schema = (int)w->h[i]->schema;
    }
    return true;
}

/* Adds what the counter had when it was reset. */
static unsigned add_resets(const struct hwindow *w, mw_nwork *work, const mw_nhist *before)
{
    unsigned met = 0;
    for (size_t i = 1; i < w->n; before = w->h[i++])
        if (mw_nhist_was_reset(w->h[i], before)) met |= mw_nwork_add(work, before);
    return met;
}

/* The growth between the first and the last sample at work; NULL: they do not go together. */
static mw_nwork *growth(const struct hwindow *w, bool counter)
{
    mw_nwork *work = mw_pq_work(w->e->run, 0);
    const mw_nhist *first = w->h[0], *last = w->h[w->n - 1];
    mw_nhist empty;
    unsigned met;
    int schema;
    if (counter && mw_nhist_was_reset(w->h[1], first)) {
        empty = empty_like(w->h[1]);
        first = &empty;
    }
    if (!check_samples(w, counter, first, &schema)) return NULL;
    mw_nwork_set(work, last);
    mw_nwork_reduce(work, schema);
    met = mw_nwork_sub(work, first);
    if (met & MW_NHIST_RECONCILED)
        mw_pq_hist_note(w->e, w->range, HN_RECONCILED, MW_STR("subtraction"));
    if (counter) {
        met = add_resets(w, work, first);
        if (met & MW_NHIST_MIXED) return NULL;
        if (met & MW_NHIST_RECONCILED)
            mw_pq_hist_note(w->e, w->range, HN_RECONCILED, MW_STR("addition"));
    } else if (w->h[0]->hint != MW_RESET_GAUGE || last->hint != MW_RESET_GAUGE)
        mw_pq_window_note(w, HN_NO_GAUGE);
    mw_nwork_hint(work, MW_RESET_GAUGE);
    return work;
}

/* How much longer the range is than what its samples cover. */
static double stretch(const struct hwindow *w, bool counter, double grown)
{
    double sampled = (double)(w->t[w->n - 1] - w->t[0]) / 1000;
    double to_start = (double)(w->t[0] - w->from) / 1000;
    double to_end = (double)(w->to - w->t[w->n - 1]) / 1000;
    double apart = sampled / (double)(w->n - 1), near = apart * 1.1;
    if (to_start >= near) to_start = apart / 2;
    if (counter && grown > 0 && w->h[0]->count >= 0) {
        double zero = sampled * (w->h[0]->count / grown);
        if (zero < to_start) to_start = zero;
    }
    if (to_end >= near) to_end = apart / 2;
    return (sampled + to_start + to_end) / sampled;
}

static void extrapolated(const struct hwindow *w, bool counter, bool per_second, struct hanswer *a)
{
    *a = (struct hanswer){mw_pq_none(), NULL};
    if (w->n_numbers) {
        mw_pq_window_note(w, HN_MIXED_RANGE);
        return;
    }
    if (w->kind) {
        mw_pq_hist_extended(w, counter, per_second, a);
        return;
    }
    if (w->n < 2) return;
    mw_nwork *work = growth(w, counter);
    if (!work) {
        mw_pq_window_note(w, HN_MIXED_BUCKETS);
        return;
    }
    double factor = stretch(w, counter, mw_nwork_count(work));
    if (per_second) factor /= (double)(w->to - w->from) / 1000;
    mw_nwork_scale(work, factor);
    a->h = mw_pq_take(w->e, work, true);
}

void mw_pq_hist_rate(const struct hwindow *w, struct hanswer *a) { extrapolated(w, true, true, a); }

void mw_pq_hist_increase(const struct hwindow *w, struct hanswer *a)
{
    extrapolated(w, true, false, a);
}

void mw_pq_hist_delta(const struct hwindow *w, struct hanswer *a)
{
    extrapolated(w, false, false, a);
}

/* -- irate, idelta -------------------------------------------------------------------------- */

static void check_hints(const struct hwindow *w, bool counter, const mw_nhist *a, const mw_nhist *b)
{
    bool gauge_a = a->hint == MW_RESET_GAUGE, gauge_b = b->hint == MW_RESET_GAUGE;
    if (counter && (gauge_a || gauge_b)) mw_pq_window_note(w, HN_NO_COUNTER);
    if (!counter && !(gauge_a && gauge_b)) mw_pq_window_note(w, HN_NO_GAUGE);
}

static void instant(const struct hwindow *w, bool counter, struct hanswer *a)
{
    size_t i = w->hi - 1;
    const mw_nhist *const *h = w->s->h;
    if (w->n + w->n_numbers < 2 || (!h[i] && !h[i - 1])) return; /* the last two are numbers */
    *a = (struct hanswer){mw_pq_none(), NULL};
    if (!h[i] || !h[i - 1]) {
        mw_pq_window_note(w, HN_MIXED_RANGE);
        return;
    }
    mw_nwork *work = mw_pq_work(w->e->run, 0);
    check_hints(w, counter, h[i - 1], h[i]);
    mw_nwork_set(work, h[i]);
    if (!counter || !mw_nhist_was_reset(h[i], h[i - 1])) {
        unsigned met = mw_nwork_sub(work, h[i - 1]);
        if (met & MW_NHIST_MIXED) {
            mw_pq_window_note(w, HN_MIXED_BUCKETS);
            return;
        }
        if (met & MW_NHIST_RECONCILED)
            mw_pq_hist_note(w->e, w->range, HN_RECONCILED, MW_STR("subtraction"));
    }
    mw_nwork_hint(work, MW_RESET_GAUGE);
    if (counter) mw_nwork_divide(work, (double)(w->s->t[i] - w->s->t[i - 1]) / 1000);
    a->h = mw_pq_take(w->e, work, true);
}

void mw_pq_hist_irate(const struct hwindow *w, struct hanswer *a) { instant(w, true, a); }
void mw_pq_hist_idelta(const struct hwindow *w, struct hanswer *a) { instant(w, false, a); }
