/* vec.c - rows of an instant vector: making them, naming them and merging them.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/hist.h"

double mw_pq_none(void) { return mw_stale(); }

void mw_pq_clear_row(struct ev *e, double *row)
{
    double none = mw_stale();
    for (size_t i = 0; i < e->n; i++) row[i] = none;
}

/* A subquery of a year by the second has so many steps that its first touch of them takes a second:
 * who has left is looked for in between. */
double *mw_pq_row(struct ev *e)
{
    enum { AT_ONCE = 1 << 17 };
    double *v = mw_pq_alloc(e->run, e->n, sizeof *v), none = mw_stale();
    for (size_t i = 0, end; i < e->n; i = end) {
        end = e->n - i > AT_ONCE ? i + AT_ONCE : e->n;
        for (size_t k = i; k < end; k++) v[k] = none;
        mw_pq_tick(e->run, (end - i) / 8);
    }
    return v;
}

void mw_pq_add_row(struct ev *e, struct vec *v, const mw_labels *labels, double *row)
{
    if (v->n == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 8;
        struct series *s = mw_pq_alloc(e->run, cap, sizeof *s);
        if (v->n) memcpy(s, v->s, v->n * sizeof *s);
        v->s = s;
        v->cap = cap;
    }
    v->s[v->n++] = (struct series){.labels = labels, .v = row};
}

struct series *mw_pq_add(struct ev *e, struct vec *v, const mw_labels *labels)
{
    mw_pq_add_row(e, v, labels, mw_pq_row(e));
    return &v->s[v->n - 1];
}

struct value mw_pq_vector(struct vec v)
{
    return (struct value){.type = MW_VALUE_VECTOR, .vec = v};
}

struct value mw_pq_numbers(double *scalar)
{
    return (struct value){.type = MW_VALUE_SCALAR, .scalar = scalar};
}

const mw_labels *mw_pq_labels(struct ev *e, const mw_label *l, size_t n)
{
    mw_err err;
    mw_err_init(&err);
    const mw_labels *ls = mw_labels_new_in(e->run->arena, l, n, &err);
    if (!ls) mw_pq_throw(e->run, err.code, "%s", err.msg);
    return ls;
}

mw_str mw_pq_name(const struct series *s) { return mw_labels_find(s->labels, MW_METRIC_NAME); }

mw_str mw_pq_label(const mw_labels *ls, mw_str name)
{
    for (uint32_t i = 0; i < ls->n; i++)
        if (mw_str_eq(ls->l[i].name, name)) return ls->l[i].value;
    return (mw_str){NULL, 0};
}

/* -- names ---------------------------------------------------------------------------------- */

bool mw_pq_nameless(const struct ev *e, const struct series *s)
{
    return s->nameless && e->run->names_go;
}

bool mw_pq_is_meta(mw_str name)
{
    if (name.n != 8 || name.p[0] != '_') return false;
    return mw_str_is(name, MW_METRIC_NAME) || mw_str_is(name, "__type__") ||
           mw_str_is(name, "__unit__");
}

const mw_labels *mw_pq_seen(struct ev *e, const struct series *s)
{
    size_t n = 0;
    if (!mw_pq_nameless(e, s)) return s->labels;
    mw_label *l = mw_pq_alloc(e->run, s->labels->n, sizeof *l);
    for (uint32_t i = 0; i < s->labels->n; i++)
        if (!mw_pq_is_meta(s->labels->l[i].name)) l[n++] = s->labels->l[i];
    return n == s->labels->n ? s->labels : mw_pq_labels(e, l, n);
}

void mw_pq_drop_names(struct ev *e, struct vec *v)
{
    for (size_t i = 0; i < v->n; i++) v->s[i].nameless = true;
    (void)e;
}

/* -- merging -------------------------------------------------------------------------------- */

static void merge_into(struct ev *e, struct series *to, const struct series *from, bool strict)
{
    bool clash = strict;
    for (size_t i = 0; i < e->n && !clash; i++) {
        if (!mw_pq_there(from, i)) continue;
        clash = mw_pq_there(to, i);
        to->v[i] = from->v[i];
        if (!from->h || !from->h[i]) continue;
        if (!to->h)
            to->h = memset(mw_pq_alloc(e->run, e->n, sizeof *to->h), 0, e->n * sizeof *to->h);
        to->h[i] = from->h[i];
    }
    mw_pq_tick(e->run, e->n);
    if (clash)
        mw_pq_throw(e->run, MW_EEXEC, "vector cannot contain metrics with the same labelset");
}

/* A row without any value takes part in nothing. */
static bool empty_row(struct ev *e, const struct series *s)
{
    for (size_t i = 0; i < e->n; i++)
        if (mw_pq_there(s, i)) return false;
    mw_pq_tick(e->run, e->n);
    return true;
}

void mw_pq_merge(struct ev *e, struct vec *v, bool strict)
{
    if (v->distinct || v->n < 2) return;
    static const struct grouping everything = {.without = true, .keep_name = true};
    size_t kept = 0;
    for (size_t i = 0; i < v->n; i++)
        if (!empty_row(e, &v->s[i])) v->s[kept++] = v->s[i];
    v->n = kept;
    struct groups g = mw_pq_group(e, v, NULL, &everything);
    if (g.n == v->n) return;
    kept = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (g.of[i] == kept)
            v->s[kept++] = v->s[i]; /* groups are numbered as they come */
        else
            merge_into(e, &v->s[g.of[i]], &v->s[i], strict);
    }
    v->n = kept;
}
