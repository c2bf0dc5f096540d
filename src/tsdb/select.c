/* select.c - reading the store as a source.
 *
 * A set holds the blocks it began with, so that whatever is sealed meanwhile stays readable in
 * memory.  Each step reads one series: its runs from blocks, oldest first, then what stands in
 * memory, which is copied under the shard's lock and decoded outside it.  A series that has left
 * memory meanwhile is passed over there; one that was born into its slot since is recognised by
 * its birth.
 *
 * Names and values are answered for all series that match in the range's blocks and in memory.
 * Where a block reaches beyond the range, and only some of its series are asked for, those count
 * that have a run of samples in it.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/gather.h"
#include "tsdb/runs.h"

enum {
    HISTOGRAM_BYTES = 256 << 20, /* of one series in one range */
    SORTED_BYTES = 512 << 20     /* of labels, when series are put in order */
};

typedef struct selection {
    mw_series_set set; /* first: what the caller holds */
    mw_tsdb *db;
    mw_block_set *blocks;
    mw_gather gather;
    const mw_labels **known; /* of each series gathered, when they were sorted */
    size_t at;
    int64_t min_t, max_t;
    bool labels_only;
    const volatile int *cancel;
    mw_arena *labels; /* of the views given out */
    mw_arena *hist;   /* of the present view */
    mw_run_ref *runs;
    size_t cap_runs;
    mw_extract extract;
    mw_samples samples;
    const mw_nhist **h;
    size_t cap_h;
} selection;

/* -- one series ----------------------------------------------------------------------------- */

/* What the look at one place of a series came to. */
typedef struct look {
    const mw_labels *known;  /* NULL: to be looked up */
    const mw_labels *labels; /* NULL: not there */
    bool surely;             /* a sample is certainly in the range */
} look;

static int damaged(const mw_err *why)
{
    mw_log(MW_ERROR, "samples of a damaged block are passed over", "error=\"%s\"", why->msg);
    return MW_OK;
}

static bool run_surely_in(const mw_run_ref *r, int64_t min, int64_t max)
{
    const mw_run_stats *s = &r->stats;
    return (s->min_t >= min && s->min_t <= max) || (s->max_t >= min && s->max_t <= max);
}

static int read_block(selection *sel, const mw_spot *spot, look *l, mw_err *err)
{
    mw_mblock *b = sel->blocks->block[spot->block].b;
    mw_err why;
    mw_err_init(&why);
    size_t n = 0;
    if (mw_mblock_runs(b, spot->series, sel->min_t, sel->max_t, &sel->runs, &n, &sel->cap_runs,
                       &why) != MW_OK)
        return damaged(&why);
    if (!n) return MW_OK;
    if (!l->labels) l->labels = l->known;
    if (!l->labels) l->labels = mw_mblock_labels(b, spot->series, sel->labels);
    for (size_t i = 0; i < n && !l->surely; i++) {
        if (sel->labels_only && run_surely_in(&sel->runs[i], sel->min_t, sel->max_t)) {
            l->surely = true;
            break;
        }
        size_t had = sel->samples.n;
        int code = mw_run_read(&sel->runs[i], sel->hist, &sel->samples, &why);
        if (code == MW_ELIMIT) return mw_fail(err, code, 0, 0, "%s", why.msg);
        if (code) {
            sel->samples.n = had;
            return damaged(&why);
        }
    }
    return MW_OK;
}

static void read_memory(selection *sel, uint32_t id, look *l)
{
    mw_tsdb *db = sel->db;
    mw_shard *sh = &db->shards[id & (db->n_shards - 1)];
    bool some = false;
    pthread_mutex_lock(&sh->lock);
    const mw_stream *s = mw_shard_at(sh, id >> db->shift);
    if (s && s->birth <= sel->gather.last_birth) {
        if (sel->labels_only && mw_stream_surely_in(s, sel->min_t, sel->max_t))
            l->surely = true;
        else
            some = mw_stream_extract(s, sel->min_t, sel->max_t, MW_GENS_ALL, &sel->extract);
        if ((some || l->surely) && !l->labels) l->labels = l->known;
        if ((some || l->surely) && !l->labels)
            l->labels = mw_stream_labels(db->index, s, sel->labels);
    }
    pthread_mutex_unlock(&sh->lock);
    if (some) mw_extract_read(&sel->extract, &sel->samples);
}

static int decode_histograms(selection *sel, size_t first, size_t n, mw_series_view *out,
                             mw_err *err)
{
    const mw_samples *s = &sel->samples;
    mw_grow(&sel->h, &sel->cap_h, n, sizeof *sel->h);
    for (size_t i = 0; i < n; i++) {
        mw_nhist *h = NULL;
        mw_str bytes = s->h[first + i];
        if (bytes.p) {
            int code = mw_nhist_decode(bytes, sel->hist, &h, err);
            if (code) return code;
            sel->samples.v[first + i] = h->sum;
        }
        sel->h[i] = h;
    }
    out->h = sel->h;
    return MW_OK;
}

/* 1: OUT is filled; 0: no sample in the range. */
static int view_of(selection *sel, const look *l, mw_series_view *out, mw_err *err)
{
    mw_samples *s = &sel->samples;
    *out = (mw_series_view){.labels = l->labels};
    if (sel->labels_only && l->surely) return 1;
    mw_samples_order(s);
    size_t first = mw_samples_seek(s, sel->min_t);
    size_t end = sel->max_t == INT64_MAX ? s->n : mw_samples_seek(s, sel->max_t + 1);
    if (end <= first) return 0;
    if (sel->labels_only) return 1;
    out->n = end - first;
    out->t = s->t + first;
    out->v = s->v + first;
    if (!s->h) return 1;
    int code = decode_histograms(sel, first, out->n, out, err);
    return code ? code : 1;
}

static int read_series(selection *sel, const mw_gathered *g, mw_series_view *out, mw_err *err)
{
    look l = {.known = sel->known ? sel->known[g - sel->gather.series] : NULL};
    mw_samples_reset(&sel->samples);
    mw_arena_reset(sel->hist);
    for (uint32_t i = g->spots; i != MW_NOWHERE && !l.surely; i = sel->gather.spots[i].next) {
        int code = read_block(sel, &sel->gather.spots[i], &l, err);
        if (code) return code;
    }
    if (g->head != MW_NOWHERE && !l.surely) read_memory(sel, g->head, &l);
    return l.labels ? view_of(sel, &l, out, err) : 0;
}

/* -- the set -------------------------------------------------------------------------------- */

static int set_next(mw_series_set *set, mw_series_view *out, mw_err *err)
{
    selection *sel = (selection *)set;
    while (sel->at < sel->gather.n) {
        if (sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED))
            return mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
        int more = read_series(sel, &sel->gather.series[sel->at++], out, err);
        if (more) return more;
    }
    return 0;
}

static void set_close(mw_series_set *set)
{
    selection *sel = (selection *)set;
    mw_gather_deinit(&sel->gather);
    mw_blocks_release(&sel->db->blocks, sel->blocks);
    mw_extract_deinit(&sel->extract);
    mw_samples_deinit(&sel->samples);
    mw_arena_free(sel->labels);
    mw_arena_free(sel->hist);
    mw_free(sel->known);
    mw_free(sel->runs);
    mw_free(sel->h);
    mw_free(sel);
}

/* -- in order ------------------------------------------------------------------------------- */

typedef struct sorting {
    const mw_labels *ls;
    mw_gathered g;
} sorting;

static int by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(((const sorting *)a)->ls, ((const sorting *)b)->ls);
}

/* NULL: it has left memory, or the arena is full. */
static const mw_labels *labels_of(selection *sel, const mw_gathered *g)
{
    const mw_labels *ls = NULL;
    if (g->spots != MW_NOWHERE) {
        const mw_spot *spot = &sel->gather.spots[g->spots];
        return mw_mblock_labels(sel->blocks->block[spot->block].b, spot->series, sel->labels);
    }
    mw_tsdb *db = sel->db;
    mw_shard *sh = &db->shards[g->head & (db->n_shards - 1)];
    pthread_mutex_lock(&sh->lock);
    const mw_stream *s = mw_shard_at(sh, g->head >> db->shift);
    if (s && s->birth <= sel->gather.last_birth) ls = mw_stream_labels(db->index, s, sel->labels);
    pthread_mutex_unlock(&sh->lock);
    return ls;
}

static int sort_series(selection *sel, mw_err *err)
{
    mw_gather *g = &sel->gather;
    size_t n = 0;
    sorting *rows = mw_array(g->n + 1, sizeof *rows);
    for (size_t i = 0; i < g->n && mw_arena_used(sel->labels) < SORTED_BYTES; i++) {
        rows[n] = (sorting){labels_of(sel, &g->series[i]), g->series[i]};
        n += rows[n].ls != NULL;
    }
    if (n) qsort(rows, n, sizeof *rows, by_labels);
    sel->known = mw_array(n + 1, sizeof *sel->known);
    for (size_t i = 0; i < n; i++) {
        sel->known[i] = rows[i].ls;
        g->series[i] = rows[i].g;
    }
    g->n = n;
    mw_free(rows);
    if (mw_arena_used(sel->labels) < SORTED_BYTES) return MW_OK;
    return mw_fail(err, MW_ELIMIT, 0, 0, "too many series match to be put in order");
}

static int source_select(mw_source *self, const mw_select *want, mw_series_set **out, mw_err *err)
{
    mw_tsdb *db = (mw_tsdb *)self;
    selection *sel = mw_zalloc(sizeof *sel);
    *sel = (selection){
        .set = {set_next, set_close},
        .db = db,
        .blocks = mw_blocks_hold(&db->blocks), /* before memory is asked: see mw_drop_sealed */
        .min_t = want->min_t,
        .max_t = want->max_t,
        .labels_only = want->labels_only,
        .cancel = want->cancel,
        .labels = mw_arena_new(0),
        .hist = mw_arena_new(HISTOGRAM_BYTES),
    };
    int rc = want->min_t > want->max_t ? MW_OK
                                       : mw_gather_series(&sel->gather, db, sel->blocks, want, err);
    if (rc == MW_OK && want->sorted) rc = sort_series(sel, err);
    if (rc == MW_OK)
        *out = &sel->set;
    else
        set_close(&sel->set);
    return rc;
}

/* -- names and values ----------------------------------------------------------------------- */

struct list {
    mw_arena *arena;
    mw_str_list strs;
};

static int keep(void *arg, mw_str s)
{
    struct list *l = arg;
    mw_str copy = {mw_arena_strndup(l->arena, s.p, s.n), s.n};
    MW_PUSH(l->strs.v, l->strs.n, l->strs.cap, copy);
    return 0;
}

static int by_text(const void *a, const void *b) { return mw_str_cmp(*(mw_str *)a, *(mw_str *)b); }

static void tell(struct list *l, mw_name_visit *visit, void *arg)
{
    if (l->strs.n) qsort(l->strs.v, l->strs.n, sizeof *l->strs.v, by_text);
    for (size_t i = 0; i < l->strs.n; i++)
        if ((i == 0 || !mw_str_eq(l->strs.v[i], l->strs.v[i - 1])) && visit(arg, l->strs.v[i]))
            break;
}

static bool any_time(const mw_select *sel) { return sel->min_t == 0 && sel->max_t == 0; }

/* Of IDS those that have a run of samples in the range; damage counts as one. */
static void keep_in_range(mw_mblock *b, const mw_select *sel, mw_ids *ids)
{
    const mw_mblock_meta *m = mw_mblock_meta_of(b);
    mw_run_ref *runs = NULL;
    size_t kept = 0, cap = 0;
    if (any_time(sel) || (m->min_t >= sel->min_t && m->max_t <= sel->max_t)) return;
    for (size_t i = 0; i < ids->n; i++) {
        size_t n = 0;
        int code = mw_mblock_runs(b, ids->v[i], sel->min_t, sel->max_t, &runs, &n, &cap, NULL);
        if (code || n) ids->v[kept++] = ids->v[i];
    }
    ids->n = kept;
    mw_free(runs);
}

/* Names of labels, or values of NAME. */
static int list_block(mw_mblock *b, const char *name, const mw_select *sel, struct list *l)
{
    mw_ids ids = {0};
    int code = sel->n ? mw_mblock_select(b, sel, &ids, NULL) : MW_OK;
    const mw_ids *among = sel->n ? &ids : NULL;
    if (!code && sel->n) keep_in_range(b, sel, &ids);
    if (!code && name)
        code = mw_mblock_values(b, mw_str_of(name), among, keep, l);
    else if (!code)
        code = mw_mblock_names(b, among, keep, l);
    mw_ids_deinit(&ids);
    return code;
}

static bool overlaps(const mw_mblock *b, const mw_select *sel)
{
    const mw_mblock_meta *m = mw_mblock_meta_of(b);
    return any_time(sel) || (m->max_t >= sel->min_t && m->min_t <= sel->max_t);
}

static bool memory_overlaps(mw_tsdb *db, const mw_select *sel)
{
    bool yes = any_time(sel);
    for (unsigned i = 0; i < db->n_shards && !yes; i++) {
        mw_shard *sh = &db->shards[i];
        pthread_mutex_lock(&sh->lock);
        yes = sh->series && sh->max_t >= sel->min_t && sh->min_t <= sel->max_t;
        pthread_mutex_unlock(&sh->lock);
    }
    return yes;
}

static int list_memory(mw_tsdb *db, const char *name, const mw_select *sel, struct list *l,
                       mw_err *err)
{
    if (!memory_overlaps(db, sel)) return MW_OK;
    return name ? mw_index_values(db->index, name, sel, l->arena, &l->strs, err)
                : mw_index_names(db->index, sel, l->arena, &l->strs, err);
}

static int list(mw_source *self, const char *name, const mw_select *sel, mw_name_visit *visit,
                void *arg, mw_err *err)
{
    mw_tsdb *db = (mw_tsdb *)self;
    struct list l = {.arena = mw_arena_new(0)};
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    int rc = list_memory(db, name, sel, &l, err);
    for (size_t i = 0; i < set->n && !rc; i++) {
        if (!overlaps(set->block[i].b, sel)) continue;
        rc = list_block(set->block[i].b, name, sel, &l);
        if (rc == MW_ECANCEL) mw_fail(err, rc, 0, 0, "the query was cancelled");
        if (rc == MW_ECORRUPT) rc = MW_OK; /* the tick will find it and set it aside */
    }
    mw_blocks_release(&db->blocks, set);
    if (rc == MW_OK) tell(&l, visit, arg);
    mw_free(l.strs.v);
    mw_arena_free(l.arena);
    return rc;
}

static int source_names(mw_source *self, const mw_select *sel, mw_name_visit *visit, void *arg,
                        mw_err *err)
{
    return list(self, NULL, sel, visit, arg, err);
}

static int source_values(mw_source *self, const char *name, const mw_select *sel,
                         mw_name_visit *visit, void *arg, mw_err *err)
{
    return list(self, name, sel, visit, arg, err);
}

void mw_tsdb_source_init(mw_source *source)
{
    *source = (mw_source){source_select, source_names, source_values};
}
