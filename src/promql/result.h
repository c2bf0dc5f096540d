/* result.h - from values to what mw_promql_eval answers.  SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_RESULT_H
#define MW_PROMQL_RESULT_H
#include "promql/eval.h"

mw_promql_result *mw_pq_result_new(size_t max_bytes); /* with an arena that the query uses */
mw_arena *mw_pq_result_arena(mw_promql_result *r);
void mw_pq_result_value(struct ev *e, const struct node *root, struct value *v,
                        mw_promql_result *out);
/* A range selector or subquery at the top of an instant query: its samples. */
void mw_pq_result_matrix(struct ev *e, const struct node *root, mw_promql_result *out);

#endif
