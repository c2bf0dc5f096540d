/* promtext_cache.h - the series that a target told last time, by the raw text of their keys.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_PROMTEXT_CACHE_H
#define MW_INGEST_PROMTEXT_CACHE_H
#include "model/labels.h"

typedef struct mw_promseries {
    char *key; /* owned; raw bytes as they stand in the page */
    size_t key_n;
    uint64_t hash;
    mw_labels *labels; /* owned; what the store knows it by */
    uint64_t ref;      /* the store's */
    uint32_t seen;     /* number of the page that had it last */
    uint32_t place;    /* its line among the samples of the last page */
    bool tracked;      /* its last sample had no time of its own: its end wants a marker */
} mw_promseries;

typedef struct mw_promcache {
    mw_promseries *series;
    size_t n, cap;
    uint32_t *table; /* open addressing, size a power of two; 0 empty, else index + 1 */
    size_t size;
} mw_promcache;

enum { MW_PROMCACHE_NONE = UINT32_MAX };

void mw_promcache_deinit(mw_promcache *c);
uint32_t mw_promcache_find(const mw_promcache *c, mw_str key, uint64_t hash);
uint32_t mw_promcache_add(mw_promcache *c, mw_str key, uint64_t hash, mw_labels *take);
void mw_promcache_cut(mw_promcache *c, size_t n); /* forget series N and later */
/* Forget every series not SEEN on that page; the others move up.  MOVED[old] is the new index. */
void mw_promcache_keep(mw_promcache *c, uint32_t seen, uint32_t *moved);

#endif
