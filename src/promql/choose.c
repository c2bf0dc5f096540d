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

/* The smallest and the largest of a parameter over all steps; NaN when one of them is. */
struct bounds {
    double min, max;
    bool nan;
};

static struct bounds bounds_of(struct ev *e, const double *param)
{
    struct bounds b = {param[0], param[0], isnan(param[0])};
    for (size_t k = 1; k < e->n; k++) {
        b.nan |= isnan(param[k]);
        if (param[k] < b.min) b.min = param[k];
        if (param[k] > b.max) b.max = param[k];
    }
    if (b.nan) b.min = b.max = NAN;
    return b;
}

void mw_pq_check_limit(struct ev *e, const double *k)
{
    char text[PQ_NUMBER_TEXT];
    struct bounds b = bounds_of(e, k);
    if (b.max < 1) return;
    if (b.nan) mw_pq_throw(e->run, MW_EEXEC, "Parameter value is NaN");
    if (b.min <= -9223372036854775808.0)
        mw_pq_throw(e->run, MW_EEXEC, "Scalar value %s underflows int64",
                    mw_pq_number_text(b.min, text));
    if (b.max >= 9223372036854775807.0)
        mw_pq_throw(e->run, MW_EEXEC, "Scalar value %s overflows int64",
                    mw_pq_number_text(b.max, text));
}

double mw_pq_limit(double k) { return k < 1 ? 0 : floor(k); }

static void first_of_step(struct chooser *c, const struct members *m, double k, size_t step,
                          struct pick *picks)
{
    double most = mw_pq_limit(k);
    for (size_t g = 0; g < m->g.n && most; g++) {
        size_t n = present(m, c->in, g, step, picks);
        for (size_t i = 0; i < n && (double)i < most; i++) choose(c, &picks[i], step);
        mw_pq_tick(c->e->run, n * 4);
    }
}

static void note_ratio(struct ev *e, const struct node *n, double got, int capped)
{
    char text[PQ_NUMBER_TEXT];
    mw_pq_note(e->run, PQ_WARNING, n->agg.param,
               "PromQL warning: ratio value should be between -1 and 1, got %s, capping to %d",
               mw_pq_number_text(got, text), capped);
}

static bool check_ratio(struct ev *e, const struct node *n, const double *r)
{
    struct bounds b = bounds_of(e, r);
    if (b.max == 0 && b.min == 0) return false;
    if (b.nan) mw_pq_throw(e->run, MW_EEXEC, "Ratio value is NaN");
    if (b.max > 1) note_ratio(e, n, b.max, 1);
    if (b.min < -1) note_ratio(e, n, b.min, -1);
    return true;
}

static size_t put_text(unsigned char *out, mw_str s)
{
    size_t n = 0;
    out[n++] = (unsigned char)(s.n < 255 ? s.n : 255);
    if (s.n >= 255)
        for (int shift = 0; shift < 24; shift += 8) out[n++] = (unsigned char)(s.n >> shift);
    memcpy(out + n, s.p, s.n);
    return n + s.n;
}

/* Where between 0 and 1 a row stands: by the hash that Prometheus takes, so that the same rows are
 * chosen there and here. */
static double place_of(struct ev *e, const mw_labels *ls)
{
    size_t bytes = 0, n = 0;
    for (uint32_t i = 0; i < ls->n; i++) bytes += ls->l[i].name.n + ls->l[i].value.n + 8;
    unsigned char *text = mw_pq_alloc(e->run, bytes, 1);
    for (uint32_t i = 0; i < ls->n; i++) {
        n += put_text(text + n, ls->l[i].name);
        n += put_text(text + n, ls->l[i].value);
    }
    return (double)mw_xxh64(text, n) / 18446744073709551615.0;
}

/* The hash of a row's labels decides, so that r and r - 1 split the rows between them. */
static void ratio_of_step(struct chooser *c, const double *place, double r, size_t step)
{
    for (size_t i = 0; i < c->in->n; i++) {
        struct pick p = {i, c->in->s[i].v[step]};
        bool in = r >= 0 ? place[i] < r : place[i] >= 1 + r;
        if (!mw_pq_absent(p.v) && in) choose(c, &p, step);
    }
    mw_pq_tick(c->e->run, c->in->n * 4);
}

static struct vec choose_rows(struct ev *e, const struct node *n, struct vec *in,
                              const double *param, const struct grouping *by)
{
    struct chooser c = {.e = e, .in = in, .out = {.distinct = in->distinct}};
    bool ratio = n->agg.op == T_KW_LIMIT_RATIO;
    if (ratio && !check_ratio(e, n, param)) return c.out;
    if (!ratio) mw_pq_check_limit(e, param);
    struct members m = members_of(e, in, by);
    mw_pq_expose(e, in);
    c.at = mw_pq_alloc(e->run, in->n, sizeof *c.at);
    memset(c.at, 0, in->n * sizeof *c.at);
    struct pick *picks = mw_pq_alloc(e->run, in->n, sizeof *picks);
    double *place = mw_pq_alloc(e->run, in->n, sizeof *place);
    for (size_t i = 0; i < in->n; i++) place[i] = ratio ? place_of(e, mw_pq_seen(e, &in->s[i])) : 0;
    for (size_t k = 0; k < e->n; k++) {
        if (ratio)
            ratio_of_step(&c, place, param[k], k);
        else
            first_of_step(&c, &m, param[k], k, picks);
    }
    return c.out;
}

/* -- quantile ------------------------------------------------------------------------------- */

static void note_bounds(struct ev *e, const struct node *n, const double *q)
{
    struct bounds b = bounds_of(e, q);
    struct ev one = *e;
    one.n = 1;
    if (b.nan || b.max > 1) mw_pq_note_quantile(&one, n->agg.param, &b.max);
    if (b.min < 0) mw_pq_note_quantile(&one, n->agg.param, &b.min);
}

static struct vec quantiles(struct ev *e, const struct node *n, struct vec *in, const double *q,
                            const struct grouping *by)
{
    struct vec out = {.distinct = mw_pq_groups_distinct(by)};
    struct members m = members_of(e, in, by);
    struct pick *picks = mw_pq_alloc(e->run, in->n, sizeof *picks);
    double *values = mw_pq_alloc(e->run, in->n, sizeof *values);
    note_bounds(e, n, q);
    for (size_t g = 0; g < m.g.n; g++) {
        struct series *s = mw_pq_add(e, &out, m.g.labels[g]);
        for (size_t k = 0; k < e->n; k++) {
            size_t found = present(&m, in, g, k, picks);
            for (size_t i = 0; i < found; i++) values[i] = picks[i].v;
            if (found) s->v[k] = mw_pq_quantile(q[k], values, found);
            mw_pq_tick(e->run, found * 4);
        }
    }
    mw_pq_inherit_names(e, in, m.g.of, &out);
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
static struct series *count(struct tally *t, size_t group, const mw_labels *ls, uint64_t bits,
                            mw_str text, size_t step)
{
    if (!t->kept) bits = 0;
    if (t->n * 2 >= t->cap) grow(t);
    size_t at = slot_of(t, group, bits);
    if (!t->slots[at].row) {
        mw_pq_add(t->e, &t->out, with_value(t, ls, text));
        t->slots[at] = (struct counted){group, t->out.n, bits};
        t->n++;
    }
    struct series *s = &t->out.s[t->slots[at].row - 1];
    s->v[step] = mw_pq_absent(s->v[step]) ? 1 : s->v[step] + 1;
    return s;
}

static struct series *count_number(struct tally *t, size_t group, const mw_labels *ls, double v,
                                   size_t step)
{
    char text[MW_DOUBLE_MAX];
    uint64_t bits;
    if (isnan(v)) v = NAN;
    memcpy(&bits, &v, sizeof bits);
    size_t n = (size_t)mw_double_fixed(v, text);
    return count(t, group, ls, bits, (mw_str){text, n}, step);
}

static struct series *count_histogram(struct tally *t, size_t group, const mw_labels *ls,
                                      const mw_nhist *h, size_t step)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_nhist_text(h, &b);
    char *text = mw_arena_strndup(t->e->run->arena, b.p, b.n);
    size_t n = b.n;
    mw_buf_deinit(&b);
    if (!text) mw_pq_no_room(t->e->run);
    return count(t, group, ls, mw_hash(text, n), (mw_str){text, n}, step);
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
    bool plain = !e->run->opt->closed_ranges || mw_label_name_valid(label);
    if (!label.n || !mw_utf8_valid(label) || !plain) {
        char text[300];
        mw_pq_throw(e->run, MW_EEXEC, "invalid label name %s",
                    mw_pq_quote(label, 64, text, sizeof text));
    }
    for (size_t i = 0; n->agg.without && i < n->agg.by.n; i++)
        if (mw_str_eq(n->agg.by.p[i], label)) t.kept = false;
    struct grouping by = {except(e, n->agg.by, label, n->agg.without), n->agg.without, false};
    struct groups g = mw_pq_group(e, in, NULL, &by);
    for (size_t i = 0; i < in->n; i++) {
        for (size_t k = 0; k < e->n; k++)
            if (!mw_pq_absent(in->s[i].v[k]))
                count_number(&t, g.of[i], g.labels[g.of[i]], in->s[i].v[k], k)->nameless |=
                    in->s[i].nameless;
        for (size_t k = 0; in->s[i].h && k < e->n; k++)
            if (in->s[i].h[k])
                count_histogram(&t, g.of[i], g.labels[g.of[i]], in->s[i].h[k], k)->nameless |=
                    in->s[i].nameless;
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
