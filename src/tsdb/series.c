/* series.c - appending to one series, and what it holds beside its open chunk.
 *
 * Samples in order go to the open chunk; a full one, or one of an earlier generation, is closed.
 * A late sample goes to a sorted side buffer, which becomes a chunk of its own when it is full:
 * chunks of late samples overlap others, and whoever reads puts all in order.
 *
 * Floats and histograms may follow each other in one series; a histogram ends the open chunk of
 * floats, so that `last` is always what the open chunk continues.
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

static size_t pairs_bytes(uint32_t n) { return n * sizeof(uint32_t); }

void mw_stream_init(mw_stream *s, mw_key key, uint32_t n_labels, mw_tally *tally)
{
    *s = (mw_stream){.key_lo = key.lo, .key_hi = key.hi, .n_labels = (uint16_t)n_labels};
    s->pairs = mw_slab_take(tally->slab, pairs_bytes(n_labels));
    tally->bytes += mw_slab_cost(pairs_bytes(n_labels));
}

enum { ON_STACK = 64 };

mw_labels *mw_stream_labels(const mw_index *ix, const mw_stream *s, mw_arena *arena)
{
    mw_label few[ON_STACK];
    mw_label *l = s->n_labels <= ON_STACK ? few : mw_array(s->n_labels, sizeof *l);
    few[0] = (mw_label){0};
    for (uint32_t i = 0; i < s->n_labels; i++) {
        const mw_pair *p = mw_index_pair(ix, s->pairs[i]);
        l[i] = (mw_label){mw_pair_name(p), mw_pair_value(p)};
    }
    mw_labels *ls = mw_labels_new_in(arena, l, s->n_labels, NULL);
    if (l != few) mw_free(l);
    return ls;
}

/* -- the rest ------------------------------------------------------------------------------- */

static mw_rest *rest_of(mw_stream *s, mw_tally *tally)
{
    if (s->rest) return s->rest;
    s->rest = mw_zalloc(sizeof *s->rest);
    tally->bytes += mw_heap_cost(sizeof *s->rest);
    return s->rest;
}

static size_t list_cost(const mw_rest *r) { return mw_heap_cost(r->cap * sizeof(void *)); }

static void list_chunk(mw_stream *s, mw_chunk *c, mw_tally *tally)
{
    mw_rest *r = rest_of(s, tally);
    if (r->n == r->cap) {
        tally->bytes -= list_cost(r);
        r->cap += r->cap / 2 + 1;
        r->chunks = mw_rearray(r->chunks, r->cap, sizeof *r->chunks);
        tally->bytes += list_cost(r);
    }
    r->chunks[r->n++] = c;
}

static void forget_chunk(mw_chunk *c, mw_tally *tally)
{
    if (!c) return;
    tally->bytes -= mw_chunk_cost(c);
    tally->samples -= c->n;
    tally->chunks--;
    mw_chunk_free(tally->slab, c);
}

static mw_chunk *begin_chunk(mw_chunk_kind kind, uint32_t gen, mw_tally *tally)
{
    mw_chunk *c = mw_chunk_new(tally->slab, kind, gen);
    tally->chunks++;
    tally->bytes += mw_chunk_cost(c);
    return c;
}

static void close_chunk(mw_stream *s, mw_chunk **open, mw_tally *tally)
{
    if (!*open) return;
    tally->bytes -= mw_chunk_cost(*open);
    mw_chunk *c = mw_chunk_trim(tally->slab, *open);
    tally->bytes += mw_chunk_cost(c);
    *open = NULL;
    list_chunk(s, c, tally);
}

static void close_histograms(mw_stream *s, mw_tally *tally)
{
    if (s->rest) close_chunk(s, &s->rest->hist, tally);
}

/* The rest goes when nothing is left in it. */
static void tidy(mw_stream *s, mw_tally *tally)
{
    mw_rest *r = s->rest;
    if (!r || r->n || r->late || r->hist) return;
    tally->bytes -= list_cost(r) + mw_heap_cost(sizeof *r);
    mw_free(r->chunks);
    mw_free(r);
    s->rest = NULL;
}

void mw_stream_deinit(mw_stream *s, mw_tally *tally)
{
    if (s->rest) {
        for (uint32_t i = 0; i < s->rest->n; i++) forget_chunk(s->rest->chunks[i], tally);
        s->rest->n = 0;
        mw_late_free(&s->rest->late, tally);
        forget_chunk(s->rest->hist, tally);
        s->rest->hist = NULL;
        tidy(s, tally);
    }
    forget_chunk(s->open, tally);
    tally->bytes -= mw_slab_cost(pairs_bytes(s->n_labels));
    mw_slab_give(tally->slab, s->pairs, pairs_bytes(s->n_labels));
    *s = (mw_stream){0};
}

/* -- appending in order --------------------------------------------------------------------- */

static void push_to(mw_chunk **c, mw_last *last, int64_t t, double v, mw_tally *tally)
{
    uint32_t cap = (*c)->cap;
    size_t cost = mw_chunk_cost(*c);
    mw_chunk_append(tally->slab, c, last, t, v);
    if ((*c)->cap != cap) tally->bytes += mw_chunk_cost(*c) - cost;
    tally->samples++;
}

static void push(mw_stream *s, uint32_t gen, int64_t t, double v, mw_tally *tally)
{
    mw_chunk *open = s->open;
    if (open && (open->gen != gen || mw_chunk_is_full(open))) close_chunk(s, &s->open, tally);
    if (!s->open) s->open = begin_chunk(MW_CHUNK_FLOATS, gen, tally);
    push_to(&s->open, &s->last, t, v, tally);
    s->began = true;
    s->hist = false;
}

/* -- appending late ------------------------------------------------------------------------- */

/* The side buffer as a closed chunk. */
static void close_late(mw_stream *s, mw_tally *tally)
{
    mw_rest *r = s->rest;
    if (!r || !r->late) return;
    mw_chunk *c = begin_chunk(MW_CHUNK_FLOATS, r->late_gen, tally);
    mw_last last = {0};
    for (uint32_t i = 0; i < r->late->n; i++)
        push_to(&c, &last, r->late->s[i].t, r->late->s[i].v, tally);
    mw_late_free(&r->late, tally);
    close_chunk(s, &c, tally);
}

static bool find_in_chunk(const mw_chunk *c, int64_t t, double *v)
{
    if (!c || c->kind != MW_CHUNK_FLOATS || t < c->min_t || t > c->max_t) return false;
    int64_t times[MW_LATE_MAX];
    double values[MW_LATE_MAX];
    size_t n = mw_chunk_decode(c, times, values);
    for (size_t i = 0; i < n; i++) {
        if (times[i] != t) continue;
        memcpy(v, &values[i], sizeof *v);
        return true;
    }
    return false;
}

static bool find_in_chunks(const mw_stream *s, int64_t t, double *v)
{
    for (uint32_t i = 0; s->rest && i < s->rest->n; i++)
        if (find_in_chunk(s->rest->chunks[i], t, v)) return true;
    return find_in_chunk(s->open, t, v);
}

static int append_late(mw_stream *s, uint32_t gen, int64_t t, double v, bool *fresh,
                       mw_tally *tally)
{
    mw_rest *r = rest_of(s, tally);
    double had;
    size_t at = mw_late_seek(r->late, t);
    if (r->late && at < r->late->n && r->late->s[at].t == t)
        return bits_of(r->late->s[at].v) == bits_of(v) ? MW_OK : MW_EDUP;
    if (find_in_chunks(s, t, &had)) return bits_of(had) == bits_of(v) ? MW_OK : MW_EDUP;
    if (r->late && (r->late_gen != gen || r->late->n >= MW_LATE_MAX)) {
        close_late(s, tally);
        at = 0;
    }
    r->late_gen = gen;
    mw_late_insert(&r->late, at, t, v, tally);
    *fresh = true;
    return MW_OK;
}

/* MW_OK: T is behind the newest sample, but may still come. */
static int may_be_late(const mw_stream *s, int64_t window_ms, int64_t t)
{
    uint64_t behind = (uint64_t)s->last.t - (uint64_t)t;
    if (window_ms < 0 || behind <= (uint64_t)window_ms) return MW_OK;
    return window_ms == 0 ? MW_EORDER : MW_EOLD;
}

int mw_stream_may_take(const mw_stream *s, const mw_append_rules *rules, int64_t t)
{
    return s->began && t < s->last.t ? may_be_late(s, rules->window_ms, t) : MW_OK;
}

int mw_stream_append(mw_stream *s, const mw_append_rules *rules, int64_t t, double v, bool *fresh,
                     bool *late, mw_tally *tally)
{
    if (!s->began || t > s->last.t) {
        push(s, rules->gen, t, v, tally);
        *fresh = true;
        return MW_OK;
    }
    if (t == s->last.t) return !s->hist && s->last.value == bits_of(v) ? MW_OK : MW_EDUP;
    int code = may_be_late(s, rules->window_ms, t);
    if (code) return code;
    code = append_late(s, rules->gen, t, v, fresh, tally);
    *late = *fresh;
    return code;
}

/* -- histograms ----------------------------------------------------------------------------- */

static bool find_in_histograms(const mw_chunk *c, int64_t t, mw_str *bytes)
{
    int64_t at_t;
    if (!c || c->kind != MW_CHUNK_HISTOGRAMS || t < c->min_t || t > c->max_t) return false;
    for (size_t at = 0; mw_chunk_next_bytes(c, &at, &at_t, bytes);)
        if (at_t == t) return true;
    return false;
}

/* What stands in memory at T: MW_OK when it is that histogram, MW_EDUP, MW_ENOENT. */
static int look_for_histogram(const mw_stream *s, int64_t t, mw_str bytes)
{
    const mw_rest *r = s->rest;
    mw_str had;
    double v;
    bool found = r && find_in_histograms(r->hist, t, &had);
    for (uint32_t i = 0; r && i < r->n && !found; i++)
        found = find_in_histograms(r->chunks[i], t, &had);
    if (found) return mw_str_eq(had, bytes) ? MW_OK : MW_EDUP;
    if (s->began && t == s->last.t) return MW_EDUP;
    return find_in_chunks(s, t, &v) ? MW_EDUP : MW_ENOENT;
}

static bool push_bytes(mw_chunk **c, int64_t t, mw_str bytes, mw_tally *tally)
{
    size_t cost = mw_chunk_cost(*c);
    bool room = mw_chunk_append_bytes(tally->slab, c, t, bytes);
    tally->bytes += mw_chunk_cost(*c) - cost;
    tally->samples += room;
    return room;
}

static void late_histogram(mw_stream *s, uint32_t gen, int64_t t, mw_str bytes, mw_tally *tally)
{
    mw_chunk *c = begin_chunk(MW_CHUNK_HISTOGRAMS, gen, tally);
    push_bytes(&c, t, bytes, tally);
    close_chunk(s, &c, tally);
}

int mw_stream_append_histogram(mw_stream *s, const mw_append_rules *rules, int64_t t, mw_str bytes,
                               bool *fresh, bool *late, mw_tally *tally)
{
    if (bytes.n > MW_CHUNK_HIST_MOST) return MW_ETOOBIG;
    if (s->began && t <= s->last.t) {
        int code = t < s->last.t ? may_be_late(s, rules->window_ms, t) : MW_OK;
        if (!code) code = look_for_histogram(s, t, bytes);
        if (code != MW_ENOENT) return code;
        late_histogram(s, rules->gen, t, bytes, tally);
        *fresh = *late = true;
        return MW_OK;
    }
    mw_rest *r = rest_of(s, tally);
    close_chunk(s, &s->open, tally);
    if (r->hist && (r->hist->gen != rules->gen || mw_chunk_is_full(r->hist)))
        close_histograms(s, tally);
    if (!r->hist) r->hist = begin_chunk(MW_CHUNK_HISTOGRAMS, rules->gen, tally);
    if (!push_bytes(&r->hist, t, bytes, tally)) {
        close_histograms(s, tally);
        r->hist = begin_chunk(MW_CHUNK_HISTOGRAMS, rules->gen, tally);
        push_bytes(&r->hist, t, bytes, tally);
    }
    s->last = (mw_last){.t = t};
    s->began = s->hist = *fresh = true;
    return MW_OK;
}

/* -- forgetting ----------------------------------------------------------------------------- */

typedef bool drops(const mw_chunk *c, void *arg);

/* Closed chunks that LEAVES says go; how many. */
static size_t drop_chunks(mw_stream *s, drops *leaves, void *arg, mw_tally *tally)
{
    mw_rest *r = s->rest;
    uint32_t kept = 0, n = r ? r->n : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (leaves(r->chunks[i], arg))
            forget_chunk(r->chunks[i], tally);
        else
            r->chunks[kept++] = r->chunks[i];
    }
    if (r) r->n = kept;
    return n - kept;
}

static bool ends_before(const mw_chunk *c, void *arg) { return c->max_t < *(int64_t *)arg; }

size_t mw_stream_expire(mw_stream *s, int64_t floor, int64_t idle, mw_tally *tally)
{
    if (s->last.t < idle) {
        close_late(s, tally);
        close_chunk(s, &s->open, tally);
        close_histograms(s, tally);
    }
    if (s->rest) mw_late_drop_before(&s->rest->late, floor, tally);
    size_t n = drop_chunks(s, ends_before, &floor, tally);
    tidy(s, tally);
    return n;
}

struct shedding {
    int64_t floor;
    size_t *wanted;
};

static bool is_shed(const mw_chunk *c, void *arg)
{
    struct shedding *sh = arg;
    size_t cost = mw_chunk_cost(c);
    if (!*sh->wanted || c->max_t >= sh->floor) return false;
    *sh->wanted = *sh->wanted > cost ? *sh->wanted - cost : 0;
    return true;
}

size_t mw_stream_shed(mw_stream *s, int64_t floor, size_t *wanted, mw_tally *tally)
{
    size_t n = drop_chunks(s, is_shed, &(struct shedding){floor, wanted}, tally);
    tidy(s, tally);
    return n;
}

static bool is_older(const mw_chunk *c, void *arg) { return c->gen < *(uint32_t *)arg; }

void mw_stream_drop_sealed(mw_stream *s, uint32_t gen, mw_tally *tally)
{
    if (s->open && s->open->gen < gen) {
        forget_chunk(s->open, tally);
        s->open = NULL;
    }
    mw_rest *r = s->rest;
    if (!r) return;
    if (r->hist && r->hist->gen < gen) {
        forget_chunk(r->hist, tally);
        r->hist = NULL;
    }
    if (r->late && r->late_gen < gen) mw_late_free(&r->late, tally);
    drop_chunks(s, is_older, &gen, tally);
    tidy(s, tally);
}

bool mw_stream_empty(const mw_stream *s) { return !s->open && !s->rest; }

/* -- deleting ------------------------------------------------------------------------------- */

static void write_again(mw_stream *s, const mw_samples *all, uint32_t gen, mw_tally *tally)
{
    mw_chunk *c = NULL;
    mw_last last = {0};
    for (size_t i = 0; i < all->n; i++) {
        mw_chunk_kind kind = all->h && all->h[i].p ? MW_CHUNK_HISTOGRAMS : MW_CHUNK_FLOATS;
        if (c && (c->kind != kind || mw_chunk_is_full(c))) close_chunk(s, &c, tally);
        if (!c) c = begin_chunk(kind, gen, tally);
        if (kind == MW_CHUNK_FLOATS) {
            push_to(&c, &last, all->t[i], all->v[i], tally);
        } else if (!push_bytes(&c, all->t[i], all->h[i], tally)) {
            close_chunk(s, &c, tally);
            c = begin_chunk(kind, gen, tally);
            push_bytes(&c, all->t[i], all->h[i], tally);
        }
    }
    close_chunk(s, &c, tally);
}

/* The newest sample may be among those that went: what is left says where the series stands now. */
static void step_back(mw_stream *s, const mw_samples *kept)
{
    s->began = kept->n > 0;
    s->doubt = true;
    if (!s->began) return;
    size_t i = kept->n - 1;
    s->hist = kept->h && kept->h[i].p;
    s->last = (mw_last){kept->t[i], s->hist ? 0 : bits_of(kept->v[i])};
}

void mw_stream_delete(mw_stream *s, int64_t min, int64_t max, uint32_t gen, mw_tally *tally)
{
    mw_extract x = {0};
    mw_samples all = {0};
    if (mw_stream_extract(s, INT64_MIN, INT64_MAX, MW_GENS_ALL, &x)) mw_extract_read(&x, &all);
    mw_samples_order(&all);
    size_t from = mw_samples_seek(&all, min);
    size_t to = max == INT64_MAX ? all.n : mw_samples_seek(&all, max + 1);
    if (to > from) {
        mw_samples_remove(&all, from, to);
        mw_stream_drop_sealed(s, UINT32_MAX, tally);
        write_again(s, &all, gen, tally);
    }
    if (s->began && s->last.t >= min && s->last.t <= max) step_back(s, &all);
    mw_samples_deinit(&all);
    mw_extract_deinit(&x);
}

void mw_stream_forget_newest(mw_stream *s, int64_t min, int64_t max)
{
    mw_extract x = {0};
    mw_samples all = {0};
    if (!s->began || s->last.t < min || s->last.t > max) return;
    if (mw_stream_extract(s, INT64_MIN, INT64_MAX, MW_GENS_ALL, &x)) mw_extract_read(&x, &all);
    mw_samples_order(&all);
    if (!all.n || all.t[all.n - 1] != s->last.t) step_back(s, &all);
    mw_samples_deinit(&all);
    mw_extract_deinit(&x);
}

/* -- spans ---------------------------------------------------------------------------------- */

static void widen(const mw_chunk *c, int64_t *lo, int64_t *hi)
{
    if (!c) return;
    if (c->min_t < *lo) *lo = c->min_t;
    if (c->max_t > *hi) *hi = c->max_t;
}

int64_t mw_stream_span(const mw_stream *s, int64_t *max)
{
    int64_t lo = INT64_MAX, hi = INT64_MIN;
    const mw_rest *r = s->rest;
    widen(s->open, &lo, &hi);
    for (uint32_t i = 0; r && i < r->n; i++) widen(r->chunks[i], &lo, &hi);
    if (r) widen(r->hist, &lo, &hi);
    if (r && r->late) {
        if (r->late->s[0].t < lo) lo = r->late->s[0].t;
        if (r->late->s[r->late->n - 1].t > hi) hi = r->late->s[r->late->n - 1].t;
    }
    *max = hi;
    return lo;
}

void mw_stream_ages(const mw_stream *s, mw_stream_age *visit, void *arg)
{
    for (uint32_t i = 0; s->rest && i < s->rest->n; i++)
        visit(arg, s->rest->chunks[i]->max_t, mw_chunk_cost(s->rest->chunks[i]));
}
