/* eval.c - walking the tree, and one whole evaluation from text to result.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "promql/functions.h"
#include "promql/hist.h"
#include "promql/querylog.h"
#include "promql/result.h"
#include "promql/trace.h"

/* -- nodes ---------------------------------------------------------------------------------- */

static double *repeat(struct ev *e, double v)
{
    double *row = mw_pq_alloc(e->run, e->n, sizeof *row);
    for (size_t i = 0; i < e->n; i++) row[i] = v;
    return row;
}

static const mw_nhist **repeat_histogram(struct ev *e, const mw_nhist **h)
{
    if (!h) return NULL;
    const mw_nhist **row = mw_pq_alloc(e->run, e->n, sizeof *row);
    for (size_t i = 0; i < e->n; i++) row[i] = h[0];
    return row;
}

void mw_pq_negate_row(struct ev *e, struct series *s)
{
    if (s->h) mw_pq_hist_negate_row(e, s);
    for (size_t k = 0; k < e->n; k++)
        if (!mw_pq_absent(s->v[k])) s->v[k] = -s->v[k];
}

static struct value eval_unary(struct ev *e, const struct node *n)
{
    struct value v = mw_pq_eval(e, n->unary.inner);
    if (n->unary.plus) return v;
    if (v.type == MW_VALUE_SCALAR) {
        for (size_t i = 0; i < e->n; i++) v.scalar[i] = -v.scalar[i];
        return v;
    }
    for (size_t i = 0; i < v.vec.n; i++) mw_pq_negate_row(e, &v.vec.s[i]);
    mw_pq_drop_names(e, &v.vec);
    mw_pq_merge(e, &v.vec, false);
    return v;
}

static struct value eval_selector(struct ev *e, const struct node *n)
{
    struct vec v = {.distinct = mw_pq_one_name(n) && !e->run->typed};
    mw_pq_select_rows(e, n, NULL, false, mw_pq_collect, &v);
    return mw_pq_vector(v);
}

static struct value eval_here(struct ev *e, const struct node *n)
{
    switch (n->kind) {
    case N_NUMBER: return mw_pq_numbers(repeat(e, n->number));
    case N_STRING: return (struct value){.type = MW_VALUE_STRING, .string = n->string};
    case N_SELECTOR: return eval_selector(e, n);
    case N_CALL: return n->call.fn->eval(e, n);
    case N_AGGREGATE: return mw_pq_aggregate(e, n);
    case N_BINARY: return mw_pq_binary(e, n);
    case N_UNARY: return eval_unary(e, n);
    case N_SUBQUERY: break; /* only as an argument or at the top, see range.c and below */
    }
    mw_pq_throw(e->run, MW_EEXEC, "a range vector stands where a value is needed");
}

/* A node that gives the same at every step is computed at the first and repeated. */
static struct value eval_once(struct ev *e, const struct node *n)
{
    struct ev one = *e;
    one.n = 1;
    struct value v = eval_here(&one, n);
    if (v.type == MW_VALUE_SCALAR) v.scalar = repeat(e, v.scalar[0]);
    for (size_t i = 0; v.type == MW_VALUE_VECTOR && i < v.vec.n; i++) {
        v.vec.s[i].v = repeat(e, v.vec.s[i].v[0]);
        v.vec.s[i].h = repeat_histogram(e, v.vec.s[i].h);
    }
    return v;
}

struct value mw_pq_eval_plain(struct ev *e, const struct node *n)
{
    bool leaf = n->kind == N_NUMBER || n->kind == N_STRING;
    struct value v;
    if (mw_pq_recall(e, n, &v)) return v;
    v = n->fixed && e->n > 1 && !leaf ? eval_once(e, n) : eval_here(e, n);
    mw_pq_remember(e, n, &v);
    return v;
}

struct value mw_pq_eval(struct ev *e, const struct node *n)
{
    return e->run->trace ? mw_pq_traced_eval(e, n) : mw_pq_eval_plain(e, n);
}

struct vec mw_pq_eval_vec(struct ev *e, const struct node *n)
{
    struct value v = mw_pq_eval(e, n);
    if (v.type == MW_VALUE_VECTOR) return v.vec;
    struct vec one = {.distinct = true};
    mw_pq_add_row(e, &one, mw_pq_labels(e, NULL, 0), v.scalar);
    return one;
}

double *mw_pq_eval_scalar(struct ev *e, const struct node *n) { return mw_pq_eval(e, n).scalar; }

/* -- the engine ----------------------------------------------------------------------------- */

struct mw_promql {
    mw_promql_options opt;
    mw_querylog *log;
};

mw_promql *mw_promql_new(const mw_promql_options *o)
{
    mw_promql *q = mw_zalloc(sizeof *q);
    if (o) q->opt = *o;
    if (q->opt.lookback_ms <= 0) q->opt.lookback_ms = 5 * 60 * 1000;
    if (q->opt.default_step_ms <= 0) q->opt.default_step_ms = 60 * 1000;
    if (!q->opt.max_samples) q->opt.max_samples = 50 * 1000 * 1000;
    if (!q->opt.max_bytes) q->opt.max_bytes = (size_t)1 << 30;
    q->log = mw_querylog_new(q->opt.clock);
    return q;
}

void mw_promql_free(mw_promql *q)
{
    if (q) mw_querylog_free(q->log);
    mw_free(q);
}

mw_querylog *mw_promql_log(const mw_promql *q) { return q->log; }
const mw_promql_options *mw_pq_options(const mw_promql *q) { return &q->opt; }

/* Times and distances that can be added up without a thought. */
static const int64_t far = INT64_MAX / 1024;

static size_t step_count(const mw_promql_query *q)
{
    return q->range && q->end > q->start ? (size_t)((q->end - q->start) / q->step) + 1 : 1;
}

static bool may_have_types(mw_source *s)
{
    if (!s->has_label) return true;
    return s->has_label(s, MW_STR("__type__")) || s->has_label(s, MW_STR("__unit__"));
}

static void evaluate(struct run *r, struct node *root, mw_promql_result *out)
{
    const mw_promql_query *q = r->query;
    struct ev e = {.run = r, .start = q->start, .step = q->range ? q->step : 1};
    e.lookback = q->lookback_ms > 0 ? q->lookback_ms : r->opt->lookback_ms;
    if (e.lookback > far) e.lookback = far;
    e.n = step_count(q);
    if (e.n == 1 && e.step > far) e.step = far; /* there is no second one */
    mw_pq_prepare(r, root);
    mw_pq_share(r, root);
    r->typed = may_have_types(r->source);
    if (r->trace && !mw_pq_trace_start(r)) return;
    if (root->type == MW_VALUE_MATRIX) {
        mw_pq_result_matrix(&e, root, out);
        return;
    }
    struct value v = mw_pq_eval(&e, root);
    mw_pq_result_value(&e, root, &v, out);
}

void mw_pq_close_run(struct run *r)
{
    if (r->open) r->open->close(r->open);
    if (r->given) r->given->close(r->given);
    for (size_t i = 0; i < r->n_regexes; i++) mw_regex_free(r->regexes[i]);
    mw_free(r->regexes);
}

/* Everything that is alive when a throw arrives here hangs from R. */
static int guarded(struct run *r, struct node *root, mw_promql_result *out)
{
    int rc = setjmp(r->exit);
    if (rc == 0) evaluate(r, root, out);
    return rc;
}

static int check_query(const mw_promql_query *query, const struct ast *a, mw_err *err)
{
    mw_value_type type = a->root->type;
    if (query->range && (query->step <= 0 || query->end < query->start))
        return mw_fail(err, MW_EARG, 0, 0, "a range query needs a positive step and start <= end");
    if (llabs(query->start) > far || (query->range && llabs(query->end) > far))
        return mw_fail(err, MW_EARG, 0, 0, "query time out of range");
    if (query->range && type != MW_VALUE_VECTOR && type != MW_VALUE_SCALAR)
        return mw_fail(err, MW_EPARSE, 1, 1,
                       "invalid expression type \"%s\" for range query, must be Scalar or instant "
                       "Vector",
                       mw_pq_type_text(type));
    return MW_OK;
}

int mw_pq_run(const mw_promql *q, mw_source *src, const mw_promql_query *query, struct ast *a,
              struct trace *trace, mw_promql_result **out, mw_err *err)
{
    *out = NULL;
    int rc = check_query(query, a, err);
    if (!rc && q->opt.closed_ranges) rc = mw_pq_as_version_2(a, err);
    if (rc != MW_OK) return rc;
    mw_promql_result *res = mw_pq_result_new(q->opt.max_bytes);
    struct run r = {.arena = mw_pq_result_arena(res), .source = src, .opt = &q->opt};
    mw_query_running running;
    r.query = query;
    r.src = a->src;
    r.err = err;
    r.trace = trace;
    r.stop = &running.cancel;
    r.names_go = !q->opt.delayed_names;
    mw_querylog_begin(q->log, &running, a->src, query);
    rc = guarded(&r, a->root, res);
    if (trace && trace->plan_only)
        mw_querylog_end(q->log, &running, &(mw_query_end){.code = rc});
    else
        mw_pq_log_query(q->log, &running, a, rc, r.samples);
    if (rc == MW_OK)
        *out = res;
    else
        mw_promql_result_free(res);
    mw_pq_close_run(&r);
    return rc;
}

int mw_promql_eval(const mw_promql *q, mw_source *src, const mw_promql_query *query,
                   mw_promql_result **out, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    *out = NULL;
    struct ast *a = mw_pq_parse(query->expr, err);
    if (!a) return err->code;
    int rc = mw_pq_run(q, src, query, a, NULL, out, err);
    mw_pq_free(a);
    return rc;
}

/* -- one expression, many times ------------------------------------------------------------- */

struct mw_promql_prepared {
    struct ast *ast;
};

mw_promql_prepared *mw_promql_prepare(mw_str expr, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct ast *a = mw_pq_parse(expr, err);
    if (!a) return NULL;
    mw_promql_prepared *p = mw_alloc(sizeof *p);
    p->ast = a;
    return p;
}

void mw_promql_prepared_free(mw_promql_prepared *p)
{
    if (!p) return;
    mw_pq_free(p->ast);
    mw_free(p);
}

mw_value_type mw_promql_prepared_type(const mw_promql_prepared *p) { return p->ast->root->type; }
mw_str mw_promql_prepared_text(const mw_promql_prepared *p) { return p->ast->src; }

int mw_promql_eval_prepared(const mw_promql *q, mw_source *src, mw_promql_prepared *p,
                            const mw_promql_query *query, mw_promql_result **out, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    *out = NULL;
    return mw_pq_run(q, src, query, p->ast, NULL, out, err);
}

int mw_promql_check(mw_str expr, mw_err *err)
{
    mw_err own;
    if (!err) mw_err_init(&own), err = &own;
    struct ast *a = mw_pq_parse(expr, err);
    mw_pq_free(a);
    return a ? MW_OK : err->code;
}

mw_value_type mw_promql_type(mw_str expr, mw_err *err)
{
    struct ast *a = mw_pq_parse(expr, err);
    mw_value_type type = a ? a->root->type : MW_VALUE_NONE;
    mw_pq_free(a);
    return type;
}

const char *mw_value_type_name(mw_value_type t)
{
    static const char *const names[] = {"scalar", "vector", "matrix", "string", "none"};
    return names[t];
}
