/* postings.h - sorted sets of series ids, and what is done with them.
 *
 * A postings list lives in the index and costs nothing but its struct while it has one id.
 * An mw_ids is a plain working set that a query owns.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_POSTINGS_H
#define MW_TSDB_POSTINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mw_postings {
    union {
        uint32_t one;  /* cap == 0 */
        uint32_t *ids; /* cap > 0 */
    };
    uint32_t n, cap;
    uint32_t unsorted; /* so many at the end; until mw_postings_sort ids may only be added */
} mw_postings;

void mw_postings_deinit(mw_postings *p);
void mw_postings_add(mw_postings *p, uint32_t id); /* ID must not be in it */
void mw_postings_sort(mw_postings *p);
/* Take out every id of GONE (sorted, N of them); ids that are not there are ignored. */
void mw_postings_remove(mw_postings *p, const uint32_t *gone, size_t n);
const uint32_t *mw_postings_ids(const mw_postings *p);
size_t mw_postings_cost(const mw_postings *p); /* heap bytes */

typedef struct mw_ids {
    uint32_t *v;
    size_t n, cap;
} mw_ids;

void mw_ids_deinit(mw_ids *s);
void mw_ids_append(mw_ids *s, const uint32_t *v, size_t n); /* sort before the set is used */
void mw_ids_sort(mw_ids *s);                                /* ascending, each once */
void mw_ids_keep(mw_ids *s, const uint32_t *v, size_t n);   /* intersection with a sorted list */
void mw_ids_drop(mw_ids *s, const uint32_t *v, size_t n);   /* without those of a sorted list */
/* FOUND[i] becomes true when the i-th of S is in a sorted list; the others stay as they are. */
void mw_ids_find(const mw_ids *s, const uint32_t *v, size_t n, bool *found);
bool mw_ids_meet(const mw_ids *s, const uint32_t *v, size_t n); /* have they one in common? */

#endif
