/* batch.c - several series in passes: each pass asks for the memory that the next one reads.
 * SPDX-License-Identifier: MIT */
#include "tsdb/batch.h"

#include "base/mem.h"
#include "tsdb/gather.h"

mw_batch *mw_batch_new(size_t n)
{
    mw_batch *b = mw_zalloc(sizeof *b);
    b->cap = n < MW_BATCH ? n : MW_BATCH;
    b->of = mw_array(b->cap, sizeof *b->of);
    return b;
}

void mw_batch_free(mw_batch *b)
{
    if (!b) return;
    for (size_t i = 0; i < b->cap; i++) mw_extract_deinit(&b->of[i].extract);
    mw_free(b->of);
    mw_free(b);
}

static void fetch(const void *p) { __builtin_prefetch(p); }

static void fetch_chunk(const mw_chunk *c)
{
    const char *p = (const char *)c;
    for (size_t at = 0; c && at < 512; at += 64) fetch(p + at);
}

/* Is the newest sample of S in order the newest of all, and in the range? */
static bool newest_in_range(const mw_stream *s, const mw_wanted *w)
{
    if (!s->began || s->hist || (s->doubt && s->last.t <= w->blocks_max)) return false;
    return s->last.t >= w->min_t && s->last.t <= w->max_t;
}

static bool decodes(const mw_stream *s, const mw_wanted *w)
{
    return !w->labels_only && !(w->newest && newest_in_range(s, w));
}

/* -- passes --------------------------------------------------------------------------------- */

enum { PASSES = 5, CLOSED_AHEAD = 2 };

typedef void pass(mw_batched *b, const mw_stream *s, const mw_wanted *w);

static void fetch_series(mw_batched *b, const mw_stream *s, const mw_wanted *w)
{
    (void)b, (void)w;
    fetch(s);
}

static void fetch_closed(mw_batched *b, const mw_stream *s, const mw_wanted *w)
{
    (void)b;
    if (!decodes(s, w) || !s->rest) return;
    for (uint32_t i = 0; i < s->rest->n && i < CLOSED_AHEAD; i++)
        fetch_chunk(s->rest->chunks[s->rest->n - 1 - i]);
}

static bool is_the_one(const mw_stream *s, const mw_wanted *w)
{
    return s->birth && s->birth <= w->last_birth;
}

static void fetch_places(mw_batched *b, const mw_stream *s, const mw_wanted *w)
{
    (void)b;
    if (w->labelling) fetch(s->pairs);
    if (!decodes(s, w)) return;
    fetch_chunk(s->open);
    if (s->rest) fetch(s->rest);
}

static void fetch_rest(mw_batched *b, const mw_stream *s, const mw_wanted *w)
{
    (void)b;
    if (decodes(s, w) && s->rest && s->rest->n) fetch(s->rest->chunks);
}

static void look(mw_batched *b, const mw_stream *s, const mw_wanted *w)
{
    if (!is_the_one(s, w)) return;
    if (w->labels_only && mw_stream_surely_in(s, w->min_t, w->max_t)) {
        b->there = b->surely = true;
    } else if (w->newest && newest_in_range(s, w)) {
        b->there = b->single = true;
        b->newest.t = s->last.t;
        memcpy(&b->newest.v, &s->last.value, sizeof b->newest.v);
    } else
        b->there = mw_stream_extract(s, w->min_t, w->max_t, MW_GENS_ALL, &b->extract);
    if (b->there && w->labelling) b->labels = mw_labelling_of_stream(w->labelling, s);
}

static void run_pass(mw_batch *b, mw_tsdb *db, const mw_wanted *w, const uint32_t *id, pass *do_it)
{
    for (size_t i = 0; i < b->n;) {
        unsigned shard = id[b->order[i]] & (db->n_shards - 1);
        mw_shard *sh = &db->shards[shard];
        pthread_mutex_lock(&sh->lock);
        for (; i < b->n && (id[b->order[i]] & (db->n_shards - 1)) == shard; i++) {
            uint32_t slot = id[b->order[i]] >> db->shift;
            if (slot < sh->n_slots) do_it(&b->of[b->order[i]], mw_shard_slot(sh, slot), w);
        }
        pthread_mutex_unlock(&sh->lock);
    }
}

/* Neighbours of a shard side by side, so that one lock serves them. */
static void order(mw_batch *b, const mw_tsdb *db, const uint32_t *id, size_t n)
{
    uint8_t start[MW_SHARDS_MAX + 1] = {0};
    b->n = 0;
    for (size_t i = 0; i < n; i++)
        if (id[i] != MW_NOWHERE) start[(id[i] & (db->n_shards - 1)) + 1]++, b->n++;
    for (unsigned i = 0; i < db->n_shards; i++) start[i + 1] = (uint8_t)(start[i + 1] + start[i]);
    for (size_t i = 0; i < n; i++)
        if (id[i] != MW_NOWHERE) b->order[start[id[i] & (db->n_shards - 1)]++] = (uint8_t)i;
}

void mw_batch_look(mw_batch *b, mw_tsdb *db, const mw_wanted *w, const uint32_t *id, size_t n)
{
    static pass *const passes[PASSES] = {fetch_series, fetch_places, fetch_rest, fetch_closed,
                                         look};
    for (size_t i = 0; i < n; i++) {
        b->of[i].there = b->of[i].surely = b->of[i].single = false;
        b->of[i].labels = NULL;
    }
    order(b, db, id, n);
    for (size_t i = b->n > 2 ? 0 : PASSES - 1; i < PASSES; i++) run_pass(b, db, w, id, passes[i]);
}
