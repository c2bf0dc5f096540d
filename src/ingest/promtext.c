/* promtext.c - pages of a target, one after the other.
 *
 * A page is read completely before anything of it is stored.
 *
 * Invariants: `last` holds the series of the newest good page in its order, as indexes into the
 * cache; a series is in the cache exactly when it was on that page.  What is needed only while a
 * page is looked at is not kept: between pages a target is its keys and a few words a series.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "ingest/prompage.h"
#include "ingest/promtext_line.h"
#include "model/sample.h"

enum { BATCH = 4096, AHEAD_MS = 10 * 60 * 1000 };

mw_promtext *mw_promtext_new(mw_ingest *in, const mw_labels *extra, bool honor_labels)
{
    mw_promtext *p = mw_zalloc(sizeof *p);
    p->in = in;
    p->extra = extra ? mw_labels_copy(extra) : mw_labels_new(NULL, 0, NULL);
    p->honor_labels = honor_labels;
    p->limits = mw_ingest_limits_of(in);
    p->work = mw_arena_new(p->limits.body);
    return p;
}

void mw_promtext_free(mw_promtext *p)
{
    if (!p) return;
    mw_promcache_deinit(&p->cache);
    mw_arena_free(p->work);
    mw_free(p->extra);
    mw_free(p->last);
    mw_free(p->last_comments.hash);
    mw_free(p->comments.hash);
    mw_free(p->told);
    mw_free(p->exemplars);
    mw_free(p);
}

size_t mw_promtext_series_added(const mw_promtext *p) { return p->fresh; }
size_t mw_promtext_dropped(const mw_promtext *p) { return p->dropped; }

void mw_promtext_kind(mw_promtext *p, mw_page_kind kind) { p->kind = kind; }

void mw_promtext_times(mw_promtext *p, bool honor, bool track)
{
    p->no_times = !honor;
    p->track_times = track;
}

void mw_promtext_label_limits(mw_promtext *p, size_t labels, size_t value_bytes)
{
    p->limits_new |= labels != p->label_limit || value_bytes != p->value_limit;
    p->label_limit = labels;
    p->value_limit = value_bytes;
}

void mw_promtext_judge(mw_promtext *p, mw_series_judge *judge, void *arg, uint64_t rule)
{
    if (rule != p->judge_rule && p->cache.n) {
        mw_promcache_retire(&p->cache);
        p->n_last = 0;
    }
    p->judge = judge;
    p->judge_arg = arg;
    p->judge_rule = rule;
}

/* -- keeping a page ------------------------------------------------------------------------- */

static int by_ref(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int add(mw_promtext *p, mw_promseries *s, int64_t t, double v, mw_ingest_result *result)
{
    mw_arena_reset(p->work);
    const mw_labels *ls = mw_promseries_labels(p, s);
    if (!ls) return MW_ELIMIT;
    int code = mw_appender_add(p->appender, ls, &s->ref, t, v);
    if (result) mw_result_sample(result, code, ls, t);
    return code;
}

/* Mark the series of the last page that this one lacks, and forget them.  A series that only
 * writes its labels in another order now is the same one to the store and gets no marker. */
static void end_vanished(mw_promtext *p, int64_t t)
{
    mw_promcache *c = &p->cache;
    uint64_t *alive = mw_array(c->n, sizeof *alive);
    uint32_t *moved = mw_array(c->n, sizeof *moved);
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->series[i].seen == p->page && !c->series[i].dropped) alive[n++] = c->series[i].ref;
    qsort(alive, n, sizeof *alive, by_ref);
    for (size_t i = 0; i < c->n; i++) {
        mw_promseries *s = &c->series[i];
        if (s->seen == p->page || !s->tracked) continue;
        if (bsearch(&s->ref, alive, n, sizeof *alive, by_ref)) continue;
        add(p, s, t, mw_stale(), NULL);
    }
    mw_promcache_keep(c, p->page, moved);
    for (size_t i = 0; i < p->now.n; i++) p->now.row[i].series = moved[p->now.row[i].series];
    mw_free(alive);
    mw_free(moved);
}

/* -- samples in batches -------------------------------------------------------------------- */

/* Rows on their way to the store, all of series that it gave a reference for once. */
struct batch {
    mw_row *row;
    uint32_t *of; /* place on the page */
    size_t n, cap;
};

static void refuse(mw_promtext *p, const mw_promrow *row, int code, const char *why,
                   mw_ingest_result *result)
{
    mw_arena_reset(p->work);
    const mw_labels *ls = mw_promseries_labels(p, &p->cache.series[row->series]);
    if (ls && why)
        mw_result_labelled(result, code, ls, row->t, "%s", why);
    else if (ls)
        mw_result_sample(result, code, ls, row->t);
}

static void flush(mw_promtext *p, struct batch *b, mw_ingest_result *result)
{
    if (b->n) mw_appender_rows(p->appender, b->row, b->n);
    for (size_t i = 0; i < b->n; i++) {
        const mw_promrow *row = &p->now.row[b->of[i]];
        if (b->row[i].code == MW_OK)
            result->accepted++;
        else if (b->row[i].code == MW_ENOENT) /* it has left memory since */
            add(p, &p->cache.series[row->series], row->t, row->v, result);
        else
            refuse(p, row, b->row[i].code, NULL, result);
    }
    b->n = 0;
}

/* As Prometheus: a clock that far wrong would keep later samples of its series out. */
static bool too_far_ahead(const mw_promtext *p, const mw_promrow *row, int64_t t)
{
    return !p->pushed && row->own_time && row->t > t + AHEAD_MS;
}

static void append(mw_promtext *p, int64_t t, mw_ingest_result *result)
{
    struct batch b = {.cap = p->now.n < BATCH ? p->now.n : BATCH};
    b.row = mw_alloc(b.cap * sizeof *b.row);
    b.of = mw_alloc(b.cap * sizeof *b.of);
    for (size_t i = 0; i < p->now.n; i++) {
        const mw_promrow *row = &p->now.row[i];
        mw_promseries *s = &p->cache.series[row->series];
        s->seen = p->page;
        s->tracked = !row->own_time || p->track_times;
        s->place = (uint32_t)i;
        if (s->dropped) {
            s->tracked = false;
        } else if (too_far_ahead(p, row, t)) {
            refuse(p, row, MW_EARG, "more than 10 minutes ahead of the scrape", result);
        } else if (!s->ref) {
            flush(p, &b, result); /* nothing overtakes */
            add(p, s, row->t, row->v, result);
        } else {
            b.of[b.n] = (uint32_t)i;
            b.row[b.n++] = (mw_row){.ref = s->ref, .t = row->t, .v = row->v};
            if (b.n == b.cap) flush(p, &b, result);
        }
    }
    flush(p, &b, result);
    mw_free(b.row);
    mw_free(b.of);
}

static void append_exemplars(mw_promtext *p, mw_ingest_result *result)
{
    for (size_t i = 0; i < p->n_exemplars; i++) {
        const mw_promrow *row = &p->now.row[p->exemplars[i].row];
        if (p->cache.series[row->series].dropped) continue;
        mw_promline_value value = {0};
        mw_label *l;
        size_t n;
        mw_arena_reset(p->work);
        const mw_labels *own = NULL;
        if (mw_promline_exemplar(p->exemplars[i].text, p->work, &l, &n, &value))
            own = mw_ingest_exemplar_labels(p->work, l, n);
        mw_exemplar e = {.labels = own, .v = value.v, .t = value.has_time ? value.t : row->t};
        const mw_labels *ls = mw_promseries_labels(p, &p->cache.series[row->series]);
        mw_result_exemplar(result,
                           own && ls ? mw_appender_add_exemplar(p->appender, ls, &e) : MW_EPARSE);
    }
}

/* -- a page --------------------------------------------------------------------------------- */

static bool any_vanished(const mw_promtext *p)
{
    for (size_t i = 0; i < p->cache.n; i++)
        if (p->cache.series[i].seen != p->page) return true;
    return false;
}

static void remember(mw_promtext *p)
{
    if (p->now.n > p->last_cap) mw_grow(&p->last, &p->last_cap, p->now.n, sizeof *p->last);
    for (size_t i = 0; i < p->now.n; i++) p->last[i] = p->now.row[i].series;
    p->n_last = p->now.n;
}

static int store_page(mw_promtext *p, int64_t t, mw_ingest_result *result, mw_err *err)
{
    append(p, t, result);
    append_exemplars(p, result);
    mw_promcomment_tell(p);
    if (any_vanished(p)) end_vanished(p, t);
    remember(p);
    int code = mw_appender_commit(p->appender, err);
    if (code) mw_result_lost(result);
    return code;
}

static void begin(mw_promtext *p)
{
    p->appender = mw_appender_new(p->in->tsdb);
    p->now.cap = p->n_last + p->n_last / 8;
    p->now.row = mw_alloc(p->now.cap * sizeof *p->now.row);
}

static void end(mw_promtext *p)
{
    mw_appender_free(p->appender);
    mw_free(p->now.row);
    p->appender = NULL;
    p->now = (mw_promrows){0};
}

int mw_promtext_page(mw_promtext *p, mw_str page, int64_t t, size_t sample_limit,
                     mw_ingest_result *result, mw_err *err)
{
    size_t known = p->cache.n;
    *result = (mw_ingest_result){0};
    begin(p);
    int code = mw_prompage_read(p, page, t, sample_limit, err);
    if (code) {
        mw_promcache_cut(&p->cache, known);
    } else {
        p->fresh = 0;
        for (size_t i = known; i < p->cache.n; i++) p->fresh += !p->cache.series[i].dropped;
        code = store_page(p, t, result, err);
    }
    end(p);
    return code;
}

void mw_promtext_stale(mw_promtext *p, int64_t t)
{
    mw_err err;
    mw_err_init(&err);
    begin(p);
    for (size_t i = 0; i < p->cache.n; i++) {
        mw_promseries *s = &p->cache.series[i];
        if (s->tracked) add(p, s, t, mw_stale(), NULL);
        s->tracked = false;
    }
    if (mw_appender_commit(p->appender, &err) != MW_OK)
        mw_log(MW_ERROR, "stale markers could not be stored", "error=\"%s\"", err.msg);
    end(p);
}

/* -- pushed once ---------------------------------------------------------------------------- */

int mw_ingest_promtext(mw_ingest *in, mw_page_kind kind, mw_str body, int64_t t,
                       mw_ingest_result *result, mw_err *err)
{
    mw_promtext *p = mw_promtext_new(in, NULL, true);
    p->kind = kind;
    p->pushed = true;
    int code = mw_promtext_page(p, body, t, 0, result, err);
    mw_promtext_free(p);
    return code;
}

mw_page_kind mw_page_kind_of(mw_str content_type)
{
    static const mw_str text = {"text/plain", 10}, open = {"application/openmetrics-text", 28};
    const char *end = content_type.n ? memchr(content_type.p, ';', content_type.n) : NULL;
    if (end) content_type.n = (size_t)(end - content_type.p);
    mw_str type = mw_str_trim(content_type);
    if (type.n == text.n && !strncasecmp(type.p, text.p, text.n)) return MW_PAGE_TEXT;
    if (type.n == open.n && !strncasecmp(type.p, open.p, open.n)) return MW_PAGE_OPENMETRICS;
    return MW_PAGE_UNKNOWN;
}
