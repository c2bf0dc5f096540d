/* trace.h - what each node of a query took, for those who ask to have it explained.
 *
 * A run without a trace pays one test of a pointer per node.  Time of a node is what it took to
 * make its rows, its operands included, what others did with the rows not.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_TRACE_H
#define MW_PROMQL_TRACE_H
#include "promql/eval.h"

/* Of one node, over all its evaluations. */
struct trace_row {
    size_t calls, steps, rows, series, samples, bytes;
    int64_t ns;
    int64_t min_t, max_t; /* of what a selector read, once it read */
    bool opened;
    bool recalled;    /* its value was known from where the same stands before it */
    bool streamed;    /* rows passed by one at a time and were never all in memory */
    unsigned threads; /* that made its rows at once; 0 and 1: one */
};

struct trace {
    struct trace_row *row;     /* by node->id, in the arena of the run */
    size_t n;                  /* nodes */
    size_t series;             /* read so far */
    size_t piece_bytes;        /* of arenas of pieces */
    const struct node *within; /* a selector that is looked at as a whole */
    bool plan_only;            /* nothing is evaluated */
};

/* Numbers the nodes of ROOT, in the order in which they are written. */
size_t mw_pq_number_nodes(struct node *root);
/* Children of N but for numbers and texts, at most MOST; how many there are. */
size_t mw_pq_children(const struct node *n, const struct node **out, size_t most);

/* Rows for r->trace.  False: nothing is to be evaluated. */
bool mw_pq_trace_start(struct run *r);
void mw_pq_trace_open(struct run *r, const struct node *sel, const mw_select *looked_at);

/* Pieces of a parallel evaluation have traces of their own (NULL when R has none), which are joined
 * when the pieces are: what N of them did at once took the mean of their times. */
struct trace *mw_pq_trace_piece(struct run *r);
void mw_pq_trace_join(struct run *r, const struct run *piece, unsigned n);
/* The selection that N streams from was opened before N was begun. */
void mw_pq_trace_opened_for(struct run *r, const struct node *n, int64_t ns);

/* Each takes the place of the one that it is named for while a trace is kept. */
struct value mw_pq_traced_eval(struct ev *e, const struct node *n);
void mw_pq_traced_rows(struct ev *e, const struct node *n, const struct want *want, pq_row_fn *fn,
                       void *arg);
void mw_pq_traced_select(struct ev *e, const struct node *n, const struct want *want,
                         bool timestamps, pq_row_fn *fn, void *arg);
void mw_pq_traced_range(struct ev *e, const struct node *n, const struct want *want,
                        pq_samples_fn *fn, void *arg);

/* eval.c: like mw_promql_eval, of a tree; TRACE may be NULL. */
int mw_pq_run(const mw_promql *q, mw_source *src, const mw_promql_query *query, struct ast *a,
              struct trace *trace, mw_promql_result **out, mw_err *err);
const mw_promql_options *mw_pq_options(const mw_promql *q);

#endif
