/* vec.c - rows of an instant vector: making them, naming them, grouping and merging them.
 *
 * Grouping hashes the chosen labels of each row once, into an open table of group numbers; label
 * sets are built only for new groups.  SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "promql/eval.h"

double mw_pq_none(void) { return mw_stale(); }

double *mw_pq_row(struct ev *e)
{
    double *v = mw_pq_alloc(e->run, e->n, sizeof *v), none = mw_stale();
    for (size_t i = 0; i < e->n; i++) v[i] = none;
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

/* -- groups --------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return mw_str_cmp(*(const mw_str *)a, *(const mw_str *)b);
}

struct names mw_pq_sorted(struct ev *e, struct names names)
{
    mw_str *p = mw_pq_alloc(e->run, names.n + 1, sizeof *p);
    if (names.n) memcpy(p, names.p, names.n * sizeof *p);
    qsort(p, names.n, sizeof *p, by_text);
    return (struct names){p, names.n};
}

/* Do labels named NAME tell groups apart?  AT moves along the sorted names with the labels. */
static bool counts(const struct grouping *g, mw_str name, bool nameless, size_t *at)
{
    if (nameless && mw_pq_is_meta(name)) return false;
    if (g->without && !g->keep_name && mw_str_is(name, MW_METRIC_NAME)) return false;
    while (*at < g->names.n && mw_str_cmp(g->names.p[*at], name) < 0) ++*at;
    bool named = *at < g->names.n && mw_str_eq(g->names.p[*at], name);
    return named != g->without;
}

static size_t pick(const struct grouping *g, const struct series *s, bool nameless, mw_label *out)
{
    size_t n = 0, at = 0;
    for (uint32_t i = 0; i < s->labels->n; i++)
        if (counts(g, s->labels->l[i].name, nameless, &at)) out[n++] = s->labels->l[i];
    return n;
}

static uint64_t hash_picked(const mw_label *l, size_t n)
{
    uint64_t h = n;
    for (size_t i = 0; i < n; i++)
        h = mw_hash_seed(l[i].value.p, l[i].value.n, mw_hash_seed(l[i].name.p, l[i].name.n, h));
    return h;
}

static bool same(const mw_labels *ls, const mw_label *l, size_t n)
{
    if (ls->n != n) return false;
    for (size_t i = 0; i < n; i++)
        if (!mw_str_eq(ls->l[i].value, l[i].value) || !mw_str_eq(ls->l[i].name, l[i].name))
            return false;
    return true;
}

struct table {
    struct groups groups;
    uint64_t *hashes;
    uint32_t *slots; /* group number + 1; 0 is free */
    size_t mask;
    mw_label *picked;
};

static size_t find_group(struct ev *e, struct table *t, size_t n_picked)
{
    uint64_t h = hash_picked(t->picked, n_picked);
    size_t slot = h & t->mask;
    for (; t->slots[slot]; slot = (slot + 1) & t->mask) {
        size_t g = t->slots[slot] - 1;
        if (t->hashes[g] == h && same(t->groups.labels[g], t->picked, n_picked)) return g;
    }
    size_t g = t->groups.n++;
    t->slots[slot] = (uint32_t)t->groups.n;
    t->hashes[g] = h;
    t->groups.labels[g] = mw_pq_labels(e, t->picked, n_picked);
    return g;
}

static uint32_t widest(const struct vec *v)
{
    uint32_t most = 0;
    for (size_t i = 0; v && i < v->n; i++)
        if (v->s[i].labels->n > most) most = v->s[i].labels->n;
    return most;
}

struct groups mw_pq_group(struct ev *e, const struct vec *a, const struct vec *b,
                          const struct grouping *g)
{
    size_t rows = a->n + (b ? b->n : 0), slots = 16;
    while (slots < rows * 2) slots *= 2;
    struct table t = {.mask = slots - 1};
    t.groups.labels = mw_pq_alloc(e->run, rows, sizeof *t.groups.labels);
    t.groups.of = mw_pq_alloc(e->run, rows, sizeof *t.groups.of);
    t.hashes = mw_pq_alloc(e->run, rows, sizeof *t.hashes);
    t.slots = mw_pq_alloc(e->run, slots, sizeof *t.slots);
    memset(t.slots, 0, slots * sizeof *t.slots);
    t.picked = mw_pq_alloc(e->run, widest(a) + widest(b), sizeof *t.picked);
    for (size_t i = 0; i < rows; i++) {
        const struct series *s = i < a->n ? &a->s[i] : &b->s[i - a->n];
        t.groups.of[i] = find_group(e, &t, pick(g, s, mw_pq_nameless(e, s), t.picked));
        mw_pq_tick(e->run, 8);
    }
    return t.groups;
}

/* -- merging -------------------------------------------------------------------------------- */

static bool is_there(const struct series *s, size_t step)
{
    return !mw_pq_absent(s->v[step]) || (s->h && s->h[step]);
}

static void merge_into(struct ev *e, struct series *to, const struct series *from, bool strict)
{
    bool clash = strict;
    for (size_t i = 0; i < e->n && !clash; i++) {
        if (!is_there(from, i)) continue;
        clash = is_there(to, i);
        to->v[i] = from->v[i];
        if (!from->h || !from->h[i]) continue;
        if (!to->h)
            to->h = memset(mw_pq_alloc(e->run, e->n, sizeof *to->h), 0, e->n * sizeof *to->h);
        to->h[i] = from->h[i];
    }
    if (clash)
        mw_pq_throw(e->run, MW_EEXEC, "vector cannot contain metrics with the same labelset");
}

/* A row without any value takes part in nothing. */
static bool empty_row(struct ev *e, const struct series *s)
{
    for (size_t i = 0; i < e->n; i++)
        if (is_there(s, i)) return false;
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
