/* aggregate.h - what the files of aggregations share.  SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_AGGREGATE_H
#define MW_PROMQL_AGGREGATE_H
#include "promql/eval.h"

struct grouping mw_pq_grouping(struct ev *e, const struct node *n);
bool mw_pq_groups_distinct(const struct grouping *g);
/* While names go only at the end: a group loses its name when one of its rows does.  OF tells the
 * group of each row of IN, which is also its row of OUT. */
void mw_pq_inherit_names(struct ev *e, const struct vec *in, const size_t *of, struct vec *out);
/* topk, bottomk. */
struct vec mw_pq_top(struct ev *e, const struct node *n, const double *k);
/* How many rows are wanted: K, rounded down; throws when some K makes no sense at any step. */
void mw_pq_check_limit(struct ev *e, const double *k);
double mw_pq_limit(double k);
/* limitk, limit_ratio, quantile, count_values. */
struct vec mw_pq_choose(struct ev *e, const struct node *n, struct vec *in, const double *param);

#endif
