/* batch.c - neighbours of a shard under one lock, in passes: each pass asks for the memory that
 * the next one reads.  SPDX-License-Identifier: MIT */
#include "tsdb/batch.h"

#include "tsdb/gather.h"

void mw_batch_deinit(mw_batch *b)
{
    for (size_t i = 0; i < MW_BATCH; i++) mw_extract_deinit(&b->of[i].extract);
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
    return s && !w->labels_only && !(w->newest && newest_in_range(s, w));
}

static void look(mw_batched *b, const mw_wanted *w, const mw_stream *s)
{
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

/* Under the lock of SH, N ids of it. */
static void look_at_shard(mw_batched *b, const mw_shard *sh, unsigned shift, const mw_wanted *w,
                          const uint32_t *id, size_t n)
{
    const mw_stream *s[MW_BATCH];
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = id[i] >> shift;
        s[i] = slot < sh->n_slots ? mw_shard_slot(sh, slot) : NULL;
        if (s[i]) fetch(s[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (s[i] && (!s[i]->birth || s[i]->birth > w->last_birth)) s[i] = NULL;
        if (!s[i]) continue;
        if (w->labelling) fetch(s[i]->pairs);
        if (!decodes(s[i], w)) continue;
        fetch_chunk(s[i]->open);
        if (s[i]->rest) fetch(s[i]->rest);
    }
    for (size_t i = 0; i < n; i++)
        if (decodes(s[i], w) && s[i]->rest && s[i]->rest->n) fetch(s[i]->rest->chunks);
    for (size_t i = 0; i < n; i++)
        if (s[i]) look(&b[i], w, s[i]);
}

void mw_batch_look(mw_batch *b, mw_tsdb *db, const mw_wanted *w, const uint32_t *id, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mw_batched *of = &b->of[i];
        of->there = of->surely = of->single = false;
        of->labels = NULL;
    }
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        unsigned shard = id[i] & (db->n_shards - 1);
        while (end < n && (id[end] & (db->n_shards - 1)) == shard && id[end] != MW_NOWHERE) end++;
        if (id[i] != MW_NOWHERE) {
            pthread_mutex_lock(&db->shards[shard].lock);
            look_at_shard(&b->of[i], &db->shards[shard], db->shift, w, id + i, end - i);
            pthread_mutex_unlock(&db->shards[shard].lock);
        }
        i = end;
    }
}
