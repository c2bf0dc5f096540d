/* packed_map.c - values as whole numbers, three ways.
 *
 * Decimals: V is M / 10^E with M whole and below 2^53, tried on the very bits; E = 0 takes any
 * whole number of 64 bits.  Bits: the double's own bits turned left by one, so that the sign is
 * lowest, without what is the same at the lower end of all.  Dictionary: few distinct values.
 * A value that does not fit is a hole; its number is guessed from its neighbours.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "tsdb/packed_inside.h"

enum { PROBES = 8, RETRIES = 3, HOLES_LEAST = 2, HOLES_SHARE = 4 /* at most a quarter */ };

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static size_t most_holes(size_t n) { return n / HOLES_SHARE + HOLES_LEAST; }

/* Numbers for the holes, on the way from the number before to the one behind. */
static void fill_holes(mw_packed_values *p, size_t n)
{
    uint64_t *row = p->row;
    for (size_t k = 0; k < p->n_holes;) {
        size_t from = p->holes[k], to = from;
        while (k < p->n_holes && p->holes[k] == to) k++, to++;
        uint64_t after = to < n ? row[to] : from ? row[from - 1] : 0;
        uint64_t before = from ? row[from - 1] : after;
        int64_t each = (int64_t)(after - before) / (int64_t)(to - from + 1);
        for (size_t i = from; i < to; i++) row[i] = before += (uint64_t)each;
    }
}

/* -- decimals ------------------------------------------------------------------------------- */

static bool to_decimal(uint64_t bits, unsigned scale, uint64_t *m)
{
    double v = double_of(bits), ten = mw_packed_tens[scale], up = v * ten;
    if (!(fabs(up) < (scale ? 0x1p53 : 0x1p63))) return false;
    int64_t whole = scale ? (int64_t)nearbyint(up) : (int64_t)up;
    *m = (uint64_t)whole;
    return bits_of(scale ? (double)whole / ten : (double)whole) == bits;
}

/* The least scale not below FROM that makes BITS a decimal; above the last one: none does. */
static unsigned scale_of(uint64_t bits, unsigned from)
{
    uint64_t m;
    double v = fabs(double_of(bits));
    for (; from <= MW_PACKED_SCALE_MAX; from++) {
        if (to_decimal(bits, from, &m)) return from;
        if (!(v * mw_packed_tens[from] < 0x1p53)) break;
    }
    return MW_PACKED_SCALE_MAX + 1;
}

/* A scale for all, by looking at some: false when too many have none. */
static bool probe(const uint64_t *v, size_t n, unsigned *scale)
{
    size_t step = n / PROBES + 1, missed = 0, found = 0;
    *scale = 0;
    for (size_t i = 0; i < n && missed <= found + 1; i += step) {
        unsigned s = scale_of(v[i], *scale);
        missed += s > MW_PACKED_SCALE_MAX;
        found += s <= MW_PACKED_SCALE_MAX;
        if (s <= MW_PACKED_SCALE_MAX) *scale = s;
    }
    return missed <= found / 2 + 1;
}

/* All of V by SCALE; *FINER is the finest scale that a hole asks for.  False: too many holes. */
static bool map_by(const uint64_t *v, size_t n, unsigned scale, mw_packed_values *p,
                   unsigned *finer)
{
    p->n_holes = 0;
    *finer = 0;
    for (size_t i = 0; i < n; i++) {
        if (to_decimal(v[i], scale, &p->row[i])) continue;
        unsigned s = scale_of(v[i], scale + 1);
        if (s <= MW_PACKED_SCALE_MAX && s > *finer) *finer = s;
        if (p->n_holes == most_holes(n)) return false;
        p->holes[p->n_holes++] = (uint16_t)i;
    }
    return true;
}

/* One odd value may ask for a scale that makes all others too large: then it stays a hole. */
static bool map_decimals(const uint64_t *v, size_t n, mw_packed_values *p, unsigned *scale)
{
    unsigned finer;
    if (!probe(v, n, scale)) return false;
    bool fits = map_by(v, n, *scale, p, &finer);
    for (int i = 0; finer && i < RETRIES; i++) {
        unsigned coarse = *scale, had = fits ? p->n_holes : UINT16_MAX;
        *scale = finer;
        fits = map_by(v, n, *scale, p, &finer);
        if (fits ? p->n_holes < had : finer) continue;
        *scale = coarse;
        return map_by(v, n, *scale, p, &finer);
    }
    return fits;
}

static uint64_t size_of(uint64_t v) { return (int64_t)v < 0 ? 0 - v : v; }

static uint64_t common_factor(const uint64_t *row, size_t n)
{
    uint64_t g = 0;
    for (size_t i = 0; i < n && g != 1; i++) {
        uint64_t a = size_of(row[i]);
        if (g && a % g == 0) continue;
        while (a) {
            uint64_t rest = g % a;
            g = a;
            a = rest;
        }
    }
    return g ? g : 1;
}

static void divide(uint64_t *row, size_t n, uint64_t by)
{
    for (size_t i = 0; i < n; i++)
        row[i] = (int64_t)row[i] < 0 ? 0 - (0 - row[i]) / by : row[i] / by;
}

/* The factor is that of the real numbers; holes are filled afterwards. */
static void take_factor_out(mw_packed_values *p, size_t n)
{
    for (size_t k = 0; k < p->n_holes; k++) p->row[p->holes[k]] = 0;
    p->factor = common_factor(p->row, n);
    if (p->factor > 1) divide(p->row, n, p->factor);
    fill_holes(p, n);
}

bool mw_packed_try_decimals(const uint64_t *v, size_t n, mw_packed_values *out)
{
    unsigned scale;
    if (!map_decimals(v, n, out, &scale)) return false;
    out->scale = (uint8_t)scale;
    take_factor_out(out, n);
    out->kind = scale || out->factor > 1 ? MW_PACKED_SCALED : MW_PACKED_WHOLE;
    return true;
}

/* -- bits ----------------------------------------------------------------------------------- */

static bool is_finite(uint64_t bits) { return (bits >> 52 & 0x7ff) != 0x7ff; }

/* Zeros between true doubles are far from them: cheaper as holes unless they are many. */
static void find_holes(const uint64_t *v, size_t n, mw_packed_values *p)
{
    size_t zeros = 0, odd = 0;
    for (size_t i = 0; i < n; i++) {
        zeros += v[i] == 0;
        odd += !is_finite(v[i]);
    }
    bool skip_zeros = zeros <= n / 8, skip_odd = odd <= most_holes(n);
    p->n_holes = 0;
    for (size_t i = 0; i < n; i++)
        if ((skip_odd && !is_finite(v[i])) || (skip_zeros && v[i] == 0))
            p->holes[p->n_holes++] = (uint16_t)i;
    if (p->n_holes == n) p->n_holes = 0;
}

/* What is the same in all numbers at the lower end; only zeros of it when the rest gains less than
 * it takes to write. */
static void take_low_bits_off(mw_packed_values *p, size_t n, uint64_t first, uint64_t differ)
{
    unsigned same = differ ? (unsigned)__builtin_ctzll(differ) : 0;
    uint64_t low = first & ((1ULL << same) - 1);
    if (low) {
        unsigned zeros = (unsigned)__builtin_ctzll(low);
        if (n * (same - zeros) <= 8 * mw_packed_size(low)) {
            same = zeros;
            low = 0;
        }
    }
    p->shift = (uint8_t)same;
    p->low = low;
}

bool mw_packed_try_bits(const uint64_t *v, size_t n, mw_packed_values *out)
{
    uint64_t first = 0, differ = 0;
    find_holes(v, n, out);
    for (size_t i = 0, k = 0, seen = 0; i < n; i++) {
        out->row[i] = mw_packed_turn_left(v[i]);
        if (k < out->n_holes && out->holes[k] == i) {
            k++;
            continue;
        }
        if (!seen++) first = out->row[i];
        differ |= out->row[i] ^ first;
    }
    take_low_bits_off(out, n, first, differ);
    out->kind = out->shift == 1 && out->low == 0 ? MW_PACKED_ABOVE : MW_PACKED_BITS;
    for (size_t i = 0; i < n; i++) out->row[i] >>= out->shift;
    fill_holes(out, n);
    return true;
}

/* -- dictionary ----------------------------------------------------------------------------- */

bool mw_packed_try_dict(const uint64_t *v, size_t n, mw_packed_values *out)
{
    out->n_words = out->n_holes = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < out->n_words && out->words[k] != v[i]) k++;
        if (k == MW_PACKED_WORDS) return false;
        if (k == out->n_words) out->words[out->n_words++] = v[i];
        out->row[i] = k;
    }
    out->kind = MW_PACKED_DICT;
    return true;
}
