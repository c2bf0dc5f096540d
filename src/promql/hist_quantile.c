/* hist_quantile.c - numbers that native histograms are asked for.  SPDX-License-Identifier: MIT */
#include <math.h>

#include "promql/functions.h"
#include "promql/hist.h"

enum { NO_NOTE = -1 };

void mw_pq_hist_numbers(struct ev *e, const struct vec *in, const struct node *node,
                        hist_number_fn *fn, const void *arg, struct vec *out)
{
    for (size_t i = 0; i < in->n; i++) {
        const struct series *from = &in->s[i];
        if (!from->h) continue;
        struct series *s = mw_pq_add(e, out, from->labels);
        s->nameless = true;
        for (size_t k = 0; k < e->n; k++) {
            int note = NO_NOTE;
            if (!from->h[k]) continue;
            s->v[k] = fn(from->h[k], k, arg, &note);
            if (note != NO_NOTE) mw_pq_hist_note(e, node, (enum hist_note)note, mw_pq_name(from));
            mw_pq_tick(e->run, 16 + from->h[k]->pos.n_counts + from->h[k]->neg.n_counts);
        }
    }
}

double mw_pq_hist_quantile(const mw_nhist *h, size_t step, const void *arg, int *note)
{
    unsigned notes;
    double v = mw_nhist_quantile(((const double *)arg)[step], h, &notes);
    if (notes) *note = notes & MW_NHIST_NAN_RESULT ? HN_NAN_RESULT : HN_NAN_SKEW;
    return v;
}

double mw_pq_hist_fraction(const mw_nhist *h, size_t step, const void *arg, int *note)
{
    const double *const *ends = arg;
    unsigned notes;
    double v = mw_nhist_fraction(ends[0][step], ends[1][step], h, &notes);
    if (notes) *note = HN_NAN_FRACTION;
    return v;
}

/* -- functions of one histogram ------------------------------------------------------------- */

#define NUMBER(name, value)                                                        \
    static double name(const mw_nhist *h, size_t step, const void *arg, int *note) \
    {                                                                              \
        (void)step, (void)arg, (void)note;                                         \
        return value;                                                              \
    }
NUMBER(count_of, h->count)
NUMBER(sum_of, h->sum)
NUMBER(average_of, h->sum / h->count)
NUMBER(deviation_of, sqrt(mw_nhist_variance(h)))
NUMBER(variance_of, mw_nhist_variance(h))

/* TELLS: the hints of histograms say which were reset, as those who look only at counts and sums
 * are told in Prometheus. */
static struct value of_each(struct ev *e, const struct node *call, hist_number_fn *fn, bool tells)
{
    struct ev inner = *e;
    struct vec out = {.cap = 0};
    inner.hints |= tells;
    struct vec in = mw_pq_eval_vec(&inner, call->call.args[0]);
    mw_pq_hist_numbers(e, &in, call->call.args[0], fn, NULL, &out);
    mw_pq_merge(e, &out, false);
    return mw_pq_vector(out);
}

struct value mw_pq_call_histogram_count(struct ev *e, const struct node *call)
{
    return of_each(e, call, count_of, true);
}

struct value mw_pq_call_histogram_sum(struct ev *e, const struct node *call)
{
    return of_each(e, call, sum_of, true);
}

struct value mw_pq_call_histogram_avg(struct ev *e, const struct node *call)
{
    return of_each(e, call, average_of, true);
}

struct value mw_pq_call_histogram_stddev(struct ev *e, const struct node *call)
{
    return of_each(e, call, deviation_of, false);
}

struct value mw_pq_call_histogram_stdvar(struct ev *e, const struct node *call)
{
    return of_each(e, call, variance_of, false);
}
