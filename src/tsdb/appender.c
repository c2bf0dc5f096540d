/* appender.c - writing samples: into memory, and into a frame for the journal.
 *
 * A reference is the birth of its series (32 bits) above its id: when the series has left and the
 * slot is another one's, the birth differs and the labels are looked up again.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

enum { FRAME_BYTES = 1 << 20 }; /* a longer frame goes to the journal before its commit */

mw_appender *mw_appender_new(mw_tsdb *db)
{
    mw_appender *a = mw_zalloc(sizeof *a);
    a->db = db;
    return a;
}

static void leave(mw_appender *a)
{
    if (a->inside) pthread_rwlock_unlock(&a->db->gate);
    a->inside = false;
    a->failed = MW_OK;
    mw_buf_reset(&a->frame);
    a->run = (mw_record_run){0};
}

void mw_appender_free(mw_appender *a)
{
    if (!a) return;
    leave(a);
    mw_buf_deinit(&a->frame);
    mw_free(a->order);
    mw_free(a->found);
    mw_free(a);
}

int mw_appender_enter(mw_appender *a)
{
    if (a->inside) return MW_OK;
    int code = __atomic_load_n(&a->db->read_only, __ATOMIC_RELAXED);
    if (code) return code;
    pthread_rwlock_rdlock(&a->db->gate);
    a->inside = true;
    a->floor = mw_tsdb_floor(a->db);
    a->now = mw_now_ms(a->db->opt.clock);
    return MW_OK;
}

static int write_frame(mw_appender *a, mw_err *err)
{
    int code = mw_write_frame(a->db, (mw_str){a->frame.p, a->frame.n}, err);
    mw_buf_reset(&a->frame);
    a->run = (mw_record_run){0};
    if (code) a->failed = code;
    return code;
}

int mw_appender_commit(mw_appender *a, mw_err *err)
{
    int code = a->failed; /* even if the disk has become well again since */
    if (!code) code = __atomic_load_n(&a->db->read_only, __ATOMIC_RELAXED);
    if (code)
        mw_fail(err, code, 0, 0, "the store takes nothing at the moment: %s", mw_code_text(code));
    else if (!a->unjournaled)
        code = write_frame(a, err);
    leave(a);
    return code;
}

/* -- finding the series --------------------------------------------------------------------- */

uint64_t mw_make_ref(const mw_tsdb *db, const mw_shard *sh, uint32_t slot, const mw_stream *s)
{
    uint32_t id = (slot << db->shift) | (uint32_t)(sh - db->shards);
    return (uint64_t)s->birth << 32 | id;
}

/* The series of an earlier reference with its shard locked, or NULL with nothing locked. */
static mw_stream *lock_by_ref(mw_tsdb *db, uint64_t ref, mw_shard **out, uint32_t *slot)
{
    if (ref == 0) return NULL;
    uint32_t id = (uint32_t)ref;
    mw_shard *sh = &db->shards[id & (db->n_shards - 1)];
    pthread_mutex_lock(&sh->lock);
    *slot = id >> db->shift;
    mw_stream *s = mw_shard_at(sh, *slot);
    if (s && s->birth == (uint32_t)(ref >> 32)) {
        *out = sh;
        return s;
    }
    pthread_mutex_unlock(&sh->lock);
    return NULL;
}

/* A series that was in memory before, or in an earlier run of the program, goes on where it was. */
static void remember_newest(mw_tsdb *db, mw_stream *s, mw_key key, int64_t t)
{
    if (t > __atomic_load_n(&db->blocks.max_t, __ATOMIC_RELAXED)) return;
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    double value = 0;
    bool hist = false;
    if (mw_block_set_newest(set, key, &s->last.t, &value, &hist)) {
        memcpy(&s->last.value, &value, sizeof value);
        s->began = true;
        s->hist = hist;
    }
    mw_blocks_release(&db->blocks, set);
}

static mw_stream *create(mw_tsdb *db, mw_shard *sh, const mw_labels *ls, mw_key key, int64_t t,
                         uint32_t *slot)
{
    mw_stream *s = mw_shard_take(sh, slot);
    mw_stream_init(s, key, ls->n, &sh->tally);
    uint32_t id = (*slot << db->shift) | (uint32_t)(sh - db->shards);
    s->birth = mw_birth_of(mw_index_add(db->index, id, ls, s->pairs));
    remember_newest(db, s, key, t);
    mw_shard_put(sh, *slot, s);
    __atomic_fetch_add(&db->series, 1, __ATOMIC_RELAXED);
    return s;
}

/* The series with these labels, made when it is new; its shard comes back locked.  When there is no
 * room for it, why, with nothing locked. */
static int lock_by_labels(mw_tsdb *db, const mw_labels *ls, int64_t t, mw_stream **found,
                          mw_shard **out, uint32_t *slot)
{
    mw_key key = mw_tsdb_key_of(db, ls);
    mw_shard *sh = mw_shard_of_key(db, key);
    pthread_mutex_lock(&sh->lock);
    mw_stream *s = mw_shard_find(sh, key, slot);
    if (!s) {
        pthread_mutex_unlock(&sh->lock); /* making room takes other locks */
        int code = ls->n > UINT16_MAX ? MW_ELIMIT : mw_tsdb_room(db);
        if (code) {
            __atomic_fetch_add(&db->refused_series, 1, __ATOMIC_RELAXED);
            return code;
        }
        pthread_mutex_lock(&sh->lock);
        s = mw_shard_find(sh, key, slot);
        if (!s) s = create(db, sh, ls, key, t, slot);
    }
    *out = sh;
    *found = s;
    return MW_OK;
}

/* -- appending ------------------------------------------------------------------------------ */

static void count(mw_appender *a, mw_shard *sh, int rc, bool fresh, bool late, int64_t t)
{
    mw_tsdb *db = a->db;
    if (rc == MW_OK) {
        sh->appended++;
        sh->late += late;
        if (fresh) mw_shard_note(sh, t);
        if (fresh && t <= a->now - db->late.after_ms) mw_hours_mark(&db->late, t, a->now);
    } else if (rc == MW_EDUP) {
        sh->duplicates++;
    } else if (rc == MW_EOLD) {
        __atomic_fetch_add(&db->too_old, 1, __ATOMIC_RELAXED);
    } else {
        sh->out_of_order++;
    }
}

/* A late sample may be too late, or already lie in a block: then as mw_block_set_look. */
static int look_in_blocks(mw_tsdb *db, const mw_stream *s, const mw_append_rules *rules, int64_t t,
                          uint64_t bits, mw_str hist)
{
    int late = mw_stream_may_take(s, rules, t);
    if (late) return late;
    if (t > __atomic_load_n(&db->blocks.max_t, __ATOMIC_RELAXED)) return MW_ENOENT;
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    int code = mw_block_set_look(set, (mw_key){s->key_lo, s->key_hi}, t, bits, hist);
    mw_blocks_release(&db->blocks, set);
    return code;
}

/* May a block have a sample of S at T? */
static bool may_be_in_blocks(const mw_stream *s, int64_t t)
{
    return !s->began || t < s->last.t || s->doubt;
}

/* Whatever stands in memory afterwards goes into the frame, even if it was there before: the one
 * who brought it first may not have committed it, or could not.  What a block has goes, too, when a
 * deletion that failed may take it from there at the next start. */
static bool is_journaled(const mw_appender *a, int rc, bool sealed)
{
    if (rc != MW_OK || !a->db->journal || a->unjournaled) return false;
    return !sealed || __atomic_load_n(&a->db->wished, __ATOMIC_RELAXED);
}

int mw_appender_put(mw_appender *a, mw_shard *sh, uint32_t slot, mw_stream *s, int64_t t, double v)
{
    mw_tsdb *db = a->db;
    bool late = false, fresh = false;
    mw_append_rules rules = {a->unjournaled ? -1 : db->opt.out_of_order_ms, db->gen};
    int rc = MW_ENOENT;
    if (may_be_in_blocks(s, t))
        rc = look_in_blocks(db, s, &rules, t, mw_double_bits(v), (mw_str){NULL, 0});
    bool sealed = rc != MW_ENOENT;
    if (!sealed) rc = mw_stream_append(s, &rules, t, v, &fresh, &late, &sh->tally);
    count(a, sh, rc, fresh, late, t);
    if (!is_journaled(a, rc, sealed)) return rc;
    uint32_t id = (slot << db->shift) | (uint32_t)(sh - db->shards);
    mw_define(db, id, s);
    char *p = mw_buf_room(&a->frame, MW_RECORD_SAMPLE_MAX);
    a->frame.n += (size_t)(mw_record_sample(p, &a->run, id, t, v) - p);
    return rc;
}

/* The series for a sample at T with its shard locked, or a code. */
static int find_or_make(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t,
                        mw_stream **s, mw_shard **sh, uint32_t *slot)
{
    mw_tsdb *db = a->db;
    int code = mw_appender_enter(a);
    if (code) return code;
    if (t < a->floor) {
        __atomic_fetch_add(&db->too_old, 1, __ATOMIC_RELAXED);
        return MW_EOLD;
    }
    *s = lock_by_ref(db, *ref, sh, slot);
    if (!*s) code = lock_by_labels(db, ls, t, s, sh, slot);
    if (code) return code;
    *ref = mw_make_ref(db, *sh, *slot, *s);
    return MW_OK;
}

int mw_appender_relieve(mw_appender *a, int rc)
{
    if (a->frame.n < FRAME_BYTES) return rc;
    int code = write_frame(a, NULL);
    return code ? code : rc;
}

int mw_appender_add(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t, double v)
{
    mw_shard *sh;
    mw_stream *s;
    uint32_t slot;
    int rc = find_or_make(a, ls, ref, t, &s, &sh, &slot);
    if (rc) return rc;
    rc = mw_appender_put(a, sh, slot, s, t, v);
    pthread_mutex_unlock(&sh->lock);
    return mw_appender_relieve(a, rc);
}

static int put_histogram(mw_appender *a, mw_shard *sh, uint32_t slot, mw_stream *s, int64_t t,
                         mw_str bytes)
{
    mw_tsdb *db = a->db;
    bool late = false, fresh = false;
    mw_append_rules rules = {a->unjournaled ? -1 : db->opt.out_of_order_ms, db->gen};
    /* The newest histogram, too: once it is sealed, its bytes are only there. */
    int rc = MW_ENOENT;
    if (may_be_in_blocks(s, t) || t == s->last.t) rc = look_in_blocks(db, s, &rules, t, 0, bytes);
    bool sealed = rc != MW_ENOENT;
    if (!sealed) rc = mw_stream_append_histogram(s, &rules, t, bytes, &fresh, &late, &sh->tally);
    count(a, sh, rc, fresh, late, t);
    sh->histograms += rc == MW_OK;
    if (!is_journaled(a, rc, sealed)) return rc;
    uint32_t id = (slot << db->shift) | (uint32_t)(sh - db->shards);
    mw_define(db, id, s);
    mw_record_histogram(&a->frame, id, t, bytes);
    return rc;
}

int mw_appender_add_bytes(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t,
                          mw_str bytes)
{
    mw_shard *sh;
    mw_stream *s;
    uint32_t slot;
    int rc = find_or_make(a, ls, ref, t, &s, &sh, &slot);
    if (rc) return rc;
    rc = put_histogram(a, sh, slot, s, t, bytes);
    pthread_mutex_unlock(&sh->lock);
    return mw_appender_relieve(a, rc);
}

int mw_appender_add_histogram(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t,
                              const mw_nhist *h)
{
    mw_buf bytes = {0};
    mw_nhist_encode(h, &bytes);
    int rc = mw_appender_add_bytes(a, ls, ref, t, (mw_str){bytes.p, bytes.n});
    mw_buf_deinit(&bytes);
    return rc;
}

/* -- beside samples ------------------------------------------------------------------------- */

static bool is_known(mw_tsdb *db, mw_key key)
{
    mw_shard *sh = mw_shard_of_key(db, key);
    uint32_t slot;
    pthread_mutex_lock(&sh->lock);
    bool known = mw_shard_find(sh, key, &slot) != NULL;
    pthread_mutex_unlock(&sh->lock);
    return known;
}

int mw_appender_add_exemplar(mw_appender *a, const mw_labels *ls, const mw_exemplar *e)
{
    mw_tsdb *db = a->db;
    mw_key key = mw_tsdb_key_of(db, ls);
    int code = mw_appender_enter(a);
    if (code) return code;
    if (!a->unjournaled && !is_known(db, key)) return MW_ENOENT;
    bool fresh = false;
    code = mw_exemplars_add(db->exemplars, key, ls, e, &fresh);
    if (fresh && !a->unjournaled) mw_define_exemplar(db, ls, e);
    return code;
}

void mw_appender_set_metadata(mw_appender *a, mw_str name, mw_str type, mw_str help, mw_str unit)
{
    mw_metadata m = {name, type, help, unit};
    if (mw_appender_enter(a) != MW_OK) return;
    if (mw_metabook_set(a->db->metadata, &m) && !a->unjournaled) mw_define_metadata(a->db, &m);
}
