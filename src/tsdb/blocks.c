/* blocks.c - sets of blocks, held and let go.  SPDX-License-Identifier: MIT */
#include "tsdb/blocks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/runs.h"

static mw_block_set *new_set(size_t room)
{
    mw_block_set *set = mw_zalloc(sizeof *set + room * sizeof set->block[0]);
    set->max_t = INT64_MIN;
    set->holders = 1; /* being the present one counts */
    return set;
}

static void add(mw_block_set *set, const mw_live *l)
{
    set->block[set->n++] = *l;
    int64_t max = mw_mblock_meta_of(l->b)->max_t;
    if (max > set->max_t) set->max_t = max;
}

static void free_set(mw_block_set *set)
{
    for (size_t i = 0; i < set->n; i++) mw_mblock_release(set->block[i].b);
    mw_free(set);
}

void mw_blocks_init(mw_blocks *bs)
{
    pthread_mutex_init(&bs->lock, NULL);
    bs->now = new_set(0);
    bs->max_t = INT64_MIN;
}

void mw_blocks_deinit(mw_blocks *bs)
{
    free_set(bs->now);
    pthread_mutex_destroy(&bs->lock);
}

mw_block_set *mw_blocks_hold(mw_blocks *bs)
{
    pthread_mutex_lock(&bs->lock);
    mw_block_set *set = bs->now;
    set->holders++;
    pthread_mutex_unlock(&bs->lock);
    return set;
}

/* Under the lock: SET when its last holder has let go, taken out of the chain; NULL otherwise. */
static mw_block_set *let_go(mw_blocks *bs, mw_block_set *set)
{
    if (--set->holders) return NULL;
    mw_block_set **at = &bs->now;
    while (*at != set) at = &(*at)->older;
    *at = set->older;
    return set;
}

void mw_blocks_release(mw_blocks *bs, mw_block_set *set)
{
    pthread_mutex_lock(&bs->lock);
    mw_block_set *gone = let_go(bs, set);
    pthread_mutex_unlock(&bs->lock);
    if (gone) free_set(gone);
}

static int by_time(const void *a, const void *b)
{
    const mw_live *x = a, *y = b;
    int64_t s = mw_mblock_meta_of(x->b)->min_t, t = mw_mblock_meta_of(y->b)->min_t;
    if (s != t) return s < t ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static bool among(const uint64_t *ids, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id) return true;
    return false;
}

uint64_t mw_blocks_change(mw_blocks *bs, const uint64_t *leave, size_t n_leave, const mw_live *come)
{
    pthread_mutex_lock(&bs->lock);
    mw_block_set *was = bs->now, *set = new_set(was->n + 1);
    for (size_t i = 0; i < was->n; i++) {
        if (among(leave, n_leave, was->block[i].id)) continue;
        mw_mblock_retain(was->block[i].b);
        add(set, &was->block[i]);
    }
    if (come) add(set, come);
    qsort(set->block, set->n, sizeof set->block[0], by_time);
    set->version = was->version + 1;
    set->older = was;
    bs->now = set;
    __atomic_store_n(&bs->max_t, set->max_t, __ATOMIC_RELAXED);
    mw_block_set *gone = let_go(bs, was);
    uint64_t version = set->version;
    pthread_mutex_unlock(&bs->lock);
    if (gone) free_set(gone);
    return version;
}

bool mw_blocks_held_before(mw_blocks *bs, uint64_t version)
{
    bool held = false;
    pthread_mutex_lock(&bs->lock);
    for (const mw_block_set *s = bs->now; s; s = s->older) held |= s->version < version;
    pthread_mutex_unlock(&bs->lock);
    return held;
}

bool mw_block_set_newest(const mw_block_set *set, mw_key key, int64_t *t, double *value, bool *hist)
{
    bool found = false;
    mw_run_ref *runs = NULL;
    size_t cap = 0;
    for (size_t i = 0; i < set->n; i++) {
        mw_mblock *b = set->block[i].b;
        size_t n = 0;
        if (found && mw_mblock_meta_of(b)->max_t <= *t) continue;
        uint32_t series = mw_mblock_find(b, key);
        if (series == UINT32_MAX ||
            mw_mblock_runs(b, series, INT64_MIN, INT64_MAX, &runs, &n, &cap, NULL) != MW_OK)
            continue;
        for (size_t k = 0; k < n; k++) {
            if (found && runs[k].stats.max_t <= *t) continue;
            found = true;
            *t = runs[k].stats.max_t;
            *hist = runs[k].kind == MW_RUN_HISTOGRAMS;
            if (!*hist) memcpy(value, &runs[k].stats.last, sizeof *value);
        }
    }
    mw_free(runs);
    return found;
}

static int look_in_run(const mw_run_ref *run, int64_t t, uint64_t bits, mw_str hist)
{
    mw_samples s = {0};
    mw_arena *arena = mw_arena_new(0);
    int code = MW_ENOENT;
    if (mw_run_read(run, arena, &s, NULL) == MW_OK) {
        size_t at = mw_samples_seek(&s, t);
        bool there = at < s.n && s.t[at] == t, is_hist = there && s.h && s.h[at].p;
        bool same = there && is_hist == (hist.p != NULL) &&
                    (is_hist ? mw_str_eq(s.h[at], hist) : mw_double_bits(s.v[at]) == bits);
        code = same ? MW_OK : there ? MW_EDUP : MW_ENOENT;
    }
    mw_samples_deinit(&s);
    mw_arena_free(arena);
    return code;
}

int mw_block_set_look(const mw_block_set *set, mw_key key, int64_t t, uint64_t bits, mw_str hist)
{
    mw_run_ref *runs = NULL;
    size_t cap = 0;
    int code = MW_ENOENT;
    for (size_t i = 0; i < set->n && code == MW_ENOENT; i++) {
        mw_mblock *b = set->block[i].b;
        const mw_mblock_meta *m = mw_mblock_meta_of(b);
        size_t n = 0;
        uint32_t series = t < m->min_t || t > m->max_t ? UINT32_MAX : mw_mblock_find(b, key);
        if (series == UINT32_MAX || mw_mblock_runs(b, series, t, t, &runs, &n, &cap, NULL) != MW_OK)
            continue;
        for (size_t k = 0; k < n && code == MW_ENOENT; k++)
            code = look_in_run(&runs[k], t, bits, hist);
    }
    mw_free(runs);
    return code;
}
