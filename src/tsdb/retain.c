/* retain.c - which blocks leave, and which are written again without what has expired.
 *
 * Whole blocks leave by age and by the budget of bytes.  A class of series that is kept shorter
 * than the rest is cut out of a block once a tenth of its time has expired there, so that a block
 * is not written again for every hour that passes; one that is kept longer holds its blocks back,
 * and these are written again without the others.  So is a block that a sample of the far future
 * keeps from leaving.
 * SPDX-License-Identifier: MIT */
#include "tsdb/retain.h"

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/rewrite.h"

enum { CLOCK_SLACK_MS = 3600000, SLACK_PART = 10, SLACK_LEAST_MS = 10 * 60 * 1000 };

/* Forgetting cannot be undone, so a clock that is set ahead while the program runs is believed only
 * as far as time has really passed.  After a start it is believed again. */
static int64_t now_of(const mw_tsdb *db)
{
    int64_t now = mw_now_ms(db->opt.clock), passed = mw_boot_ms() - db->opened_boot_ms;
    int64_t most = db->opened_ms + passed + CLOCK_SLACK_MS;
    bool real = db->opt.clock->now_ms == mw_clock_system.now_ms;
    return real && now > most ? most : now;
}

static int64_t floor_of(const mw_tsdb *db, int64_t keep_ms)
{
    return keep_ms == 0 ? INT64_MIN : now_of(db) - keep_ms;
}

size_t mw_class_of_series(const mw_tsdb *db, const mw_labels *ls)
{
    size_t i = 0;
    while (i < db->opt.n_classes &&
           !mw_matchers_match(db->opt.classes[i].matchers, db->opt.classes[i].n, ls))
        i++;
    return i;
}

static const mw_keep_class *class_of(const mw_tsdb *db, const mw_labels *ls)
{
    size_t i = mw_class_of_series(db, ls);
    return i < db->opt.n_classes ? &db->opt.classes[i] : NULL;
}

int64_t mw_floor_of_series(const mw_tsdb *db, const mw_labels *ls)
{
    const mw_keep_class *c = class_of(db, ls);
    return floor_of(db, c ? c->keep_ms : db->opt.retention_ms);
}

int64_t mw_tsdb_floor(const mw_tsdb *db)
{
    int64_t floor = floor_of(db, db->opt.retention_ms);
    for (size_t i = 0; i < db->opt.n_classes; i++) {
        int64_t f = floor_of(db, db->opt.classes[i].keep_ms);
        if (f < floor) floor = f;
    }
    return floor;
}

/* -- whole blocks --------------------------------------------------------------------------- */

/* What is in block ID, which is about to leave because it is older than FLOOR, or for its bytes. */
static mw_tsdb_gone about(mw_tsdb *db, const mw_manifest_block *m, int64_t floor)
{
    mw_tsdb_gone g = {.why = m->max_t < floor ? "age" : "bytes",
                      .by_class = -1,
                      .block = m->id,
                      .blocks = 1,
                      .min_t = m->min_t,
                      .max_t = m->max_t,
                      .bytes = m->bytes};
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    for (size_t i = 0; i < set->n; i++)
        if (set->block[i].id == m->id) g.samples = mw_mblock_meta_of(set->block[i].b)->samples;
    mw_blocks_release(&db->blocks, set);
    return g;
}

static void drop_blocks(mw_tsdb *db)
{
    bool *leave = mw_array(db->manifest.n + 1, sizeof *leave);
    uint64_t *ids = mw_array(db->manifest.n + 1, sizeof *ids);
    mw_tsdb_gone *gone = mw_array(db->manifest.n + 1, sizeof *gone);
    int64_t floor = mw_tsdb_floor(db);
    size_t n = mw_retention_pick(&db->manifest, floor, db->opt.max_disk, leave);
    for (size_t i = 0, k = 0; i < db->manifest.n && n; i++)
        if (leave[i]) {
            gone[k] = about(db, &db->manifest.block[i], floor);
            ids[k++] = db->manifest.block[i].id;
        }
    mw_err err;
    mw_err_init(&err);
    bool left = n && mw_swap_blocks(db, ids, n, NULL, &err) == MW_OK;
    if (left)
        __atomic_fetch_add(&db->dropped_blocks, n, __ATOMIC_RELAXED);
    else if (n)
        mw_log(MW_WARN, "expired blocks could not leave", "error=\"%s\"", err.msg);
    for (size_t i = 0; i < n && left && db->opt.gone; i++) db->opt.gone(db->opt.gone_arg, &gone[i]);
    mw_free(gone);
    mw_free(leave);
    mw_free(ids);
}

/* -- parts of blocks ------------------------------------------------------------------------ */

/* Does B hold runs, of series that SEL matches, that ended before FLOOR? */
static bool has_expired(mw_mblock *b, const mw_select *sel, int64_t floor)
{
    mw_ids ids = {0};
    mw_run_ref *runs = NULL;
    size_t n = 0, cap = 0;
    bool found = false;
    if (mw_mblock_meta_of(b)->min_t < floor && mw_mblock_select(b, sel, &ids, NULL) == MW_OK)
        for (size_t i = 0; i < ids.n && !found; i++) {
            n = 0;
            if (mw_mblock_runs(b, ids.v[i], INT64_MIN, floor - 1, &runs, &n, &cap, NULL) != MW_OK)
                break;
            for (size_t k = 0; k < n; k++) found |= runs[k].stats.max_t < floor;
        }
    mw_ids_deinit(&ids);
    mw_free(runs);
    return found;
}

static int64_t slack(int64_t keep_ms)
{
    int64_t part = keep_ms / SLACK_PART;
    return part > SLACK_LEAST_MS ? part : SLACK_LEAST_MS;
}

/* Does a sample of the far future keep B from leaving, and what has expired in it from going? */
static bool never_ends(const mw_tsdb *db, mw_mblock *b)
{
    const mw_mblock_meta *m = mw_mblock_meta_of(b);
    int64_t now = now_of(db), floor = mw_tsdb_floor(db);
    if (m->max_t <= now || m->min_t >= floor) return false;
    uint64_t some = (uint64_t)slack(now - floor);
    return (uint64_t)m->max_t - (uint64_t)now > some && (uint64_t)floor - (uint64_t)m->min_t > some;
}

/* Is there a series in B that no class matches? */
static bool has_unclassed(const mw_tsdb *db, mw_mblock *b)
{
    mw_arena *arena = mw_arena_new(0);
    bool found = false;
    for (uint32_t i = 0; i < mw_mblock_meta_of(b)->series && !found; i++) {
        mw_arena_reset(arena);
        const mw_labels *ls = mw_mblock_labels(b, i, arena);
        found = ls && !class_of(db, ls);
    }
    mw_arena_free(arena);
    return found;
}

static bool wants_cutting(const mw_tsdb *db, mw_mblock *b)
{
    if (never_ends(db, b)) return true;
    for (size_t i = 0; i < db->opt.n_classes; i++) {
        const mw_keep_class *c = &db->opt.classes[i];
        mw_select sel = {.matchers = c->matchers, .n = c->n};
        if (c->keep_ms && has_expired(b, &sel, floor_of(db, c->keep_ms + slack(c->keep_ms))))
            return true;
    }
    int64_t keep = db->opt.retention_ms, floor = floor_of(db, keep);
    if (!keep || floor == mw_tsdb_floor(db)) return false;
    /* Some class is kept longer: the block stays for it alone once all else has expired. */
    return mw_mblock_meta_of(b)->max_t < floor && db->opt.n_classes &&
           has_expired(b, &(mw_select){0}, floor_of(db, keep + slack(keep))) &&
           has_unclassed(db, b);
}

static void cut_blocks(mw_tsdb *db)
{
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    for (size_t i = 0; i < set->n; i++) {
        if (!wants_cutting(db, set->block[i].b)) continue;
        mw_err err;
        mw_err_init(&err);
        if (mw_rewrite_blocks(db, &(mw_rewrite){&set->block[i], 1, NULL}, &err) != MW_OK)
            mw_log(MW_WARN, "expired series could not be cut out of a block", "error=\"%s\"",
                   err.msg);
        break; /* one at a time: the tick comes again */
    }
    mw_blocks_release(&db->blocks, set);
}

void mw_retain_blocks(mw_tsdb *db)
{
    drop_blocks(db);
    cut_blocks(db);
}
