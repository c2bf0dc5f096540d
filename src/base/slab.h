/* slab.h - very many small pieces of memory of a few sizes, for stores.
 *
 * Faster and denser than the heap for pieces that are counted in millions: no header, sizes in
 * steps of 16 bytes, memory taken from the system in large pages where it grants them.  Pages that
 * have become free as a whole serve any size again, and go back to the system when there are many.
 *
 * Any thread; whoever frees a piece says how large it was asked for.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_SLAB_H
#define MW_BASE_SLAB_H
#include <stddef.h>

typedef struct mw_slab mw_slab;

enum { MW_SLAB_STEP = 16, MW_SLAB_MOST = 2048 }; /* larger pieces come from the heap */

mw_slab *mw_slab_new(void);
void mw_slab_free(mw_slab *s); /* with everything in it that is not larger than MW_SLAB_MOST */

/* S NULL: from the heap.  Not zeroed, 16-byte aligned, never NULL.
 * A size that is a multiple of 64 is 64-byte aligned, unless it comes from the heap. */
void *mw_slab_take(mw_slab *s, size_t size);
void mw_slab_give(mw_slab *s, void *p, size_t size); /* P NULL is fine */
/* As realloc: the first bytes are kept; P may be NULL. */
void *mw_slab_resize(mw_slab *s, void *p, size_t from, size_t to);

/* What a piece of SIZE really takes. */
static inline size_t mw_slab_cost(size_t size)
{
    return (size + MW_SLAB_STEP - 1) / MW_SLAB_STEP * MW_SLAB_STEP;
}

#endif
