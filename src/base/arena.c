/* arena.c - a list of blocks, filled from the front of the newest.
 *
 * Blocks double up to 1 MiB; a request larger than a block gets one of its own behind the newest,
 * so that the room left in the newest is not lost.  SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST = 4096, LARGEST = 1 << 20, ALIGN = 16, MUCH = 16 << 20 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

struct mw_arena {
    struct block *blocks; /* newest first */
    size_t limit, total;
};

mw_arena *mw_arena_new(size_t limit)
{
    mw_arena *a = mw_zalloc(sizeof *a);
    a->limit = limit;
    return a;
}

void mw_arena_free(mw_arena *a)
{
    if (!a) return;
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        mw_free(b);
    }
    if (a->total >= MUCH) mw_freed_much();
    mw_free(a);
}

void mw_arena_reset(mw_arena *a)
{
    struct block *keep = a->blocks;
    if (!keep) return;
    for (struct block *b = keep->next, *next; b; b = next) {
        next = b->next;
        mw_free(b);
    }
    keep->next = NULL;
    keep->used = 0;
    a->total = keep->size;
}

static struct block *add_block(mw_arena *a, size_t need)
{
    size_t size = a->blocks ? a->blocks->size * 2 : FIRST;
    if (size > LARGEST) size = LARGEST;
    if (size < need) size = need;
    if (a->limit && size > a->limit - a->total) {
        if (need > a->limit - a->total) return NULL;
        size = need;
    }
    struct block *b = mw_alloc(sizeof *b + size);
    *b = (struct block){.size = size};
    a->total += size;
    if (need > LARGEST / 2 && a->blocks) {
        b->next = a->blocks->next;
        a->blocks->next = b;
    } else {
        b->next = a->blocks;
        a->blocks = b;
    }
    return b;
}

void *mw_arena_alloc(mw_arena *a, size_t size)
{
    if (size > SIZE_MAX - ALIGN) return NULL;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct block *b = a->blocks;
    if (!b || b->size - b->used < size) b = add_block(a, size);
    if (!b) return NULL;
    void *p = b->bytes + b->used;
    b->used += size;
    return p;
}

void *mw_arena_zalloc(mw_arena *a, size_t size)
{
    void *p = mw_arena_alloc(a, size);
    return p ? memset(p, 0, size) : NULL;
}

void *mw_arena_array(mw_arena *a, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) return NULL;
    return mw_arena_zalloc(a, total);
}

char *mw_arena_strndup(mw_arena *a, const char *s, size_t n)
{
    char *copy = mw_arena_alloc(a, n + 1);
    if (!copy) return NULL;
    memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

size_t mw_arena_used(const mw_arena *a) { return a->total; }
