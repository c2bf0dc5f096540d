/* sums.c - sums, means, spreads and quantiles that keep their precision.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "promql/eval.h"

void mw_pq_sum_add(struct sum *s, double v)
{
    double t = s->sum + v;
    if (isinf(t))
        s->c = 0;
    else if (fabs(s->sum) >= fabs(v))
        s->c += (s->sum - t) + v;
    else
        s->c += (v - t) + s->sum;
    s->sum = t;
}

/* The plain sum until it overflows, then a running mean: exact where it can be. */
void mw_pq_mean_add(struct mean *m, double v)
{
    m->n++;
    if (!m->incremental) {
        struct sum next = m->sum;
        mw_pq_sum_add(&next, v);
        if (m->n == 1 || !isinf(next.sum)) {
            m->sum = next;
            return;
        }
        m->incremental = true;
        m->mean = (struct sum){m->sum.sum / (m->n - 1), m->sum.c / (m->n - 1)};
    }
    double q = (m->n - 1) / m->n;
    struct sum scaled = {q * m->mean.sum, q * m->mean.c};
    mw_pq_sum_add(&scaled, v / m->n);
    m->mean = scaled;
}

double mw_pq_mean_get(const struct mean *m)
{
    if (m->incremental) return m->mean.sum + m->mean.c;
    return m->sum.sum / m->n + m->sum.c / m->n;
}

void mw_pq_spread_add(struct spread *s, double v)
{
    s->n++;
    double delta = v - (s->mean.sum + s->mean.c);
    mw_pq_sum_add(&s->mean, delta / s->n);
    mw_pq_sum_add(&s->m2, delta * (v - (s->mean.sum + s->mean.c)));
}

/* Chan, Golub, LeVeque 1979. */
void mw_pq_spread_merge(struct spread *s, const struct spread *other)
{
    if (other->n == 0) return;
    if (s->n == 0) {
        *s = *other;
        return;
    }
    double n = s->n + other->n;
    double delta = (other->mean.sum + other->mean.c) - (s->mean.sum + s->mean.c);
    mw_pq_sum_add(&s->m2, other->m2.sum + other->m2.c);
    mw_pq_sum_add(&s->m2, delta * delta * s->n * other->n / n);
    mw_pq_sum_add(&s->mean, delta * other->n / n);
    s->n = n;
}

double mw_pq_spread_get(const struct spread *s) { return (s->m2.sum + s->m2.c) / s->n; }

int mw_pq_compare_numbers(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(b) - isnan(a);
    return (a > b) - (a < b);
}

static int by_number(const void *a, const void *b)
{
    return mw_pq_compare_numbers(*(const double *)a, *(const double *)b);
}

void mw_pq_sort_numbers(double *v, size_t n)
{
    if (n) qsort(v, n, sizeof *v, by_number);
}

double mw_pq_quantile(double q, double *v, size_t n)
{
    if (q >= 0 && q <= 1) mw_pq_sort_numbers(v, n);
    return mw_pq_quantile_of(q, v, n);
}

double mw_pq_quantile_of(double q, const double *v, size_t n)
{
    if (!n || isnan(q)) return NAN;
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    double rank = q * (double)(n - 1), low = floor(rank), weight = rank - low;
    size_t i = (size_t)low, j = i + 1 < n ? i + 1 : n - 1;
    return v[i] * (1 - weight) + v[j] * weight;
}
