/* rewrite.c - several blocks read in step, series by series, and one written.
 *
 * Each block is in the order of its labels, so the next series is the smallest of those at the
 * heads.  Runs that are long enough and follow each other in time are copied as they are; anything
 * else is decoded, put in order and cut anew.
 * SPDX-License-Identifier: MIT */
#include "tsdb/rewrite.h"

#include "base/mem.h"
#include "tsdb/retain.h"
#include "tsdb/runs.h"

enum { LONG_RUN = 240 }; /* not worth joining with its neighbours */

struct head { /* the next series of one block */
    const mw_live *from;
    uint32_t at, n;
    mw_labels *labels; /* NULL: no more */
    mw_arena *arena;
};

struct rewriting {
    mw_tsdb *db;
    const mw_select *without;
    mw_mblock_writer *w;
    struct head *heads;
    size_t n;
    size_t series; /* written */
    mw_run_ref *runs;
    size_t n_runs, cap_runs;
    mw_samples samples;
    mw_run_maker maker;
    mw_arena *arena;
    mw_tsdb_gone *gone; /* by class, then of no class, then by wish */
    mw_err *err;
};

/* The samples from FROM up to TO are about to go. */
static void count_gone(struct rewriting *x, size_t row, size_t from, size_t to)
{
    const mw_samples *s = &x->samples;
    mw_tsdb_gone *g = &x->gone[row];
    if (from >= to) return;
    if (!g->samples || s->t[from] < g->min_t) g->min_t = s->t[from];
    if (!g->samples || s->t[to - 1] > g->max_t) g->max_t = s->t[to - 1];
    g->samples += to - from;
}

static void tell_gone(const struct rewriting *x, const mw_rewrite *r)
{
    size_t classes = x->db->opt.n_classes;
    for (size_t i = 0; i < classes + 2; i++) {
        mw_tsdb_gone g = x->gone[i];
        if (!g.samples || !x->db->opt.gone) continue;
        g.why = i == classes + 1 ? "wish" : "age";
        g.by_class = i < classes ? (int)i : -1;
        g.block = r->from[0].id;
        g.blocks = r->n;
        x->db->opt.gone(x->db->opt.gone_arg, &g);
    }
}

static int advance(struct rewriting *x, struct head *h)
{
    h->labels = NULL;
    if (h->at == h->n) return MW_OK;
    mw_arena_reset(h->arena);
    h->labels = mw_mblock_labels(h->from->b, h->at, h->arena);
    if (h->labels) return MW_OK;
    return mw_fail(x->err, MW_ECORRUPT, 0, 0, "series %u of a block cannot be read", h->at);
}

static const struct head *smallest(const struct rewriting *x)
{
    const struct head *best = NULL;
    for (size_t i = 0; i < x->n; i++) {
        const struct head *h = &x->heads[i];
        if (h->labels && (!best || mw_labels_cmp(h->labels, best->labels) < 0)) best = h;
    }
    return best;
}

/* -- one series ----------------------------------------------------------------------------- */

/* May the runs be written as they are? */
static bool as_they_are(const struct rewriting *x, int64_t floor, bool cuts)
{
    if (cuts) return false;
    for (size_t i = 0; i < x->n_runs; i++) {
        const mw_run_stats *s = &x->runs[i].stats;
        if (s->min_t < floor || (s->n < LONG_RUN && x->n_runs > 1)) return false;
        if (i && s->min_t <= x->runs[i - 1].stats.max_t) return false;
    }
    return true;
}

static void cut_out(struct rewriting *x)
{
    mw_samples *s = &x->samples;
    int64_t max = x->without->max_t;
    size_t from = mw_samples_seek(s, x->without->min_t);
    size_t to = max == INT64_MAX ? s->n : mw_samples_seek(s, max + 1);
    count_gone(x, x->db->opt.n_classes + 1, from, to);
    if (to > from) mw_samples_remove(s, from, to);
}

static int write_series(struct rewriting *x, const mw_labels *ls, mw_key key)
{
    int64_t floor = mw_floor_of_series(x->db, ls);
    bool cuts = x->without && mw_matchers_match(x->without->matchers, x->without->n, ls);
    if (as_they_are(x, floor, cuts)) {
        if (x->n_runs) mw_mblock_add(x->w, ls, key, x->runs, x->n_runs);
        x->series += x->n_runs > 0;
        return MW_OK;
    }
    mw_samples_reset(&x->samples);
    for (size_t i = 0; i < x->n_runs; i++) {
        int code = mw_run_read(&x->runs[i], x->arena, &x->samples, x->err);
        if (code) return code;
    }
    mw_samples_order(&x->samples);
    size_t old = x->samples.n && x->samples.t[0] < floor ? mw_samples_seek(&x->samples, floor) : 0;
    if (old) count_gone(x, mw_class_of_series(x->db, ls), 0, old);
    mw_samples_cut_before(&x->samples, floor);
    if (cuts) cut_out(x);
    if (!x->samples.n) return MW_OK;
    mw_runs_write(&x->maker, x->w, ls, key, &x->samples);
    x->series++;
    return MW_OK;
}

/* The smallest series, from every block that has it. */
static int next_series(struct rewriting *x, const struct head *first)
{
    mw_labels *ls = mw_labels_copy(first->labels);
    mw_key key = mw_tsdb_key_of(x->db, ls);
    int code = MW_OK;
    x->n_runs = 0;
    mw_arena_reset(x->arena);
    for (size_t i = 0; i < x->n && !code; i++) {
        struct head *h = &x->heads[i];
        if (!h->labels || mw_labels_cmp(h->labels, ls) != 0) continue;
        code = mw_mblock_runs(h->from->b, h->at++, INT64_MIN, INT64_MAX, &x->runs, &x->n_runs,
                              &x->cap_runs, x->err);
        if (!code) code = advance(x, h);
    }
    if (!code) code = write_series(x, ls, key);
    mw_free(ls);
    return code;
}

/* -- all of them ---------------------------------------------------------------------------- */

static int write_all(struct rewriting *x, const mw_rewrite *r)
{
    int code = MW_OK;
    x->heads = mw_array(r->n, sizeof *x->heads);
    x->n = r->n;
    for (size_t i = 0; i < r->n; i++) {
        x->heads[i] = (struct head){
            .from = &r->from[i],
            .n = (uint32_t)mw_mblock_meta_of(r->from[i].b)->series,
            .arena = mw_arena_new(0),
        };
        if (!code) code = advance(x, &x->heads[i]);
    }
    for (const struct head *h; !code && (h = smallest(x));) {
        if (r->n > 1 && __atomic_load_n(&x->db->hurry, __ATOMIC_RELAXED))
            return mw_fail(x->err, MW_ECANCEL, 0, 0, "the store is about to be closed");
        code = next_series(x, h);
    }
    return code;
}

static void clear(struct rewriting *x)
{
    for (size_t i = 0; i < x->n; i++) mw_arena_free(x->heads[i].arena);
    mw_free(x->heads);
    mw_free(x->runs);
    mw_samples_deinit(&x->samples);
    mw_run_maker_deinit(&x->maker);
    mw_free(x->gone);
    mw_arena_free(x->arena);
}

static uint32_t level_above(const mw_rewrite *r)
{
    uint32_t level = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->from[i].level > level) level = r->from[i].level;
    return r->n > 1 ? level + 1 : level;
}

static int put_in_place(mw_tsdb *db, const mw_rewrite *r, const char *path, bool some, mw_err *err)
{
    mw_live come = {0};
    uint64_t *leave = mw_array(r->n, sizeof *leave);
    int code = MW_OK;
    for (size_t i = 0; i < r->n; i++) leave[i] = r->from[i].id;
    if (some) {
        come = (mw_live){db->manifest.next_id, level_above(r), mw_mblock_open(path, err)};
        if (!come.b) code = err->code;
    }
    if (!code) code = mw_swap_blocks(db, leave, r->n, some ? &come : NULL, err);
    mw_free(leave);
    return code;
}

int mw_rewrite_blocks(mw_tsdb *db, const mw_rewrite *r, mw_err *err)
{
    mw_err own;
    mw_err_init(&own);
    if (!err) err = &own;
    char *path = mw_manifest_block_path(db->dir, db->manifest.next_id);
    struct rewriting x = {.db = db, .without = r->without, .arena = mw_arena_new(0), .err = err};
    mw_mblock_meta meta;
    x.gone = mw_array(db->opt.n_classes + 2, sizeof *x.gone);
    x.w = mw_mblock_create(db->io, path, err);
    int code = x.w ? write_all(&x, r) : err->code;
    if (code || !x.series)
        mw_mblock_abort(x.w);
    else
        code = mw_mblock_finish(x.w, &meta, err);
    if (!code) code = put_in_place(db, r, path, x.series > 0, err);
    if (!code) tell_gone(&x, r);
    clear(&x);
    mw_free(path);
    return code;
}
