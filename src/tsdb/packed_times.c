/* packed_times.c - the times of a run: a grid, and how far each time is from it.
 *
 * A scrape that was missed moves the rest of the run by whole steps; those are told as gaps, so
 * that what is left is the jitter around the grid.
 * SPDX-License-Identifier: MIT */
#include "tsdb/packed_inside.h"

/* -- writing -------------------------------------------------------------------------------- */

typedef struct grid {
    uint64_t step;
    size_t n_gaps;
    uint16_t at[MW_PACKED_MAX];
    uint64_t missed[MW_PACKED_MAX]; /* steps left out before time AT */
} grid;

/* The usual distance; the nearest usual step when it is within a hundredth of it. */
static uint64_t step_of(const uint64_t *t, size_t n)
{
    int64_t d[MW_PACKED_MAX];
    bool same = true;
    for (size_t i = 1; i < n; i++) {
        d[i - 1] = (int64_t)(t[i] - t[i - 1]);
        same &= d[i - 1] == d[0];
    }
    if (same) return n > 1 ? (uint64_t)d[0] : mw_packed_steps[0];
    mw_ints_sort(d, n - 1);
    uint64_t middle = (uint64_t)d[(n - 2) / 2];
    for (unsigned i = 0; i < MW_PACKED_STEPS; i++) {
        uint64_t s = mw_packed_steps[i], off = middle > s ? middle - s : s - middle;
        if (off <= s / 100) return s;
    }
    return middle;
}

static bool is_even(const uint64_t *t, size_t n, uint64_t step)
{
    for (size_t i = 1; i < n; i++)
        if (t[i] - t[i - 1] != step) return false;
    return true;
}

/* Into ROW: distances from the grid. */
static void lay(const uint64_t *t, size_t n, grid *g, uint64_t *row)
{
    uint64_t at = t[0];
    g->n_gaps = 0;
    row[0] = 0;
    for (size_t i = 1; i < n; i++) {
        at += g->step;
        int64_t off = (int64_t)(t[i] - at);
        if (off > 0 && (uint64_t)off > g->step / 2 && t[i] - t[i - 1] > g->step / 2 * 3) {
            uint64_t missed = ((uint64_t)off + g->step / 2) / g->step;
            if (missed) {
                g->at[g->n_gaps] = (uint16_t)i;
                g->missed[g->n_gaps++] = missed;
                at += missed * g->step;
            }
        }
        row[i] = t[i] - at;
    }
}

static void put_gaps(const grid *g, mw_buf *out)
{
    size_t last = 0;
    mw_packed_put(out, g->n_gaps);
    for (size_t i = 0; i < g->n_gaps; i++) {
        mw_packed_put(out, g->at[i] - last);
        mw_packed_put(out, g->missed[i]);
        last = g->at[i];
    }
}

static size_t gap_bytes(const grid *g)
{
    size_t bytes = 0;
    for (size_t i = 0; i < g->n_gaps; i++) bytes += 1 + mw_packed_size(g->missed[i]);
    return bytes;
}

static void without_gaps(const uint64_t *t, size_t n, uint64_t step, uint64_t *row)
{
    row[0] = 0;
    for (size_t i = 1; i < n; i++) row[i] = t[i] - t[0] - step * i;
}

static void put_uneven(const uint64_t *t, size_t n, uint64_t step, mw_buf *out)
{
    uint64_t row[MW_PACKED_MAX], plain[MW_PACKED_MAX];
    mw_ints_plan plan, other;
    grid g = {.step = step};
    lay(t, n, &g, row);
    mw_ints_plan_of(row, n, &plan);
    if (g.n_gaps) {
        without_gaps(t, n, step, plain);
        mw_ints_plan_of(plain, n, &other);
        if (other.bytes <= plan.bytes + gap_bytes(&g)) {
            mw_packed_put(out, 0);
            mw_ints_write(plain, n, &other, out);
            return;
        }
    }
    put_gaps(&g, out);
    mw_ints_write(row, n, &plan, out);
}

unsigned mw_packed_times_put(const uint64_t *t, size_t n, mw_buf *out)
{
    uint64_t step = step_of(t, n);
    unsigned code = 0;
    while (code < MW_PACKED_STEPS && mw_packed_steps[code] != step) code++;
    mw_packed_put_signed(out, t[0]);
    if (code == MW_PACKED_STEPS) mw_packed_put(out, step);
    if (is_even(t, n, step)) return code;
    put_uneven(t, n, step, out);
    return code | MW_PACKED_UNEVEN;
}

/* -- reading -------------------------------------------------------------------------------- */

static bool get_gaps(mw_packed_in *in, size_t n, uint64_t *count, grid *g)
{
    uint64_t skip;
    size_t at = 0;
    if (!mw_packed_get(in, count) || *count >= n) return false;
    for (size_t i = 0; i < *count; i++) {
        if (!mw_packed_get(in, &skip) || skip >= n - at) return false;
        g->at[i] = (uint16_t)(at += skip);
        if (!mw_packed_get(in, &g->missed[i])) return false;
    }
    return true;
}

static bool ascends(const int64_t *t, size_t n)
{
    unsigned wrong = 0;
    for (size_t i = 1; i < n; i++) wrong |= t[i - 1] >= t[i];
    return !wrong;
}

static bool get_uneven(mw_packed_in *in, size_t n, uint64_t start, uint64_t step, int64_t *t)
{
    uint64_t row[MW_PACKED_MAX], gaps, at = start;
    grid g;
    if (!get_gaps(in, n, &gaps, &g) || !mw_ints_read(in, n, row)) return false;
    for (size_t i = 0, k = 0; k <= gaps; k++) {
        for (size_t to = k < gaps ? g.at[k] : n; i < to; i++, at += step)
            t[i] = (int64_t)(at + row[i]);
        if (k < gaps) at += g.missed[k] * step;
    }
    return ascends(t, n);
}

bool mw_packed_times_get(mw_packed_in *in, unsigned head, size_t n, int64_t *t)
{
    uint64_t start, step;
    unsigned code = head & MW_PACKED_STEP;
    if (!mw_packed_get_signed(in, &start)) return false;
    if (code < MW_PACKED_STEPS)
        step = mw_packed_steps[code];
    else if (!mw_packed_get(in, &step))
        return false;
    if (head & MW_PACKED_UNEVEN) return get_uneven(in, n, start, step, t);
    for (size_t i = 0; i < n; i++) t[i] = (int64_t)(start + i * step);
    return n == 1 || (step && step <= (INT64_MAX - start) / (n - 1));
}
