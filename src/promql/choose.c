/* choose.c - aggregations that choose rows by their labels (limitk, limit_ratio) or look at all of
 * them at once (quantile, count_values).
 *
 * Rows are put in order of their labels first, so that a limit does not depend on the order in
 * which a store happens to give its series.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/num.h"
#include "promql/aggregate.h"
#include "promql/hist.h"

static int by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(((const struct series *)a)->labels, ((const struct series *)b)->labels);
}

/* The rows of one group that have a value at one step. */
struct pick {
    size_t row;
    double v;
};

/* Members of each group: rows first[g] .. first[g+1] of order. */
struct members {
    size_t *first, *order;
    struct groups g;
};

static struct members members_of(struct ev *e, const struct vec *in, const struct grouping *by)
{
    struct members m = {.g = mw_pq_group(e, in, NULL, by)};
    m.first = mw_pq_alloc(e->run, m.g.n + 2, sizeof *m.first);
    m.order = mw_pq_alloc(e->run, in->n, sizeof *m.order);
    memset(m.first, 0, (m.g.n + 2) * sizeof *m.first);
    for (size_t i = 0; i < in->n; i++) m.first[m.g.of[i] + 2]++;
    for (size_t i = 2; i < m.g.n + 2; i++) m.first[i] += m.first[i - 1];
    for (size_t i = 0; i < in->n; i++) m.order[m.first[m.g.of[i] + 1]++] = i;
    return m;
}

static size_t present(const struct members *m, const struct vec *in, size_t g, size_t step,
                      struct pick *out)
{
    size_t n = 0;
    for (size_t i = m->first[g]; i < m->first[g + 1]; i++) {
        double v = in->s[m->order[i]].v[step];
        if (!mw_pq_absent(v)) out[n++] = (struct pick){m->order[i], v};
    }
    return n;
}

/* -- limitk, limit_ratio -------------------------------------------------------------------- */

struct chooser {
    struct ev *e;
    const struct vec *in;
    struct vec out;
    size_t *at; /* row of out for a row of in, plus one */
};

static void choose(struct chooser *c, const struct pick *p, size_t step)
{
    if (!c->at[p->row]) {
        const struct series *from = &c->in->s[p->row];
        mw_pq_add(c->e, &c->out, from->labels)->nameless = from->nameless;
        c->at[p->row] = c->out.n;
    }
    const mw_nhist *h = mw_pq_h(&c->in->s[p->row], step);
    if (h)
        mw_pq_set_h(c->e, &c->out.s[c->at[p->row] - 1], step, h);
    else
        c->out.s[c->at[p->row] - 1].v[step] = p->v;
}

static void first_of_step(struct chooser *c, const struct members *m, double k, size_t step,
                          struct pick *picks)
{
    double most = mw_pq_limit(c->e->run, k);
    for (size_t g = 0; g < m->g.n && most; g++) {
        size_t n = present(m, c->in, g, step, picks);
        for (size_t i = 0; i < n && (double)i < most; i++) choose(c, &picks[i], step);
        mw_pq_tick(c->e->run, n * 4);
    }
}

static double ratio_of(struct ev *e, const struct node *n, double r)
{
    if (isnan(r)) mw_pq_throw(e->run, MW_EEXEC, "Ratio value is NaN");
    double capped = r > 1 ? 1 : r < -1 ? -1 : r;
    if (capped != r)
        mw_pq_note(e->run, PQ_WARNING, n->agg.param,
                   "PromQL warning: ratio value should be between -1 and 1, got %g, capping to %g",
                   r, capped);
    return capped;
}

/* The hash of a row's labels decides, so that r and r - 1 split the rows between them. */
static void ratio_of_step(struct chooser *c, const double *place, double r, size_t step)
{
    for (size_t i = 0; i < c->in->n; i++) {
        struct pick p = {i, c->in->s[i].v[step]};
        bool in = r >= 0 ? place[i] < r : place[i] >= 1 + r;
        if (!mw_pq_absent(p.v) && in) choose(c, &p, step);
    }
}

static struct vec choose_rows(struct ev *e, const struct node *n, struct vec *in,
                              const double *param, const struct grouping *by)
{
    struct chooser c = {.e = e, .in = in, .out = {.distinct = in->distinct}};
    struct members m = members_of(e, in, by);
    mw_pq_expose(e, in);
    c.at = mw_pq_alloc(e->run, in->n, sizeof *c.at);
    memset(c.at, 0, in->n * sizeof *c.at);
    struct pick *picks = mw_pq_alloc(e->run, in->n, sizeof *picks);
    double *place = mw_pq_alloc(e->run, in->n, sizeof *place);
    for (size_t i = 0; i < in->n; i++)
        place[i] = (double)(mw_pq_seen(e, &in->s[i])->hash >> 11) / 9007199254740992.0;
    for (size_t k = 0; k < e->n; k++) {
        if (n->agg.op == T_KW_LIMIT_RATIO)
            ratio_of_step(&c, place, ratio_of(e, n, param[k]), k);
        else
            first_of_step(&c, &m, param[k], k, picks);
    }
    return c.out;
}

/* -- quantile ------------------------------------------------------------------------------- */

static struct vec quantiles(struct ev *e, const struct node *n, struct vec *in, const double *q,
                            const struct grouping *by)
{
    struct vec out = {.distinct = mw_pq_groups_distinct(by)};
    struct members m = members_of(e, in, by);
    struct pick *picks = mw_pq_alloc(e->run, in->n, sizeof *picks);
    double *values = mw_pq_alloc(e->run, in->n, sizeof *values);
    if (in->n) mw_pq_note_quantile(e, n->agg.param, q);
    for (size_t g = 0; g < m.g.n; g++) {
        struct series *s = mw_pq_add(e, &out, m.g.labels[g]);
        for (size_t k = 0; k < e->n; k++) {
            size_t found = present(&m, in, g, k, picks);
            for (size_t i = 0; i < found; i++) values[i] = picks[i].v;
            if (found) s->v[k] = mw_pq_quantile(q[k], values, found);
            mw_pq_tick(e->run, found * 4);
        }
    }
    return out;
}

/* -- count_values --------------------------------------------------------------------------- */

struct counted {
    size_t group, row; /* row of out */
    uint64_t bits;
};

struct tally {
    struct ev *e;
    struct vec out;
    struct counted *slots; /* row + 1 == 0 is free: kept as row = 0 */
    size_t n, cap;
    mw_str label;
    bool kept; /* the label is part of the result */
};

static size_t slot_of(const struct tally *t, size_t group, uint64_t bits)
{
    uint64_t key[2] = {group, bits};
    size_t at = mw_hash(key, sizeof key) & (t->cap - 1);
    while (t->slots[at].row && (t->slots[at].group != group || t->slots[at].bits != bits))
        at = (at + 1) & (t->cap - 1);
    return at;
}

static void grow(struct tally *t)
{
    struct counted *old = t->slots;
    size_t cap = t->cap;
    t->cap = cap ? cap * 2 : 64;
    t->slots = mw_pq_alloc(t->e->run, t->cap, sizeof *t->slots);
    memset(t->slots, 0, t->cap * sizeof *t->slots);
    for (size_t i = 0; i < cap; i++)
        if (old[i].row) t->slots[slot_of(t, old[i].group, old[i].bits)] = old[i];
}

static const mw_labels *with_value(struct tally *t, const mw_labels *ls, mw_str text)
{
    mw_label *l = mw_pq_alloc(t->e->run, ls->n + 1, sizeof *l);
    if (!t->kept) return ls;
    memcpy(l, ls->l, ls->n * sizeof *l);
    l[ls->n] = (mw_label){t->label, text};
    return mw_pq_labels(t->e, l, ls->n + 1);
}

/* One more of the value TEXT, which BITS tell from others. */
static void count(struct tally *t, size_t group, const mw_labels *ls, uint64_t bits, mw_str text,
                  size_t step)
{
    if (!t->kept) bits = 0;
    if (t->n * 2 >= t->cap) grow(t);
    size_t at = slot_of(t, group, bits);
    if (!t->slots[at].row) {
        mw_pq_add(t->e, &t->out, with_value(t, ls, text));
        t->slots[at] = (struct counted){group, t->out.n, bits};
        t->n++;
    }
    double *cell = &t->out.s[t->slots[at].row - 1].v[step];
    *cell = mw_pq_absent(*cell) ? 1 : *cell + 1;
}

static void count_number(struct tally *t, size_t group, const mw_labels *ls, double v, size_t step)
{
    char text[MW_DOUBLE_MAX];
    uint64_t bits;
    if (isnan(v)) v = NAN;
    memcpy(&bits, &v, sizeof bits);
    count(t, group, ls, bits, (mw_str){text, (size_t)mw_double_fixed(v, text)}, step);
}

static void count_histogram(struct tally *t, size_t group, const mw_labels *ls, const mw_nhist *h,
                            size_t step)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_nhist_text(h, &b);
    char *text = mw_arena_strndup(t->e->run->arena, b.p, b.n);
    size_t n = b.n;
    mw_buf_deinit(&b);
    if (!text) mw_pq_no_room(t->e->run);
    count(t, group, ls, mw_hash(text, n), (mw_str){text, n}, step);
}

/* Without the label that is about to be set, whatever the rows say of it. */
static struct names except(struct ev *e, struct names names, mw_str label, bool add)
{
    mw_str *p = mw_pq_alloc(e->run, names.n + 1, sizeof *p);
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++)
        if (!mw_str_eq(names.p[i], label)) p[n++] = names.p[i];
    if (add) p[n++] = label;
    return mw_pq_sorted(e, (struct names){p, n});
}

static struct vec count_values(struct ev *e, const struct node *n, struct vec *in)
{
    mw_str label = n->agg.param->kind == N_STRING ? n->agg.param->string : MW_STR("");
    struct tally t = {.e = e, .label = label, .kept = true};
    if (!label.n || !mw_utf8_valid(label)) {
        mw_buf shown;
        mw_buf_init(&shown);
        for (size_t i = 0; i < label.n && i < 64; i++)
            mw_buf_printf(&shown, (unsigned char)label.p[i] < 0x80 ? "%c" : "\\x%02x",
                          (unsigned char)label.p[i]);
        char text[300];
        snprintf(text, sizeof text, "%s", shown.n ? shown.p : "");
        mw_buf_deinit(&shown);
        mw_pq_throw(e->run, MW_EEXEC, "invalid label name \"%s\"", text);
    }
    for (size_t i = 0; n->agg.without && i < n->agg.by.n; i++)
        if (mw_str_eq(n->agg.by.p[i], label)) t.kept = false;
    struct grouping by = {except(e, n->agg.by, label, n->agg.without), n->agg.without, false};
    struct groups g = mw_pq_group(e, in, NULL, &by);
    for (size_t i = 0; i < in->n; i++) {
        for (size_t k = 0; k < e->n; k++)
            if (!mw_pq_absent(in->s[i].v[k]))
                count_number(&t, g.of[i], g.labels[g.of[i]], in->s[i].v[k], k);
        for (size_t k = 0; in->s[i].h && k < e->n; k++)
            if (in->s[i].h[k]) count_histogram(&t, g.of[i], g.labels[g.of[i]], in->s[i].h[k], k);
        mw_pq_tick(e->run, e->n * 4);
    }
    return t.out;
}

struct vec mw_pq_choose(struct ev *e, const struct node *n, struct vec *in, const double *param)
{
    struct grouping by = mw_pq_grouping(e, n);
    mw_pq_hist_ignored(e, n, in);
    if (in->n && n->agg.op == T_KW_LIMITK) qsort(in->s, in->n, sizeof *in->s, by_labels);
    switch (n->agg.op) {
    case T_KW_QUANTILE: return quantiles(e, n, in, param, &by);
    case T_KW_COUNT_VALUES: return count_values(e, n, in);
    default: return choose_rows(e, n, in, param, &by);
    }
}
