/* packed_ints_write.c - a row of numbers: which transform, in how many parts.
 *
 * Every transform that may win is planned to the byte.  The straight line is the one with the least
 * span above and below it: the span as a function of the slope is convex and made of straight
 * pieces, so each slope tried gives a piece, and the next try is where two pieces meet.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "tsdb/packed_ints.h"

enum { LINE_TRIES = 6, LINE_LEAST = 6 /* numbers */ };

/* -- transforms ----------------------------------------------------------------------------- */

static uint64_t risen(mw_ints_by by, uint64_t slope, uint64_t i)
{
    uint64_t rise = slope * i;
    return by == MW_INTS_LINE ? (uint64_t)((int64_t)rise >> MW_INTS_LINE_BITS) : rise;
}

/* What TO holds then is behind the mw_ints_kept numbers of the transform: those are not set. */
static void transform(mw_ints_by by, uint64_t slope, const uint64_t *x, size_t n, uint64_t *to)
{
    switch (by) {
    case MW_INTS_DELTA:
        for (size_t i = 1; i < n; i++) to[i] = x[i] - x[i - 1];
        break;
    case MW_INTS_DELTA2:
        for (size_t i = 2; i < n; i++) to[i] = x[i] - 2 * x[i - 1] + x[i - 2];
        break;
    case MW_INTS_LINE:
    case MW_INTS_STEEP_LINE:
        for (size_t i = 0; i < n; i++) to[i] = x[i] - risen(by, slope, i);
        break;
    default: memcpy(to, x, n * sizeof *to); break;
    }
}

static uint64_t span_of(const uint64_t *x, size_t from, size_t n)
{
    if (from >= n) return 0;
    int64_t min = (int64_t)x[from], max = min;
    for (size_t i = from + 1; i < n; i++) {
        int64_t v = (int64_t)x[i];
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    return (uint64_t)max - (uint64_t)min;
}

/* -- the line ------------------------------------------------------------------------------- */

typedef struct piece { /* span = at - slope * run, at the slopes where it holds */
    double at, run;
} piece;

static piece piece_at(const double *d, size_t n, double slope)
{
    size_t low = 0, high = 0;
    double min = d[0], max = d[0];
    for (size_t i = 1; i < n; i++) {
        double v = d[i] - slope * (double)i;
        if (v < min) min = v, low = i;
        if (v > max) max = v, high = i;
    }
    return (piece){d[high] - d[low], (double)high - (double)low};
}

/* The slope of the line with the least span; false when that is not below ENOUGH. */
static bool best_slope(const uint64_t *x, size_t n, double enough, double *slope)
{
    double d[MW_PACKED_MAX], last = (double)(n - 1), best = INFINITY;
    *slope = 0;
    for (size_t i = 0; i < n; i++) d[i] = (double)(int64_t)(x[i] - x[0]);
    piece left = {d[n - 1], last}, right = {-d[n - 1], -last};
    for (int i = 0; i < LINE_TRIES; i++) {
        double s = (left.at - right.at) / (left.run - right.run);
        piece p = piece_at(d, n, s);
        double span = p.at - s * p.run, floor_ = left.at - s * left.run;
        if (span < best) best = span, *slope = s;
        if (i == 0 && span > 4 * enough) return false;
        if (p.run == 0 || span - floor_ <= span / 256) break;
        if (p.run > 0)
            left = p;
        else
            right = p;
    }
    return best < enough;
}

/* A slope as it is written; false when no int64 can hold it. */
static bool line_of(double slope, mw_ints_by *by, uint64_t *written)
{
    double fine = slope * (1 << MW_INTS_LINE_BITS);
    *by = fabs(fine) < 0x1p52 ? MW_INTS_LINE : MW_INTS_STEEP_LINE;
    if (*by == MW_INTS_STEEP_LINE) fine = slope;
    if (!(fabs(fine) < 0x1p62)) return false;
    *written = (uint64_t)(int64_t)llrint(fine);
    return true;
}

/* -- plans ---------------------------------------------------------------------------------- */

static size_t each_part(uint32_t parts, size_t rest) { return parts > 1 ? MW_INTS_PART : rest; }

static void plan_parts(const uint64_t *x, size_t n, size_t kept, mw_ints_plan *plan)
{
    size_t each = each_part(plan->parts, n), i = 0;
    for (size_t at = kept; at < n; at += each, i++) {
        mw_ints_part_plan(x + at, n - at < each ? n - at : each, &plan->part[i]);
        plan->bytes += plan->part[i].bytes;
    }
    if (i == 1 && mw_ints_short_of(mw_ints_part_code(&plan->part[0])) != MW_INTS_NO_SHORT)
        plan->bytes--;
}

/* Plan X by BY, keep it in BEST when it is smaller. */
static void try(const uint64_t *x, size_t n, mw_ints_by by, uint64_t slope, mw_ints_plan *best)
{
    uint64_t to[MW_PACKED_MAX];
    size_t kept = mw_ints_kept(by, n), parts = (n - kept + MW_INTS_PART - 1) / MW_INTS_PART;
    mw_ints_plan plan = {.by = by, .slope = slope, .bytes = 1, .parts = 1};
    transform(by, slope, x, n, to);
    if (by >= MW_INTS_LINE) plan.bytes += mw_packed_size_signed(slope);
    if (kept > 0) plan.bytes += mw_packed_size_signed(x[0]);
    if (kept > 1) plan.bytes += mw_packed_size_signed(x[1] - x[0]);
    mw_ints_plan split = plan;
    plan_parts(to, n, kept, &plan);
    if (plan.bytes < best->bytes) *best = plan;
    if (parts < 2 || (plan.part[0].code == 0 && !plan.part[0].patches)) return;
    split.parts = (uint32_t)parts;
    plan_parts(to, n, kept, &split);
    if (split.bytes < best->bytes) *best = split;
}

void mw_ints_plan_of(const uint64_t *x, size_t n, mw_ints_plan *out)
{
    uint64_t to[MW_PACKED_MAX], written;
    double slope;
    mw_ints_by by;
    out->bytes = SIZE_MAX;
    try(x, n, MW_INTS_PLAIN, 0, out);
    if (n < 2 || (out->part[0].code == 0 && !out->part[0].patches)) return;
    uint64_t plain = span_of(x, 0, n);
    transform(MW_INTS_DELTA, 0, x, n, to);
    uint64_t delta = span_of(to, 1, n);
    if (delta / 2 <= plain) try(x, n, MW_INTS_DELTA, 0, out);
    transform(MW_INTS_DELTA2, 0, x, n, to);
    if (n > 2 && span_of(to, 2, n) < delta) try(x, n, MW_INTS_DELTA2, 0, out);
    double enough = (double)(delta < plain ? delta : plain);
    if (n >= LINE_LEAST && best_slope(x, n, enough, &slope) && line_of(slope, &by, &written))
        try(x, n, by, written, out);
}

void mw_ints_write(const uint64_t *x, size_t n, const mw_ints_plan *plan, mw_buf *out)
{
    uint64_t to[MW_PACKED_MAX];
    size_t kept = mw_ints_kept(plan->by, n), each = each_part(plan->parts, n), i = 0;
    transform(plan->by, plan->slope, x, n, to);
    unsigned split = plan->parts > 1 ? MW_INTS_SPLIT : 0;
    unsigned code = split ? MW_INTS_NO_SHORT : mw_ints_short_of(mw_ints_part_code(&plan->part[0]));
    mw_buf_byte(out, (char)(plan->by | split | code << MW_INTS_SHORT_SHIFT));
    if (plan->by >= MW_INTS_LINE) mw_packed_put_signed(out, plan->slope);
    if (kept > 0) mw_packed_put_signed(out, x[0]);
    if (kept > 1) mw_packed_put_signed(out, x[1] - x[0]);
    for (size_t at = kept; at < n; at += each, i++) {
        if (code == MW_INTS_NO_SHORT) mw_buf_byte(out, (char)mw_ints_part_code(&plan->part[i]));
        mw_ints_part_write(to + at, n - at < each ? n - at : each, &plan->part[i], out);
    }
}
