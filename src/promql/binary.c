/* binary.c - operators between numbers, between a vector and a number, and between vectors.
 *
 * Vectors are matched once, not per step: rows of both sides get the number of their match group,
 * and a group is then computed for all steps.  Rules that hold per step (one row per group on the
 * "one" side, one result per group and step) are checked only in groups that have several rows.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promql/hist.h"

/* -- numbers -------------------------------------------------------------------------------- */

double mw_pq_apply(enum binop op, double a, double b)
{
    switch (op) {
    case OP_ADD: return a + b;
    case OP_SUB: return a - b;
    case OP_MUL: return a * b;
    case OP_DIV: return a / b;
    case OP_MOD: return fmod(a, b);
    case OP_POW: return pow(a, b);
    case OP_ATAN2: return atan2(a, b);
    default: return mw_pq_compare(op, a, b) ? 1 : 0;
    }
}

bool mw_pq_compare(enum binop op, double a, double b)
{
    switch (op) {
    case OP_EQ: return a == b;
    case OP_NE: return a != b;
    case OP_GT: return a > b;
    case OP_LT: return a < b;
    case OP_GE: return a >= b;
    case OP_LE: return a <= b;
    default: return false;
    }
}

/* What L op R gives for a vector element: a comparison without bool keeps KEEP or nothing. */
static double combine(const struct node *n, double l, double r, double keep)
{
    if (PQ_IS_TRIM(n->bin.op)) return n->bin.returns_bool ? 0 : mw_pq_none();
    if (!PQ_IS_COMPARE(n->bin.op)) return mw_pq_apply(n->bin.op, l, r);
    bool holds = mw_pq_compare(n->bin.op, l, r);
    if (n->bin.returns_bool) return holds;
    return holds ? keep : mw_pq_none();
}

/* What the values count is no longer what the name says.  Prometheus 2 forgot atan2 here. */
static bool changes_schema(const struct ev *e, const struct node *n)
{
    if (n->bin.op == OP_ATAN2 && e->run->opt->closed_ranges) return false;
    return !PQ_IS_COMPARE(n->bin.op) && !PQ_IS_TRIM(n->bin.op);
}

bool mw_pq_drops_name(const struct ev *e, const struct node *n)
{
    return changes_schema(e, n) || n->bin.returns_bool;
}

/* -- a vector and a number ------------------------------------------------------------------ */

void mw_pq_scalar_row(struct ev *e, const struct node *n, struct series *s, const double *number,
                      bool swapped)
{
    double *x = s->v;
    if (s->h || PQ_IS_TRIM(n->bin.op)) mw_pq_hist_scalar_row(e, n, s, number, swapped);
    for (size_t k = 0; k < e->n; k++) {
        if (mw_pq_absent(x[k])) continue;
        double l = swapped ? number[k] : x[k], r = swapped ? x[k] : number[k];
        x[k] = combine(n, l, r, x[k]);
    }
    mw_pq_tick(e->run, e->n);
}

static struct value vector_scalar(struct ev *e, const struct node *n, struct vec v,
                                  const double *number, bool swapped)
{
    for (size_t i = 0; i < v.n; i++) mw_pq_scalar_row(e, n, &v.s[i], number, swapped);
    if (mw_pq_drops_name(e, n)) {
        mw_pq_drop_names(e, &v);
        mw_pq_merge(e, &v, false);
    }
    return mw_pq_vector(v);
}

/* -- a vector and a vector: who meets whom -------------------------------------------------- */

struct join {
    struct ev *e;
    const struct node *n;
    const struct matching *m;
    struct vec many, one; /* with group_right the right side is many */
    struct groups g;
    size_t *next_many, *first_many, *next_one, *first_one; /* rows of a group, plus one */
    double *one_row; /* of the group at hand: its "one" side over all steps */
    size_t *one_of;  /* which row gave it, plus one */
    bool histograms; /* some row has any; in their place stands a number */
    bool *any_many;  /* steps where the many side has any row at all */
    struct vec out;
};

static void chain(struct join *j, const struct vec *side, size_t offset, size_t **first,
                  size_t **next)
{
    struct run *r = j->e->run;
    *first = mw_pq_alloc(r, j->g.n + 1, sizeof **first);
    *next = mw_pq_alloc(r, side->n + 1, sizeof **next);
    memset(*first, 0, (j->g.n + 1) * sizeof **first);
    for (size_t i = side->n; i-- > 0;) {
        size_t g = j->g.of[offset + i];
        (*next)[i] = (*first)[g];
        (*first)[g] = i + 1;
    }
}

/* All labels alike, {__name__="up", job="x"}: the metric may be what makes two rows differ. */
void mw_pq_series_text(const mw_labels *ls, char *out, size_t cap)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_byte(&b, '{');
    for (uint32_t i = 0; i < ls->n; i++) {
        if (i) mw_buf_text(&b, ", ");
        mw_buf_str(&b, ls->l[i].name);
        mw_buf_byte(&b, '=');
        mw_buf_json(&b, ls->l[i].value);
    }
    mw_buf_byte(&b, '}');
    snprintf(out, cap, "%s", b.p);
    mw_buf_deinit(&b);
}

static int by_labels(const void *a, const void *b)
{
    const struct series *x = *(const struct series *const *)a,
                        *y = *(const struct series *const *)b;
    return mw_labels_cmp(x->labels, y->labels);
}

/* The first two rows of the one side, in order of their labels, that clash at STEP. */
static bool find_clash(struct join *j, const struct series **rows, size_t step,
                       const struct series **first, const struct series **second)
{
    const struct series **met = mw_pq_alloc(j->e->run, j->g.n, sizeof *met);
    memset(met, 0, j->g.n * sizeof *met);
    for (size_t i = 0; i < j->one.n; i++) {
        size_t g = j->g.of[j->many.n + (size_t)(rows[i] - j->one.s)];
        if (mw_pq_absent(rows[i]->v[step])) continue;
        if (met[g]) return *first = met[g], *second = rows[i], true;
        met[g] = rows[i];
    }
    return false;
}

/* Some rows of the one side clash: of the earliest step those are named that come first, whatever
 * the order in which a store gave them. */
static void many_to_many(struct join *j)
{
    char match[140], x[140], y[140];
    const struct series *a = NULL, *b = NULL;
    const struct series **rows = mw_pq_alloc(j->e->run, j->one.n, sizeof *rows);
    for (size_t i = 0; i < j->one.n; i++) rows[i] = &j->one.s[i];
    qsort(rows, j->one.n, sizeof *rows, by_labels);
    for (size_t k = 0; k < j->e->n && !a; k++)
        if (j->any_many[k]) find_clash(j, rows, k, &a, &b);
    MW_ASSERT(a);
    mw_pq_series_text(j->g.labels[j->g.of[j->many.n + (size_t)(a - j->one.s)]], match,
                      sizeof match);
    mw_pq_series_text(mw_pq_seen(j->e, a), x, sizeof x);
    mw_pq_series_text(mw_pq_seen(j->e, b), y, sizeof y);
    bool in_order = strcmp(x, y) <= 0;
    mw_pq_throw(j->e->run, MW_EEXEC,
                "found duplicate series for the match group %s on the %s hand-side of the "
                "operation: [%s, %s];many-to-many matching not allowed: matching labels must be "
                "unique on one side",
                match, j->m->group_right ? "left" : "right", in_order ? x : y, in_order ? y : x);
}

/* Lay the rows of GROUP's one side over each other; two at one step is an error. */
static void lay_one_side(struct join *j, size_t group)
{
    struct ev *e = j->e;
    for (size_t k = 0; k < e->n; k++) j->one_row[k] = mw_pq_none(), j->one_of[k] = 0;
    for (size_t i = j->first_one[group]; i; i = j->next_one[i - 1]) {
        const double *v = j->one.s[i - 1].v;
        for (size_t k = 0; k < e->n; k++) {
            if (mw_pq_absent(v[k])) continue;
            if (j->one_of[k] && j->any_many[k]) many_to_many(j);
            j->one_row[k] = v[k];
            j->one_of[k] = i;
        }
        mw_pq_tick(e->run, e->n);
    }
    mw_pq_tick(e->run, e->n);
}

/* -- what a result is called ---------------------------------------------------------------- */

static bool listed(struct names names, mw_str name)
{
    for (size_t i = 0; i < names.n; i++)
        if (mw_str_eq(names.p[i], name)) return true;
    return false;
}

/* Labels of MANY joined with ONE (NULL: a fill value stands in). */
static const mw_labels *joined(struct join *j, const struct series *many, const struct series *one)
{
    const struct matching *m = j->m;
    const mw_labels *from = many->labels;
    bool grouped = m->group_left || m->group_right;
    bool nameless = mw_pq_nameless(j->e, many) || changes_schema(j->e, j->n) ||
                    (j->n->bin.returns_bool && j->e->run->names_go);
    mw_label *l = mw_pq_alloc(j->e->run, from->n + m->include.n + 1, sizeof *l);
    size_t n = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        mw_str name = from->l[i].name;
        if (nameless && mw_pq_is_meta(name)) continue;
        if (!grouped && listed(m->labels, name) != m->on) continue;
        if (grouped && listed(m->include, name)) continue;
        l[n++] = from->l[i];
    }
    for (size_t i = 0; grouped && i < m->include.n; i++) {
        mw_str value = one ? mw_pq_label(one->labels, m->include.p[i]) : MW_STR("");
        if (one && mw_pq_nameless(j->e, one) && mw_pq_is_meta(m->include.p[i])) value.n = 0;
        if (!value.n || listed((struct names){m->include.p, i}, m->include.p[i])) continue;
        l[n++] = (mw_label){m->include.p[i], value};
    }
    mw_pq_tick(j->e->run, (from->n + 1) * (m->labels.n + 2 * m->include.n + 1));
    return mw_pq_labels(j->e, l, n);
}

/* -- computing ------------------------------------------------------------------------------ */

/* The same of step K of MANY and the one side when one of them may be a histogram. */
static double combine_both(struct join *j, const struct series *many, size_t k, double a, double b,
                           const mw_nhist **h)
{
    const struct series *one = j->one_of[k] ? &j->one.s[j->one_of[k] - 1] : NULL;
    struct operand x = {a, mw_pq_h(many, k)}, y = {b, one ? mw_pq_h(one, k) : NULL}, out;
    struct operand l = j->m->group_right ? y : x, r = j->m->group_right ? x : y;
    if (!x.h && !y.h && !PQ_IS_TRIM(j->n->bin.op)) return combine(j->n, l.v, r.v, l.v);
    mw_pq_hist_operate(j->e, j->n, l, r, &out);
    *h = out.h;
    return out.v;
}

/* One row of the many side against the laid one side.  A new row of the result begins whenever
 * another row of the one side is met and its labels are copied into the result. */
static void join_row(struct join *j, const struct series *many, const double *values, bool filled)
{
    struct ev *e = j->e;
    bool right = j->m->group_right, by_one = j->m->include.n > 0;
    size_t met = 0;
    struct series *out = NULL;
    bool fills = j->m->fills_right; /* as Prometheus: right is the one side, left the many */
    for (size_t k = 0; k < e->n; k++) {
        double a = values[k], b = j->one_row[k];
        if (mw_pq_absent(a) || (filled && mw_pq_absent(b))) continue;
        if (mw_pq_absent(b) && !fills) continue;
        if (mw_pq_absent(b)) b = j->m->fill_right;
        const mw_nhist *h = NULL;
        double v = j->histograms ? combine_both(j, many, k, a, b, &h)
                   : right       ? combine(j->n, b, a, b)
                                 : combine(j->n, a, b, a);
        if (mw_pq_absent(v) && !h) continue;
        if (!out || (by_one && met != j->one_of[k])) {
            met = j->one_of[k];
            out = mw_pq_add(e, &j->out, joined(j, many, met ? &j->one.s[met - 1] : NULL));
            out->nameless = j->n->bin.returns_bool;
        }
        out->v[k] = v;
        if (h) mw_pq_set_h(e, out, k, h);
    }
    mw_pq_tick(e->run, e->n);
}

/* Prometheus 2 counts only what a comparison lets through, Prometheus 3 all that met. */
static size_t met_at(const struct join *j, size_t group, size_t first_result, size_t k)
{
    size_t found = 0;
    if (j->e->run->opt->closed_ranges) {
        for (size_t i = first_result; i < j->out.n; i++) found += mw_pq_there(&j->out.s[i], k);
        return found;
    }
    if (mw_pq_absent(j->one_row[k]) && !j->m->fills_right) return 0;
    for (size_t i = j->first_many[group]; i; i = j->next_many[i - 1])
        found += !mw_pq_absent(j->many.s[i - 1].v[k]);
    mw_pq_tick(j->e->run, found * 4);
    return found;
}

static void check_one_to_one(struct join *j, size_t group, size_t first_result)
{
    size_t first = j->first_many[group];
    if (j->m->group_left || j->m->group_right || !first || !j->next_many[first - 1]) return;
    for (size_t k = 0; k < j->e->n; k++)
        if (met_at(j, group, first_result, k) > 1)
            mw_pq_throw(j->e->run, MW_EEXEC,
                        "multiple matches for labels: many-to-one matching must be explicit "
                        "(group_left/group_right)");
}

/* Where the one side has a value and no row of the many side does, a fill value stands in. */
static void fill_many_side(struct join *j, size_t group)
{
    struct ev *e = j->e;
    if (!j->m->fills_left) return;
    double *values = mw_pq_row(e), fill = j->m->fill_left;
    for (size_t k = 0; k < e->n; k++) {
        bool found = mw_pq_absent(j->one_row[k]);
        for (size_t i = j->first_many[group]; i && !found; i = j->next_many[i - 1])
            found = !mw_pq_absent(j->many.s[i - 1].v[k]), mw_pq_tick(e->run, 4);
        if (!found) values[k] = fill;
    }
    struct series stand_in = {.labels = j->g.labels[group], .v = values};
    join_row(j, &stand_in, values, true);
}

static void join_group(struct join *j, size_t group)
{
    size_t first_result = j->out.n;
    bool fills = j->m->fills_left || j->m->fills_right;
    if (!fills && !j->first_one[group]) return;
    lay_one_side(j, group);
    for (size_t i = j->first_many[group]; i; i = j->next_many[i - 1])
        join_row(j, &j->many.s[i - 1], j->many.s[i - 1].v, false);
    check_one_to_one(j, group, first_result);
    if (fills) fill_many_side(j, group);
}

static struct grouping grouping_of(struct ev *e, const struct matching *m)
{
    return (struct grouping){mw_pq_sorted(e, m->labels), !m->on, false};
}

static void check_unique(struct join *j)
{
    struct groups g;
    static const struct grouping everything = {.without = true, .keep_name = true};
    if (!j->m->group_left && !j->m->group_right) {
        mw_pq_merge(j->e, &j->out, false);
        return;
    }
    g = mw_pq_group(j->e, &j->out, NULL, &everything);
    bool *seen = mw_pq_alloc(j->e->run, g.n * j->e->n + 1, sizeof *seen);
    memset(seen, 0, g.n * j->e->n * sizeof *seen);
    for (size_t i = 0; i < j->out.n && g.n < j->out.n; i++) {
        mw_pq_tick(j->e->run, j->e->n);
        for (size_t k = 0; k < j->e->n; k++) {
            if (!mw_pq_there(&j->out.s[i], k)) continue;
            bool *cell = &seen[g.of[i] * j->e->n + k];
            if (*cell)
                mw_pq_throw(j->e->run, MW_EEXEC,
                            "multiple matches for labels: grouping labels must ensure unique "
                            "matches");
            *cell = true;
        }
    }
    mw_pq_merge(j->e, &j->out, false);
}

static struct vec vector_vector(struct ev *e, const struct node *n, struct vec l, struct vec r)
{
    const struct matching *m = &n->bin.match;
    struct join j = {.e = e, .n = n, .m = m, .many = m->group_right ? r : l};
    j.one = m->group_right ? l : r;
    struct grouping by = grouping_of(e, m);
    bool many = mw_pq_expose(e, &j.many), one = mw_pq_expose(e, &j.one);
    j.histograms = many || one || PQ_IS_TRIM(n->bin.op);
    j.g = mw_pq_group(e, &j.many, &j.one, &by);
    chain(&j, &j.many, 0, &j.first_many, &j.next_many);
    chain(&j, &j.one, j.many.n, &j.first_one, &j.next_one);
    j.one_row = mw_pq_alloc(e->run, e->n, sizeof *j.one_row);
    j.one_of = mw_pq_alloc(e->run, e->n, sizeof *j.one_of);
    j.any_many = mw_pq_alloc(e->run, e->n, sizeof *j.any_many);
    bool fills = m->fills_left || m->fills_right;
    for (size_t k = 0; k < e->n; k++) {
        size_t i = 0;
        j.any_many[k] = fills;
        for (; i < j.many.n && !j.any_many[k]; i++) j.any_many[k] = !mw_pq_absent(j.many.s[i].v[k]);
        mw_pq_tick(e->run, i * 2);
    }
    for (size_t g = 0; g < j.g.n; g++) join_group(&j, g);
    check_unique(&j);
    return j.out;
}

struct value mw_pq_binary(struct ev *e, const struct node *n)
{
    struct value l = mw_pq_eval(e, n->bin.lhs), r = mw_pq_eval(e, n->bin.rhs);
    if (l.type == MW_VALUE_SCALAR && r.type == MW_VALUE_SCALAR) {
        if (PQ_IS_TRIM(n->bin.op))
            mw_pq_throw(e->run, MW_EEXEC, "operator \"%s\" not allowed for Scalar operations",
                        mw_pq_op_text(n->bin.op));
        for (size_t k = 0; k < e->n; k++)
            l.scalar[k] = mw_pq_apply(n->bin.op, l.scalar[k], r.scalar[k]);
        return l;
    }
    if (l.type == MW_VALUE_SCALAR) return vector_scalar(e, n, r.vec, l.scalar, true);
    if (r.type == MW_VALUE_SCALAR) return vector_scalar(e, n, l.vec, r.scalar, false);
    if (PQ_IS_SET(n->bin.op)) {
        struct grouping by = grouping_of(e, &n->bin.match);
        return mw_pq_vector(mw_pq_set_op(e, n->bin.op, l.vec, r.vec, &by));
    }
    return mw_pq_vector(vector_vector(e, n, l.vec, r.vec));
}
