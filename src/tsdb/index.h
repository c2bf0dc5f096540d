/* index.h - which series in memory have which labels.
 *
 * One index for the whole store with a lock of its own; it is taken after a shard's lock, never
 * before.  A pair (name, value) is kept once, has a number, and lives as long as a series that
 * carries it, so whoever holds such a series may read its pairs without the index's lock.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_INDEX_H
#define MW_TSDB_INDEX_H
#include "base/arena.h"
#include "model/source.h"
#include "tsdb/postings.h"

typedef struct mw_index mw_index;
typedef struct mw_pair mw_pair;

mw_index *mw_index_new(void);
void mw_index_free(mw_index *ix); /* NULL is fine */

/* Enter series ID; PAIRS gets the numbers of ls->n pairs in the order of LS.  The answer is the
 * number of this birth: 1, 2, 3, ... over all series that ever were. */
uint64_t mw_index_add(mw_index *ix, uint32_t id, const mw_labels *ls, uint32_t *pairs);

typedef struct mw_indexed {
    uint32_t id;
    uint32_t n;
    const uint32_t *pairs;
} mw_indexed;

/* The same in steps, for a journal that names pairs once: each pair, then a birth for each series,
 * then many of them at once.  A pair that no series carries is not seen by anybody else. */
uint32_t mw_index_intern(mw_index *ix, mw_str name, mw_str value);
uint64_t mw_index_birth(mw_index *ix);
void mw_index_enter(mw_index *ix, const mw_indexed *series, size_t n);

/* Forget N series; their pairs may be freed.  Sorts LEAVERS by id. */
void mw_index_remove(mw_index *ix, mw_indexed *leavers, size_t n);

uint32_t mw_index_numbers(mw_index *ix); /* one more than the highest number of a pair so far */
const mw_pair *mw_index_pair(const mw_index *ix, uint32_t number);
mw_str mw_pair_name(const mw_pair *p);
mw_str mw_pair_value(const mw_pair *p);
/* The journal generation that has PAIR's definition; the caller serialises. */
uint32_t *mw_index_said(mw_index *ix, uint32_t number);

/* The place of every pair number in the order of (name, value), 1, 2, 3, ...; 0: no such pair.
 * *N is one more than the highest number; the caller frees. */
uint32_t *mw_index_ranks(mw_index *ix, size_t *n);

/* Ids of the series that match, ascending, and the last birth among them: a series born later
 * under one of these ids is another one.  MW_ECANCEL when sel->cancel says so. */
int mw_index_select(mw_index *ix, const mw_select *sel, mw_ids *out, uint64_t *last_birth,
                    mw_err *err);

/* Names, or values of NAME, over the series that SEL matches, copied into ARENA. */
typedef struct mw_str_list {
    mw_str *v;
    size_t n, cap;
} mw_str_list;
int mw_index_names(mw_index *ix, const mw_select *sel, mw_arena *arena, mw_str_list *out,
                   mw_err *err);
int mw_index_values(mw_index *ix, const char *name, const mw_select *sel, mw_arena *arena,
                    mw_str_list *out, mw_err *err);

bool mw_index_has_name(mw_index *ix, mw_str name);

/* Series per value of LABEL, or per label name when LABEL is NULL, unsorted. */
typedef struct mw_index_count {
    mw_str name; /* in the arena */
    uint64_t series;
} mw_index_count;
size_t mw_index_counts(mw_index *ix, const char *label, mw_arena *arena, mw_index_count **out);
/* The LIMIT pairs with the most series as "name=value", unsorted. */
size_t mw_index_pair_counts(mw_index *ix, size_t limit, mw_arena *arena, mw_index_count **out);

uint64_t mw_index_bytes(mw_index *ix);

#endif
