/* eval.h - what the evaluating files of this floor share.
 *
 * Every node is evaluated for all steps at once: an instant vector is a list of series with one
 * value per step.  A step without a value holds the bits of the stale marker, which no selector
 * lets through and no arithmetic produces.  A step whose value is a native histogram looks like one
 * without a value to all code that knows only floats; the histogram stands beside it: see hist.h.
 *
 * All memory is in the arena of the run, and a failure leaves by mw_pq_throw (longjmp) to
 * mw_promql_eval, so the code in between neither frees nor checks.  What the arena cannot hold (an
 * open series set, a compiled regular expression) hangs from the run and is closed there.
 *
 * A value that an evaluator returns belongs to its caller, who may change it in place.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_EVAL_H
#define MW_PROMQL_EVAL_H
#include <setjmp.h>

#include "base/arena.h"
#include "model/nhist_math.h"
#include "promql/ast.h"

struct run {
    jmp_buf exit;
    mw_arena *arena;
    mw_source *source;
    const mw_promql_options *opt;
    const mw_promql_query *query;
    mw_str src; /* text of the query, for places */
    mw_err *err;
    struct trace *trace;      /* NULL: nobody wants to know what nodes take */
    const volatile int *stop; /* beside the query's cancel: somebody else wants it to end */
    mw_series_set *open;      /* NULL when none is */
    mw_series_set *given; /* what the selector GIVEN_TO reads instead of opening a set of its own */
    const struct node *given_to;
    bool piece;         /* of a parallel evaluation, which does not split again */
    bool typed;         /* some series may have a type or a unit, which go with the name */
    mw_regex **regexes; /* compiled while running */
    size_t n_regexes, regexes_cap, regex_bytes;
    size_t samples, work;         /* read so far; since the clock was looked at */
    struct mw_pq_notes *notes[2]; /* NULL: none */
    bool names_go;        /* rows that lost their names show it; otherwise only at the end */
    mw_nwork *work_of[3]; /* see hist.h */
};
enum { PQ_WARNING, PQ_INFO };
struct ev;
struct trace; /* trace.h */

/* The steps that are computed: start, start + step, ... */
struct ev {
    struct run *run;
    int64_t start, step, lookback;
    size_t n;
    bool hints; /* selectors say of each histogram whether its counter was reset */
};

struct series {
    const mw_labels *labels;
    double *v;          /* one per step */
    const mw_nhist **h; /* NULL, or one per step: where not NULL, v is absent */
    bool nameless;      /* labels still has __name__, but it no longer counts: see names_go */
};

struct vec {
    struct series *s;
    size_t n, cap;
    bool distinct; /* no two rows have the same labels, even without their names */
};

struct value {
    mw_value_type type;
    double *scalar; /* one per step */
    struct vec vec;
    mw_str string;
};

/* -- eval.c --------------------------------------------------------------------------------- */

/* The _plain of a function here and below is what a trace is kept around. */
struct value mw_pq_eval(struct ev *e, const struct node *n);
struct value mw_pq_eval_plain(struct ev *e, const struct node *n);
struct vec mw_pq_eval_vec(struct ev *e, const struct node *n);
double *mw_pq_eval_scalar(struct ev *e, const struct node *n);

void mw_pq_close_run(struct run *r); /* all but the arena */

/* -- run.c ---------------------------------------------------------------------------------- */

void mw_pq_throw(struct run *r, int code, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
void mw_pq_no_room(struct run *r) __attribute__((noreturn)); /* the arena is full */
void *mw_pq_alloc(struct run *r, size_t n, size_t size);     /* never NULL; not zeroed */
void mw_pq_tick(struct run *r, size_t work);    /* throws when time is up or somebody cancelled */
void mw_pq_read(struct run *r, size_t samples); /* throws over the limit of samples */

/* -- notes.c -------------------------------------------------------------------------------- */

/* A note of KIND, once per text; the place of NODE is added unless it is NULL. */
void mw_pq_note(struct run *r, int kind, const struct node *node, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

void mw_pq_note_quantile(struct ev *e, const struct node *arg, const double *q);
struct repair {
    bool forced;
    double low, high, diff; /* bounds between which counts fell, and by how much at most */
};
void mw_pq_note_repair(struct run *r, const struct node *node, mw_str metric,
                       const struct repair *how, int64_t t);
void mw_pq_notes_take(struct run *r, const struct run *from); /* what was noted there, here, too */
const char *const *mw_pq_notes(struct run *r, int kind, size_t *n); /* as they are told */

/* -- vec.c: rows ---------------------------------------------------------------------------- */

static inline bool mw_pq_absent(double v) { return mw_is_stale(v); }
double mw_pq_none(void);         /* a step without a value */
double *mw_pq_row(struct ev *e); /* of steps without values */
void mw_pq_clear_row(struct ev *e, double *row);
struct series *mw_pq_add(struct ev *e, struct vec *v, const mw_labels *labels); /* values absent */
void mw_pq_add_row(struct ev *e, struct vec *v, const mw_labels *labels, double *row);
struct value mw_pq_vector(struct vec v);
struct value mw_pq_numbers(double *scalar);
const mw_labels *mw_pq_labels(struct ev *e, const mw_label *l, size_t n);
mw_str mw_pq_label(const mw_labels *ls, mw_str name); /* {NULL, 0} when absent */
/* __name__, __type__ and __unit__: what goes when a name goes. */
bool mw_pq_is_meta(mw_str name);
bool mw_pq_nameless(const struct ev *e, const struct series *s); /* already now */
mw_str mw_pq_name(const struct series *s); /* metric name for messages; may be empty */
/* The labels of S as they are seen outside: without the name when it no longer counts. */
const mw_labels *mw_pq_seen(struct ev *e, const struct series *s);
void mw_pq_drop_names(struct ev *e, struct vec *v);
/* Rows with equal labels become one; two values at one step is the error of Prometheus.  STRICT:
 * equal labels are an error whatever the steps. */
void mw_pq_merge(struct ev *e, struct vec *v, bool strict);

/* Which labels tell groups apart. */
struct grouping {
    struct names names; /* sorted */
    bool without;       /* all but these and the name */
    bool keep_name;     /* with without: the name tells apart too */
};
struct groups {
    const mw_labels **labels; /* of each group */
    size_t n;
    size_t *of; /* group of each row */
};

enum { PQ_MET_BITS = 7 };
struct met { /* a label set that came by, and its group */
    const mw_labels *labels;
    uint32_t group;
    bool nameless;
};
struct grouper {
    const struct grouping *by;
    const mw_labels **labels; /* of each group */
    size_t n, cap;
    uint64_t *hashes;
    uint32_t *slots; /* group number + 1; 0 is free */
    size_t mask;
    mw_label *picked;
    size_t widest;
    struct met met[1 << PQ_MET_BITS];
};

/* -- group.c -------------------------------------------------------------------------------- */

struct names mw_pq_sorted(struct ev *e, struct names names);
/* BY is borrowed.  Label sets of the rows must not move or be freed while rows are grouped. */
struct grouper *mw_pq_grouper(struct ev *e, const struct grouping *by);
size_t mw_pq_group_of(struct ev *e, struct grouper *t, const struct series *s);
/* Groups of the rows of A and then of B (NULL: none): of[] has A->n + B->n entries. */
struct groups mw_pq_group(struct ev *e, const struct vec *a, const struct vec *b,
                          const struct grouping *g);

/* -- prepare.c, select.c, range.c: selectors ------------------------------------------------ */

void mw_pq_prepare(struct run *r, struct node *n);
bool mw_pq_one_name(const struct node *sel); /* all its series have the same metric name */
static inline bool mw_pq_stays(const struct when *w) { return w->at && !w->moves_on; }
int64_t mw_pq_time(const struct ev *e, const struct when *w, size_t step); /* looked at */

/* What a reader wants of the labels of the rows it is given. */
struct want {
    const mw_keep *keep; /* NULL: all */
    bool later;          /* none, until mw_pq_labels_of asks for them */
    mw_digest digest;    /* of the samples of a range that is looked at once */
};
void mw_pq_open(struct ev *e, const struct node *sel, const struct want *want);
bool mw_pq_next_series(struct ev *e, mw_series_view *out); /* false: no more, and closed */
const mw_nhist *mw_pq_keep_histogram(struct ev *e, const mw_nhist *h); /* a copy in the arena */

struct samples {
    const mw_labels *labels;
    bool nameless;
    const int64_t *t; /* stale markers left out */
    const double *v;
    size_t n;
    const mw_nhist *const *h; /* NULL: only floats; h[i] not NULL: v[i] is not one */
    size_t left_out;          /* as in mw_series_view */
};
typedef void pq_samples_fn(struct ev *e, const struct samples *s, void *arg);
/* Every series of the range selector or subquery N, one after the other. */
void mw_pq_each_range(struct ev *e, const struct node *n, const struct want *want,
                      pq_samples_fn *fn, void *arg);
void mw_pq_each_range_plain(struct ev *e, const struct node *n, const struct want *want,
                            pq_samples_fn *fn, void *arg);

/* -- stream.c: rows one after the other ------------------------------------------------------ */

/* A row that passes by: S, its values last until FN returns, its labels and histograms as long as
 * the run.  FN may change the values in place. */
typedef void pq_row_fn(struct ev *e, struct series *s, void *arg);

/* Can the rows of N be given one after the other, without knowing the others? */
bool mw_pq_streams(const struct ev *e, const struct node *n);
/* The selector that a node which streams reads from. */
const struct node *mw_pq_stream_source(const struct node *n);
/* Rows of N, which streams. */
void mw_pq_each_row(struct ev *e, const struct node *n, const struct want *want, pq_row_fn *fn,
                    void *arg);
void mw_pq_each_row_plain(struct ev *e, const struct node *n, const struct want *want,
                          pq_row_fn *fn, void *arg);
/* Into the vector ARG: a pq_row_fn. */
void mw_pq_collect(struct ev *e, struct series *s, void *arg);
/* Full labels of the row that passes by; NULL: its series is gone. */
const mw_labels *mw_pq_labels_of(struct ev *e, const struct series *s);

/* Nodes of other files that give rows one after the other. */
void mw_pq_select_rows(struct ev *e, const struct node *n, const struct want *want, bool timestamps,
                       pq_row_fn *fn, void *arg);
void mw_pq_select_rows_plain(struct ev *e, const struct node *n, const struct want *want,
                             bool timestamps, pq_row_fn *fn, void *arg);
void mw_pq_window_rows(struct ev *e, const struct node *call, const struct want *want,
                       pq_row_fn *fn, void *arg);

struct window; /* window.h */
typedef double pq_window_fn(const struct window *w);
struct sweep; /* window.h */
typedef void pq_sweep_fn(const struct sweep *w, double *out);

/* -- share.c: what stands in a query more than once ------------------------------------------ */

void mw_pq_share(struct run *r, struct node *root);
bool mw_pq_known(const struct ev *e, const struct node *n); /* computed already */
/* One use of N, whose value is filled in where it is known. */
bool mw_pq_recall(struct ev *e, const struct node *n, struct value *out);
void mw_pq_pass(const struct ev *e, const struct node *n); /* one use of N that does without it */
void mw_pq_remember(struct ev *e, const struct node *n, const struct value *v);

/* -- sums and order ------------------------------------------------------------------------- */

/* A sum that keeps what rounding lost (Neumaier 1974). */
struct sum {
    double sum, c;
};
void mw_pq_sum_add(struct sum *s, double v);
/* Mean of what was added, that survives sums beyond the largest double. */
struct mean {
    struct sum sum, mean;
    double n;
    bool incremental;
};
void mw_pq_mean_add(struct mean *m, double v);
double mw_pq_mean_get(const struct mean *m);
/* Squared distance from the mean (Welford 1962), summed as above. */
struct spread {
    struct sum mean, m2;
    double n;
};
void mw_pq_spread_add(struct spread *s, double v);
void mw_pq_spread_merge(struct spread *s, const struct spread *other);
double mw_pq_spread_get(const struct spread *s); /* the variance */
void mw_pq_sort_numbers(double *v, size_t n);
double mw_pq_quantile(double q, double *v, size_t n);          /* sorts V */
double mw_pq_quantile_of(double q, const double *v, size_t n); /* of what is sorted */
int mw_pq_compare_numbers(double a, double b);                 /* NaN comes first */

/* -- aggregate.c, binary.c, setop.c, result.c ----------------------------------------------- */

struct value mw_pq_aggregate(struct ev *e, const struct node *n);
struct value mw_pq_binary(struct ev *e, const struct node *n);
/* N, an operator with a number on one side, for one row. */
void mw_pq_scalar_row(struct ev *e, const struct node *n, struct series *s, const double *number,
                      bool swapped);
bool mw_pq_drops_name(const struct ev *e, const struct node *n); /* of operator N */
void mw_pq_negate_row(struct ev *e, struct series *s);           /* eval.c */
double mw_pq_apply(enum binop op, double a, double b);           /* arithmetic */
bool mw_pq_compare(enum binop op, double a, double b);
struct vec mw_pq_set_op(struct ev *e, enum binop op, struct vec l, struct vec r,
                        const struct grouping *g);
/* All labels alike, {__name__="up", job="x"}: the metric may be what makes two rows differ. */
void mw_pq_series_text(const mw_labels *ls, char *out, size_t cap);
/* PATTERN compiled, for as long as the run lasts; an error names function FN. */
mw_regex *mw_pq_regex(struct ev *e, mw_str pattern, const char *fn);

#endif
