/* shard.c - slots, the table of keys, and the leaving of series.
 *
 * The table holds the high bits of a key beside the slot, so that a look-up touches a series only
 * when it is very likely the right one.  Leaving closes the gap by moving later seats back, so
 * there are no tombstones.
 * SPDX-License-Identifier: MIT */
#include "tsdb/shard.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { FIRST_SEATS = 16, PAGE_BYTES = MW_SLOT_PAGE * sizeof(mw_stream) };

static size_t table_cost(const mw_shard *sh)
{
    return mw_heap_cost(((size_t)sh->mask + 1) * sizeof *sh->table);
}

void mw_shard_init(mw_shard *sh, mw_slab *slab)
{
    *sh = (mw_shard){.min_t = INT64_MAX, .max_t = INT64_MIN, .mask = FIRST_SEATS - 1};
    pthread_mutex_init(&sh->lock, NULL);
    sh->table = mw_array(FIRST_SEATS, sizeof *sh->table);
    sh->tally.slab = slab;
    sh->tally.bytes = sizeof *sh + table_cost(sh);
}

void mw_shard_deinit(mw_shard *sh)
{
    for (uint32_t i = 0; i < sh->n_slots; i++)
        if (mw_shard_at(sh, i)) mw_stream_deinit(mw_shard_at(sh, i), &sh->tally);
    for (size_t i = 0; i * MW_SLOT_PAGE < sh->n_slots; i++)
        mw_slab_give(sh->tally.slab, sh->pages[i], PAGE_BYTES);
    mw_free(sh->pages);
    mw_free(sh->free_slots);
    mw_free(sh->resting);
    mw_free(sh->table);
    pthread_mutex_destroy(&sh->lock);
}

mw_stream *mw_shard_at(const mw_shard *sh, uint32_t slot)
{
    if (slot >= sh->n_slots) return NULL;
    mw_stream *s = mw_shard_slot(sh, slot);
    return s->birth ? s : NULL;
}

/* -- the table ------------------------------------------------------------------------------ */

mw_stream *mw_shard_find(const mw_shard *sh, mw_key key, uint32_t *slot)
{
    for (uint32_t at = key.hi & sh->mask; sh->table[at].slot; at = (at + 1) & sh->mask) {
        if (sh->table[at].tag != key.hi) continue;
        mw_stream *s = mw_shard_slot(sh, sh->table[at].slot - 1);
        if (s->key_lo != key.lo) continue;
        *slot = sh->table[at].slot - 1;
        return s;
    }
    return NULL;
}

static void seat(mw_shard *sh, mw_seat who)
{
    uint32_t at = who.tag & sh->mask;
    while (sh->table[at].slot) at = (at + 1) & sh->mask;
    sh->table[at] = who;
}

static void widen(mw_shard *sh)
{
    if ((sh->series + 1) * 4 < ((uint64_t)sh->mask + 1) * 3) return;
    mw_seat *had = sh->table;
    size_t n = (size_t)sh->mask + 1;
    sh->tally.bytes -= table_cost(sh);
    sh->table = mw_array(2 * n, sizeof *sh->table);
    sh->mask = (uint32_t)(2 * n - 1);
    sh->tally.bytes += table_cost(sh);
    for (size_t i = 0; i < n; i++)
        if (had[i].slot) seat(sh, had[i]);
    mw_free(had);
}

static void unseat(mw_shard *sh, uint32_t slot)
{
    const mw_stream *s = mw_shard_slot(sh, slot);
    uint32_t at = s->key_hi & sh->mask;
    while (sh->table[at].slot != slot + 1) at = (at + 1) & sh->mask;
    for (uint32_t next = (at + 1) & sh->mask; sh->table[next].slot; next = (next + 1) & sh->mask) {
        uint32_t home = sh->table[next].tag & sh->mask;
        if (((next - home) & sh->mask) < ((next - at) & sh->mask)) continue;
        sh->table[at] = sh->table[next];
        at = next;
    }
    sh->table[at] = (mw_seat){0};
}

/* -- coming --------------------------------------------------------------------------------- */

static void add_page(mw_shard *sh)
{
    size_t page = sh->n_slots / MW_SLOT_PAGE, before = mw_heap_cost(sh->cap_pages * sizeof(void *));
    if (page == sh->cap_pages) mw_grow(&sh->pages, &sh->cap_pages, page + 1, sizeof *sh->pages);
    sh->pages[page] = mw_slab_take(sh->tally.slab, PAGE_BYTES);
    memset(sh->pages[page], 0, PAGE_BYTES);
    sh->tally.bytes +=
        mw_heap_cost(sh->cap_pages * sizeof(void *)) - before + mw_slab_cost(PAGE_BYTES);
}

mw_stream *mw_shard_take(mw_shard *sh, uint32_t *slot)
{
    /* Only when more are free than in use: postings are sorted by id and grow best at their end. */
    if (sh->n_free > sh->series) {
        *slot = sh->free_slots[--sh->n_free];
    } else {
        if (sh->n_slots % MW_SLOT_PAGE == 0) add_page(sh);
        *slot = (uint32_t)sh->n_slots++;
    }
    return mw_shard_slot(sh, *slot);
}

void mw_shard_put(mw_shard *sh, uint32_t slot, const mw_stream *s)
{
    widen(sh);
    seat(sh, (mw_seat){s->key_hi, slot + 1});
    sh->series++;
}

void mw_shard_note(mw_shard *sh, int64_t t)
{
    if (t < sh->min_t) sh->min_t = t;
    if (t > sh->max_t) sh->max_t = t;
}

void mw_shard_measure(mw_shard *sh)
{
    sh->min_t = INT64_MAX;
    sh->max_t = INT64_MIN;
    for (uint32_t i = 0; i < sh->n_slots; i++) {
        const mw_stream *s = mw_shard_at(sh, i);
        if (!s || mw_stream_empty(s)) continue;
        int64_t max, min = mw_stream_span(s, &max);
        mw_shard_note(sh, min);
        mw_shard_note(sh, max);
    }
}

/* -- leaving -------------------------------------------------------------------------------- */

void mw_shard_wake(mw_shard *sh)
{
    for (size_t i = 0; i < sh->n_resting; i++)
        MW_PUSH(sh->free_slots, sh->n_free, sh->cap_free, sh->resting[i]);
    sh->n_resting = 0;
}

void mw_shard_unseat(mw_shard *sh, unsigned shift, uint32_t number, mw_shard_leaves *leaves,
                     void *arg, mw_leavers *out)
{
    for (uint32_t i = 0; i < sh->n_slots; i++) {
        mw_stream *s = mw_shard_at(sh, i);
        if (!s || !leaves(s, arg)) continue;
        unseat(sh, i);
        s->birth = 0;
        sh->series--;
        mw_indexed l = {(i << shift) | number, s->n_labels, s->pairs};
        MW_PUSH(out->v, out->n, out->cap, l);
    }
}

void mw_shard_vacate(mw_shard *sh, uint32_t slot)
{
    mw_stream_deinit(mw_shard_slot(sh, slot), &sh->tally);
    MW_PUSH(sh->resting, sh->n_resting, sh->cap_resting, slot);
}
