/* mem.c - allocation that either works or ends the process.  SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p, size_t size)
{
    if (p || size == 0) return p;
    fprintf(stderr, "moonwatch: out of memory (%zu bytes asked)\n", size);
    abort();
}

static size_t times(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) or_die(NULL, SIZE_MAX);
    return total;
}

void *mw_alloc(size_t size) { return or_die(malloc(size ? size : 1), size); }
void *mw_zalloc(size_t size) { return or_die(calloc(1, size ? size : 1), size); }
void *mw_array(size_t n, size_t size) { return mw_zalloc(times(n, size)); }
void *mw_realloc(void *p, size_t size) { return or_die(realloc(p, size ? size : 1), size); }
void *mw_rearray(void *p, size_t n, size_t size) { return mw_realloc(p, times(n, size)); }
void mw_free(void *p) { free(p); }

enum { TRIM_EVERY = 10 }; /* calls: it looks at all that is free, and others wait meanwhile */

static int much; /* atomic */

void mw_freed_much(void) { __atomic_store_n(&much, 1, __ATOMIC_RELAXED); }

bool mw_trim(void)
{
    static unsigned waited = TRIM_EVERY;
    if (waited < TRIM_EVERY) waited++;
    if (waited < TRIM_EVERY || !__atomic_exchange_n(&much, 0, __ATOMIC_RELAXED)) return false;
    waited = 0;
    malloc_trim(0);
    return true;
}

char *mw_strndup(const char *s, size_t n)
{
    char *copy = mw_alloc(n + 1);
    memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

char *mw_strdup(const char *s) { return s ? mw_strndup(s, strlen(s)) : NULL; }

char *mw_sprintf(const char *fmt, ...)
{
    va_list ap;
    char *out = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&out, fmt, ap);
    va_end(ap);
    return n < 0 ? or_die(NULL, 1) : out;
}

void mw_grow(void *p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap) return;
    size_t want = *cap + *cap / 2 + 8;
    if (want < need) want = need;
    void **slot = p;
    *slot = mw_rearray(*slot, want, size);
    *cap = want;
}
