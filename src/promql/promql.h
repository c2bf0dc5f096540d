/* promql.h - PromQL: text to tree to values, over a source of series.
 *
 * The engine does not change after mw_promql_new, but for its log of queries (querylog.h): any
 * number of threads may evaluate at once.
 * Semantics are those of Prometheus 3 (ranges and look-back open on the left) unless closed_ranges.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_PROMQL_H
#define MW_PROMQL_PROMQL_H
#include "base/buf.h"
#include "base/clock.h"
#include "model/source.h"

typedef struct mw_promql mw_promql;

typedef struct mw_promql_options {
    int64_t lookback_ms;     /* 0: 5 minutes */
    int64_t default_step_ms; /* of a subquery without a step; 0: 1 minute */
    bool closed_ranges;      /* as Prometheus 2 */
    bool delayed_names;      /* names that go, go at the end: until then they tell series apart */
    size_t max_samples;      /* read by one query; 0: 50 million */
    size_t max_bytes;        /* of the query's arena; 0: 1 GiB */
    const mw_clock *clock;   /* of its log of queries; NULL: the system's */
} mw_promql_options;

mw_promql *mw_promql_new(const mw_promql_options *o); /* O may be NULL */
void mw_promql_free(mw_promql *q);

/* Parse and check types.  MW_EPARSE: ERR has line, column (1-based, the column in bytes) and text.
 */
int mw_promql_check(mw_str expr, mw_err *err);

typedef enum mw_value_type {
    MW_VALUE_SCALAR,
    MW_VALUE_VECTOR,
    MW_VALUE_MATRIX,
    MW_VALUE_STRING,
    MW_VALUE_NONE
} mw_value_type;
const char *
mw_value_type_name(mw_value_type t); /* "scalar", "vector", "matrix", "string", "none" */
/* The type that EXPR gives, or MW_VALUE_NONE with ERR filled. */
mw_value_type mw_promql_type(mw_str expr, mw_err *err);

/* EXPR added to OUT as Prometheus would write it: in one line, or PRETTY over as many as it takes.
 * Reading that gives the same tree.  MW_ELIMIT when it gets absurdly long. */
int mw_promql_format(mw_str expr, bool pretty, mw_buf *out, mw_err *err);
/* The tree of EXPR added to OUT as JSON, with the members of Prometheus' /api/v1/parse_query. */
int mw_promql_tree_json(mw_str expr, mw_buf *out, mw_err *err);

typedef struct mw_promql_query {
    mw_str expr;
    bool range;                 /* false: instant at start */
    int64_t start, end, step;   /* milliseconds; end and step for ranges; step > 0, start <= end */
    int64_t lookback_ms;        /* 0: the engine's */
    int64_t deadline_mono_ns;   /* mw_mono_ns() after which it stops with MW_ETIMEOUT; 0: none */
    const volatile int *cancel; /* not NULL: stops with MW_ECANCEL soon after it becomes non-zero */
    const char *origin;         /* who asks, for the log of queries; NULL: nobody in particular */
    size_t max_samples;         /* fewer than the engine's; 0: as many */
    bool histograms;            /* rows may hold native histograms; otherwise they are left out */
} mw_promql_query;

typedef struct mw_promql_row {
    const mw_labels *labels;
    size_t n;
    const int64_t *t;
    const double *v;
    size_t n_h; /* native histograms stand beside the floats; 0 unless the query asked for them */
    const int64_t *t_h;
    const mw_nhist *const *h;
} mw_promql_row;

typedef struct mw_promql_result {
    mw_value_type type;
    size_t n;                  /* scalar: 1 row with empty labels; string: 0 */
    const mw_promql_row *rows; /* a vector has n + n_h = 1 in each row; a range query: a matrix */
    mw_str string;             /* with MW_VALUE_STRING */
    int64_t string_t;
    size_t n_warnings, n_infos;
    const char *const *warnings, *const *infos;
    size_t samples_read;
} mw_promql_result;

/* MW_OK and *OUT (freed with mw_promql_result_free), or a code with ERR:
 * MW_EPARSE: bad_data.  MW_EEXEC, MW_ELIMIT: execution.  MW_ETIMEOUT.  MW_ECANCEL. */
int mw_promql_eval(const mw_promql *q, mw_source *src, const mw_promql_query *query,
                   mw_promql_result **out, mw_err *err);
/* How QUERY is evaluated, added to OUT as JSON: its nodes as a tree, each with what it does, what
 * it took and what may be made better.  ANALYZE: it is evaluated for that; otherwise only the plan.
 * Codes as above, and MW_ELIMIT for an expression of more parts than anybody reads. */
int mw_promql_explain(const mw_promql *q, mw_source *src, const mw_promql_query *query,
                      bool analyze, mw_buf *out, mw_err *err);

void mw_promql_result_free(mw_promql_result *r); /* NULL is fine */
/* A vector of N rows, all empty, for whoever knows an answer already: ROWS are to be filled in, and
 * what they point to has to outlive them. */
mw_promql_result *mw_promql_vector(size_t n, mw_promql_row **rows);

/* An expression that is asked again and again, parsed and checked once; for one thread at a time.
 * NULL with ERR as mw_promql_check.  In the query of mw_promql_eval_prepared expr is not read. */
typedef struct mw_promql_prepared mw_promql_prepared;
mw_promql_prepared *mw_promql_prepare(mw_str expr, mw_err *err);
void mw_promql_prepared_free(mw_promql_prepared *p); /* NULL is fine */
mw_value_type mw_promql_prepared_type(const mw_promql_prepared *p);
mw_str mw_promql_prepared_text(const mw_promql_prepared *p); /* as it was written; borrowed */
int mw_promql_eval_prepared(const mw_promql *q, mw_source *src, mw_promql_prepared *p,
                            const mw_promql_query *query, mw_promql_result **out, mw_err *err);

/* The "data" member of the API's answer: {"resultType":...,"result":[...]}.  It is written from AT
 * on (zeroes first) until OUT holds SOFT bytes or a little more, and AT says where to go on; true
 * when done. */
typedef struct mw_promql_cursor {
    size_t row, point;
} mw_promql_cursor;
bool mw_promql_result_json(const mw_promql_result *r, mw_promql_cursor *at, size_t soft,
                           mw_buf *out);

/* Names of functions by number, 0, 1, ...; NULL behind the last. */
const char *mw_promql_function(size_t i);

/* Matchers of a series selector such as up{job="x"}, for match[] parameters.  Freed by
 * mw_matchers_free. */
int mw_promql_selector(mw_str text, mw_matcher **out, size_t *n, mw_err *err);
void mw_matchers_free(mw_matcher *m, size_t n);

/* The matchers of every selector in EXPR, in the order written; the rest of each mw_select is zero.
 * Freed by mw_promql_selectors_free. */
int mw_promql_selectors(mw_str expr, mw_select **out, size_t *n, mw_err *err);
void mw_promql_selectors_free(mw_select *sel, size_t n);

#endif
