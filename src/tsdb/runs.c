/* runs.c - cutting a series into runs, and histogram runs.
 *
 * Floats and histograms never share a run.  A run of histograms is zstd over
 *     T (8 bytes)  LENGTH (4 bytes)  BYTES (mw_nhist_encode)     for each of them,
 * with the length of all that before it (4 bytes).
 * SPDX-License-Identifier: MIT */
#include "tsdb/runs.h"

#include <zstd.h>

#include "base/err.h"
#include "base/mem.h"

enum {
    HIST_RUN = 240,
    HIST_HEAD = 12,
    HIST_BYTES = 4 << 20,      /* of a run, before it is compressed, unless one alone has more */
    HIST_BYTES_MAX = 16 << 20, /* more is not read */
    ZSTD_LEVEL = 1
};

void mw_run_maker_deinit(mw_run_maker *m)
{
    mw_buf_deinit(&m->bytes);
    mw_buf_deinit(&m->plain);
    mw_free(m->runs);
    *m = (mw_run_maker){0};
}

/* -- writing -------------------------------------------------------------------------------- */

static bool is_hist(const mw_samples *s, size_t i) { return s->h && s->h[i].p; }

/* Where the samples of one kind that begin at FROM end. */
static size_t kind_end(const mw_samples *s, size_t from)
{
    if (!s->h) return s->n;
    size_t end = from + 1;
    while (end < s->n && is_hist(s, end) == is_hist(s, from)) end++;
    return end;
}

/* The place of the bytes is kept as an offset, because the buffer may still move. */
static void note(mw_run_maker *m, mw_run_kind kind, const mw_run_stats *stats, size_t start)
{
    mw_run_ref run = {.kind = kind, .stats = *stats};
    run.bytes = (mw_str){(const char *)(uintptr_t)start, m->bytes.n - start};
    MW_PUSH(m->runs, m->n, m->cap, run);
}

static void make_floats(mw_run_maker *m, const mw_samples *s, size_t from, size_t n)
{
    mw_run_stats stats;
    size_t start = m->bytes.n;
    mw_run_stats_of(s->t + from, s->v + from, n, &stats);
    mw_packed_encode(s->t + from, s->v + from, n, &m->bytes);
    note(m, MW_RUN_FLOATS, &stats, start);
}

static void make_histograms(mw_run_maker *m, const mw_samples *s, size_t from, size_t n)
{
    mw_run_stats stats = {.n = (uint32_t)n, .min_t = s->t[from], .max_t = s->t[from + n - 1]};
    size_t start = m->bytes.n;
    mw_buf_reset(&m->plain);
    for (size_t i = from; i < from + n; i++) {
        uint32_t len = (uint32_t)s->h[i].n;
        mw_buf_add(&m->plain, &s->t[i], sizeof s->t[i]);
        mw_buf_add(&m->plain, &len, sizeof len);
        mw_buf_add(&m->plain, s->h[i].p, len);
    }
    uint32_t total = (uint32_t)m->plain.n;
    mw_buf_add(&m->bytes, &total, sizeof total);
    size_t room = ZSTD_compressBound(total);
    char *to = mw_buf_room(&m->bytes, room);
    size_t got = ZSTD_compress(to, room, m->plain.p, total, ZSTD_LEVEL);
    MW_ASSERT(!ZSTD_isError(got));
    m->bytes.n += got;
    note(m, MW_RUN_HISTOGRAMS, &stats, start);
}

/* As few pieces as the limit allows, about equally long. */
static void cut_floats(mw_run_maker *m, const mw_samples *s, size_t from, size_t end)
{
    size_t n = end - from, pieces = (n + MW_PACKED_MAX - 1) / MW_PACKED_MAX;
    for (size_t i = 0; i < pieces; i++) {
        size_t a = from + n * i / pieces, b = from + n * (i + 1) / pieces;
        make_floats(m, s, a, b - a);
    }
}

static void cut_histograms(mw_run_maker *m, const mw_samples *s, size_t from, size_t end)
{
    while (from < end) {
        size_t n = 1, bytes = HIST_HEAD + s->h[from].n;
        for (; from + n < end && n < HIST_RUN; n++)
            if ((bytes += HIST_HEAD + s->h[from + n].n) > HIST_BYTES) break;
        make_histograms(m, s, from, n);
        from += n;
    }
}

void mw_runs_write(mw_run_maker *m, mw_mblock_writer *w, const mw_labels *ls, mw_key key,
                   const mw_samples *s)
{
    mw_buf_reset(&m->bytes);
    m->n = 0;
    for (size_t at = 0; at < s->n;) {
        size_t end = kind_end(s, at);
        if (is_hist(s, at))
            cut_histograms(m, s, at, end);
        else
            cut_floats(m, s, at, end);
        at = end;
    }
    for (size_t i = 0; i < m->n; i++)
        m->runs[i].bytes.p = m->bytes.p + (uintptr_t)m->runs[i].bytes.p;
    mw_mblock_add(w, ls, key, m->runs, m->n);
}

/* -- reading -------------------------------------------------------------------------------- */

static int corrupt(mw_err *err)
{
    return mw_fail(err, MW_ECORRUPT, 0, 0, "a run of samples does not make sense");
}

static int read_histograms(const mw_run_ref *run, mw_arena *arena, mw_samples *out, mw_err *err)
{
    uint32_t total, len;
    if (run->bytes.n < sizeof total) return corrupt(err);
    memcpy(&total, run->bytes.p, sizeof total);
    if (total > HIST_BYTES_MAX || total < (uint64_t)run->stats.n * HIST_HEAD) return corrupt(err);
    char *p = mw_arena_alloc(arena, total + 1);
    if (!p) return mw_fail(err, MW_ELIMIT, 0, 0, "the histograms of the range are too large");
    if (ZSTD_decompress(p, total, run->bytes.p + 4, run->bytes.n - 4) != total) return corrupt(err);
    const char *end = p + total;
    for (uint32_t i = 0; i < run->stats.n; i++) {
        int64_t t;
        if (end - p < HIST_HEAD) return corrupt(err);
        memcpy(&t, p, sizeof t);
        memcpy(&len, p + 8, sizeof len);
        p += HIST_HEAD;
        if (len > (size_t)(end - p)) return corrupt(err);
        mw_samples_add_histogram(out, t, (mw_str){p, len});
        p += len;
    }
    return MW_OK;
}

int mw_run_read(const mw_run_ref *run, mw_arena *arena, mw_samples *out, mw_err *err)
{
    if (run->kind == MW_RUN_HISTOGRAMS) return read_histograms(run, arena, out, err);
    uint32_t n = run->stats.n;
    if (n == 0 || n > MW_PACKED_MAX) return corrupt(err);
    mw_samples_room(out, n);
    if (mw_packed_decode(run->bytes, n, out->t + out->n, out->v + out->n) != MW_OK)
        return corrupt(err);
    mw_samples_took(out, n);
    return MW_OK;
}
