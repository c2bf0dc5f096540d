/* packed_ints_read.c - a row of numbers from its parts: transforms undone.
 * SPDX-License-Identifier: MIT */
#include "tsdb/packed_ints.h"

static void add_up(uint64_t *x, size_t n, size_t from)
{
    uint64_t sum = from <= n ? x[from - 1] : 0;
    for (size_t i = from; i < n; i++) x[i] = sum += x[i];
}

static void add_up_twice(uint64_t *x, size_t n)
{
    if (n < 2) return;
    uint64_t delta = x[1], sum = x[0] + delta;
    x[1] = sum;
    for (size_t i = 2; i < n; i++) {
        delta += x[i];
        x[i] = sum += delta;
    }
}

static void add_line(uint64_t *x, size_t n, uint64_t slope)
{
    uint64_t rise = 0;
    for (size_t i = 0; i < n; i++, rise += slope)
        x[i] += (uint64_t)((int64_t)rise >> MW_INTS_LINE_BITS);
}

static void add_steep_line(uint64_t *x, size_t n, uint64_t slope)
{
    uint64_t rise = 0;
    for (size_t i = 0; i < n; i++, rise += slope) x[i] += rise;
}

static bool get_byte(mw_packed_in *in, unsigned *byte)
{
    if (in->p == in->end) return false;
    *byte = *in->p++;
    return true;
}

bool mw_ints_read(mw_packed_in *in, size_t n, uint64_t *x)
{
    if (in->p == in->end) return false;
    unsigned head = *in->p++, by = head & (MW_INTS_SPLIT - 1u);
    unsigned shorted = head >> MW_INTS_SHORT_SHIFT;
    uint64_t slope = 0;
    if (by >= MW_INTS_BYS) return false;
    if (by >= MW_INTS_LINE && !mw_packed_get_signed(in, &slope)) return false;
    size_t kept = mw_ints_kept(by, n), part = head & MW_INTS_SPLIT ? MW_INTS_PART : n;
    for (size_t i = 0; i < kept; i++)
        if (!mw_packed_get_signed(in, &x[i])) return false;
    if (head & MW_INTS_SPLIT && shorted != MW_INTS_NO_SHORT) return false;
    for (size_t at = kept; at < n; at += part) {
        unsigned code = mw_ints_code_of(shorted);
        if (shorted == MW_INTS_NO_SHORT && !get_byte(in, &code)) return false;
        if (!mw_ints_part_read(in, code, n - at < part ? n - at : part, x + at)) return false;
    }
    switch ((mw_ints_by)by) {
    case MW_INTS_DELTA: add_up(x, n, 1); break;
    case MW_INTS_DELTA2: add_up_twice(x, n); break;
    case MW_INTS_LINE: add_line(x, n, slope); break;
    case MW_INTS_STEEP_LINE: add_steep_line(x, n, slope); break;
    default: break;
    }
    return true;
}
