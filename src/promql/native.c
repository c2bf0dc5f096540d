/* native.c - functions of native histograms.  Floats among their input are left out.
 * SPDX-License-Identifier: MIT */
#include "promql/functions.h"

static double count_of(const mw_nhist *h) { return h->count; }
static double sum_of(const mw_nhist *h) { return h->sum; }
static double average_of(const mw_nhist *h) { return h->sum / h->count; }

static struct value of_each(struct ev *e, const struct node *call, double (*fn)(const mw_nhist *h))
{
    struct ev with = *e;
    struct vec out = {.cap = 0};
    with.histograms = true;
    struct vec in = mw_pq_eval_vec(&with, call->call.args[0]);
    for (size_t i = 0; i < in.n; i++) {
        if (!in.s[i].h) continue;
        struct series *s = mw_pq_add(e, &out, in.s[i].labels);
        s->nameless = true;
        for (size_t k = 0; k < e->n; k++)
            if (in.s[i].h[k]) s->v[k] = fn(in.s[i].h[k]);
    }
    mw_pq_merge(e, &out, false);
    return mw_pq_vector(out);
}

struct value mw_pq_call_histogram_count(struct ev *e, const struct node *call)
{
    return of_each(e, call, count_of);
}

struct value mw_pq_call_histogram_sum(struct ev *e, const struct node *call)
{
    return of_each(e, call, sum_of);
}

struct value mw_pq_call_histogram_avg(struct ev *e, const struct node *call)
{
    return of_each(e, call, average_of);
}
