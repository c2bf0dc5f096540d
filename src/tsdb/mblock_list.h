/* mblock_list.h - sorted lists of numbers as they stand in a block of metrics.
 *
 * A list is a varint N << 2 | code and then, by code: differences, or pairs of gap and length of
 * runs of neighbours.  Series are in order of their labels, so that most lists are a few runs.
 * The third code is the block's own: see docs/format/metrics.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_MBLOCK_LIST_H
#define MW_TSDB_MBLOCK_LIST_H
#include "base/buf.h"
#include "tsdb/postings.h"

enum { MW_MB_DELTAS, MW_MB_RUNS, MW_MB_UNION };

/* Appends V, ascending, N of them, in the smaller code. */
void mw_mb_list_put(const uint32_t *v, size_t n, mw_buf *out);

/* The head of a list; REST are the bytes behind it. */
bool mw_mb_list_head(mw_str bytes, uint32_t limit, uint32_t *n, unsigned *code, mw_str *rest);

/* Whole lists, code MW_MB_DELTAS or MW_MB_RUNS; every number is below LIMIT.  False: BYTES are no
 * such list, and what is in OUT counts for nothing. */
bool mw_mb_list_get(mw_str bytes, uint32_t limit, mw_ids *out); /* appended */
bool mw_mb_list_mark(mw_str bytes, uint32_t limit, uint64_t *bits);

/* Bits of words, numbered from the lowest. */
void mw_mb_bits_ids(const uint64_t *bits, uint32_t limit, mw_ids *out); /* appended */

#endif
