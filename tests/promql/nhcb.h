/* nhcb.h - classic histograms of a source, once more as native ones with custom buckets.
 *
 * x_bucket{le=...}, x_count and x_sum together give x.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_PROMQL_NHCB_H
#define MW_TESTS_PROMQL_NHCB_H
#include "memsource.h"

enum { NHCB_BOUNDS = 256 };

/* What is known of one histogram at one time. */
struct nhcb {
    int64_t t;
    double le[NHCB_BOUNDS], cumulative[NHCB_BOUNDS], count, sum;
    uint32_t n;
    bool counted;
};

static double nhcb_at(const struct mem_series *s, int64_t t, bool *there)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->t[i] == t && !s->h[i] && !mw_is_stale(s->v[i])) return *there = true, s->v[i];
    *there = false;
    return 0;
}

/* The labels of the native one that S is a part of, or NULL; KIND: which part. */
static mw_labels *nhcb_base(const mw_labels *ls, int *kind)
{
    static const char *const suffixes[] = {"_bucket", "_count", "_sum"};
    mw_label l[MEM_LABELS_MAX];
    mw_str name = mw_labels_find(ls, MW_METRIC_NAME);
    size_t n = 0, suffix = 0;
    for (*kind = 0; *kind < 3; ++*kind) {
        suffix = strlen(suffixes[*kind]);
        if (name.n > suffix && !memcmp(name.p + name.n - suffix, suffixes[*kind], suffix)) break;
    }
    if (*kind == 3 || (*kind == 0 && !mw_labels_find(ls, "le").n)) return NULL;
    for (uint32_t i = 0; i < ls->n; i++) {
        if (mw_str_is(ls->l[i].name, "le")) continue;
        l[n] = ls->l[i];
        if (mw_str_is(l[n].name, MW_METRIC_NAME)) l[n].value.n -= suffix;
        n++;
    }
    return mw_labels_new(l, n, NULL);
}

static void nhcb_bucket(struct nhcb *c, double le, double v)
{
    uint32_t i = c->n;
    for (uint32_t k = 0; k < c->n; k++)
        if (c->le[k] == le) return;
    for (; i && c->le[i - 1] > le; i--) {
        c->le[i] = c->le[i - 1];
        c->cumulative[i] = c->cumulative[i - 1];
    }
    c->le[i] = le;
    c->cumulative[i] = v;
    c->n++;
}

static void nhcb_collect(const struct mem_source *m, const mw_labels *base, struct nhcb *c)
{
    for (size_t i = 0; i < m->n; i++) {
        int kind;
        bool there;
        mw_labels *of = nhcb_base(m->series[i].labels, &kind);
        if (of && mw_labels_eq(of, base)) {
            double v = nhcb_at(&m->series[i], c->t, &there), le;
            if (there && kind == 1) c->count = v, c->counted = true;
            if (there && kind == 2) c->sum = v;
            if (there && kind == 0 && c->n < NHCB_BOUNDS - 1 &&
                mw_double_parse(mw_labels_find(m->series[i].labels, "le"), &le) && !isnan(le))
                nhcb_bucket(c, le, v);
        }
        mw_free(of);
    }
}

static const mw_nhist *nhcb_histogram(struct mem_source *m, struct nhcb *c)
{
    if (!c->counted && c->n) c->count = c->cumulative[c->n - 1];
    if (!c->n || c->le[c->n - 1] != INFINITY) nhcb_bucket(c, INFINITY, c->count);
    mw_nhist *h = mw_arena_zalloc(m->histograms, sizeof *h);
    double *bounds = mw_arena_array(m->histograms, c->n, sizeof *bounds);
    double *counts = mw_arena_array(m->histograms, c->n, sizeof *counts);
    mw_hspan *span = mw_arena_zalloc(m->histograms, sizeof *span);
    for (uint32_t i = 0; i < c->n; i++) {
        counts[i] = c->cumulative[i] - (i ? c->cumulative[i - 1] : 0);
        bounds[i] = c->le[i];
    }
    span->length = c->n;
    *h = (mw_nhist){.schema = MW_HIST_CUSTOM, .is_float = true, .count = c->count, .sum = c->sum};
    h->pos = (mw_hside){span, counts, 1, c->n};
    h->custom = bounds;
    h->n_custom = c->n - 1;
    return h;
}

static void nhcb_add_series(struct mem_source *m, const mw_labels *base, size_t part)
{
    struct nhcb *c = mw_zalloc(sizeof *c);
    struct mem_series *to = mem_series_get(m, mw_labels_new(base->l, base->n, NULL));
    size_t at = (size_t)(to - m->series);
    for (size_t i = 0; i < m->series[part].n; i++) {
        *c = (struct nhcb){.t = m->series[part].t[i]};
        nhcb_collect(m, base, c);
        if (c->n) mem_add_histogram(&m->series[at], c->t, nhcb_histogram(m, c));
    }
    if (m->series[at].any_h) mem_store_hints(m, &m->series[at]);
    mw_free(c);
}

static void nhcb_add(struct mem_source *m)
{
    for (size_t i = 0, n = m->n; i < n; i++) {
        int kind;
        mw_labels *base = nhcb_base(m->series[i].labels, &kind);
        if (base) nhcb_add_series(m, base, i);
        mw_free(base);
    }
}

#endif
