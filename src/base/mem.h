/* mem.h - heap memory for small things.
 *
 * These never return NULL: running out of memory for a small thing ends the process in one place.
 * A size that a client chose is checked against a limit first and refused, not died on.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_MEM_H
#define MW_BASE_MEM_H
#include <stdbool.h>
#include <stddef.h>

void *mw_alloc(size_t size);                      /* uninitialised; size 0 is fine */
void *mw_zalloc(size_t size);                     /* zeroed */
void *mw_array(size_t n, size_t size);            /* zeroed; overflow of n*size dies */
void *mw_realloc(void *p, size_t size);           /* p may be NULL */
void *mw_rearray(void *p, size_t n, size_t size); /* p may be NULL; not zeroed */
char *mw_strdup(const char *s);                   /* NULL gives NULL */
char *mw_strndup(const char *s, size_t n);        /* always NUL-terminated */
char *mw_sprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mw_free(void *p); /* NULL is fine */

/* What is freed stays with the process for the next who asks; after one very large answer that is
 * far too much.  Whoever frees a lot at once says so, and mw_trim, called every second by one
 * thread, gives it back to the system soon; the answer says whether it did. */
void mw_freed_much(void);
bool mw_trim(void);

/* Give *P room for NEED elements of SIZE bytes, growing *CAP by halves. */
void mw_grow(void *p, size_t *cap, size_t need, size_t size);

/* Append VALUE to the array A with length N and capacity CAP (all lvalues, both size_t). */
#define MW_PUSH(a, n, cap, value) \
    (mw_grow(&(a), &(cap), (n) + 1, sizeof *(a)), (void)((a)[(n)++] = (value)))

#endif
