/* extract.c - reading one series: copied under the lock, decoded outside it.
 *
 * Compressed bytes are copied, because copying a chunk is far shorter than decoding it and the
 * lock is what appenders wait for.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "tsdb/late.h"
#include "tsdb/series.h"

void mw_extract_deinit(mw_extract *x)
{
    mw_free(x->bytes);
    mw_free(x->late);
    *x = (mw_extract){0};
}

void mw_samples_deinit(mw_samples *s)
{
    mw_free(s->t);
    mw_free(s->v);
    *s = (mw_samples){0};
}

/* -- under the lock ------------------------------------------------------------------------- */

static const mw_chunk *chunk_at(const mw_stream *s, uint32_t i)
{
    return i < s->n_chunks ? s->chunks[i] : i == s->n_chunks ? s->open : NULL;
}

/* The first chunk that ends at or after T, the open one included. */
static uint32_t first_chunk(const mw_stream *s, int64_t t)
{
    uint32_t lo = 0, hi = s->n_chunks;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (s->chunks[mid]->max_t < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool mw_stream_surely_in(const mw_stream *s, int64_t min, int64_t max)
{
    size_t at = mw_late_seek(s->late, min);
    if (s->late && at < s->late->n && s->late->s[at].t <= max) return true;
    const mw_chunk *c;
    for (uint32_t i = first_chunk(s, min); (c = chunk_at(s, i)) && c->min_t <= max; i++)
        if (c->min_t >= min || (c->max_t <= max && c->max_t >= min)) return true;
    return false;
}

static void copy_chunk(mw_extract *x, const mw_chunk *c)
{
    size_t n = mw_chunk_bytes(c);
    mw_grow(&x->bytes, &x->cap_bytes, x->n_bytes + n, 1);
    memcpy(x->bytes + x->n_bytes, c, n);
    x->n_bytes += n;
    x->samples += c->n;
}

static void copy_late(mw_extract *x, const mw_late *late, int64_t min, int64_t max)
{
    for (size_t i = mw_late_seek(late, min); late && i < late->n && late->s[i].t <= max; i++)
        MW_PUSH(x->late, x->n_late, x->cap_late, late->s[i]);
}

bool mw_stream_extract(const mw_stream *s, int64_t min, int64_t max, mw_extract *x)
{
    x->n_bytes = x->n_late = x->samples = 0;
    const mw_chunk *c;
    for (uint32_t i = first_chunk(s, min); (c = chunk_at(s, i)) && c->min_t <= max; i++)
        if (c->max_t >= min) copy_chunk(x, c);
    if (s->late) copy_late(x, s->late, min, max);
    return x->samples + x->n_late > 0;
}

/* -- outside it ----------------------------------------------------------------------------- */

static void make_room(mw_samples *out, size_t n)
{
    if (n <= out->cap) return;
    size_t cap_t = out->cap, cap_v = out->cap;
    mw_grow(&out->t, &cap_t, n, sizeof *out->t);
    mw_grow(&out->v, &cap_v, n, sizeof *out->v);
    out->cap = cap_t;
}

static size_t decode_all(const mw_extract *x, mw_samples *out)
{
    size_t n = 0;
    for (size_t at = 0; at < x->n_bytes;) {
        const mw_chunk *c = (const mw_chunk *)(const void *)(x->bytes + at);
        n += mw_chunk_decode(c, out->t + n, out->v + n);
        at += mw_chunk_bytes(c);
    }
    return n;
}

/* Merge from the back, so that it works in place. */
static size_t merge(const mw_extract *x, mw_samples *out, size_t n)
{
    size_t late = x->n_late, to = n + late;
    size_t total = to;
    while (late) {
        to--;
        if (n && out->t[n - 1] > x->late[late - 1].t) {
            n--;
            out->t[to] = out->t[n];
            out->v[to] = out->v[n];
        } else {
            late--;
            out->t[to] = x->late[late].t;
            memcpy(&out->v[to], &x->late[late].v, sizeof(double));
        }
    }
    return total;
}

static size_t lower_bound(const int64_t *t, size_t n, int64_t at)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t mw_extract_read(const mw_extract *x, int64_t min, int64_t max, mw_samples *out,
                       size_t *first)
{
    make_room(out, x->samples + x->n_late);
    out->n = merge(x, out, decode_all(x, out));
    *first = lower_bound(out->t, out->n, min);
    size_t end = max == INT64_MAX ? out->n : lower_bound(out->t, out->n, max + 1);
    return end > *first ? end - *first : 0;
}
