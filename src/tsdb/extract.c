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

/* -- under the lock ------------------------------------------------------------------------- */

/* Every chunk of S, NULL behind the last. */
static const mw_chunk *chunk_at(const mw_stream *s, uint32_t i)
{
    const mw_rest *r = s->rest;
    uint32_t closed = r ? r->n : 0;
    if (i < closed) return r->chunks[i];
    if (r && r->hist && i == closed) return r->hist;
    if (r && r->hist) closed++;
    return i == closed ? s->open : NULL;
}

bool mw_stream_surely_in(const mw_stream *s, int64_t min, int64_t max)
{
    const mw_late *late = s->rest ? s->rest->late : NULL;
    size_t at = mw_late_seek(late, min);
    if (late && at < late->n && late->s[at].t <= max) return true;
    const mw_chunk *c;
    for (uint32_t i = 0; (c = chunk_at(s, i)); i++)
        if ((c->min_t >= min && c->min_t <= max) || (c->max_t <= max && c->max_t >= min))
            return true;
    return false;
}

static void copy_chunk(mw_extract *x, const mw_chunk *c)
{
    size_t n = mw_chunk_bytes(c);
    size_t need = x->n_bytes + n + MW_CHUNK_SLACK;
    if (need > x->cap_bytes) {
        mw_grow(&x->bytes, &x->cap_bytes, need, 1);
        memset(x->bytes + x->n_bytes, 0, x->cap_bytes - x->n_bytes);
    }
    memcpy(x->bytes + x->n_bytes, c, n);
    x->n_bytes += n;
    x->samples += c->n;
}

static void copy_late(mw_extract *x, const mw_late *late, int64_t min, int64_t max)
{
    for (size_t i = mw_late_seek(late, min); i < late->n && late->s[i].t <= max; i++)
        MW_PUSH(x->late, x->n_late, x->cap_late, late->s[i]);
}

static bool among(mw_gens gens, uint32_t gen) { return gen >= gens.from && gen < gens.to; }

bool mw_stream_holds(const mw_stream *s, mw_gens gens)
{
    const mw_chunk *c;
    for (uint32_t i = 0; (c = chunk_at(s, i)); i++)
        if (among(gens, c->gen)) return true;
    return s->rest && s->rest->late && among(gens, s->rest->late_gen);
}

bool mw_stream_extract(const mw_stream *s, int64_t min, int64_t max, mw_gens gens, mw_extract *x)
{
    x->n_bytes = x->n_late = x->samples = 0;
    const mw_chunk *c;
    for (uint32_t i = 0; (c = chunk_at(s, i)); i++)
        if (among(gens, c->gen) && c->max_t >= min && c->min_t <= max) copy_chunk(x, c);
    if (s->rest && s->rest->late && among(gens, s->rest->late_gen))
        copy_late(x, s->rest->late, min, max);
    return x->samples + x->n_late > 0;
}

/* -- outside it ----------------------------------------------------------------------------- */

static void read_histograms(const mw_chunk *c, mw_samples *out)
{
    int64_t t;
    mw_str bytes;
    for (size_t at = 0; mw_chunk_next_bytes(c, &at, &t, &bytes);)
        mw_samples_add_histogram(out, t, bytes);
}

void mw_extract_read(const mw_extract *x, mw_samples *out)
{
    mw_samples_room(out, x->samples + x->n_late);
    for (size_t at = 0; at < x->n_bytes;) {
        const mw_chunk *c = (const mw_chunk *)(const void *)(x->bytes + at);
        at += mw_chunk_bytes(c);
        if (c->kind == MW_CHUNK_HISTOGRAMS)
            read_histograms(c, out);
        else
            mw_samples_took(out, mw_chunk_decode_copy(c, out->t + out->n, out->v + out->n));
    }
    for (size_t i = 0; i < x->n_late; i++) mw_samples_add(out, x->late[i].t, x->late[i].v);
}
