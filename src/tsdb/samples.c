/* samples.c - gathering and ordering.
 *
 * What is gathered is a few ascending runs, mostly one behind the other: then nothing is to be
 * done.  Otherwise neighbouring runs are merged until one is left.
 * SPDX-License-Identifier: MIT */
#include "tsdb/samples.h"

#include <string.h>

#include "base/mem.h"

void mw_samples_deinit(mw_samples *s)
{
    mw_free(s->t);
    mw_free(s->v);
    mw_free(s->h);
    *s = (mw_samples){0};
}

void mw_samples_reset(mw_samples *s)
{
    s->n = 0;
    mw_free(s->h);
    s->h = NULL;
    s->cap_h = 0;
}

void mw_samples_room(mw_samples *s, size_t n)
{
    size_t need = s->n + n, cap_t = s->cap, cap_v = s->cap;
    if (need > s->cap) {
        mw_grow(&s->t, &cap_t, need, sizeof *s->t);
        mw_grow(&s->v, &cap_v, need, sizeof *s->v);
        s->cap = cap_t;
    }
    if (s->h && need > s->cap_h) mw_grow(&s->h, &s->cap_h, need, sizeof *s->h);
}

void mw_samples_took(mw_samples *s, size_t n)
{
    if (s->h && n) memset(s->h + s->n, 0, n * sizeof *s->h);
    s->n += n;
}

void mw_samples_add(mw_samples *s, int64_t t, double v)
{
    mw_samples_room(s, 1);
    s->t[s->n] = t;
    memcpy(&s->v[s->n], &v, sizeof v);
    mw_samples_took(s, 1);
}

void mw_samples_add_histogram(mw_samples *s, int64_t t, mw_str bytes)
{
    if (!s->h) { /* with the room that was promised for the others */
        mw_grow(&s->h, &s->cap_h, s->cap > s->n ? s->cap : s->n + 1, sizeof *s->h);
        memset(s->h, 0, s->n * sizeof *s->h);
    }
    mw_samples_room(s, 1);
    s->t[s->n] = t;
    s->v[s->n] = 0;
    s->h[s->n++] = bytes;
}

size_t mw_samples_seek(const mw_samples *s, int64_t t)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->t[mid] < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void mw_samples_remove(mw_samples *s, size_t from, size_t to)
{
    size_t rest = s->n - to;
    memmove(s->t + from, s->t + to, rest * sizeof *s->t);
    memmove(s->v + from, s->v + to, rest * sizeof *s->v);
    if (s->h) memmove(s->h + from, s->h + to, rest * sizeof *s->h);
    s->n -= to - from;
}

void mw_samples_cut_before(mw_samples *s, int64_t floor)
{
    size_t n = s->n && s->t[0] < floor ? mw_samples_seek(s, floor) : 0;
    if (n) mw_samples_remove(s, 0, n);
}

/* -- order ---------------------------------------------------------------------------------- */

static size_t run_end(const mw_samples *s, size_t from)
{
    size_t end = from + 1;
    while (end < s->n && s->t[end - 1] < s->t[end]) end++;
    return end;
}

static void copy(mw_samples *to, const mw_samples *from, size_t at, size_t n)
{
    memcpy(to->t + to->n, from->t + at, n * sizeof *to->t);
    memcpy(to->v + to->n, from->v + at, n * sizeof *to->v);
    if (from->h) memcpy(to->h + to->n, from->h + at, n * sizeof *to->h);
    to->n += n;
}

/* The runs A..B and B..C of FROM behind TO. */
static void merge(mw_samples *to, const mw_samples *from, size_t a, size_t b, size_t c)
{
    size_t i = a, k = b;
    while (i < b && k < c) {
        if (from->t[i] == from->t[k])
            k++; /* the one that was there first stays */
        else if (from->t[i] < from->t[k])
            copy(to, from, i++, 1);
        else
            copy(to, from, k++, 1);
    }
    copy(to, from, i, b - i);
    copy(to, from, k, c - k);
}

/* Every two neighbouring runs become one. */
static void merge_pairs(mw_samples *s, mw_samples *into)
{
    into->n = 0;
    for (size_t a = 0; a < s->n;) {
        size_t b = run_end(s, a), c = b < s->n ? run_end(s, b) : b;
        merge(into, s, a, b, c);
        a = c;
    }
}

bool mw_samples_ordered(const mw_samples *s) { return s->n == 0 || run_end(s, 0) == s->n; }

void mw_samples_order(mw_samples *s)
{
    if (mw_samples_ordered(s)) return;
    mw_samples other = {0};
    if (s->h) mw_grow(&other.h, &other.cap_h, s->n, sizeof *other.h);
    mw_samples_room(&other, s->n);
    do {
        merge_pairs(s, &other);
        mw_samples swap = *s;
        *s = other;
        other = swap;
    } while (run_end(s, 0) != s->n);
    mw_samples_deinit(&other);
}
