/* explain.h - what the files that explain a query share.  SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_EXPLAIN_H
#define MW_PROMQL_EXPLAIN_H
#include "base/buf.h"
#include "promql/trace.h"

struct explain {
    const mw_promql_query *query;
    const mw_promql_options *opt;
    mw_source *source;
    const struct node *root;
    const struct trace *trace;
    size_t steps; /* of the query */
    bool analyzed;
    int64_t ns; /* that it took altogether */
    mw_buf *out;
};

/* What N does, in a few words: "sum by (job): 1,204 -> 12 rows".  STEPS it is computed for. */
void mw_pq_say_what(const struct explain *x, const struct node *n, size_t steps, mw_buf *out);
/* Steps at which N's operand is computed when N itself is at STEPS: a subquery has its own. */
size_t mw_pq_inner_steps(const struct explain *x, const struct node *n, size_t steps);

/* What may be made better at N, and with the query as a whole: JSON texts with commas between. */
void mw_pq_say_hints(const struct explain *x, const struct node *n, size_t steps, mw_buf *out);
void mw_pq_say_query_hints(const struct explain *x, mw_buf *out);

#endif
