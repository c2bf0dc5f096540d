/* packed_unpack.c - one part of packed numbers, read.
 *
 * Bits fill bytes from the lowest.  A number of W bits is cut out of a load of 64 bits.  A group of
 * G digits below R is stored as the fraction it makes of R^G, rounded up, so that multiplying by R
 * pushes one digit after the other out at the top: one multiplication a number.
 * SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include "tsdb/packed_ints.h"

bool mw_packed_get_long(mw_packed_in *in, uint64_t *out)
{
    uint64_t v = 0;
    const uint8_t *p = in->p;
    for (unsigned shift = 0; p < in->end; shift += 7) {
        uint64_t b = *p++;
        bool last = b < 0x80 || shift == 56;
        v |= (shift == 56 ? b : b & 0x7f) << shift;
        if (!last) continue;
        in->p = p;
        *out = v;
        return true;
    }
    return false;
}

/* -- loads ---------------------------------------------------------------------------------- */

static inline uint64_t load(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

/* The same near the end: zeros behind it. */
static uint64_t load_carefully(const uint8_t *p, const uint8_t *end)
{
    uint64_t w = 0;
    if (p < end) memcpy(&w, p, end - p < 8 ? (size_t)(end - p) : 8);
    return le64toh(w);
}

/* How many units of BITS can be read with a load of 8 bytes each from a buffer of N bytes. */
static size_t quick_units(size_t n, size_t units, unsigned bits)
{
    if (n < 8) return 0;
    size_t most = (n - 8) * 8 / bits + 1;
    return most < units ? most : units;
}

/* -- bits of one width ---------------------------------------------------------------------- */

static void unpack_bits(const uint8_t *p, const uint8_t *end, size_t c, unsigned w, uint64_t min,
                        uint64_t *x)
{
    uint64_t mask = (1ULL << w) - 1;
    size_t quick = quick_units((size_t)(end - p), c, w), i = 0, at = 0;
    for (; i < quick; i++, at += w) x[i] = min + (load(p + (at >> 3)) >> (at & 7) & mask);
    for (; i < c; i++, at += w)
        x[i] = min + (load_carefully(p + (at >> 3), end) >> (at & 7) & mask);
}

/* More bits than one load is sure to hold. */
static void unpack_wide(const uint8_t *p, const uint8_t *end, size_t c, unsigned w, uint64_t min,
                        uint64_t *x)
{
    uint64_t mask = ~0ULL >> (64 - w);
    for (size_t i = 0, at = 0; i < c; i++, at += w) {
        const uint8_t *from = p + (at >> 3);
        uint64_t low = load_carefully(from, end) >> (at & 7);
        uint64_t high = end - from > 8 ? (uint64_t)from[8] << 1 << (63 - (at & 7)) : 0;
        x[i] = min + ((low | high) & mask);
    }
}

/* -- groups of digits ----------------------------------------------------------------------- */

typedef unsigned __int128 wide;

static inline __attribute__((always_inline)) void digits_of(uint64_t fraction, uint64_t r,
                                                            unsigned g, uint64_t min, uint64_t *x)
{
    for (unsigned i = 0; i < g; i++) {
        wide p = (wide)fraction * r;
        x[i] = min + (uint64_t)(p >> 64);
        fraction = (uint64_t)p;
    }
}

static inline __attribute__((always_inline)) void unpack_groups_of(const uint8_t *p,
                                                                   const uint8_t *end, size_t c,
                                                                   uint64_t r, unsigned g,
                                                                   uint64_t min, uint64_t *x)
{
    unsigned bits = mw_ints_group_bits(r, g), up = 64 - bits;
    size_t groups = c / g, quick = quick_units((size_t)(end - p), groups, bits), i = 0, at = 0;
    for (; i < quick; i++, at += bits, x += g)
        digits_of(load(p + (at >> 3)) >> (at & 7) << up, r, g, min, x);
    for (; i < groups; i++, at += bits, x += g)
        digits_of(load_carefully(p + (at >> 3), end) >> (at & 7) << up, r, g, min, x);
    unsigned rest = c % g;
    if (rest)
        digits_of(load_carefully(p + (at >> 3), end) >> (at & 7)
                                                            << (64 - mw_ints_group_bits(r, rest)),
                  r, rest, min, x);
}

/* One loop for each G, so that the digits of a group are taken without a loop. */
static void unpack_groups(const uint8_t *p, const uint8_t *end, size_t c, uint64_t r, unsigned g,
                          uint64_t min, uint64_t *x)
{
    switch (g) {
    case 1: unpack_groups_of(p, end, c, r, 1, min, x); break;
    case 2: unpack_groups_of(p, end, c, r, 2, min, x); break;
    case 3: unpack_groups_of(p, end, c, r, 3, min, x); break;
    case 4: unpack_groups_of(p, end, c, r, 4, min, x); break;
    case 5: unpack_groups_of(p, end, c, r, 5, min, x); break;
    case 6: unpack_groups_of(p, end, c, r, 6, min, x); break;
    case 7: unpack_groups_of(p, end, c, r, 7, min, x); break;
    default: unpack_groups_of(p, end, c, r, 8, min, x); break;
    }
}

/* R^G fits a group. */
static bool group_is_sane(uint64_t r, unsigned g)
{
    uint64_t most = 1, limit = 1ULL << MW_INTS_GROUP_BITS;
    if (r < 2) return false;
    for (unsigned i = 0; i < g; i++) {
        if (most > limit / r) return false;
        most *= r;
    }
    return true;
}

/* -- a part --------------------------------------------------------------------------------- */

typedef struct patch {
    size_t at;
    uint64_t high;
} patch;

static bool get_patches(mw_packed_in *in, size_t c, patch *to, size_t *n)
{
    uint64_t count, gap;
    size_t at = 0;
    if (!mw_packed_get(in, &count) || count > c) return false;
    for (size_t i = 0; i < count; i++) {
        if (!mw_packed_get(in, &gap) || gap >= c - at) return false;
        to[i].at = at += gap;
        if (!mw_packed_get_signed(in, &to[i].high)) return false;
    }
    *n = count;
    return true;
}

static bool get_digits(mw_packed_in *in, size_t c, uint64_t min, uint64_t r, unsigned g,
                       uint64_t *x)
{
    if (!group_is_sane(r, g)) return false;
    unsigned rest = c % g;
    size_t bits = c / g * mw_ints_group_bits(r, g) + (rest ? mw_ints_group_bits(r, rest) : 0);
    size_t bytes = (bits + 7) / 8;
    if (bytes > mw_packed_left(in)) return false;
    unpack_groups(in->p, in->end, c, r, g, min, x);
    in->p += bytes;
    return true;
}

static bool get_bits(mw_packed_in *in, size_t c, uint64_t min, unsigned w, uint64_t *x)
{
    size_t bytes = (c * w + 7) / 8;
    if (bytes > mw_packed_left(in)) return false;
    if (w == 0)
        for (size_t i = 0; i < c; i++) x[i] = min;
    else if (w <= MW_INTS_GROUP_BITS)
        unpack_bits(in->p, in->end, c, w, min, x);
    else
        unpack_wide(in->p, in->end, c, w, min, x);
    in->p += bytes;
    return true;
}

bool mw_ints_part_read(mw_packed_in *in, unsigned code, size_t c, uint64_t *x)
{
    patch patches[MW_PACKED_MAX];
    uint64_t min, r = 0;
    size_t n = 0;
    unsigned w = code & ~(unsigned)MW_INTS_PATCHED, digits = 0;
    if (!mw_packed_get_signed(in, &min)) return false;
    if (w >= MW_INTS_ROUND + MW_INTS_ROUND_LEAST)
        min <<= w -= MW_INTS_ROUND;
    else if (w > 64 && (digits = w - 64, !mw_packed_get(in, &r)))
        return false;
    if (code & MW_INTS_PATCHED && (w == 64 || !get_patches(in, c, patches, &n))) return false;
    if (digits ? !get_digits(in, c, min, r, digits, x) : !get_bits(in, c, min, w, x)) return false;
    if (!digits && n) r = 1ULL << w;
    for (size_t i = 0; i < n; i++) x[patches[i].at] += patches[i].high * r;
    return true;
}
