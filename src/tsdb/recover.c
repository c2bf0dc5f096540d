/* recover.c - the store as it was when the program ended, however it ended.
 *
 * The manifest names the blocks and the first segment of the journal that is not in them.  Blocks
 * are opened, not read; only the journal behind the last seal is read again.  Its samples become
 * the first generation, so they are sealed with what comes next, and the segments stay until then.
 *
 * Numbers of series and pairs in the journal are those of the run that wrote it; two tables lead
 * from them to ours.
 * SPDX-License-Identifier: MIT */
#include <sys/random.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "tsdb/store.h"

enum { NUMBERS_MAX = 1 << 28, ROWS = 32768, FEW_ROWS = 2048 };

/* -- identity ------------------------------------------------------------------------------- */

static int load_secret(mw_tsdb *db, mw_err *err)
{
    mw_buf b = {0};
    mw_err why;
    mw_err_init(&why);
    int code = mw_statefile_load(db->dir, "identity", sizeof db->secret, &b, &why);
    bool good = code == MW_OK && b.n == sizeof db->secret;
    if (good) memcpy(db->secret, b.p, b.n);
    mw_buf_deinit(&b);
    if (good) return MW_OK;
    if (code != MW_ENOENT)
        mw_log(MW_ERROR,
               "the folder's identity is damaged: series in old blocks and new samples "
               "of them are told apart by their labels only from now on",
               "folder=%s", db->dir);
    return mw_statefile_save(db->io, db->dir, "identity",
                             (mw_str){(char *)db->secret, sizeof db->secret}, err);
}

/* -- blocks --------------------------------------------------------------------------------- */

/* M is filled in with what the block says of itself. */
static bool open_block(mw_tsdb *db, mw_manifest_block *m)
{
    mw_err err;
    mw_err_init(&err);
    char *path = mw_manifest_block_path(db->dir, m->id);
    mw_mblock *b = mw_mblock_open(path, &err);
    if (b) {
        const mw_mblock_meta *meta = mw_mblock_meta_of(b);
        *m = (mw_manifest_block){m->id, meta->min_t, meta->max_t, mw_block_bytes(mw_mblock_file(b)),
                                 m->level};
        mw_blocks_change(&db->blocks, NULL, 0, &(mw_live){m->id, m->level, b});
    } else {
        mw_log(MW_ERROR, "a damaged block is set aside", "block=%s error=\"%s\"", path, err.msg);
        mw_quarantine(db->io, db->dir, m->id, NULL);
        db->quarantined++;
    }
    mw_free(path);
    return b != NULL;
}

/* Every block that can be opened counts; the journal is read from its beginning.  What was merged
 * just before may be there twice, which reading puts right. */
static void rebuild_manifest(mw_tsdb *db)
{
    size_t n;
    uint64_t *ids = mw_manifest_list(db->dir, &n);
    mw_manifest_deinit(&db->manifest);
    for (size_t i = 0; i < n; i++) {
        mw_manifest_block b = {.id = ids[i]};
        MW_PUSH(db->manifest.block, db->manifest.n, db->manifest.cap, b);
    }
    db->manifest.next_id = n ? ids[n - 1] + 1 : 1;
    mw_free(ids);
}

static int load_manifest(mw_tsdb *db, bool *changed, mw_err *err)
{
    mw_err why;
    mw_err_init(&why);
    int code = mw_manifest_load(&db->manifest, db->dir, &why);
    *changed = code != MW_OK;
    if (code == MW_OK) return code;
    if (code != MW_ENOENT && code != MW_ECORRUPT) return mw_fail(err, code, 0, 0, "%s", why.msg);
    rebuild_manifest(db);
    if (code == MW_ECORRUPT || db->manifest.n)
        mw_log(MW_ERROR, "the list of blocks is missing or damaged and is made again",
               "blocks=%zu error=\"%s\"", db->manifest.n, why.msg);
    return MW_OK;
}

static int open_blocks(mw_tsdb *db, mw_err *err)
{
    bool changed;
    int code = load_manifest(db, &changed, err);
    if (code) return code;
    size_t kept = 0, had = db->manifest.n;
    for (size_t i = 0; i < had; i++)
        if (open_block(db, &db->manifest.block[i]))
            db->manifest.block[kept++] = db->manifest.block[i];
    db->manifest.n = kept;
    mw_manifest_sweep(&db->manifest, db->io, db->dir);
    return changed || kept != had ? mw_manifest_save(&db->manifest, db->io, db->dir, err) : MW_OK;
}

/* -- the journal ---------------------------------------------------------------------------- */

struct replay {
    mw_tsdb *db;
    mw_appender *a;
    mw_arena *arena;
    uint64_t *series; /* by the journal's number: our reference, 0: not defined */
    uint32_t *pairs;  /* by the journal's number: ours + 1, 0: not defined */
    size_t n_series, cap_series, n_pairs, cap_pairs;
    mw_row rows[ROWS];
    size_t n_rows;
    mw_row_groups groups;
    mw_appender *second; /* appends half of the shards */
    mw_pool *pool;       /* on this thread */
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    bool done;
    uint64_t unknown; /* samples whose series is not defined: lost with a damaged segment */
};

static void append_half(void *arg)
{
    struct replay *r = arg;
    unsigned n = r->db->n_shards;
    mw_rows_append(r->second, r->rows, &r->groups, n / 2, n);
    pthread_mutex_lock(&r->lock);
    r->done = true;
    pthread_cond_signal(&r->done_cond);
    pthread_mutex_unlock(&r->lock);
}

static void append_both_halves(struct replay *r)
{
    r->done = false;
    mw_rows_gather(r->a, r->rows, r->n_rows, &r->groups);
    MW_ASSERT(mw_pool_add(r->pool, append_half, r) == MW_OK);
    mw_rows_append(r->a, r->rows, &r->groups, 0, r->db->n_shards / 2);
    pthread_mutex_lock(&r->lock);
    while (!r->done) pthread_cond_wait(&r->done_cond, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

/* Many samples at once keep two processors busy, and each of them waiting for memory less. */
static void flush(struct replay *r)
{
    mw_appender_enter(r->a);
    mw_appender_enter(r->second);
    if (r->n_rows > FEW_ROWS)
        append_both_halves(r);
    else if (r->n_rows)
        mw_appender_rows(r->a, r->rows, r->n_rows);
    r->n_rows = 0;
}

static bool make_place(void *array, size_t *n, size_t *cap, uint32_t number, size_t size)
{
    if (number >= NUMBERS_MAX) return false;
    if (number < *n) return true;
    char **p = array;
    mw_grow(array, cap, (size_t)number + 1, size);
    memset(*p + *n * size, 0, ((size_t)number + 1 - *n) * size);
    *n = (size_t)number + 1;
    return true;
}

static int replay_pair(struct replay *r, const mw_record *rec)
{
    if (!make_place(&r->pairs, &r->n_pairs, &r->cap_pairs, rec->id, sizeof *r->pairs))
        return MW_ECORRUPT;
    r->pairs[rec->id] = mw_index_intern(r->db->index, rec->pair.name, rec->pair.value) + 1;
    return MW_OK;
}

static mw_stream *create(mw_tsdb *db, mw_shard *sh, const mw_record *rec, const uint32_t *pairs,
                         uint32_t *slot)
{
    mw_stream *s = mw_shard_take(sh, slot);
    mw_stream_init(s, rec->key, rec->n_pairs, &sh->tally);
    memcpy(s->pairs, pairs, rec->n_pairs * sizeof *pairs);
    uint32_t id = (*slot << db->shift) | (uint32_t)(sh - db->shards);
    s->doubt = true;
    s->birth = mw_birth_of(mw_index_add_pairs(db->index, id, pairs, rec->n_pairs));
    mw_shard_put(sh, *slot, s);
    __atomic_fetch_add(&db->series, 1, __ATOMIC_RELAXED);
    return s;
}

static int replay_series(struct replay *r, const mw_record *rec)
{
    if (!make_place(&r->series, &r->n_series, &r->cap_series, rec->id, sizeof *r->series))
        return MW_ECORRUPT;
    uint32_t *pairs = mw_arena_alloc(r->arena, (rec->n_pairs + 1) * sizeof *pairs);
    for (uint32_t i = 0; i < rec->n_pairs; i++) {
        uint32_t number = rec->pairs[i];
        if (!pairs || number >= r->n_pairs || !r->pairs[number]) return MW_ECORRUPT;
        pairs[i] = r->pairs[number] - 1;
    }
    mw_shard *sh = mw_shard_of_key(r->db, rec->key);
    uint32_t slot;
    pthread_mutex_lock(&sh->lock);
    mw_stream *s = mw_shard_find(sh, rec->key, &slot);
    if (!s) s = create(r->db, sh, rec, pairs, &slot);
    pthread_mutex_unlock(&sh->lock);
    r->series[rec->id] = mw_make_ref(r->db, sh, slot, s);
    return MW_OK;
}

static uint64_t ref_of(struct replay *r, uint32_t id)
{
    uint64_t ref = id < r->n_series ? r->series[id] : 0;
    r->unknown += ref == 0;
    return ref;
}

static void replay_sample(struct replay *r, const mw_record *rec)
{
    uint64_t ref = ref_of(r, rec->id);
    if (!ref) return;
    r->rows[r->n_rows++] = (mw_row){.ref = ref, .t = rec->t, .v = rec->v};
    if (r->n_rows == ROWS) flush(r);
}

static void replay_histogram(struct replay *r, const mw_record *rec)
{
    flush(r);
    uint64_t ref = ref_of(r, rec->id);
    if (ref) mw_appender_add_bytes(r->a, NULL, &ref, rec->t, rec->bytes);
}

static int replay_delete(struct replay *r, mw_record *rec, mw_err *err)
{
    mw_select sel = {
        .matchers = rec->matchers, .n = rec->n_matchers, .min_t = rec->min_t, .max_t = rec->max_t};
    flush(r);
    mw_appender_commit(r->a, NULL); /* both let go of the gate */
    mw_appender_commit(r->second, NULL);
    int code = mw_delete_from_head(r->db, &sel, err);
    if (!code) code = mw_delete_from_blocks(r->db, &sel, err);
    while (rec->n_matchers) mw_matcher_deinit(&rec->matchers[--rec->n_matchers]);
    return code;
}

static int replay_record(struct replay *r, mw_record *rec, mw_err *err)
{
    switch (rec->type) {
    case MW_RECORD_SAMPLE: replay_sample(r, rec); return MW_OK;
    case MW_RECORD_HISTOGRAM: replay_histogram(r, rec); return MW_OK;
    case MW_RECORD_PAIR: return replay_pair(r, rec);
    case MW_RECORD_SERIES: return replay_series(r, rec);
    case MW_RECORD_EXEMPLAR:
        mw_appender_add_exemplar(r->a, rec->series, &rec->exemplar);
        return MW_OK;
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

static struct replay *start_replay(mw_tsdb *db)
{
    struct replay *r = mw_zalloc(sizeof *r);
    r->db = db;
    r->a = mw_appender_new(db);
    r->second = mw_appender_new(db);
    r->a->unjournaled = r->second->unjournaled = true;
    r->arena = mw_arena_new(64 << 20);
    r->pool = mw_pool_new("mw-replay", 1, 1);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->done_cond, NULL);
    return r;
}

static void end_replay(struct replay *r)
{
    if (r->unknown)
        mw_log(MW_ERROR, "samples of the journal have lost their series",
               "samples=%llu reason=\"the segment that named them is damaged\"",
               (unsigned long long)r->unknown);
    mw_pool_free(r->pool);
    mw_appender_commit(r->a, NULL);
    mw_appender_commit(r->second, NULL);
    mw_appender_free(r->a);
    mw_appender_free(r->second);
    mw_arena_free(r->arena);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->done_cond);
    mw_free(r->series);
    mw_free(r->pairs);
    mw_free(r);
}

static int replay(mw_tsdb *db, mw_err *err)
{
    struct replay *r = start_replay(db);
    int code = mw_journal_replay(db->journal, db->manifest.journal_from, replay_frame, r, err);
    flush(r);
    end_replay(r);
    return code;
}

/* -- all of it ------------------------------------------------------------------------------ */

static int make_folders(mw_tsdb *db, mw_err *err)
{
    char *blocks = mw_sprintf("%s/blocks", db->dir);
    const char *all[] = {db->dir, blocks};
    int code = MW_OK;
    for (size_t i = 0; i < 2 && !code; i++) {
        int rc = db->io->mkdir(db->io, all[i]);
        if (rc < 0) code = mw_io_fail(err, rc, "cannot make the folder", all[i]);
    }
    mw_free(blocks);
    return code;
}

static int open_journal(mw_tsdb *db, mw_err *err)
{
    char *dir = mw_sprintf("%s/journal", db->dir);
    db->journal = mw_journal_open(
        &(mw_journal_options){.io = db->io, .dir = dir, .sync_ms = db->opt.sync_ms}, err);
    mw_free(dir);
    return db->journal ? MW_OK : err ? err->code : MW_EIO;
}

int mw_tsdb_recover(mw_tsdb *db, mw_err *err)
{
    if (!db->dir) {
        db->progress = 1;
        return MW_OK;
    }
    int64_t began = mw_mono_ns();
    pthread_mutex_lock(&db->house);
    int code = make_folders(db, err);
    if (!code) code = load_secret(db, err);
    if (!code) code = open_blocks(db, err);
    if (!code) mw_load_notes(db);
    if (!code) code = open_journal(db, err);
    if (!code) code = replay(db, err);
    pthread_mutex_unlock(&db->house);
    if (code) return code;
    db->recovery_ms = (uint64_t)(mw_mono_ns() - began) / 1000000;
    double all = 1;
    __atomic_store(&db->progress, &all, __ATOMIC_RELAXED);
    return MW_OK;
}

double mw_tsdb_progress(const mw_tsdb *db)
{
    double p;
    __atomic_load(&db->progress, &p, __ATOMIC_RELAXED);
    return p;
}
