/* nhist_work.c - a histogram while it is computed: made, scaled, coarsened, taken.
 *
 * At work a side is a list of (index, count) in the order of the index, without spans: that makes
 * merging two of them one walk.  Spans are found again when the result is taken.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/nhist_inside.h"

void mw_ncount_add(mw_ncount *n, double v)
{
    double t = n->v + v;
    if (isinf(t))
        n->c = 0;
    else if (fabs(n->v) >= fabs(v))
        n->c += (n->v - t) + v;
    else
        n->c += (v - t) + n->v;
    n->v = t;
}

/* -- room ----------------------------------------------------------------------------------- */

mw_nwork *mw_nwork_new(mw_arena *a)
{
    mw_nwork *w = mw_arena_zalloc(a, sizeof *w);
    if (w) w->arena = a;
    return w;
}

bool mw_nside_room(mw_nwork *w, mw_nside *s, size_t n)
{
    if (w->spoilt) return false;
    if (n <= s->cap) return true;
    size_t cap = n + n / 4 + 16;
    int64_t *index = mw_arena_array(w->arena, cap, sizeof *index);
    mw_ncount *count = mw_arena_array(w->arena, cap, sizeof *count);
    if (!index || !count) return w->spoilt = true, false;
    if (s->n) {
        memcpy(index, s->index, s->n * sizeof *index);
        memcpy(count, s->count, s->n * sizeof *count);
    }
    *s = (mw_nside){index, count, s->n, cap};
    return true;
}

static void set_side(mw_nwork *w, mw_nside *to, const mw_hside *from)
{
    mw_nwalk walk = mw_nwalk_spans(from, 0);
    to->n = 0;
    if (!mw_nside_room(w, to, from->n_counts)) return;
    while (to->n < from->n_counts && mw_nwalk_next(&walk)) {
        to->index[to->n] = walk.index;
        to->count[to->n++] = walk.count;
    }
}

void mw_nwork_set(mw_nwork *w, const mw_nhist *h)
{
    bool custom = h->schema == MW_HIST_CUSTOM;
    static const mw_hside none = {0};
    w->exact = false;
    w->schema = (int)h->schema;
    w->hint = h->hint;
    w->zero_threshold = custom ? 0 : h->zero_threshold;
    w->zero = (mw_ncount){custom ? 0 : h->zero_count, 0};
    w->count = (mw_ncount){h->count, 0};
    w->sum = (mw_ncount){h->sum, 0};
    w->custom = custom ? h->custom : NULL;
    w->n_custom = custom ? h->n_custom : 0;
    set_side(w, &w->pos, &h->pos);
    set_side(w, &w->neg, custom ? &none : &h->neg);
}

static void copy_side(mw_nwork *w, mw_nside *to, const mw_nside *from)
{
    to->n = 0;
    if (!mw_nside_room(w, to, from->n)) return;
    to->n = from->n;
    if (!to->n) return;
    memcpy(to->index, from->index, to->n * sizeof *to->index);
    memcpy(to->count, from->count, to->n * sizeof *to->count);
}

void mw_nwork_copy(mw_nwork *w, const mw_nwork *from)
{
    w->spoilt |= from->spoilt;
    w->exact = from->exact;
    w->schema = from->schema;
    w->hint = from->hint;
    w->zero_threshold = from->zero_threshold;
    w->zero = from->zero;
    w->count = from->count;
    w->sum = from->sum;
    w->custom = from->custom;
    w->n_custom = from->n_custom;
    copy_side(w, &w->pos, &from->pos);
    copy_side(w, &w->neg, &from->neg);
}

/* -- numbers -------------------------------------------------------------------------------- */

void mw_nwork_hint(mw_nwork *w, mw_reset_hint hint) { w->hint = hint; }
double mw_nwork_count(const mw_nwork *w) { return w->count.v + w->count.c; }

typedef double op_fn(double a, double b);
static double times(double a, double b) { return a * b; }
static double over(double a, double b) { return a / b; }

static void each_number(mw_nwork *w, op_fn *op, double by)
{
    mw_ncount *const single[] = {&w->zero, &w->count, &w->sum};
    mw_nside *const sides[] = {&w->pos, &w->neg};
    for (size_t i = 0; i < 3; i++) {
        single[i]->v = op(single[i]->v, by);
        single[i]->c = w->exact ? op(single[i]->c, by) : 0;
    }
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sides[k]->n; i++) {
            mw_ncount *n = &sides[k]->count[i];
            n->v = op(n->v, by);
            n->c = w->exact ? op(n->c, by) : 0;
        }
    if (by < 0) w->hint = MW_RESET_GAUGE; /* counters do not go below zero */
}

void mw_nwork_scale(mw_nwork *w, double factor) { each_number(w, times, factor); }

void mw_nwork_divide(mw_nwork *w, double by)
{
    if (by == 0) w->pos.n = w->neg.n = 0;
    each_number(w, over, by);
}

bool mw_nwork_overflows(const mw_nwork *w)
{
    const mw_nside *const sides[] = {&w->pos, &w->neg};
    if (isinf(w->zero.v) || isinf(w->count.v) || isinf(w->sum.v)) return true;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sides[k]->n; i++)
            if (isinf(sides[k]->count[i].v)) return true;
    for (uint32_t i = 0; i < w->n_custom; i++)
        if (isinf(w->custom[i])) return true;
    return false;
}

/* -- resolution ----------------------------------------------------------------------------- */

static void reduce_side(mw_nwork *w, mw_nside *s, int shift)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        int64_t index = mw_nindex_coarser(s->index[i], shift);
        mw_ncount c = s->count[i];
        if (!kept || s->index[kept - 1] != index) {
            s->index[kept] = index;
            s->count[kept++] = c;
        } else if (w->exact) {
            mw_ncount_add(&s->count[kept - 1], c.v);
            mw_ncount_add(&s->count[kept - 1], c.c);
        } else
            s->count[kept - 1].v += c.v;
    }
    s->n = kept;
}

void mw_nwork_reduce(mw_nwork *w, int schema)
{
    if (w->schema == MW_HIST_CUSTOM || schema == MW_HIST_CUSTOM || schema >= w->schema) return;
    reduce_side(w, &w->pos, w->schema - schema);
    reduce_side(w, &w->neg, w->schema - schema);
    w->schema = schema;
}

/* -- results -------------------------------------------------------------------------------- */

static double whole(mw_ncount n) { return isinf(n.v) ? n.v : n.v + n.c; }

static bool kept(const mw_nside *s, size_t i, bool compact)
{
    return !compact || whole(s->count[i]) != 0;
}

static int32_t narrow(int64_t v)
{
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* Room for every bucket with a span of its own: most need less, and few are kept for long. */
static bool take_side(const mw_nside *s, bool compact, mw_arena *arena, mw_hside *out)
{
    size_t spans = 0, counts = 0;
    int64_t next = INT64_MIN;
    for (size_t i = 0; i < s->n; i++) {
        if (!kept(s, i, compact)) continue;
        spans += s->index[i] != next;
        next = s->index[i] + 1;
        counts++;
    }
    *out = (mw_hside){0};
    if (!counts) return true;
    double *v = mw_arena_alloc(arena, counts * sizeof *v + spans * sizeof(mw_hspan));
    if (!v) return false;
    mw_hspan *span = (mw_hspan *)(v + counts) - 1;
    *out = (mw_hside){span + 1, v, (uint32_t)spans, (uint32_t)counts};
    next = INT64_MIN;
    for (size_t i = 0; i < s->n; i++) {
        if (!kept(s, i, compact)) continue;
        int64_t gap = next == INT64_MIN ? s->index[i] : s->index[i] - next;
        if (next == INT64_MIN || gap) *++span = (mw_hspan){narrow(gap), 0};
        span->length++;
        next = s->index[i] + 1;
        *v++ = whole(s->count[i]);
    }
    return true;
}

/* Results that follow each other mostly have the same bounds: one copy is enough for them. */
static bool take_bounds(mw_nwork *w, mw_arena *arena)
{
    size_t bytes = w->n_custom * sizeof *w->custom;
    if (!bytes) return true;
    if (w->kept_in == arena && w->n_kept == w->n_custom && !memcmp(w->kept, w->custom, bytes))
        return true;
    double *copy = mw_arena_alloc(arena, bytes);
    if (!copy) return false;
    memcpy(copy, w->custom, bytes);
    w->kept = copy;
    w->n_kept = w->n_custom;
    w->kept_in = arena;
    return true;
}

const mw_nhist *mw_nwork_take(mw_nwork *w, mw_arena *arena, bool compact)
{
    mw_nhist *h = w->spoilt ? NULL : mw_arena_alloc(arena, sizeof *h);
    if (!h || !take_bounds(w, arena)) return NULL;
    *h = (mw_nhist){.schema = (int8_t)w->schema, .hint = (uint8_t)w->hint, .is_float = true};
    h->count = whole(w->count);
    h->sum = whole(w->sum);
    h->zero_threshold = w->zero_threshold;
    h->zero_count = whole(w->zero);
    h->custom = w->n_custom ? w->kept : NULL;
    h->n_custom = w->n_custom;
    if (!take_side(&w->pos, compact, arena, &h->pos)) return NULL;
    return take_side(&w->neg, compact, arena, &h->neg) ? h : NULL;
}
