/* slab.c - regions, spans and pieces.
 *
 *     region   2 MiB from the system, aligned, so that it can be one large page
 *     span     32 KiB of a region with a head; all of its pieces have one size
 *     piece    free ones of a span are chained through their first bytes
 *
 * A size has a lock of its own and a list of spans with room.  A span that is empty goes to the
 * common list of free spans, from which any size takes; a region all of whose spans are free goes
 * back to the system, unless it is the last of that kind: one is kept so that filling and emptying
 * does not ask the system each time.
 * SPDX-License-Identifier: MIT */
#include "base/slab.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/mem.h"

enum {
    REGION = 2 << 20,
    SPAN = 32 << 10,
    SPANS = REGION / SPAN,
    CLASSES = MW_SLAB_MOST / MW_SLAB_STEP + 1,
    SMALL_REGIONS = 2 /* the first ones are used page by page: a small store stays small */
};

typedef struct span span;
struct span {
    span *next, *prev;                /* among those with room, or the free ones */
    void *free;                       /* pieces that were given back */
    uint32_t size, live, fresh, room; /* fresh: pieces never taken; room: pieces in all */
    uint32_t class_;
};
enum { LINE = 64, SPAN_HEAD = (sizeof(span) + LINE - 1) / LINE * LINE };

typedef struct region {
    struct region *next;
    char *bytes;
    unsigned free; /* spans */
} region;

typedef struct class
{
    pthread_mutex_t lock;
    span *roomy;
} __attribute__((aligned(64))) class;

struct mw_slab {
    class classes[CLASSES];
    pthread_mutex_t lock; /* of everything below; taken after that of a class */
    span *free;
    region *regions;
    size_t n_regions, idle; /* idle: regions of free spans only */
};

/* -- lists ---------------------------------------------------------------------------------- */

static void push(span **list, span *s)
{
    s->prev = NULL;
    s->next = *list;
    if (*list) (*list)->prev = s;
    *list = s;
}

static void take_out(span **list, span *s)
{
    if (s->next) s->next->prev = s->prev;
    if (s->prev)
        s->prev->next = s->next;
    else
        *list = s->next;
}

/* -- life ----------------------------------------------------------------------------------- */

static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t awake;
    pthread_mutexattr_init(&awake);
    pthread_mutexattr_settype(&awake, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(lock, &awake);
    pthread_mutexattr_destroy(&awake);
}

mw_slab *mw_slab_new(void)
{
    mw_slab *s = aligned_alloc(_Alignof(mw_slab), sizeof *s);
    MW_ASSERT(s);
    memset(s, 0, sizeof *s);
    init_lock(&s->lock);
    for (size_t i = 0; i < CLASSES; i++) init_lock(&s->classes[i].lock);
    return s;
}

void mw_slab_free(mw_slab *s)
{
    if (!s) return;
    for (region *r = s->regions, *next; r; r = next) {
        next = r->next;
        munmap(r->bytes, REGION);
        mw_free(r);
    }
    for (size_t i = 0; i < CLASSES; i++) pthread_mutex_destroy(&s->classes[i].lock);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* -- regions and spans ---------------------------------------------------------------------- */

/* Twice the size, of which the aligned part is kept. */
static char *map_region(void)
{
    char *p = mmap(NULL, 2 * REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MW_ASSERT(p != MAP_FAILED);
    char *start = (char *)(((uintptr_t)p + REGION - 1) / REGION * REGION);
    if (start > p) munmap(p, (size_t)(start - p));
    munmap(start + REGION, (size_t)(p + REGION - start));
    return start;
}

static void add_region(mw_slab *s)
{
    region *r = mw_zalloc(sizeof *r);
    *r = (region){.next = s->regions, .bytes = map_region(), .free = SPANS};
    if (s->n_regions++ >= SMALL_REGIONS) madvise(r->bytes, REGION, MADV_HUGEPAGE);
    s->regions = r;
    s->idle++;
    for (size_t i = SPANS; i-- > 0;) push(&s->free, (span *)(void *)(r->bytes + i * SPAN));
}

static region *region_of(const mw_slab *s, const span *sp)
{
    char *start = (char *)((uintptr_t)sp / REGION * REGION);
    region *r = s->regions;
    while (r->bytes != start) r = r->next;
    return r;
}

static span *new_span(mw_slab *s, size_t class_)
{
    pthread_mutex_lock(&s->lock);
    if (!s->free) add_region(s);
    span *sp = s->free;
    take_out(&s->free, sp);
    region *r = region_of(s, sp);
    if (r->free-- == SPANS) s->idle--;
    pthread_mutex_unlock(&s->lock);
    uint32_t size = (uint32_t)(class_ * MW_SLAB_STEP);
    *sp = (span){.size = size, .room = (SPAN - SPAN_HEAD) / size, .class_ = (uint32_t)class_};
    sp->fresh = sp->room;
    return sp;
}

static void drop_region(mw_slab *s, region *r)
{
    for (size_t i = 0; i < SPANS; i++) take_out(&s->free, (span *)(void *)(r->bytes + i * SPAN));
    region **at = &s->regions;
    while (*at != r) at = &(*at)->next;
    *at = r->next;
    s->n_regions--;
    s->idle--;
    munmap(r->bytes, REGION);
    mw_free(r);
}

static void free_span(mw_slab *s, span *sp)
{
    pthread_mutex_lock(&s->lock);
    push(&s->free, sp);
    region *r = region_of(s, sp);
    if (++r->free == SPANS && ++s->idle > 1) drop_region(s, r);
    pthread_mutex_unlock(&s->lock);
}

/* -- pieces --------------------------------------------------------------------------------- */

static size_t class_of(size_t size) { return size ? (size + MW_SLAB_STEP - 1) / MW_SLAB_STEP : 1; }

static void *take_piece(span *sp)
{
    void *p = sp->free;
    if (p) {
        memcpy(&sp->free, p, sizeof sp->free);
    } else {
        p = (char *)sp + SPAN_HEAD + (size_t)(sp->room - sp->fresh) * sp->size;
        sp->fresh--;
    }
    sp->live++;
    return p;
}

void *mw_slab_take(mw_slab *s, size_t size)
{
    if (!s || size > MW_SLAB_MOST) return mw_alloc(size);
    class *c = &s->classes[class_of(size)];
    pthread_mutex_lock(&c->lock);
    if (!c->roomy) push(&c->roomy, new_span(s, class_of(size)));
    span *sp = c->roomy;
    void *p = take_piece(sp);
    if (sp->live == sp->room) take_out(&c->roomy, sp);
    pthread_mutex_unlock(&c->lock);
    return p;
}

void mw_slab_give(mw_slab *s, void *p, size_t size)
{
    if (!p) return;
    if (!s || size > MW_SLAB_MOST) {
        mw_free(p);
        return;
    }
    class *c = &s->classes[class_of(size)];
    span *sp = (span *)((uintptr_t)p / SPAN * SPAN);
    pthread_mutex_lock(&c->lock);
    MW_ASSERT(sp->class_ == class_of(size) && sp->live > 0);
    if (sp->live-- == sp->room) push(&c->roomy, sp);
    memcpy(p, &sp->free, sizeof sp->free);
    sp->free = p;
    /* The last roomy one stays, or one piece coming and going would move a span each time. */
    bool leaves = sp->live == 0 && (sp->next || sp->prev);
    if (leaves) take_out(&c->roomy, sp);
    pthread_mutex_unlock(&c->lock);
    if (leaves) free_span(s, sp);
}

void *mw_slab_resize(mw_slab *s, void *p, size_t from, size_t to)
{
    if (!p) return mw_slab_take(s, to);
    bool heap = !s || (from > MW_SLAB_MOST && to > MW_SLAB_MOST);
    if (heap) return mw_realloc(p, to);
    if (from <= MW_SLAB_MOST && to <= MW_SLAB_MOST && class_of(from) == class_of(to)) return p;
    void *q = mw_slab_take(s, to);
    memcpy(q, p, from < to ? from : to);
    mw_slab_give(s, p, from);
    return q;
}
