/* print.h - a tree of an expression as text again.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_PRINT_H
#define MW_PROMQL_PRINT_H
#include "base/buf.h"
#include "promql/ast.h"

/* N in one line, as Prometheus writes it; reading that gives N again. */
void mw_pq_print(mw_buf *b, const struct node *n);

/* Parts of it, for who breaks lines elsewhere. */
void mw_pq_print_bare(mw_buf *b, const struct node *n); /* without its parentheses */
void mw_pq_print_head(mw_buf *b, const struct node *n); /* "sum by (job) ", "rate", "+ on (x)" */
void mw_pq_print_when(mw_buf *b, const struct node *n); /* "[5m:1m] @ end() offset 1h" */
/* Whether N is a power whose base is infinite: written "Inf", because with the sign that it has
 * elsewhere the sign would take the power for its operand. */
bool mw_pq_infinite_base(const struct node *n);

/* A duration that is just a number, maybe with a sign: its seconds. */
bool mw_pq_is_literal(const struct node *n, double *seconds);

/* N over as many lines as it takes to keep what is in one line below 100 bytes, where it can be
 * broken.  False: it would be longer than MOST. */
bool mw_pq_pretty(mw_buf *b, const struct node *n, size_t most);

#endif
