/* aggregate.h - what the files of aggregations share.  SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_AGGREGATE_H
#define MW_PROMQL_AGGREGATE_H
#include "promql/eval.h"

struct grouping mw_pq_grouping(struct ev *e, const struct node *n);
bool mw_pq_groups_distinct(const struct grouping *g);
/* The labels that tell groups apart. */
mw_keep mw_pq_group_labels(struct ev *e, const struct grouping *g);
/* topk, bottomk. */
struct vec mw_pq_top(struct ev *e, const struct node *n, const double *k);
double mw_pq_limit(struct run *r, double k);
/* limitk, limit_ratio, quantile, count_values. */
struct vec mw_pq_choose(struct ev *e, const struct node *n, struct vec *in, const double *param);

#endif
