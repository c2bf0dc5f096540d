/* mblock_find.c - series by key.
 *
 * Numbers of series lie in buckets by a few bits of their keys, about PER_BUCKET in each: one pass
 * counts, one places.  Keys that all fall into one bucket, which only a forged file has, make
 * finding slow and nothing else.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_inside.h"

enum { PER_BUCKET = 4 };

struct mw_mb_finder {
    unsigned shift;
    uint32_t *start; /* by bucket; one more at the end */
    uint32_t *series;
};

void mw_mb_finder_free(mw_mb_finder *f)
{
    if (!f) return;
    mw_free(f->start);
    mw_free(f->series);
    mw_free(f);
}

mw_key mw_mblock_key(const mw_mblock *b, uint32_t series)
{
    MW_ASSERT(series < b->series);
    const char *p = b->section[MW_MB_KEYS].p + (size_t)series * MW_MB_KEY_BYTES;
    return (mw_key){mw_le64_get(p), mw_le32_get(p + 8)};
}

static size_t bucket_of(const mw_mb_finder *f, mw_key key)
{
    return (size_t)(key.lo * 0x9e3779b97f4a7c15u >> f->shift);
}

static mw_mb_finder *make(const mw_mblock *b)
{
    mw_mb_finder *f = mw_zalloc(sizeof *f);
    unsigned bits = 1;
    while ((uint64_t)PER_BUCKET << bits < b->series) bits++;
    f->shift = 64 - bits;
    size_t buckets = (size_t)1 << bits;
    f->start = mw_array(buckets + 2, sizeof *f->start);
    f->series = mw_array(b->series, sizeof *f->series);
    /* Counted two behind, summed, and placed one behind: then start[i] is right in the end. */
    for (uint32_t i = 0; i < b->series; i++) f->start[bucket_of(f, mw_mblock_key(b, i)) + 2]++;
    for (size_t i = 2; i < buckets + 2; i++) f->start[i] += f->start[i - 1];
    for (uint32_t i = 0; i < b->series; i++)
        f->series[f->start[bucket_of(f, mw_mblock_key(b, i)) + 1]++] = i;
    return f;
}

static const mw_mb_finder *get(mw_mblock *b)
{
    mw_mb_finder *f = __atomic_load_n(&b->finder, __ATOMIC_ACQUIRE);
    if (f) return f;
    pthread_mutex_lock(&b->lock);
    f = b->finder;
    if (!f) {
        f = make(b);
        __atomic_store_n(&b->finder, f, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&b->lock);
    return f;
}

uint32_t mw_mblock_find(mw_mblock *b, mw_key key)
{
    const mw_mb_finder *f = get(b);
    size_t bucket = bucket_of(f, key);
    for (uint32_t i = f->start[bucket]; i < f->start[bucket + 1]; i++) {
        mw_key k = mw_mblock_key(b, f->series[i]);
        if (k.lo == key.lo && k.hi == key.hi) return f->series[i];
    }
    return UINT32_MAX;
}
