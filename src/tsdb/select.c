/* select.c - reading the store as a source.
 *
 * A set holds the blocks it began with, so that whatever is sealed meanwhile stays readable in
 * memory.  Each step reads one series: its runs from blocks, oldest first, then what stands in
 * memory, which is copied under the shard's lock, a few series at a time, and decoded outside it. A
 * series that has left memory meanwhile is passed over there; one that was born into its slot since
 * is recognised by its birth.  Pieces of a set share what it found and read on their own.
 *
 * Names and values are answered for all series that match in the range's blocks and in memory.
 * Where a block reaches beyond the range, and only some of its series are asked for, those count
 * that have a run of samples in it.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/batch.h"
#include "tsdb/gather.h"
#include "tsdb/runs.h"

typedef struct selection {
    mw_series_set set; /* first: what the caller holds */
    mw_tsdb *db;
    struct selection *whole; /* whose blocks and series these are; itself unless it is a piece */
    mw_block_set *blocks;
    mw_gather gather;

    size_t at, end; /* of the gathered series */
    size_t batch_at, batch_end;
    mw_batch *batch; /* what memory has of them */
    mw_wanted want;
    bool later;
    const mw_keep *keep;
    const volatile int *cancel;
    mw_labelling *labelling;
    mw_arena *hist; /* of the present view */
    mw_run_ref *runs;
    size_t cap_runs;
    mw_samples samples;
    size_t left_out; /* of the series at hand: samples that figures stand for */
    bool plainly;    /* it is read without figures */
    const mw_nhist **h;
    size_t cap_h;
} selection;

/* -- one series ----------------------------------------------------------------------------- */

/* What the look at the places of a series came to. */
typedef struct look {
    const mw_labels *labels;
    bool there, surely; /* surely: a sample is certainly in the range */
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

/* The newest sample of the N runs, by their figures where it is the last one of its run. */
static bool newest_by_figures(selection *sel, size_t n)
{
    const mw_run_ref *r = &sel->runs[n - 1];
    if (!sel->want.newest || r->kind != MW_RUN_FLOATS || r->stats.max_t > sel->want.max_t)
        return false;
    mw_samples_add(&sel->samples, r->stats.max_t, r->stats.last);
    return true;
}

/* Whether the figures of run R say all that matters of it: then they stand for its samples.  They
 * may only when nothing else that is read lies between, which is seen at the end. */
static bool digested(selection *sel, const mw_run_ref *r)
{
    const mw_run_stats *s = &r->stats;
    const mw_wanted *w = &sel->want;
    mw_digest d = sel->plainly ? MW_DIGEST_NONE : w->digest;
    if (d == MW_DIGEST_NONE || r->kind != MW_RUN_FLOATS || s->n < 3) return false;
    if (s->min_t < w->min_t || s->max_t > w->max_t) return false;
    if (d == MW_DIGEST_LEAST || d == MW_DIGEST_LARGEST) {
        if (isnan(s->min)) return false;
        mw_samples_add(&sel->samples, s->max_t, d == MW_DIGEST_LEAST ? s->min : s->max);
        sel->left_out += s->n - 1;
        return true;
    }
    if ((d == MW_DIGEST_INCREASE && s->resets) || !mw_packed_all_numbers(r->bytes)) return false;
    mw_samples_add(&sel->samples, s->min_t, s->first);
    mw_samples_add(&sel->samples, s->max_t, s->last);
    sel->left_out += s->n - 2;
    return true;
}

static int read_block(selection *sel, const mw_spot *spot, look *l, mw_err *err)
{
    mw_mblock *b = sel->whole->blocks->block[spot->block].b;
    const mw_wanted *w = &sel->want;
    mw_err why;
    mw_err_init(&why);
    size_t n = 0;
    if (mw_mblock_runs(b, spot->series, w->min_t, w->max_t, &sel->runs, &n, &sel->cap_runs, &why) !=
        MW_OK)
        return damaged(&why);
    if (!n) return MW_OK;
    if (!l->labels && !sel->later)
        l->labels = mw_labelling_of_block(sel->labelling, b, spot->block, spot->series);
    l->there |= sel->later || l->labels;
    if (newest_by_figures(sel, n)) return MW_OK;
    for (size_t i = 0; i < n && !l->surely; i++) {
        if (w->labels_only && run_surely_in(&sel->runs[i], w->min_t, w->max_t)) {
            l->surely = true;
            break;
        }
        if (digested(sel, &sel->runs[i])) continue;
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
    const mw_wanted *w = &sel->want;
    *out = (mw_series_view){.labels = l->labels};
    if (w->labels_only && l->surely) return 1;
    mw_samples_order(s);
    size_t first = mw_samples_seek(s, w->min_t);
    size_t end = w->max_t == INT64_MAX ? s->n : mw_samples_seek(s, w->max_t + 1);
    if (end <= first) return 0;
    if (w->labels_only) return 1;
    if (w->newest) first = end - 1;
    out->n = end - first;
    out->t = s->t + first;
    out->v = s->v + first;
    out->left_out = sel->left_out;
    if (!s->h) return 1;
    int code = decode_histograms(sel, first, out->n, out, err);
    return code ? code : 1;
}

/* The newest sample is known without reading anything else. */
static int single_view(const mw_batched *b, mw_series_view *out)
{
    *out = (mw_series_view){b->labels, 1, &b->newest.t, &b->newest.v, NULL, 0};
    return 1;
}

static int read_places(selection *sel, const mw_gathered *g, const mw_batched *b, look *l,
                       mw_err *err)
{
    const mw_gather *places = &sel->whole->gather;
    mw_samples_reset(&sel->samples);
    mw_arena_reset(sel->hist);
    sel->left_out = 0;
    for (uint32_t i = g->spots; i != MW_NOWHERE && !l->surely; i = places->spots[i].next) {
        int code = read_block(sel, &places->spots[i], l, err);
        if (code) return code;
    }
    if (b->there && !l->surely) mw_extract_read(&b->extract, &sel->samples);
    return MW_OK;
}

static int read_series(selection *sel, const mw_gathered *g, const mw_batched *b,
                       mw_series_view *out, mw_err *err)
{
    look l = {.labels = b->labels, .there = b->there, .surely = b->surely};
    if (b->single) return single_view(b, out);
    int code = read_places(sel, g, b, &l, err);
    const mw_samples *s = &sel->samples;
    if (!code && sel->left_out && (s->h || !mw_samples_ordered(s))) {
        sel->plainly = true;
        code = read_places(sel, g, b, &l, err);
        sel->plainly = false;
    }
    if (code) return code;
    return l.there ? view_of(sel, &l, out, err) : 0;
}

/* -- the set -------------------------------------------------------------------------------- */

static void fill_batch(selection *sel)
{
    uint32_t id[MW_BATCH];
    size_t n = sel->end - sel->at;
    if (n > MW_BATCH) n = MW_BATCH;
    if (!sel->batch) sel->batch = mw_batch_new(n);
    for (size_t i = 0; i < n; i++) id[i] = sel->whole->gather.series[sel->at + i].head;
    mw_batch_look(sel->batch, sel->db, &sel->want, id, n);
    sel->batch_at = sel->at;
    sel->batch_end = sel->at + n;
}

static int set_next(mw_series_set *set, mw_series_view *out, mw_err *err)
{
    selection *sel = (selection *)set;
    while (sel->at < sel->end) {
        if (sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED))
            return mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
        if (sel->at >= sel->batch_end) fill_batch(sel);
        size_t i = sel->at++;
        int more = read_series(sel, &sel->whole->gather.series[i],
                               &sel->batch->of[i - sel->batch_at], out, err);
        if (mw_labelling_is_full(sel->labelling)) break;
        if (more) return more;
    }
    if (!mw_labelling_is_full(sel->labelling)) return 0;
    return mw_fail(err, MW_ELIMIT, 0, 0, "too many series match: there is no room for labels");
}

/* The series that was given last, by its place in memory or in its newest block. */
static const mw_labels *set_labels(mw_series_set *set)
{
    selection *sel = (selection *)set;
    const mw_gathered *g = &sel->whole->gather.series[sel->at - 1];
    const mw_labels *ls = NULL;
    for (uint32_t i = g->spots; i != MW_NOWHERE && !ls; i = sel->whole->gather.spots[i].next) {
        const mw_spot *spot = &sel->whole->gather.spots[i];
        ls = mw_labelling_of_block(sel->labelling, sel->whole->blocks->block[spot->block].b,
                                   spot->block, spot->series);
    }
    if (ls || g->head == MW_NOWHERE) return ls;
    mw_shard *sh = &sel->db->shards[g->head & (sel->db->n_shards - 1)];
    pthread_mutex_lock(&sh->lock);
    const mw_stream *s = mw_shard_at(sh, g->head >> sel->db->shift);
    if (s && s->birth <= sel->want.last_birth) ls = mw_labelling_of_stream(sel->labelling, s);
    pthread_mutex_unlock(&sh->lock);
    return ls;
}

static void set_close(mw_series_set *set)
{
    selection *sel = (selection *)set;
    if (sel->whole == sel) {
        mw_gather_deinit(&sel->gather);
        mw_blocks_release(&sel->db->blocks, sel->blocks);
    }
    mw_batch_free(sel->batch);
    mw_samples_deinit(&sel->samples);
    mw_labelling_free(sel->labelling);
    mw_arena_free(sel->hist);
    mw_free(sel->runs);
    mw_free(sel->h);
    mw_free(sel);
}

enum { HISTOGRAM_BYTES = 256 << 20 }; /* of one series in one range */

static mw_series_set *set_piece(mw_series_set *set, size_t i, size_t n, mw_arena *arena);

static selection *selection_new(mw_tsdb *db, const mw_select *want)
{
    selection *sel = mw_zalloc(sizeof *sel);
    *sel = (selection){
        .set = {set_next, set_close, set_labels, set_piece, 0},
        .db = db,
        .later = want->later,
        .cancel = want->cancel,
        .labelling = mw_labelling_new(db->index, want->later ? NULL : want->keep, want->arena),
        .hist = mw_arena_new(HISTOGRAM_BYTES),
    };
    sel->want = (mw_wanted){.min_t = want->min_t,
                            .max_t = want->max_t,
                            .labels_only = want->labels_only,
                            .newest = want->newest,
                            .digest = want->digest,
                            .labelling = want->later ? NULL : sel->labelling};
    sel->whole = sel;
    return sel;
}

static mw_series_set *set_piece(mw_series_set *set, size_t i, size_t n, mw_arena *arena)
{
    selection *whole = (selection *)set;
    const mw_wanted *w = &whole->want;
    mw_select want = {.min_t = w->min_t,
                      .max_t = w->max_t,
                      .labels_only = w->labels_only,
                      .newest = w->newest,
                      .digest = w->digest,
                      .later = whole->later,
                      .cancel = whole->cancel};
    want.keep = whole->keep;
    want.arena = arena;
    selection *sel = selection_new(whole->db, &want);
    size_t all = whole->gather.n;
    sel->whole = whole;
    sel->want.last_birth = w->last_birth;
    sel->want.blocks_max = w->blocks_max;
    sel->at = all * i / n;
    sel->end = all * (i + 1) / n;
    sel->set.at_most = sel->end - sel->at;
    whole->end = 0;
    return &sel->set;
}

static int source_select(mw_source *self, const mw_select *want, mw_series_set **out, mw_err *err)
{
    mw_tsdb *db = (mw_tsdb *)self;
    selection *sel = selection_new(db, want);
    sel->keep = want->keep;
    sel->blocks = mw_blocks_hold(&db->blocks); /* before memory is asked: see mw_drop_sealed */
    sel->want.blocks_max = __atomic_load_n(&db->blocks.max_t, __ATOMIC_RELAXED);
    int rc = want->min_t > want->max_t ? MW_OK
                                       : mw_gather_series(&sel->gather, db, sel->blocks, want, err);
    if (rc == MW_OK && want->sorted) rc = mw_gather_sort(&sel->gather, db, sel->blocks, want, err);
    sel->end = sel->set.at_most = sel->gather.n;
    sel->want.last_birth = sel->gather.last_birth;
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

enum { CANCEL_EVERY = 256 };

/* Of IDS those that have a run of samples in the range; damage counts as one. */
static int keep_in_range(mw_mblock *b, const mw_select *sel, mw_ids *ids)
{
    const mw_mblock_meta *m = mw_mblock_meta_of(b);
    mw_run_ref *runs = NULL;
    size_t kept = 0, cap = 0;
    if (any_time(sel) || (m->min_t >= sel->min_t && m->max_t <= sel->max_t)) return MW_OK;
    int rc = MW_OK;
    for (size_t i = 0; i < ids->n && !rc; i++) {
        size_t n = 0;
        if (i % CANCEL_EVERY == 0 && mw_select_cancelled(sel)) rc = MW_ECANCEL;
        int code = mw_mblock_runs(b, ids->v[i], sel->min_t, sel->max_t, &runs, &n, &cap, NULL);
        if (code || n) ids->v[kept++] = ids->v[i];
    }
    ids->n = kept;
    mw_free(runs);
    return rc;
}

/* Names of labels, or values of NAME. */
static int list_block(mw_mblock *b, const char *name, const mw_select *sel, struct list *l)
{
    mw_ids ids = {0};
    int code = sel->n ? mw_mblock_select(b, sel, &ids, NULL) : MW_OK;
    const mw_ids *among = sel->n ? &ids : NULL;
    if (!code && sel->n) code = keep_in_range(b, sel, &ids);
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

static bool source_has_label(mw_source *self, mw_str name)
{
    mw_tsdb *db = (mw_tsdb *)self;
    bool has = mw_index_has_name(db->index, name);
    mw_block_set *set = has ? NULL : mw_blocks_hold(&db->blocks);
    for (size_t i = 0; !has && i < set->n; i++) has = mw_mblock_has_name(set->block[i].b, name);
    if (set) mw_blocks_release(&db->blocks, set);
    return has;
}

void mw_tsdb_source_init(mw_source *source)
{
    *source =
        (mw_source){source_select, source_names, source_values, source_has_label, mw_tsdb_places};
}
