/* packed_pack.c - one part of packed numbers, planned and written.
 *
 * The plan is a window: numbers in it are stored in the bits that its span needs, numbers outside
 * it as well, and a patch says how many windows further they are.  Windows are tried from the whole
 * range inwards.  packed_unpack.c says what the bits mean.
 * SPDX-License-Identifier: MIT */
#include <endian.h>
#include <math.h>
#include <string.h>

#include "tsdb/packed_ints.h"

size_t mw_packed_size(uint64_t v)
{
    size_t bytes = (70 - (size_t)__builtin_clzll(v | 1)) / 7;
    return bytes < 9 ? bytes : 9;
}

static uint64_t zigzag(uint64_t v) { return v << 1 ^ (0 - (v >> 63)); }

size_t mw_packed_size_signed(uint64_t v) { return mw_packed_size(zigzag(v)); }

void mw_packed_put(mw_buf *out, uint64_t v)
{
    char bytes[9];
    size_t n = 0;
    for (; v >= 0x80 && n < 8; v >>= 7) bytes[n++] = (char)(v | 0x80);
    bytes[n++] = (char)v;
    mw_buf_add(out, bytes, n);
}

void mw_packed_put_signed(mw_buf *out, uint64_t v) { mw_packed_put(out, zigzag(v)); }

/* -- the best code for a span --------------------------------------------------------------- */

static unsigned bits_of(uint64_t span) { return span ? 64 - (unsigned)__builtin_clzll(span) : 0; }

/* Into PLAN: the code for C numbers from 0 to its span, and its bytes with the code byte. */
static void choose_code(mw_ints_part *plan, size_t c)
{
    unsigned w = bits_of(plan->span);
    uint64_t r = plan->span + 1, most = r;
    plan->code = (uint8_t)w;
    plan->bytes = (uint32_t)(1 + (c * w + 7) / 8);
    if (w < 2 || w > MW_INTS_GROUP_BITS / 2 || (r & (r - 1)) == 0) return;
    for (unsigned g = 2; g <= MW_INTS_DIGITS && g <= c; g++) {
        if (most > (1ULL << MW_INTS_GROUP_BITS) / r) return;
        most *= r;
        unsigned rest = c % g;
        size_t bits = c / g * bits_of(most - 1) + (rest ? mw_ints_group_bits(r, rest) : 0);
        size_t bytes = 1 + mw_packed_size(r) + (bits + 7) / 8;
        if (bytes >= plan->bytes) continue;
        plan->code = (uint8_t)(64 + g);
        plan->bytes = (uint32_t)bytes;
    }
}

static unsigned digits_of(const mw_ints_part *plan)
{
    return plan->code > 64 && plan->code < MW_INTS_ROUND + MW_INTS_ROUND_LEAST ? plan->code - 64u
                                                                               : 0;
}

static unsigned width_of(const mw_ints_part *plan)
{
    return plan->code > 64 ? plan->code - (unsigned)MW_INTS_ROUND : plan->code;
}

/* How many windows X is away from the window at MIN, and where it is in that one. */
static uint64_t windows_off(const mw_ints_part *plan, uint64_t x, uint64_t *low)
{
    int64_t d = (int64_t)(x - plan->min), high;
    unsigned w = width_of(plan);
    if (!digits_of(plan)) {
        *low = w == 64 ? (uint64_t)d : (uint64_t)d & ((1ULL << w) - 1);
        return w == 64 ? 0 : (uint64_t)(d >> w);
    }
    int64_t r = (int64_t)plan->span + 1;
    high = d / r - (d % r < 0);
    *low = (uint64_t)d - (uint64_t)high * (uint64_t)r; /* HIGH * R may lie below all int64 */
    return (uint64_t)high;
}

/* -- which window --------------------------------------------------------------------------- */

enum { FEW = 8 }; /* numbers not worth a search */

void mw_ints_sort(int64_t *a, size_t n)
{
    static const size_t gaps[] = {301, 132, 57, 23, 10, 4, 1};
    for (size_t k = 0; k < sizeof gaps / sizeof *gaps; k++) {
        size_t gap = gaps[k];
        for (size_t i = gap; i < n; i++) {
            int64_t v = a[i];
            size_t j = i;
            for (; j >= gap && a[j - gap] > v; j -= gap) a[j] = a[j - gap];
            a[j] = v;
        }
    }
}

/* Evenly spread numbers span four times their mean distance from the mean, a bell of some hundred
 * seven times: beyond that a few outliers may be what makes the span wide. */
static bool has_outliers(const uint64_t *x, size_t c, const mw_ints_part *whole)
{
    double sum = 0, off = 0;
    if (c < FEW || whole->code == 0) return false;
    for (size_t i = 0; i < c; i++) sum += (double)(x[i] - whole->min);
    double mean = sum / (double)c;
    for (size_t i = 0; i < c; i++) off += fabs((double)(x[i] - whole->min) - mean);
    return (double)whole->span * (double)c > 7.5 * off;
}

/* What the patches for the sorted numbers A[FROM..TO) take. */
static size_t patch_bytes(const mw_ints_part *plan, const int64_t *a, size_t from, size_t to)
{
    size_t bytes = 0;
    uint64_t low;
    for (size_t i = from; i < to; i++)
        bytes += 1 + mw_packed_size_signed(windows_off(plan, (uint64_t)a[i], &low));
    return bytes;
}

/* The narrowest window over all but K of the sorted numbers; *AT is its first. */
static mw_ints_part window_without(const int64_t *a, size_t c, size_t k, size_t *at)
{
    mw_ints_part w = {.span = UINT64_MAX};
    for (size_t i = 0; i <= k; i++) {
        uint64_t span = (uint64_t)a[i + c - k - 1] - (uint64_t)a[i];
        if (span >= w.span) continue;
        w.span = span;
        w.min = (uint64_t)a[i];
        *at = i;
    }
    return w;
}

static void search_windows(const uint64_t *x, size_t c, mw_ints_part *best)
{
    static const uint8_t left_out[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
    int64_t a[MW_PACKED_MAX];
    memcpy(a, x, c * sizeof *a);
    mw_ints_sort(a, c);
    for (size_t i = 0; i < sizeof left_out && left_out[i] * 3u <= c; i++) {
        size_t k = left_out[i], at = 0;
        mw_ints_part plan = window_without(a, c, k, &at);
        choose_code(&plan, c);
        plan.patches = (uint16_t)k;
        plan.bytes += (uint32_t)(mw_packed_size_signed(plan.min) + mw_packed_size(k));
        if (plan.code == 64 || plan.bytes >= best->bytes) continue;
        plan.bytes +=
            (uint32_t)(patch_bytes(&plan, a, 0, at) + patch_bytes(&plan, a, at + c - k, c));
        if (plan.bytes < best->bytes) *best = plan;
    }
}

/* Doubles of one exponent have a round number below them that takes few bytes. */
static void try_round(uint64_t min, uint64_t max, size_t c, mw_ints_part *best)
{
    unsigned w = bits_of(min ^ max);
    if (w < MW_INTS_ROUND_LEAST || w > MW_INTS_ROUND_MOST) return;
    uint64_t rounds = (uint64_t)((int64_t)min >> w);
    size_t bytes = 1 + mw_packed_size_signed(rounds) + (c * w + 7) / 8;
    if (bytes >= best->bytes) return;
    *best = (mw_ints_part){.min = rounds << w, .span = (1ULL << w) - 1, .bytes = (uint32_t)bytes};
    best->code = (uint8_t)(MW_INTS_ROUND + w);
}

void mw_ints_part_plan(const uint64_t *x, size_t c, mw_ints_part *out)
{
    int64_t min = (int64_t)x[0], max = min;
    for (size_t i = 1; i < c; i++) {
        int64_t v = (int64_t)x[i];
        if (v < min) min = v;
        if (v > max) max = v;
    }
    *out = (mw_ints_part){.min = (uint64_t)min, .span = (uint64_t)max - (uint64_t)min};
    choose_code(out, c);
    out->bytes += (uint32_t)mw_packed_size_signed(out->min);
    try_round((uint64_t)min, (uint64_t)max, c, out);
    if (has_outliers(x, c, out)) search_windows(x, c, out);
}

/* -- writing -------------------------------------------------------------------------------- */

typedef struct bits_out {
    uint8_t *p;
    size_t at; /* in bits */
} bits_out;

/* The lowest N bits of V, with nothing above them, onto zeroed bytes. */
static void put_bits(bits_out *o, uint64_t v, unsigned n)
{
    uint8_t *p = o->p + (o->at >> 3);
    unsigned used = o->at & 7;
    uint64_t word;
    memcpy(&word, p, sizeof word);
    word |= htole64(v << used);
    memcpy(p, &word, sizeof word);
    if (used + n > 64) p[8] = (uint8_t)(v >> (64 - used));
    o->at += n;
}

/* The digits at X as a fraction of R^G, rounded up. */
static void put_group(bits_out *o, const uint64_t *x, uint64_t r, unsigned g)
{
    uint64_t number = 0, most = 1;
    for (unsigned i = 0; i < g; i++) {
        number = number * r + x[i];
        most *= r;
    }
    unsigned bits = mw_ints_group_bits(r, g);
    unsigned __int128 up = ((unsigned __int128)number << bits) + most - 1;
    put_bits(o, (uint64_t)(up / most), bits);
}

static void put_patches(const mw_ints_part *plan, const uint64_t *high, size_t c, mw_buf *out)
{
    size_t n = 0, last = 0;
    for (size_t i = 0; i < c; i++) n += high[i] != 0;
    mw_packed_put(out, n);
    for (size_t i = 0; i < c; i++) {
        if (!high[i]) continue;
        mw_packed_put(out, i - last);
        mw_packed_put_signed(out, high[i]);
        last = i;
    }
}

static void put_packed(const mw_ints_part *plan, const uint64_t *low, size_t c, mw_buf *out)
{
    size_t room = c * 8 + 16;
    bits_out o = {.p = (uint8_t *)mw_buf_room(out, room)};
    memset(o.p, 0, room);
    unsigned g = digits_of(plan), w = width_of(plan);
    size_t i = 0;
    if (g == 0)
        for (; w && i < c; i++) put_bits(&o, low[i], w);
    else
        for (; i < c; i += g)
            put_group(&o, low + i, plan->span + 1, c - i < g ? (unsigned)(c - i) : g);
    out->n += (o.at + 7) / 8;
}

unsigned mw_ints_part_code(const mw_ints_part *plan)
{
    return plan->code | (plan->patches ? (unsigned)MW_INTS_PATCHED : 0u);
}

void mw_ints_part_write(const uint64_t *x, size_t c, const mw_ints_part *plan, mw_buf *out)
{
    uint64_t low[MW_PACKED_MAX], high[MW_PACKED_MAX];
    for (size_t i = 0; i < c; i++) high[i] = windows_off(plan, x[i], &low[i]);
    unsigned round = plan->code >= MW_INTS_ROUND + MW_INTS_ROUND_LEAST ? width_of(plan) : 0;
    mw_packed_put_signed(out, (uint64_t)((int64_t)plan->min >> round));
    if (digits_of(plan)) mw_packed_put(out, plan->span + 1);
    if (plan->patches) put_patches(plan, high, c, out);
    put_packed(plan, low, c, out);
}
