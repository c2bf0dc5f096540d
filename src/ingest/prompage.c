/* prompage.c - reading a page of text, whole, before anything of it is stored.
 *
 * Targets say the same series in the same order every time, so line N is first compared with the
 * key that came behind the previous line's series last time; only when that differs is the key
 * hashed, and only when the table does not know it are labels taken apart.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "ingest/prompage.h"
#include "ingest/promtext_line.h"

enum { AHEAD = 768 }; /* bytes of the page and of the keys that are fetched before their turn */

struct reader {
    const char *p, *end;
    int64_t t;
    bool seconds; /* OpenMetrics: times are in seconds */
    size_t guess; /* place in last: the series expected on this line */
    const char *wrong;
};

/* The length of the key of series S when the line at R begins with it; 0 otherwise. */
static size_t begins_with(const mw_promtext *p, const struct reader *r, uint32_t s)
{
    mw_str key = mw_promcache_key(&p->cache, &p->cache.series[s]);
    for (int line = 0; line < 2; line++) {
        __builtin_prefetch(key.p + AHEAD + 64 * line);
        __builtin_prefetch(r->p + AHEAD + 64 * line);
    }
    if ((size_t)(r->end - r->p) <= key.n || memcmp(r->p, key.p, key.n)) return 0;
    const char *behind = r->p + key.n;
    if (behind[-1] == '}') return key.n;
    if (behind == r->end || (*behind != ' ' && *behind != '\t')) return 0;
    while (behind < r->end && (*behind == ' ' || *behind == '\t')) behind++;
    return behind < r->end && *behind == '{' ? 0 : key.n; /* a block may stand off from its name */
}

/* The series of the line at R, which moves behind its key. */
static int series_at(mw_promtext *p, struct reader *r, mw_promrow *out, mw_err *err)
{
    if (r->guess < p->n_last) {
        out->series = p->last[r->guess];
        size_t n = begins_with(p, r, out->series);
        r->p += n;
        r->guess += n > 0;
        if (n) return MW_OK;
    }
    const char *end = mw_promline_key_end(r->p, r->end, &r->wrong);
    if (!end) return MW_EPARSE;
    mw_str key = {r->p, (size_t)(end - r->p)};
    uint64_t hash = mw_hash(key.p, key.n);
    r->p = end;
    out->series = mw_promcache_find(&p->cache, key, hash);
    if (out->series == MW_PROMCACHE_NONE) {
        int code = mw_promseries_new(p, key, hash, &out->series, err);
        if (code) return code;
    }
    uint32_t place = p->cache.series[out->series].place;
    if (place != MW_PROMCACHE_NONE) r->guess = place + 1; /* what came behind it last time */
    return MW_OK;
}

static int read_line(mw_promtext *p, struct reader *r, mw_err *err)
{
    mw_promrows *now = &p->now;
    mw_promline_value value;
    if (now->n == now->cap) mw_grow(&now->row, &now->cap, now->n + 1, sizeof *now->row);
    mw_promrow *row = &now->row[now->n];
    int code = series_at(p, r, row, err);
    if (code) return code;
    r->p = mw_promline_value_read(r->p, r->end, r->seconds, &value, &r->wrong);
    if (!r->p) return MW_EPARSE;
    row->v = value.v;
    row->own_time = value.has_time && !p->no_times;
    row->t = row->own_time ? value.t : r->t;
    if (value.exemplar.n)
        MW_PUSH(p->exemplars, p->n_exemplars, p->exemplars_cap,
                ((mw_promexemplar){now->n, value.exemplar}));
    p->dropped += p->cache.series[row->series].dropped;
    now->n++;
    return MW_OK;
}

static void read_comment(mw_promtext *p, struct reader *r)
{
    const char *newline = memchr(r->p, '\n', (size_t)(r->end - r->p));
    const char *end = newline ? newline : r->end;
    mw_promcomment_note(p, (mw_str){r->p, (size_t)(end - r->p)});
    r->p = newline ? newline + 1 : r->end;
}

static bool ends_with_eof(mw_str page)
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

static int no_end(mw_str page, mw_err *err)
{
    const char *eof = memmem(page.p, page.n, "\n# EOF\n", 7);
    return eof ? at_line(page, eof + 7, MW_EPARSE, "there is more behind \"# EOF\"", err)
               : at_line(page, page.p + page.n, MW_EPARSE,
                         "the page ends without \"# EOF\": it is cut off", err);
}

static int too_many(size_t limit, mw_err *err)
{
    return mw_fail(err, MW_ELIMIT, 0, 0, "the page has more than %zu samples", limit);
}

/* Series that were there before their target's limits became what they are. */
static int check_again(mw_promtext *p, mw_err *err)
{
    int code = MW_OK;
    for (size_t i = 0; i < p->now.n && !code; i++) {
        const mw_promseries *s = &p->cache.series[p->now.row[i].series];
        if (s->dropped) continue;
        mw_arena_reset(p->work);
        const mw_labels *ls = mw_promseries_labels(p, s);
        code = ls ? mw_promseries_check(p, ls, err) : mw_ingest_arena_full(err);
    }
    p->limits_new = code != MW_OK;
    return code;
}

int mw_prompage_read(mw_promtext *p, mw_str page, int64_t t, size_t sample_limit, mw_err *err)
{
    struct reader r = {.p = page.p, .end = page.p + page.n, .t = t};
    mw_err inner;
    mw_err_init(&inner);
    bool eof = p->kind != MW_PAGE_TEXT && ends_with_eof(page);
    r.seconds = eof;
    if (p->kind == MW_PAGE_OPENMETRICS && !eof) return no_end(page, err);
    p->now.n = p->n_exemplars = p->comments.n = p->n_told = 0;
    p->waiting = p->dropped = 0;
    p->page++;
    while (r.p < r.end) {
        const char *line = r.p;
        if (*r.p == '#') {
            read_comment(p, &r);
            continue;
        }
        if (*r.p == '\n' || *r.p == ' ' || *r.p == '\t' || *r.p == '\r') {
            r.p++;
            continue;
        }
        int code = read_line(p, &r, &inner);
        if (code) return at_line(page, line, code, r.wrong ? r.wrong : inner.msg, err);
        if (sample_limit && !p->waiting && p->now.n - p->dropped > sample_limit)
            return too_many(sample_limit, err);
    }
    if (p->waiting)
        return mw_fail(err, MW_EBUSY, 0, 0, "%zu series wait for their judge", p->waiting);
    return p->limits_new ? check_again(p, err) : MW_OK;
}
