/* arena.h - many small allocations, one free.
 *
 * One thread at a time.  An arena with a limit answers NULL once the limit is reached: that is how
 * a query or a request is kept within its budget.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_ARENA_H
#define MW_BASE_ARENA_H
#include <stddef.h>

typedef struct mw_arena mw_arena;

mw_arena *mw_arena_new(size_t limit); /* bytes; 0 means no limit */

/* The next block of A, which is mostly its first, has SIZE bytes: for who knows what he needs. */
void mw_arena_expect(mw_arena *a, size_t size);
void mw_arena_free(mw_arena *a);  /* NULL is fine */
void mw_arena_reset(mw_arena *a); /* forget everything, keep one block for reuse */

void *mw_arena_alloc(mw_arena *a, size_t size);           /* 16-byte aligned; NULL over the limit */
void *mw_arena_zalloc(mw_arena *a, size_t size);          /* zeroed */
void *mw_arena_array(mw_arena *a, size_t n, size_t size); /* zeroed; NULL on overflow too */
char *mw_arena_strndup(mw_arena *a, const char *s, size_t n);
/* Blocks kept for arenas to come, that none has needed since the last call, go; call it every few
 * seconds. */
void mw_arena_trim(void);
size_t mw_arena_used(const mw_arena *a); /* bytes taken from the system */

#endif
