/* shard.c - slots, hash chains, and the leaving of empty series.
 *
 * A slot is used again only when more are free than in use: then postings, which are sorted by id,
 * mostly grow at their end.
 * SPDX-License-Identifier: MIT */
#include "tsdb/shard.h"

#include "base/err.h"
#include "base/mem.h"

enum { FIRST_HEADS = 16 };

void mw_shard_init(mw_shard *sh)
{
    *sh = (mw_shard){.min_t = INT64_MAX, .max_t = INT64_MIN, .n_heads = FIRST_HEADS};
    pthread_mutex_init(&sh->lock, NULL);
    sh->heads = mw_array(sh->n_heads, sizeof *sh->heads);
    sh->tally.bytes = sizeof *sh + mw_heap_cost(sh->n_heads * sizeof *sh->heads);
}

void mw_shard_deinit(mw_shard *sh)
{
    for (size_t i = 0; i < sh->n_slots; i++)
        if (sh->slots[i]) mw_stream_free(sh->slots[i], &sh->tally);
    mw_free(sh->slots);
    mw_free(sh->free_slots);
    mw_free(sh->heads);
    pthread_mutex_destroy(&sh->lock);
}

mw_stream *mw_shard_at(const mw_shard *sh, uint32_t slot)
{
    return slot < sh->n_slots ? sh->slots[slot] : NULL;
}

/* The top bits: the low ones chose the shard. */
static uint32_t *head_of(const mw_shard *sh, uint64_t hash)
{
    return &sh->heads[(hash >> 32) & (sh->n_heads - 1)];
}

mw_stream *mw_shard_find(const mw_shard *sh, const mw_labels *ls, uint32_t *slot)
{
    for (uint32_t i = *head_of(sh, ls->hash); i; i = sh->slots[i - 1]->next) {
        mw_stream *s = sh->slots[i - 1];
        if (!mw_stream_is(s, ls)) continue;
        *slot = i - 1;
        return s;
    }
    return NULL;
}

static void widen(mw_shard *sh)
{
    if (sh->series < sh->n_heads) return;
    sh->tally.bytes -= mw_heap_cost(sh->n_heads * sizeof *sh->heads);
    mw_free(sh->heads);
    sh->n_heads *= 2;
    sh->heads = mw_array(sh->n_heads, sizeof *sh->heads);
    sh->tally.bytes += mw_heap_cost(sh->n_heads * sizeof *sh->heads);
    for (size_t i = 0; i < sh->n_slots; i++) {
        mw_stream *s = sh->slots[i];
        if (!s) continue;
        s->next = *head_of(sh, s->hash);
        *head_of(sh, s->hash) = (uint32_t)i + 1;
    }
}

uint32_t mw_shard_reserve(mw_shard *sh)
{
    if (sh->n_free > sh->series) return sh->free_slots[--sh->n_free];
    size_t before = mw_heap_cost(sh->cap_slots * sizeof *sh->slots);
    MW_PUSH(sh->slots, sh->n_slots, sh->cap_slots, NULL);
    sh->tally.bytes += mw_heap_cost(sh->cap_slots * sizeof *sh->slots) - before;
    return (uint32_t)sh->n_slots - 1;
}

void mw_shard_put(mw_shard *sh, uint32_t slot, mw_stream *s)
{
    widen(sh);
    s->next = *head_of(sh, s->hash);
    *head_of(sh, s->hash) = slot + 1;
    sh->slots[slot] = s;
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
    for (size_t i = 0; i < sh->n_slots; i++) {
        const mw_stream *s = sh->slots[i];
        if (!s || mw_stream_empty(s)) continue;
        int64_t max, min = mw_stream_span(s, &max);
        mw_shard_note(sh, min);
        mw_shard_note(sh, max);
    }
}

/* -- leaving -------------------------------------------------------------------------------- */

static void unlink_slot(mw_shard *sh, uint32_t slot)
{
    mw_stream *s = sh->slots[slot];
    uint32_t *at = head_of(sh, s->hash);
    while (*at != slot + 1) at = &sh->slots[*at - 1]->next;
    *at = s->next;
    sh->slots[slot] = NULL;
    sh->series--;
    size_t before = mw_heap_cost(sh->cap_free * sizeof *sh->free_slots);
    MW_PUSH(sh->free_slots, sh->n_free, sh->cap_free, slot);
    sh->tally.bytes += mw_heap_cost(sh->cap_free * sizeof *sh->free_slots) - before;
}

size_t mw_shard_sweep(mw_shard *sh, mw_index *ix, unsigned shift, uint32_t number)
{
    mw_leaver *leavers = NULL;
    mw_stream **gone = NULL;
    size_t n = 0, cap = 0, n_gone = 0, cap_gone = 0;
    for (size_t i = 0; i < sh->n_slots; i++) {
        mw_stream *s = sh->slots[i];
        if (!s || !mw_stream_empty(s)) continue;
        unlink_slot(sh, (uint32_t)i);
        mw_leaver l = {(uint32_t)(i << shift) | number, s->n_labels, s->labels};
        MW_PUSH(leavers, n, cap, l);
        MW_PUSH(gone, n_gone, cap_gone, s);
    }
    mw_index_remove(ix, leavers, n);
    for (size_t i = 0; i < n_gone; i++) mw_stream_free(gone[i], &sh->tally);
    mw_free(leavers);
    mw_free(gone);
    return n;
}
