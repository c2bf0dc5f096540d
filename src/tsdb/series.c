/* series.c - appending to one series, merging what came late, forgetting.
 *
 * Samples in order go to the open chunk; a full one is trimmed and closed.  A late sample goes to
 * a sorted side buffer.  When that buffer is full, the chunks it overlaps are decoded, merged with
 * it and written again, so that chunks stay in order and never overlap.
 * SPDX-License-Identifier: MIT */
#include "tsdb/series.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tsdb/late.h"

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* -- identity ------------------------------------------------------------------------------- */

static size_t stream_cost(uint32_t n_labels)
{
    return mw_heap_cost(sizeof(mw_stream) + n_labels * sizeof(mw_pair *));
}

static size_t list_cost(const mw_stream *s) { return mw_heap_cost(s->cap_chunks * sizeof(void *)); }

mw_stream *mw_stream_new(uint32_t n_labels, uint64_t hash, mw_tally *tally)
{
    mw_stream *s = mw_zalloc(sizeof *s + n_labels * sizeof(mw_pair *));
    s->n_labels = n_labels;
    s->hash = hash;
    tally->bytes += stream_cost(n_labels);
    return s;
}

static void forget_chunk(mw_chunk *c, mw_tally *tally)
{
    tally->bytes -= mw_chunk_cost(c);
    tally->samples -= c->n;
    tally->chunks--;
    mw_free(c);
}

void mw_stream_free(mw_stream *s, mw_tally *tally)
{
    for (uint32_t i = 0; i < s->n_chunks; i++) forget_chunk(s->chunks[i], tally);
    if (s->open) forget_chunk(s->open, tally);
    mw_late_free(&s->late, tally);
    tally->bytes -= list_cost(s) + stream_cost(s->n_labels);
    mw_free(s->chunks);
    mw_free(s);
}

bool mw_stream_is(const mw_stream *s, const mw_labels *ls)
{
    if (s->hash != ls->hash || s->n_labels != ls->n) return false;
    for (uint32_t i = 0; i < ls->n; i++)
        if (!mw_str_eq(mw_pair_value(s->labels[i]), ls->l[i].value) ||
            !mw_str_eq(mw_pair_name(s->labels[i]), ls->l[i].name))
            return false;
    return true;
}

enum { ON_STACK = 64 };

mw_labels *mw_stream_labels(const mw_stream *s, mw_arena *arena)
{
    mw_label few[ON_STACK];
    mw_label *l = s->n_labels <= ON_STACK ? few : mw_array(s->n_labels, sizeof *l);
    for (uint32_t i = 0; i < s->n_labels; i++)
        l[i] = (mw_label){mw_pair_name(s->labels[i]), mw_pair_value(s->labels[i])};
    mw_labels *ls = mw_labels_new_in(arena, l, s->n_labels, NULL);
    if (l != few) mw_free(l);
    return ls;
}

/* -- chunks --------------------------------------------------------------------------------- */

static void list_chunks(mw_stream *s, uint32_t n, mw_tally *tally)
{
    if (n <= s->cap_chunks) return;
    tally->bytes -= list_cost(s);
    s->cap_chunks += s->cap_chunks / 2 + 2;
    if (s->cap_chunks < n) s->cap_chunks = n;
    s->chunks = mw_rearray(s->chunks, s->cap_chunks, sizeof *s->chunks);
    tally->bytes += list_cost(s);
}

static void close_open(mw_stream *s, mw_tally *tally)
{
    if (!s->open) return;
    tally->bytes -= mw_chunk_cost(s->open);
    mw_chunk *c = mw_chunk_trim(s->open);
    tally->bytes += mw_chunk_cost(c);
    list_chunks(s, s->n_chunks + 1, tally);
    s->chunks[s->n_chunks++] = c;
    s->open = NULL;
}

static void push(mw_stream *s, int64_t t, double v, mw_tally *tally)
{
    if (s->open && s->open->n >= MW_CHUNK_SAMPLES) close_open(s, tally);
    if (!s->open) {
        s->open = mw_chunk_new();
        tally->chunks++;
        tally->bytes += mw_chunk_cost(s->open);
    }
    uint32_t cap = s->open->cap;
    size_t cost = mw_chunk_cost(s->open);
    mw_chunk_append(&s->open, &s->tail, t, v);
    if (s->open->cap != cap) tally->bytes += mw_chunk_cost(s->open) - cost;
    tally->samples++;
    s->began = true;
}

/* First closed chunk that ends at or after T. */
static uint32_t seek_chunk(const mw_stream *s, int64_t t)
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

/* The chunk whose span covers T, or NULL. */
static const mw_chunk *covering(const mw_stream *s, int64_t t)
{
    uint32_t i = seek_chunk(s, t);
    const mw_chunk *c = i < s->n_chunks ? s->chunks[i] : s->open;
    return c && c->min_t <= t && t <= c->max_t ? c : NULL;
}

static bool find_in_chunks(const mw_stream *s, int64_t t, double *v)
{
    const mw_chunk *c = covering(s, t);
    if (!c) return false;
    int64_t times[MW_CHUNK_SAMPLES];
    double values[MW_CHUNK_SAMPLES];
    size_t n = mw_chunk_decode(c, times, values);
    for (size_t i = 0; i < n; i++) {
        if (times[i] != t) continue;
        *v = values[i];
        return true;
    }
    return false;
}

/* -- merging what came late ----------------------------------------------------------------- */

/* Closed chunks FROM..TO-1 and the late samples between them, as new chunks in their place. */
static void rewrite(mw_stream *s, uint32_t from, uint32_t to, mw_tally *tally)
{
    mw_extract x = {0};
    mw_samples all = {0};
    mw_chunk_tail tail = {0};
    size_t first, made = 0, cap = 0;
    mw_chunk **fresh = NULL;

    for (uint32_t i = from; i < to; i++) {
        mw_chunk *c = s->chunks[i];
        size_t n = mw_chunk_bytes(c);
        mw_grow(&x.bytes, &x.cap_bytes, x.n_bytes + n, 1);
        memcpy(x.bytes + x.n_bytes, c, n);
        x.n_bytes += n;
        x.samples += c->n;
        forget_chunk(c, tally);
    }
    x.late = s->late->s;
    x.n_late = s->late->n;
    size_t n = mw_extract_read(&x, INT64_MIN, INT64_MAX, &all, &first);
    x.late = NULL;
    for (size_t i = 0; i < n; i++) {
        if (i % MW_CHUNK_SAMPLES == 0) MW_PUSH(fresh, made, cap, mw_chunk_new());
        mw_chunk_append(&fresh[made - 1], &tail, all.t[i], all.v[i]);
    }
    for (size_t i = 0; i < made; i++) {
        fresh[i] = mw_chunk_trim(fresh[i]);
        tally->bytes += mw_chunk_cost(fresh[i]);
    }
    tally->samples += n;
    tally->chunks += made;
    uint32_t rest = s->n_chunks - to, total = from + (uint32_t)made + rest;
    list_chunks(s, total, tally);
    memmove(s->chunks + from + made, s->chunks + to, rest * sizeof *s->chunks);
    memcpy(s->chunks + from, fresh, made * sizeof *fresh);
    s->n_chunks = total;
    mw_free(fresh);
    mw_samples_deinit(&all);
    mw_extract_deinit(&x);
}

static void merge_late(mw_stream *s, mw_tally *tally)
{
    if (!s->late) return;
    int64_t oldest = s->late->s[0].t, newest = s->late->s[s->late->n - 1].t;
    if (s->open && newest >= s->open->min_t) close_open(s, tally);
    uint32_t from = seek_chunk(s, oldest), to = from;
    while (to < s->n_chunks && s->chunks[to]->min_t <= newest) to++;
    /* A neighbour that is not full takes part, or a series written backwards would end as many
     * small chunks. */
    if (from > 0 && s->chunks[from - 1]->n < MW_CHUNK_SAMPLES) from--;
    if (to < s->n_chunks && s->chunks[to]->n < MW_CHUNK_SAMPLES) to++;
    rewrite(s, from, to, tally);
    mw_late_free(&s->late, tally);
}

/* -- appending ------------------------------------------------------------------------------ */

static int append_late(mw_stream *s, int64_t t, double v, mw_tally *tally)
{
    double had;
    size_t at = mw_late_seek(s->late, t);
    if (s->late && at < s->late->n && s->late->s[at].t == t)
        return bits_of(s->late->s[at].v) == bits_of(v) ? MW_OK : MW_EDUP;
    if (find_in_chunks(s, t, &had)) return bits_of(had) == bits_of(v) ? MW_OK : MW_EDUP;
    mw_late_insert(&s->late, at, t, v, tally);
    if (s->late->n >= MW_LATE_MAX) merge_late(s, tally);
    return MW_OK;
}

int mw_stream_append(mw_stream *s, int64_t t, double v, int64_t window_ms, bool *late,
                     mw_tally *tally)
{
    if (!s->began || t > s->tail.t) {
        push(s, t, v, tally);
        return MW_OK;
    }
    if (t == s->tail.t) return s->tail.value == bits_of(v) ? MW_OK : MW_EDUP;
    uint64_t behind = (uint64_t)s->tail.t - (uint64_t)t;
    if (window_ms >= 0 && behind > (uint64_t)window_ms) return MW_EORDER;
    *late = true;
    return append_late(s, t, v, tally);
}

/* -- forgetting ----------------------------------------------------------------------------- */

static void drop_first(mw_stream *s, uint32_t n, mw_tally *tally)
{
    if (n == 0) return;
    for (uint32_t i = 0; i < n; i++) forget_chunk(s->chunks[i], tally);
    s->n_chunks -= n;
    memmove(s->chunks, s->chunks + n, s->n_chunks * sizeof *s->chunks);
}

size_t mw_stream_expire(mw_stream *s, int64_t floor, int64_t idle, mw_tally *tally)
{
    if (s->tail.t < idle) {
        merge_late(s, tally);
        close_open(s, tally);
    }
    mw_late_drop_before(&s->late, floor, tally);
    uint32_t n = seek_chunk(s, floor);
    drop_first(s, n, tally);
    return n;
}

size_t mw_stream_shed(mw_stream *s, int64_t floor, size_t *wanted, mw_tally *tally)
{
    uint32_t n = 0, end = seek_chunk(s, floor);
    for (; n < end && *wanted; n++) {
        size_t cost = mw_chunk_cost(s->chunks[n]);
        *wanted = *wanted > cost ? *wanted - cost : 0;
    }
    drop_first(s, n, tally);
    return n;
}

bool mw_stream_empty(const mw_stream *s) { return !s->open && s->n_chunks == 0 && !s->late; }

int64_t mw_stream_span(const mw_stream *s, int64_t *max)
{
    int64_t lo = INT64_MAX, hi = INT64_MIN;
    if (s->late) {
        lo = s->late->s[0].t;
        hi = s->late->s[s->late->n - 1].t;
    }
    const mw_chunk *first = s->n_chunks ? s->chunks[0] : s->open;
    const mw_chunk *last = s->open ? s->open : s->n_chunks ? s->chunks[s->n_chunks - 1] : NULL;
    if (first && first->min_t < lo) lo = first->min_t;
    if (last && last->max_t > hi) hi = last->max_t;
    *max = hi;
    return lo;
}
