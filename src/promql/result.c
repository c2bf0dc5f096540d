/* result.c - rows as they leave: absent steps left out, names dropped, order made, JSON written.
 *
 * The result keeps the arena of its query: nothing is copied but the labels that lost a name.
 * SPDX-License-Identifier: MIT */
#include "promql/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "promql/functions.h"

struct result {
    mw_promql_result face; /* first: what the caller holds */
    mw_arena *arena;
};

mw_promql_result *mw_pq_result_new(size_t max_bytes)
{
    struct result *r = mw_zalloc(sizeof *r);
    r->arena = mw_arena_new(max_bytes);
    return &r->face;
}

mw_arena *mw_pq_result_arena(mw_promql_result *r) { return ((struct result *)r)->arena; }

void mw_promql_result_free(mw_promql_result *r)
{
    if (!r) return;
    mw_arena_free(((struct result *)r)->arena);
    mw_free(r);
}

mw_promql_result *mw_promql_vector(size_t n, mw_promql_row **rows)
{
    mw_promql_result *r = mw_pq_result_new(0);
    *rows = mw_arena_array(mw_pq_result_arena(r), n + 1, sizeof **rows);
    r->type = MW_VALUE_VECTOR;
    r->rows = *rows;
    r->n = n;
    return r;
}

/* -- rows ----------------------------------------------------------------------------------- */

static int by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(((const mw_promql_row *)a)->labels, ((const mw_promql_row *)b)->labels);
}

/* Steps with a value, moved together in place; their times into T. */
static size_t compact(struct ev *e, double *v, int64_t *t)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (mw_pq_absent(v[i])) continue;
        t[n] = e->start + (int64_t)i * e->step;
        v[n++] = v[i];
    }
    return n;
}

/* The same of the histograms of S into ROW. */
static void compact_histograms(struct ev *e, const struct series *s, mw_promql_row *row)
{
    if (!s->h || !e->run->query->histograms) return;
    int64_t *t = mw_pq_alloc(e->run, e->n, sizeof *t);
    const mw_nhist **h = mw_pq_alloc(e->run, e->n, sizeof *h);
    for (size_t i = 0; i < e->n; i++) {
        if (!s->h[i]) continue;
        t[row->n_h] = e->start + (int64_t)i * e->step;
        h[row->n_h++] = s->h[i];
    }
    row->t_h = t;
    row->h = h;
}

static void take_notes(struct run *r, mw_promql_result *out)
{
    out->warnings = mw_pq_notes(r, PQ_WARNING, &out->n_warnings);
    out->infos = mw_pq_notes(r, PQ_INFO, &out->n_infos);
    out->samples_read = r->samples;
}

static void finish(struct ev *e, mw_promql_result *out, mw_promql_row *rows, size_t n, bool sort)
{
    if (sort && n) qsort(rows, n, sizeof *rows, by_labels);
    out->rows = rows;
    out->n = n;
    take_notes(e->run, out);
}

/* Rows of one value each, or of those steps that have one. */
static void vector_rows(struct ev *e, struct vec *v, bool sort, mw_promql_result *out)
{
    mw_promql_row *rows = mw_pq_alloc(e->run, v->n + 1, sizeof *rows);
    size_t n = 0;
    int64_t *t = NULL;
    for (size_t i = 0; i < v->n; i++) {
        if (!t) t = mw_pq_alloc(e->run, e->n, sizeof *t);
        mw_promql_row row = {.t = t, .v = v->s[i].v, .n = compact(e, v->s[i].v, t)};
        compact_histograms(e, &v->s[i], &row);
        if (!row.n && !row.n_h) continue;
        row.labels = mw_pq_seen(e, &v->s[i]);
        rows[n++] = row;
        t = NULL;
    }
    finish(e, out, rows, n, sort);
}

/* Whether the rows that ROOT gives stand in an order that means something. */
static bool ordered(const struct node *root)
{
    if (root->kind == N_CALL) return root->call.fn->flags & FN_ORDERS;
    return root->kind == N_AGGREGATE && (root->agg.op == T_KW_TOPK || root->agg.op == T_KW_BOTTOMK);
}

void mw_pq_result_value(struct ev *e, const struct node *root, struct value *v,
                        mw_promql_result *out)
{
    bool range = e->run->query->range;
    e->run->names_go = true;
    out->type = range ? MW_VALUE_MATRIX : v->type;
    if (v->type == MW_VALUE_STRING) {
        char *copy = mw_pq_alloc(e->run, v->string.n + 1, 1);
        memcpy(copy, v->string.p ? v->string.p : "", v->string.n);
        copy[v->string.n] = 0;
        out->string = (mw_str){copy, v->string.n};
        out->string_t = e->start;
        take_notes(e->run, out);
        return;
    }
    if (v->type == MW_VALUE_SCALAR) {
        double *row = v->scalar;
        v->vec = (struct vec){.distinct = true};
        mw_pq_add_row(e, &v->vec, mw_pq_labels(e, NULL, 0), row);
    } else
        mw_pq_merge(e, &v->vec, false);
    vector_rows(e, &v->vec, range || !ordered(root), out);
}

/* -- range vectors at the top --------------------------------------------------------------- */

struct matrix {
    const struct node *root;
    mw_promql_row *rows;
    size_t n, cap;
};

/* Samples LO to HI, floats and histograms apart. */
static mw_promql_row matrix_samples(struct ev *e, const struct samples *s, size_t lo, size_t hi)
{
    mw_promql_row row = {.n = 0};
    int64_t *t = mw_pq_alloc(e->run, hi - lo, sizeof *t);
    double *v = mw_pq_alloc(e->run, hi - lo, sizeof *v);
    row.t = t;
    row.v = v;
    for (size_t i = lo; i < hi; i++)
        if (!s->h || !s->h[i]) t[row.n] = s->t[i], v[row.n++] = s->v[i];
    if (row.n == hi - lo || !e->run->query->histograms) return row;
    int64_t *t_h = mw_pq_alloc(e->run, hi - lo - row.n, sizeof *t_h);
    const mw_nhist **h = mw_pq_alloc(e->run, hi - lo - row.n, sizeof *h);
    row.t_h = t_h;
    row.h = h;
    for (size_t i = lo; i < hi; i++)
        if (s->h[i]) t_h[row.n_h] = s->t[i], h[row.n_h++] = mw_pq_keep_histogram(e, s->h[i]);
    return row;
}

static void matrix_row(struct ev *e, const struct samples *s, void *arg)
{
    struct matrix *m = arg;
    const struct when *w = &m->root->sel.when;
    int64_t to = mw_pq_time(e, w, 0), from = to - w->range_ms;
    size_t lo = 0, hi = s->n;
    while (lo < hi && (e->run->opt->closed_ranges ? s->t[lo] < from : s->t[lo] <= from)) lo++;
    while (hi > lo && s->t[hi - 1] > to) hi--;
    if (lo == hi) return;
    mw_promql_row row = matrix_samples(e, s, lo, hi);
    if (!row.n && !row.n_h) return;
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        mw_promql_row *rows = mw_pq_alloc(e->run, cap, sizeof *rows);
        if (m->n) memcpy(rows, m->rows, m->n * sizeof *rows);
        m->rows = rows;
        m->cap = cap;
    }
    struct series seen = {.labels = s->labels, .nameless = s->nameless};
    e->run->names_go = true;
    row.labels = mw_pq_seen(e, &seen);
    m->rows[m->n++] = row;
}

void mw_pq_result_matrix(struct ev *e, const struct node *root, mw_promql_result *out)
{
    struct matrix m = {.root = root};
    mw_pq_each_range(e, root, NULL, matrix_row, &m);
    out->type = MW_VALUE_MATRIX;
    finish(e, out, m.rows, m.n, true);
}

/* -- JSON ----------------------------------------------------------------------------------- */

static void put_time(mw_buf *out, int64_t ms)
{
    int64_t s = ms / 1000, rest = llabs(ms % 1000);
    if (ms < 0 && s == 0) mw_buf_byte(out, '-');
    mw_buf_int(out, s);
    if (!rest) return;
    char text[8];
    int n = snprintf(text, sizeof text, ".%03d", (int)rest);
    while (text[n - 1] == '0') n--;
    mw_buf_add(out, text, (size_t)n);
}

static void put_point(mw_buf *out, int64_t t, double v)
{
    char text[MW_DOUBLE_MAX];
    mw_buf_byte(out, '[');
    put_time(out, t);
    mw_buf_text(out, ",\"");
    mw_buf_add(out, text, (size_t)mw_double_fixed(v, text));
    mw_buf_text(out, "\"]");
}

static void put_histogram(mw_buf *out, int64_t t, const mw_nhist *h)
{
    mw_buf_byte(out, '[');
    put_time(out, t);
    mw_buf_byte(out, ',');
    mw_nhist_json(h, out);
    mw_buf_byte(out, ']');
}

/* Points of ROW from *AT on, floats first, at least one; true when all are written. */
static bool put_points(const mw_promql_row *row, size_t *at, size_t soft, mw_buf *out)
{
    for (size_t first = *at; *at < row->n + row->n_h; ++*at) {
        if (*at > first && out->n >= soft) return false;
        bool floats = *at < row->n;
        size_t i = floats ? *at : *at - row->n, n = floats ? row->n : row->n_h;
        mw_buf_text(out, i ? "," : floats ? ",\"values\":[" : ",\"histograms\":[");
        if (floats)
            put_point(out, row->t[i], row->v[i]);
        else
            put_histogram(out, row->t_h[i], row->h[i]);
        if (i + 1 == n) mw_buf_byte(out, ']');
    }
    return true;
}

static void put_only_point(const mw_promql_row *row, mw_buf *out)
{
    mw_buf_text(out, row->n ? ",\"value\":" : ",\"histogram\":");
    if (row->n)
        put_point(out, row->t[0], row->v[0]);
    else
        put_histogram(out, row->t_h[0], row->h[0]);
}

/* The row at AT, or its rest; false when more of it is to come. */
static bool put_row(const mw_promql_result *r, mw_promql_cursor *at, size_t soft, mw_buf *out)
{
    const mw_promql_row *row = &r->rows[at->row];
    if (!at->point) {
        mw_buf_text(out, at->row ? ",{\"metric\":" : "{\"metric\":");
        mw_labels_json(row->labels, out);
    }
    if (r->type == MW_VALUE_VECTOR)
        put_only_point(row, out);
    else if (!put_points(row, &at->point, soft, out))
        return false;
    mw_buf_byte(out, '}');
    return true;
}

/* Scalars and strings are one point. */
static void put_single(const mw_promql_result *r, mw_buf *out)
{
    if (r->type == MW_VALUE_SCALAR) {
        put_point(out, r->rows[0].t[0], r->rows[0].v[0]);
        return;
    }
    mw_buf_byte(out, '[');
    put_time(out, r->string_t);
    mw_buf_byte(out, ',');
    mw_buf_json(out, r->string);
    mw_buf_byte(out, ']');
}

bool mw_promql_result_json(const mw_promql_result *r, mw_promql_cursor *at, size_t soft,
                           mw_buf *out)
{
    bool single = r->type == MW_VALUE_SCALAR || r->type == MW_VALUE_STRING;
    if (!at->row && !at->point) {
        mw_buf_printf(out, "{\"resultType\":\"%s\",\"result\":", mw_value_type_name(r->type));
        if (single)
            put_single(r, out);
        else
            mw_buf_byte(out, '[');
    }
    for (size_t first = at->row; !single && at->row < r->n; at->row++, at->point = 0) {
        if (at->row > first && out->n >= soft) return false; /* a call always gets somewhere */
        if (!put_row(r, at, soft, out)) return false;
    }
    mw_buf_text(out, single ? "}" : "]}");
    return true;
}
