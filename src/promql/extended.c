/* extended.c - anchored and smoothed ranges.
 *
 * An anchored range takes the last sample at or before its start as the value there.  A smoothed
 * one interpolates between the samples around each of its ends; a counter that was reset between
 * them is taken to have started again from zero.  Both look no farther out than the look-back.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "promql/functions.h"
#include "promql/window.h"

/* Samples FIRST to LAST of all, both included; false when the range has none of its own. */
static bool bounds(const struct window *w, size_t *first, size_t *last)
{
    const struct samples *s = w->all;
    size_t lo = 0, hi;
    while (lo < s->n && s->t[lo] <= w->from) lo++;
    bool before = lo > 0 && s->t[lo - 1] > w->from - w->lookback;
    for (hi = lo; hi < s->n && s->t[hi] <= w->to;) hi++;
    bool ends_there = hi > 0 && s->t[hi - 1] == w->to;
    bool after =
        w->kind == WINDOW_SMOOTHED && !ends_there && hi < s->n && s->t[hi] <= w->to + w->lookback;
    size_t end = hi + (after ? 1 : 0);
    *first = before ? lo - 1 : lo;
    if (end <= *first || s->t[end - 1] <= w->from) return false;
    if (s->t[*first] > w->to) return false;
    *last = end - 1;
    return true;
}

static double between(const struct samples *s, size_t i, int64_t t, bool counter)
{
    double a = s->v[i], b = s->v[i + 1];
    if (counter && b < a) a = 0;
    return a + (b - a) * (double)(t - s->t[i]) / (double)(s->t[i + 1] - s->t[i]);
}

double mw_pq_extended(const struct window *w, bool counter, bool per_second)
{
    const struct samples *s = w->all;
    bool smooth = w->kind == WINDOW_SMOOTHED;
    size_t first, last;
    if (!bounds(w, &first, &last)) return mw_pq_none();
    double left = s->v[first], right = s->v[last];
    if (smooth && s->t[first] < w->from) left = between(s, first, w->from, counter);
    if (smooth && last > 0 && s->t[last] > w->to) right = between(s, last - 1, w->to, counter);
    double grown = right - left, before = left;
    if (counter) {
        size_t from = s->t[first] <= w->from ? first + 1 : first;
        size_t to = s->t[last] >= w->to ? last : last + 1;
        for (size_t i = from; i < to; i++) {
            if (s->v[i] < before) grown += before;
            before = s->v[i];
        }
        if (right < before) grown += before;
    }
    return per_second ? grown / ((double)w->range / 1000) : grown;
}

double mw_pq_extended_count(const struct window *w, bool resets)
{
    const struct samples *s = w->all;
    size_t first, last, count = 0;
    if (!bounds(w, &first, &last)) return mw_pq_none();
    for (size_t i = first + 1; i <= last; i++) {
        double a = s->v[i - 1], b = s->v[i];
        count += resets ? b < a : a != b && !(isnan(a) && isnan(b));
    }
    return (double)count;
}
