/* promtext_cache.c - series in an array, found by a table of indexes.
 *
 * Series leave rarely and in groups, so leaving builds the table anew instead of keeping
 * tombstones.  SPDX-License-Identifier: MIT */
#include "ingest/promtext_cache.h"

#include <string.h>

#include "base/mem.h"

enum { SMALLEST = 64 };

void mw_promcache_deinit(mw_promcache *c)
{
    mw_buf_deinit(&c->keys);
    mw_free(c->series);
    mw_free(c->table);
    *c = (mw_promcache){0};
}

static void place(mw_promcache *c, uint32_t index)
{
    size_t at = c->series[index].hash & (c->size - 1);
    while (c->table[at]) at = (at + 1) & (c->size - 1);
    c->table[at] = index + 1;
}

static void rebuild(mw_promcache *c)
{
    size_t size = SMALLEST;
    while (size < 2 * c->n + 2) size *= 2;
    mw_free(c->table);
    c->table = mw_array(size, sizeof *c->table);
    c->size = size;
    for (size_t i = 0; i < c->n; i++)
        if (!c->series[i].retired) place(c, (uint32_t)i);
}

uint32_t mw_promcache_find(const mw_promcache *c, mw_str key, uint64_t hash)
{
    if (!c->size) return MW_PROMCACHE_NONE;
    for (size_t at = hash & (c->size - 1); c->table[at]; at = (at + 1) & (c->size - 1)) {
        const mw_promseries *s = &c->series[c->table[at] - 1];
        if (s->hash == hash && mw_str_eq(mw_promcache_key(c, s), key)) return c->table[at] - 1;
    }
    return MW_PROMCACHE_NONE;
}

uint32_t mw_promcache_add(mw_promcache *c, mw_str key, uint64_t hash)
{
    mw_promseries s = {
        .key_at = c->keys.n, .key_n = (uint32_t)key.n, .hash = hash, .place = MW_PROMCACHE_NONE};
    mw_buf_str(&c->keys, key);
    MW_PUSH(c->series, c->n, c->cap, s);
    if (2 * c->n > c->size)
        rebuild(c);
    else
        place(c, (uint32_t)(c->n - 1));
    return (uint32_t)(c->n - 1);
}

/* Their length stands before them. */
void mw_promcache_as_set(mw_promcache *c, mw_str as)
{
    uint32_t n = (uint32_t)as.n;
    mw_buf_add(&c->keys, &n, sizeof n);
    mw_buf_str(&c->keys, as);
    c->series[c->n - 1].has_as = true;
}

mw_str mw_promcache_as(const mw_promcache *c, const mw_promseries *s)
{
    uint32_t n;
    const char *behind = c->keys.p + s->key_at + s->key_n;
    if (!s->has_as) return (mw_str){NULL, 0};
    memcpy(&n, behind, sizeof n);
    return (mw_str){behind + sizeof n, n};
}

void mw_promcache_retire(mw_promcache *c)
{
    for (size_t i = 0; i < c->n; i++) c->series[i].retired = true;
    rebuild(c);
}

void mw_promcache_cut(mw_promcache *c, size_t n)
{
    if (n == c->n) return;
    c->keys.n = c->series[n].key_at;
    c->n = n;
    rebuild(c);
}

void mw_promcache_keep(mw_promcache *c, uint32_t seen, uint32_t *moved)
{
    size_t kept = 0;
    mw_buf keys = {0};
    for (size_t i = 0; i < c->n; i++) {
        mw_promseries s = c->series[i];
        moved[i] = MW_PROMCACHE_NONE;
        if (s.seen != seen) continue;
        moved[i] = (uint32_t)kept;
        mw_str key = mw_promcache_key(c, &s);
        s.key_at = keys.n;
        mw_buf_add(&keys, key.p,
                   key.n + (s.has_as ? sizeof(uint32_t) + mw_promcache_as(c, &c->series[i]).n : 0));
        c->series[kept++] = s;
    }
    c->n = kept;
    mw_buf_deinit(&c->keys);
    c->keys = keys;
    rebuild(c);
}
