/* promtext_cache.h - the series that a target told last time, by the raw text of their keys.
 *
 * There may be millions of them, so a series has no memory of its own: its key lies behind the one
 * before, in the order of the page, and its labels are made from the key when somebody asks.  One
 * that is stored under other labels has these behind its key, in the form of promseries.c.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_PROMTEXT_CACHE_H
#define MW_INGEST_PROMTEXT_CACHE_H
#include "base/buf.h"
#include "base/str.h"

typedef struct mw_promseries {
    size_t key_at; /* in the cache's keys: raw bytes as they stand in the page */
    uint64_t hash;
    uint64_t ref; /* the store's; 0: not asked for yet */
    uint32_t key_n;
    uint32_t seen;  /* number of the page that had it last */
    uint32_t place; /* its line among the samples of the last page */
    bool tracked;   /* its last sample had no time of its own: its end wants a marker */
    bool dropped;   /* it is not to be stored */
    bool has_as;    /* other labels are behind its key */
    bool retired;   /* no page finds it any more; it waits for its end */
} mw_promseries;

typedef struct mw_promcache {
    mw_buf keys; /* one behind the other, in the order of series */
    mw_promseries *series;
    size_t n, cap;
    uint32_t *table; /* open addressing, size a power of two; 0 empty, else index + 1 */
    size_t size;
} mw_promcache;

enum { MW_PROMCACHE_NONE = UINT32_MAX };

static inline mw_str mw_promcache_key(const mw_promcache *c, const mw_promseries *s)
{
    return (mw_str){c->keys.p + s->key_at, s->key_n};
}

void mw_promcache_deinit(mw_promcache *c);
uint32_t mw_promcache_find(const mw_promcache *c, mw_str key, uint64_t hash);
uint32_t mw_promcache_add(mw_promcache *c, mw_str key, uint64_t hash);
/* The other labels, as set for the series that was added last. */
void mw_promcache_as_set(mw_promcache *c, mw_str as);
mw_str mw_promcache_as(const mw_promcache *c, const mw_promseries *s);
void mw_promcache_retire(mw_promcache *c);        /* every series */
void mw_promcache_cut(mw_promcache *c, size_t n); /* forget series N and later */
/* Forget every series not SEEN on that page; the others move up.  MOVED[old] is the new index. */
void mw_promcache_keep(mw_promcache *c, uint32_t seen, uint32_t *moved);

#endif
