/* sort.c - rows in order of their values or labels; only instant queries show it.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "promql/functions.h"
#include "promql/hist.h"

struct key {
    const struct node *call;
    const mw_labels *labels;
    struct series s;
};

/* NaN comes last in both directions. */
static int by_value(const struct key *a, const struct key *b, int sign)
{
    double x = a->s.v[0], y = b->s.v[0];
    if (isnan(x) || isnan(y)) {
        if (isnan(x) != isnan(y)) return isnan(x) - isnan(y);
    } else if (x != y)
        return (x < y ? -1 : 1) * sign;
    return mw_labels_cmp(a->labels, b->labels);
}

static int ascending(const void *a, const void *b) { return by_value(a, b, 1); }
static int descending(const void *a, const void *b) { return by_value(a, b, -1); }

/* Runs of digits compare as numbers: "node9" before "node10". */
static int natural(mw_str a, mw_str b)
{
    size_t i = 0, j = 0;
    while (i < a.n && j < b.n) {
        bool digits = isdigit((unsigned char)a.p[i]) && isdigit((unsigned char)b.p[j]);
        if (!digits) {
            if (a.p[i] != b.p[j]) return (unsigned char)a.p[i] < (unsigned char)b.p[j] ? -1 : 1;
            i++, j++;
            continue;
        }
        while (i < a.n && a.p[i] == '0') i++;
        while (j < b.n && b.p[j] == '0') j++;
        mw_str x = {a.p + i, 0}, y = {b.p + j, 0};
        while (i < a.n && isdigit((unsigned char)a.p[i])) i++, x.n++;
        while (j < b.n && isdigit((unsigned char)b.p[j])) j++, y.n++;
        if (x.n != y.n) return x.n < y.n ? -1 : 1;
        int c = mw_str_cmp(x, y);
        if (c) return c;
    }
    if (i < a.n || j < b.n) return i < a.n ? 1 : -1;
    return mw_str_cmp(a, b);
}

static int by_label(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    for (size_t i = 1; i < x->call->call.n_args; i++) {
        mw_str name = x->call->call.args[i]->string;
        int c = natural(mw_pq_label(x->labels, name), mw_pq_label(y->labels, name));
        if (c) return c;
    }
    return mw_labels_cmp(x->labels, y->labels);
}

static int by_label_desc(const void *a, const void *b) { return by_label(b, a); }

static struct value sorted(struct ev *e, const struct node *call,
                           int (*compare)(const void *, const void *))
{
    struct vec v = mw_pq_eval_vec(e, call->call.args[0]);
    if (compare == ascending || compare == descending) mw_pq_drop_h(&v);
    if (e->run->query->range)
        mw_pq_note(e->run, PQ_WARNING, call,
                   "PromQL warning: sort is ineffective for range queries since results are always "
                   "ordered by labels");
    if (e->n > 1) return mw_pq_vector(v);
    struct key *keys = mw_pq_alloc(e->run, v.n, sizeof *keys);
    for (size_t i = 0; i < v.n; i++) keys[i] = (struct key){call, mw_pq_seen(e, &v.s[i]), v.s[i]};
    qsort(keys, v.n, sizeof *keys, compare);
    for (size_t i = 0; i < v.n; i++) v.s[i] = keys[i].s;
    return mw_pq_vector(v);
}

struct value mw_pq_call_sort(struct ev *e, const struct node *n) { return sorted(e, n, ascending); }

struct value mw_pq_call_sort_desc(struct ev *e, const struct node *n)
{
    return sorted(e, n, descending);
}

struct value mw_pq_call_sort_by_label(struct ev *e, const struct node *n)
{
    return sorted(e, n, by_label);
}

struct value mw_pq_call_sort_by_label_desc(struct ev *e, const struct node *n)
{
    return sorted(e, n, by_label_desc);
}
