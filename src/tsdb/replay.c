/* replay.c - the records of the journal, one by one.
 *
 * Numbers of series and pairs in the journal are those of the run that wrote it; tables lead from
 * them to ours.  Series and samples, nearly all of it, go through the relay, which is drained
 * before anything is deleted.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/relay.h"

struct replay {
    mw_tsdb *db;
    mw_relay *relay;
    mw_arena *arena; /* of one record */
    uint32_t *pairs; /* by the journal's number: ours + 1, 0: not defined */
    size_t n_pairs, cap_pairs;
};

static bool make_place(struct replay *r, uint32_t number)
{
    if (number >= MW_NUMBERS_MAX) return false;
    if (number < r->n_pairs) return true;
    mw_grow(&r->pairs, &r->cap_pairs, (size_t)number + 1, sizeof *r->pairs);
    memset(r->pairs + r->n_pairs, 0, (number + 1 - r->n_pairs) * sizeof *r->pairs);
    r->n_pairs = (size_t)number + 1;
    return true;
}

static int replay_pair(struct replay *r, const mw_record *rec)
{
    if (!make_place(r, rec->id)) return MW_ECORRUPT;
    r->pairs[rec->id] = mw_index_intern(r->db->index, rec->pair.name, rec->pair.value) + 1;
    return MW_OK;
}

static int replay_series(struct replay *r, const mw_record *rec)
{
    uint32_t *pairs = mw_arena_alloc(r->arena, (rec->n_pairs + 1) * sizeof *pairs);
    for (uint32_t i = 0; i < rec->n_pairs; i++) {
        uint32_t number = rec->pairs[i];
        if (!pairs || number >= r->n_pairs || !r->pairs[number]) return MW_ECORRUPT;
        pairs[i] = r->pairs[number] - 1;
    }
    return mw_relay_series(r->relay, rec->id, rec->key, pairs, rec->n_pairs) ? MW_OK : MW_ECORRUPT;
}

static void replay_exemplar(struct replay *r, const mw_record *rec)
{
    bool fresh;
    mw_exemplars_add(r->db->exemplars, mw_tsdb_key_of(r->db, rec->series), rec->series,
                     &rec->exemplar, &fresh);
}

static int replay_delete(struct replay *r, mw_record *rec, mw_err *err)
{
    mw_select sel = {
        .matchers = rec->matchers, .n = rec->n_matchers, .min_t = rec->min_t, .max_t = rec->max_t};
    mw_relay_drain(r->relay);
    mw_relay_pause(r->relay);
    int code = mw_delete_from_head(r->db, &sel, err);
    if (!code) code = mw_delete_from_blocks(r->db, &sel, err);
    while (rec->n_matchers) mw_matcher_deinit(&rec->matchers[--rec->n_matchers]);
    mw_relay_resume(r->relay);
    return code;
}

static int replay_record(struct replay *r, mw_record *rec, mw_err *err)
{
    switch (rec->type) {
    case MW_RECORD_SAMPLE: mw_relay_sample(r->relay, rec->id, rec->t, rec->v); return MW_OK;
    case MW_RECORD_HISTOGRAM:
        mw_relay_histogram(r->relay, rec->id, rec->t, rec->bytes);
        return MW_OK;
    case MW_RECORD_PAIR: return replay_pair(r, rec);
    case MW_RECORD_SERIES: return replay_series(r, rec);
    case MW_RECORD_EXEMPLAR: replay_exemplar(r, rec); return MW_OK;
    case MW_RECORD_METADATA: mw_metabook_set(r->db->metadata, &rec->metadata); return MW_OK;
    case MW_RECORD_DELETE: return replay_delete(r, rec, err);
    }
    return MW_OK;
}

static int replay_frame(void *arg, mw_str frame, double done, mw_err *err)
{
    struct replay *r = arg;
    mw_record_reader reader;
    mw_record rec;
    int more, code = MW_OK;
    mw_record_open(&reader, frame, r->arena);
    while (!code && (more = mw_record_next(&reader, &rec)) == 1) {
        code = replay_record(r, &rec, err);
        if (rec.type != MW_RECORD_SAMPLE) mw_arena_reset(r->arena);
    }
    if (code == MW_ECORRUPT || (!code && more < 0)) {
        mw_log(MW_ERROR, "a journal frame does not make sense; the rest of it is left out", NULL);
        code = MW_OK;
    }
    r->db->replayed_frames++;
    __atomic_store(&r->db->progress, &done, __ATOMIC_RELAXED);
    return code;
}

int mw_replay(mw_tsdb *db, mw_err *err)
{
    struct replay r = {.db = db, .relay = mw_relay_new(db), .arena = mw_arena_new(MW_FRAME_MAX)};
    int code = mw_journal_replay(db->journal, db->manifest.journal_from, replay_frame, &r, err);
    mw_relay_drain(r.relay);
    uint64_t lost = mw_relay_lost(r.relay);
    if (lost)
        mw_log(MW_ERROR, "samples of the journal have lost their series",
               "samples=%llu reason=\"the segment that named them is damaged\"",
               (unsigned long long)lost);
    mw_relay_free(r.relay);
    mw_arena_free(r.arena);
    mw_free(r.pairs);
    return code;
}
