/* promtext.c - pages of a target, one after the other.
 *
 * A page is read completely before anything of it is stored.  Targets say the same series in the
 * same order every time, so line N is first compared with the key that came behind the previous
 * line's series last time; only when that differs is the key hashed, and only when the table does
 * not know it are labels taken apart.
 *
 * Invariants: `last` holds the samples of the newest good page in its order, and every index in it
 * is a series of the cache; a series is in the cache exactly when it was on that page.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "ingest/promtext_cache.h"
#include "ingest/promtext_line.h"
#include "ingest/result.h"
#include "model/sample.h"

struct row {
    double v;
    int64_t t;
    uint32_t series;
    bool own_time;
};

struct rows {
    struct row *row;
    size_t n, cap;
};

struct mw_promtext {
    mw_ingest *in;
    mw_appender *appender;
    mw_labels *extra;
    bool honor_labels;
    mw_ingest_limits limits;
    mw_promcache cache;
    struct rows last, now;
    uint32_t page;  /* number of the page being read */
    size_t fresh;   /* series of the last good page that the one before did not have */
    mw_arena *work; /* for the labels of a new series */
};

mw_promtext *mw_promtext_new(mw_ingest *in, const mw_labels *extra, bool honor_labels)
{
    mw_promtext *p = mw_zalloc(sizeof *p);
    p->in = in;
    p->appender = mw_appender_new(in->tsdb);
    p->extra = extra ? mw_labels_copy(extra) : mw_labels_new(NULL, 0, NULL);
    p->honor_labels = honor_labels;
    p->limits = mw_ingest_limits_of(in);
    p->work = mw_arena_new(p->limits.body);
    return p;
}

void mw_promtext_free(mw_promtext *p)
{
    if (!p) return;
    mw_appender_free(p->appender);
    mw_promcache_deinit(&p->cache);
    mw_arena_free(p->work);
    mw_free(p->extra);
    mw_free(p->last.row);
    mw_free(p->now.row);
    mw_free(p);
}

size_t mw_promtext_series_added(const mw_promtext *p) { return p->fresh; }

/* -- who a new series is -------------------------------------------------------------------- */

static mw_label *find(mw_label *l, size_t n, mw_str name)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_eq(l[i].name, name)) return &l[i];
    return NULL;
}

/* A name for the page's label L that neither the page nor the target uses. */
static bool rename_exported(mw_promtext *p, mw_label *l, mw_label *all, size_t n)
{
    mw_str name = l->name;
    do {
        char *longer = mw_arena_alloc(p->work, name.n + sizeof "exported_");
        if (!longer) return false;
        memcpy(longer, "exported_", 9);
        memcpy(longer + 9, name.p, name.n);
        longer[name.n + 9] = 0;
        name = (mw_str){longer, name.n + 9};
    } while (find(all, n, name) || mw_labels_find(p->extra, name.p).p);
    l->name = name;
    return true;
}

/* The labels of the target laid over the N labels of the page. */
static mw_labels *merge(mw_promtext *p, const mw_label *page, size_t n, mw_err *err)
{
    size_t total = n;
    mw_label *all = mw_arena_array(p->work, n + p->extra->n, sizeof *all);
    if (!all) return mw_ingest_arena_full(err), NULL;
    if (n) memcpy(all, page, n * sizeof *all);
    for (uint32_t i = 0; i < p->extra->n; i++) {
        mw_label *same = find(all, n, p->extra->l[i].name);
        if (same && p->honor_labels) continue;
        if (same && !same->value.n)
            *same = p->extra->l[i];
        else if (same && !rename_exported(p, same, all, total))
            return mw_ingest_arena_full(err), NULL;
        else
            all[total++] = p->extra->l[i];
    }
    return mw_labels_new(all, total, err);
}

static int check(const mw_promtext *p, const mw_label *l, size_t n, mw_err *err)
{
    if (n > p->limits.labels)
        return mw_fail(err, MW_ELIMIT, 0, 0, "%zu labels, at most %zu are allowed", n,
                       p->limits.labels);
    for (size_t i = 0; i < n; i++)
        if (l[i].name.n > p->limits.label_bytes || l[i].value.n > p->limits.label_bytes)
            return mw_fail(err, MW_ELIMIT, 0, 0, "label \"%.*s\" is longer than %zu bytes",
                           (int)(l[i].name.n < 100 ? l[i].name.n : 100), l[i].name.p,
                           p->limits.label_bytes);
    return MW_OK;
}

static int new_series(mw_promtext *p, mw_str key, uint64_t hash, uint32_t *out, mw_err *err)
{
    mw_label *l;
    size_t n;
    mw_arena_reset(p->work);
    int code = mw_promline_labels(key, p->work, &l, &n, err);
    if (!code) code = check(p, l, n, err);
    if (code) return code;
    mw_labels *labels = merge(p, l, n, err);
    if (!labels) return err->code == MW_EARG ? MW_EPARSE : err->code;
    *out = mw_promcache_add(&p->cache, key, hash, labels);
    p->cache.series[*out].place = MW_PROMCACHE_NONE;
    return MW_OK;
}

/* -- reading a page ------------------------------------------------------------------------- */

struct reader {
    const char *p, *end;
    int64_t t;
    bool seconds; /* OpenMetrics: times are in seconds */
    size_t guess; /* index into last: the series expected on this line */
    const char *wrong;
};

/* The series expected here, when the line indeed begins with its key. */
static const mw_promseries *guessed(const mw_promtext *p, const struct reader *r)
{
    if (r->guess >= p->last.n) return NULL;
    const mw_promseries *s = &p->cache.series[p->last.row[r->guess].series];
    if ((size_t)(r->end - r->p) <= s->key_n || memcmp(r->p, s->key, s->key_n)) return NULL;
    const char *behind = r->p + s->key_n;
    if (behind[-1] == '}') return s;
    if (behind == r->end || (*behind != ' ' && *behind != '\t')) return NULL;
    while (behind < r->end && (*behind == ' ' || *behind == '\t')) behind++;
    return behind < r->end && *behind == '{' ? NULL : s; /* a block may stand off from its name */
}

/* The series of the line at R, which moves behind its key. */
static int series_at(mw_promtext *p, struct reader *r, uint32_t *out, mw_err *err)
{
    const mw_promseries *s = guessed(p, r);
    if (s) {
        *out = p->last.row[r->guess++].series;
        r->p += s->key_n;
        return MW_OK;
    }
    const char *end = mw_promline_key_end(r->p, r->end, &r->wrong);
    if (!end) return MW_EPARSE;
    mw_str key = {r->p, (size_t)(end - r->p)};
    uint64_t hash = mw_hash(key.p, key.n);
    r->p = end;
    *out = mw_promcache_find(&p->cache, key, hash);
    if (*out == MW_PROMCACHE_NONE) return new_series(p, key, hash, out, err);
    uint32_t place = p->cache.series[*out].place;
    if (place != MW_PROMCACHE_NONE) r->guess = place + 1; /* what came behind it last time */
    return MW_OK;
}

static int read_line(mw_promtext *p, struct reader *r, mw_err *err)
{
    uint32_t series;
    mw_promline_value value;
    int code = series_at(p, r, &series, err);
    if (code) return code;
    r->p = mw_promline_value_read(r->p, r->end, r->seconds, &value, &r->wrong);
    if (!r->p) return MW_EPARSE;
    p->cache.series[series].seen = p->page;
    struct rows *now = &p->now;
    if (now->n == now->cap) mw_grow(&now->row, &now->cap, now->n + 1, sizeof *now->row);
    now->row[now->n++] =
        (struct row){value.v, value.has_time ? value.t : r->t, series, value.has_time};
    return MW_OK;
}

static bool openmetrics(mw_str page)
{
    while (page.n && (page.p[page.n - 1] == '\n' || page.p[page.n - 1] == '\r')) page.n--;
    return page.n >= 5 && !memcmp(page.p + page.n - 5, "# EOF", 5) &&
           (page.n == 5 || page.p[page.n - 6] == '\n');
}

static int at_line(mw_str page, const char *p, int code, const char *wrong, mw_err *err)
{
    int line = 1;
    for (const char *q = page.p; q < p; q++) line += *q == '\n';
    return mw_fail(err, code, line, 0, "line %d: %s", line, wrong);
}

static int read_page(mw_promtext *p, mw_str page, int64_t t, size_t sample_limit, mw_err *err)
{
    struct reader r = {.p = page.p, .end = page.p + page.n, .t = t, .seconds = openmetrics(page)};
    p->now.n = 0;
    p->page++;
    while (r.p < r.end) {
        const char *line = r.p;
        if (*r.p == '#') {
            const char *newline = memchr(r.p, '\n', (size_t)(r.end - r.p));
            r.p = newline ? newline + 1 : r.end;
            continue;
        }
        if (*r.p == '\n' || *r.p == ' ' || *r.p == '\t' || *r.p == '\r') {
            r.p++;
            continue;
        }
        mw_err inner;
        mw_err_init(&inner);
        int code = read_line(p, &r, &inner);
        if (code) return at_line(page, line, code, r.wrong ? r.wrong : inner.msg, err);
        if (sample_limit && p->now.n > sample_limit)
            return mw_fail(err, MW_ELIMIT, 0, 0, "the page has more than %zu samples",
                           sample_limit);
    }
    return MW_OK;
}

/* -- keeping a page ------------------------------------------------------------------------- */

static int by_ref(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
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
        if (c->series[i].seen == p->page) alive[n++] = c->series[i].ref;
    qsort(alive, n, sizeof *alive, by_ref);
    for (size_t i = 0; i < c->n; i++) {
        mw_promseries *s = &c->series[i];
        if (s->seen == p->page || !s->tracked) continue;
        if (bsearch(&s->ref, alive, n, sizeof *alive, by_ref)) continue;
        mw_appender_add(p->appender, s->labels, &s->ref, t, mw_stale());
    }
    mw_promcache_keep(c, p->page, moved);
    for (size_t i = 0; i < p->now.n; i++) p->now.row[i].series = moved[p->now.row[i].series];
    mw_free(alive);
    mw_free(moved);
}

static void append(mw_promtext *p, mw_ingest_result *result)
{
    for (size_t i = 0; i < p->now.n; i++) {
        const struct row *row = &p->now.row[i];
        mw_promseries *s = &p->cache.series[row->series];
        int code = mw_appender_add(p->appender, s->labels, &s->ref, row->t, row->v);
        mw_result_sample(result, code, s->labels, row->t);
        s->tracked = !row->own_time;
        s->place = (uint32_t)i;
    }
}

static bool any_vanished(const mw_promtext *p)
{
    for (size_t i = 0; i < p->cache.n; i++)
        if (p->cache.series[i].seen != p->page) return true;
    return false;
}

int mw_promtext_page(mw_promtext *p, mw_str page, int64_t t, size_t sample_limit,
                     mw_ingest_result *result, mw_err *err)
{
    size_t known = p->cache.n;
    *result = (mw_ingest_result){0};
    int code = read_page(p, page, t, sample_limit, err);
    if (code) {
        mw_promcache_cut(&p->cache, known);
        return code;
    }
    p->fresh = p->cache.n - known;
    append(p, result);
    if (any_vanished(p)) end_vanished(p, t);
    struct rows swap = p->last;
    p->last = p->now;
    p->now = swap;
    return mw_appender_commit(p->appender, err);
}

void mw_promtext_stale(mw_promtext *p, int64_t t)
{
    mw_err err;
    mw_err_init(&err);
    for (size_t i = 0; i < p->cache.n; i++) {
        mw_promseries *s = &p->cache.series[i];
        if (s->tracked) mw_appender_add(p->appender, s->labels, &s->ref, t, mw_stale());
        s->tracked = false;
    }
    if (mw_appender_commit(p->appender, &err) != MW_OK)
        mw_log(MW_ERROR, "stale markers could not be stored", "error=\"%s\"", err.msg);
}

int mw_ingest_promtext(mw_ingest *in, mw_str body, int64_t t, mw_ingest_result *result, mw_err *err)
{
    mw_promtext *p = mw_promtext_new(in, NULL, true);
    int code = mw_promtext_page(p, body, t, 0, result, err);
    mw_promtext_free(p);
    return code;
}
