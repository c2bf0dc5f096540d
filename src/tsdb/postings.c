/* postings.c - sorted sets of series ids.
 *
 * Adding is a push.  Ids are handed out nearly in ascending order, so a list is sorted only when
 * somebody reads it, not whenever an id comes a little late.  Two lists of very different length
 * are met by galloping in the longer one.
 * SPDX-License-Identifier: MIT */
#include "tsdb/postings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/tally.h"

/* First index at or behind FROM whose id is not below ID; steps double, then halve. */
static size_t seek(const uint32_t *v, size_t n, size_t from, uint32_t id)
{
    size_t step = 1, lo = from, hi = from;
    while (hi < n && v[hi] < id) {
        lo = hi + 1;
        hi += step;
        step *= 2;
    }
    if (hi > n) hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* -- lists of the index --------------------------------------------------------------------- */

void mw_postings_deinit(mw_postings *p)
{
    if (p->cap) mw_free(p->ids);
    *p = (mw_postings){0};
}

const uint32_t *mw_postings_ids(const mw_postings *p) { return p->cap ? p->ids : &p->one; }
size_t mw_postings_cost(const mw_postings *p) { return mw_heap_cost(p->cap * sizeof(uint32_t)); }

static void make_room(mw_postings *p)
{
    if (p->n < p->cap) return;
    uint32_t one = p->one, cap = p->cap ? p->cap + p->cap / 2 : 4;
    p->ids = mw_rearray(p->cap ? p->ids : NULL, cap, sizeof *p->ids);
    if (!p->cap) p->ids[0] = one;
    p->cap = cap;
}

void mw_postings_add(mw_postings *p, uint32_t id)
{
    if (p->n == 0 && p->cap == 0) {
        p->one = id;
        p->n = 1;
        return;
    }
    make_room(p);
    if (p->unsorted || (p->n && p->ids[p->n - 1] > id)) p->unsorted++;
    p->ids[p->n++] = id;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, FEW = 1024 };

/* By the digits of ids, the lowest first. */
static void sort_ids(uint32_t *v, size_t n)
{
    if (n < FEW) {
        qsort(v, n, sizeof *v, by_id);
        return;
    }
    uint32_t *from = v, *to = mw_alloc(n * sizeof *to), *spare = to;
    for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
        size_t start[DIGITS + 1] = {0};
        for (size_t i = 0; i < n; i++) start[(from[i] >> shift & (DIGITS - 1)) + 1]++;
        for (size_t d = 0; d < DIGITS; d++) start[d + 1] += start[d];
        for (size_t i = 0; i < n; i++) to[start[from[i] >> shift & (DIGITS - 1)]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != v) memcpy(v, from, n * sizeof *v);
    mw_free(spare);
}

/* The last N of V are sorted, and so is what stands before them: bring them together. */
static void merge_tail(uint32_t *v, size_t all, size_t n)
{
    uint32_t *late = mw_alloc(n * sizeof *late);
    memcpy(late, v + all - n, n * sizeof *late);
    for (size_t i = all - n, at = all; n;) {
        bool early = i && v[i - 1] > late[n - 1];
        v[--at] = early ? v[--i] : late[--n];
    }
    mw_free(late);
}

/* A few more series in a long list are no reason to sort all of it. */
void mw_postings_sort(mw_postings *p)
{
    if (p->unsorted > p->n / 4)
        sort_ids(p->ids, p->n);
    else if (p->unsorted) {
        sort_ids(p->ids + p->n - p->unsorted, p->unsorted);
        merge_tail(p->ids, p->n, p->unsorted);
    }
    p->unsorted = 0;
}

void mw_postings_remove(mw_postings *p, const uint32_t *gone, size_t n)
{
    uint32_t *v = p->cap ? p->ids : &p->one;
    size_t kept = 0, g = 0;
    for (size_t i = 0; i < p->n; i++) {
        g = seek(gone, n, g, v[i]);
        if (g < n && gone[g] == v[i]) continue;
        v[kept++] = v[i];
    }
    p->n = (uint32_t)kept;
    if (p->cap > 16 && p->n < p->cap / 4) {
        p->cap = p->n + p->n / 2 + 4;
        p->ids = mw_rearray(p->ids, p->cap, sizeof *p->ids);
    }
}

/* -- working sets --------------------------------------------------------------------------- */

void mw_ids_deinit(mw_ids *s)
{
    mw_free(s->v);
    *s = (mw_ids){0};
}

void mw_ids_append(mw_ids *s, const uint32_t *v, size_t n)
{
    if (n == 0) return;
    mw_grow(&s->v, &s->cap, s->n + n, sizeof *s->v);
    memcpy(s->v + s->n, v, n * sizeof *v);
    s->n += n;
}

static bool is_sorted(const mw_ids *s)
{
    for (size_t i = 1; i < s->n; i++)
        if (s->v[i - 1] >= s->v[i]) return false;
    return true;
}

void mw_ids_sort(mw_ids *s)
{
    if (is_sorted(s)) return;
    sort_ids(s->v, s->n);
    size_t kept = 1;
    for (size_t i = 1; i < s->n; i++)
        if (s->v[i] != s->v[kept - 1]) s->v[kept++] = s->v[i];
    s->n = kept;
}

void mw_ids_keep(mw_ids *s, const uint32_t *v, size_t n)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < s->n && at < n; i++) {
        at = seek(v, n, at, s->v[i]);
        if (at < n && v[at] == s->v[i]) s->v[kept++] = s->v[i];
    }
    s->n = kept;
}

void mw_ids_drop(mw_ids *s, const uint32_t *v, size_t n)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < s->n; i++) {
        at = seek(v, n, at, s->v[i]);
        if (at < n && v[at] == s->v[i]) continue;
        s->v[kept++] = s->v[i];
    }
    s->n = kept;
}

void mw_ids_find(const mw_ids *s, const uint32_t *v, size_t n, bool *found)
{
    for (size_t i = 0, k = 0; i < s->n && k < n;) {
        if (s->v[i] == v[k])
            found[i++] = true, k++;
        else if (s->v[i] < v[k])
            i = seek(s->v, s->n, i, v[k]);
        else
            k = seek(v, n, k, s->v[i]);
    }
}

bool mw_ids_meet(const mw_ids *s, const uint32_t *v, size_t n)
{
    size_t i = 0, k = 0;
    while (i < s->n && k < n) {
        if (s->v[i] == v[k]) return true;
        if (s->v[i] < v[k])
            i = seek(s->v, s->n, i, v[k]);
        else
            k = seek(v, n, k, s->v[i]);
    }
    return false;
}
