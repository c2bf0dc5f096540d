/* parallel.h - the rows of one node computed by several threads.  SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_PARALLEL_H
#define MW_PROMQL_PARALLEL_H
#include "promql/eval.h"

/* Rows of N, which streams, in pieces: for each, in a thread and an arena of its own, BEGIN makes
 * what FN gets; then, in the caller's thread and in order of the pieces, END takes it over.
 * False: that would not pay; nothing was called. */
typedef void *pq_piece_begin(struct ev *e, void *arg);
typedef void pq_piece_end(void *piece, void *arg);
bool mw_pq_rows_in_pieces(struct ev *e, const struct node *n, const struct want *want,
                          pq_piece_begin *begin, pq_row_fn *fn, pq_piece_end *end, void *arg);

#endif
