/* arena.c - a list of blocks, filled from the front of the newest.
 *
 * Blocks double up to 1 MiB; a request larger than a block gets one of its own behind the newest,
 * so that the room left in the newest is not lost.  Blocks of 1 MiB are kept for the next arena for
 * a while: memory that the kernel gives is cleared page by page, which costs more than most of what
 * is done with it.  SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST = 512, LARGEST = 1 << 20, ALIGN = 16, MUCH = 16 << 20 };
#ifdef __SANITIZE_ADDRESS__
enum { KEEPS_SPARES = false }; /* whoever uses what was freed shall be found */
#else
enum { KEEPS_SPARES = true };
#endif
enum { SPARES_MAX = 64 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

struct mw_arena {
    struct block *blocks;      /* newest first */
    size_t limit, total, next; /* next: size of the next block */
};

/* -- spare blocks --------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    struct block *list;
    size_t n, low; /* low: the fewest since the last trim */
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct block *take_spare(void)
{
    pthread_mutex_lock(&spare.lock);
    struct block *b = spare.list;
    if (b) {
        spare.list = b->next;
        if (--spare.n < spare.low) spare.low = spare.n;
    }
    pthread_mutex_unlock(&spare.lock);
    return b;
}

static void free_block(struct block *b)
{
    pthread_mutex_lock(&spare.lock);
    bool kept = KEEPS_SPARES && b->size == LARGEST && spare.n < SPARES_MAX;
    if (kept) {
        b->next = spare.list;
        spare.list = b;
        spare.n++;
    }
    pthread_mutex_unlock(&spare.lock);
    if (!kept) mw_free(b);
}

void mw_arena_trim(void)
{
    struct block *idle = NULL;
    pthread_mutex_lock(&spare.lock);
    for (size_t i = spare.low; i; i--) {
        struct block *b = spare.list;
        spare.list = b->next;
        spare.n--;
        b->next = idle;
        idle = b;
    }
    spare.low = spare.n;
    pthread_mutex_unlock(&spare.lock);
    if (idle) mw_freed_much();
    for (struct block *next; idle; idle = next) {
        next = idle->next;
        mw_free(idle);
    }
}

/* -- arenas --------------------------------------------------------------------------------- */

mw_arena *mw_arena_new(size_t limit)
{
    mw_arena *a = mw_zalloc(sizeof *a);
    a->limit = limit;
    a->next = FIRST;
    return a;
}

void mw_arena_expect(mw_arena *a, size_t size) { a->next = size; }

void mw_arena_free(mw_arena *a)
{
    if (!a) return;
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free_block(b);
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
        free_block(b);
    }
    keep->next = NULL;
    keep->used = 0;
    a->total = a->next = keep->size;
}

static struct block *add_block(mw_arena *a, size_t need)
{
    size_t size = a->next > LARGEST ? LARGEST : a->next;
    if (size < need) size = need;
    if (a->limit && size > a->limit - a->total) {
        if (need > a->limit - a->total) return NULL;
        size = need;
    }
    struct block *b = size == LARGEST ? take_spare() : NULL;
    if (!b) b = mw_alloc(sizeof *b + size);
    *b = (struct block){.size = size};
    a->total += size;
    a->next = a->total; /* each block as large as all before it */
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
