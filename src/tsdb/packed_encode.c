/* packed_encode.c - a run written in the fewest bytes that are found.
 *
 * Values are mapped to a row of whole numbers in each way that may win (packed_map.c), the row is
 * planned to the byte (packed_ints_write.c), with and without numbers that repeat the one before,
 * and the smallest is written.
 * SPDX-License-Identifier: MIT */
#include <endian.h>
#include <math.h>
#include <string.h>

#include "model/sample.h"
#include "tsdb/packed_inside.h"

enum { SAME_MOST = 7 /* bytes of a constant whole number; more is no gain over 8 raw ones */ };

static void put_raw(mw_buf *out, uint64_t bits)
{
    bits = htole64(bits);
    mw_buf_add(out, &bits, sizeof bits);
}

/* -- sizes ---------------------------------------------------------------------------------- */

static unsigned hole_kind(uint64_t bits)
{
    unsigned k = 0;
    while (k < MW_HOLE_RAW && mw_packed_holes[k] != bits) k++;
    return k;
}

static size_t hole_bytes(const mw_packed_values *p, const uint64_t *v)
{
    size_t bytes = p->n_holes != 0;
    for (size_t k = 0; k < p->n_holes; k++)
        bytes += 1 + (hole_kind(v[p->holes[k]]) == MW_HOLE_RAW ? 8 : 0);
    return bytes;
}

static size_t front_bytes(const mw_packed_values *p)
{
    switch (p->kind) {
    case MW_PACKED_SCALED: return 1 + mw_packed_size(p->factor);
    case MW_PACKED_BITS: return 1 + (p->low ? mw_packed_size(p->low) : 0);
    case MW_PACKED_DICT: return 1 + 8 * (size_t)p->n_words;
    default: return 0;
    }
}

/* -- repeats -------------------------------------------------------------------------------- */

static size_t change_bytes(size_t n) { return (n - 1 + 7) / 8; }

/* The row without numbers that repeat the one before; how many are left. */
static size_t without_repeats(const mw_packed_values *p, size_t n, uint64_t *row, uint8_t *changes)
{
    size_t left = 1;
    memset(changes, 0, change_bytes(n));
    row[0] = p->row[0];
    for (size_t i = 1; i < n; i++) {
        bool differs = p->row[i] != p->row[i - 1];
        changes[(i - 1) >> 3] |= (uint8_t)(differs << ((i - 1) & 7));
        row[left] = p->row[i];
        left += differs;
    }
    return left;
}

static void try_repeats(mw_packed_values *p, size_t n)
{
    uint64_t row[MW_PACKED_MAX + 1];
    mw_ints_plan plan;
    size_t bitmap = change_bytes(n), extra = p->n_holes == 0;
    if (p->plan.bytes <= bitmap + extra + 4) return;
    size_t left = without_repeats(p, n, row, p->changes);
    if (left + left / 8 > n) return;
    mw_ints_plan_of(row, left, &plan);
    if (plan.bytes + bitmap + extra >= p->plan.bytes) return;
    memcpy(p->row, row, left * sizeof *row);
    plan.bytes += bitmap + extra;
    p->plan = plan;
    p->n_row = (uint32_t)left;
    p->repeats = true;
}

/* -- the smallest --------------------------------------------------------------------------- */

static void weigh(mw_packed_values *p, const uint64_t *v, size_t n)
{
    p->n_row = (uint32_t)n;
    p->repeats = false;
    mw_ints_plan_of(p->row, n, &p->plan);
    try_repeats(p, n);
    p->bytes = p->plan.bytes + front_bytes(p) + hole_bytes(p, v) + (p->n_holes != 0);
}

static bool is_constant(const uint64_t *v, size_t n)
{
    uint64_t differ = 0;
    for (size_t i = 1; i < n; i++) differ |= v[i] ^ v[0];
    return differ == 0;
}

/* A run of one value, when that is no decimal. */
static void constant(uint64_t bits, mw_packed_values *out)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    *out = (mw_packed_values){.same = bits, .kind = MW_PACKED_RAW, .bytes = 8};
    if (bits == 0) {
        out->kind = MW_PACKED_ZERO;
        out->bytes = 0;
    } else if (fabs(v) < 0x1p48) {
        if (mw_double_bits((double)(int64_t)v) != bits) return;
        out->same = (uint64_t)(int64_t)v;
        out->kind = MW_PACKED_SAME;
        out->bytes = mw_packed_size_signed(out->same);
    }
}

typedef bool (*way)(const uint64_t *v, size_t n, mw_packed_values *out);

static void try(way map, const uint64_t *v, size_t n, mw_packed_values **best,
                mw_packed_values **other)
{
    if (!map(v, n, *other)) return;
    weigh(*other, v, n);
    if ((*other)->bytes >= (*best)->bytes) return;
    mw_packed_values *was = *best;
    *best = *other;
    *other = was;
}

/* Decimals that fit well cannot be beaten by the bits of the same values. */
static bool is_good(const mw_packed_values *p, size_t n)
{
    return p->kind < MW_PACKED_BITS && p->n_holes == 0 && p->bytes < n * 3;
}

static bool dict_may_win(const mw_packed_values *p, size_t n) { return p->bytes > n / 8 + 16; }

static void choose(const uint64_t *v, size_t n, mw_packed_values **best, mw_packed_values **other)
{
    if (is_constant(v, n))
        constant(v[0], *best);
    else
        (*best)->bytes = SIZE_MAX;
    if ((*best)->bytes < 8) return;
    try(mw_packed_try_decimals, v, n, best, other);
    if ((*best)->kind == MW_PACKED_RAW && (*best)->bytes == 8) return;
    if (!is_good(*best, n)) try(mw_packed_try_bits, v, n, best, other);
    if (dict_may_win(*best, n)) try(mw_packed_try_dict, v, n, best, other);
}

/* -- writing -------------------------------------------------------------------------------- */

static void put_holes(const mw_packed_values *p, const uint64_t *v, mw_buf *out)
{
    size_t last = 0;
    mw_packed_put(out, p->n_holes);
    for (size_t k = 0; k < p->n_holes; k++) {
        size_t at = p->holes[k];
        unsigned kind = hole_kind(v[at]);
        mw_packed_put(out, (at - last) << MW_HOLE_BITS | kind);
        if (kind == MW_HOLE_RAW) put_raw(out, v[at]);
        last = at;
    }
}

static void put_front(const mw_packed_values *p, mw_buf *out)
{
    switch (p->kind) {
    case MW_PACKED_SCALED:
        mw_buf_byte(out, (char)p->scale);
        mw_packed_put(out, p->factor);
        break;
    case MW_PACKED_BITS:
        mw_buf_byte(out, (char)(p->shift | (p->low ? MW_PACKED_LOW : 0)));
        if (p->low) mw_packed_put(out, p->low);
        break;
    case MW_PACKED_DICT:
        mw_buf_byte(out, (char)p->n_words);
        for (size_t k = 0; k < p->n_words; k++) put_raw(out, p->words[k]);
        break;
    default: break;
    }
}

/* Returns the high half of the head byte. */
static unsigned put_values(const mw_packed_values *p, const uint64_t *v, size_t n, mw_buf *out)
{
    unsigned kind = (unsigned)p->kind << MW_PACKED_KIND_SHIFT;
    if (p->kind == MW_PACKED_SAME) mw_packed_put_signed(out, p->same);
    if (p->kind == MW_PACKED_RAW) put_raw(out, p->same);
    if (p->kind <= MW_PACKED_RAW) return kind;
    unsigned extras = (p->n_holes ? MW_PACKED_HOLES : 0u) | (p->repeats ? MW_PACKED_REPEATS : 0u);
    if (extras) mw_buf_byte(out, (char)extras);
    put_front(p, out);
    if (p->n_holes) put_holes(p, v, out);
    if (p->repeats) mw_buf_add(out, p->changes, change_bytes(n));
    mw_ints_write(p->row, p->n_row, &p->plan, out);
    return kind | (extras ? MW_PACKED_EXTRAS : 0u);
}

void mw_packed_encode(const int64_t *t, const double *v, size_t n, mw_buf *out)
{
    uint64_t bits[MW_PACKED_MAX], times[MW_PACKED_MAX];
    mw_packed_values a, b, *best = &a, *other = &b;
    MW_ASSERT(n >= 1 && n <= MW_PACKED_MAX);
    memcpy(bits, v, n * sizeof *bits);
    memcpy(times, t, n * sizeof *times);
    size_t head = out->n;
    mw_buf_byte(out, 0);
    unsigned low = mw_packed_times_put(times, n, out);
    choose(bits, n, &best, &other);
    unsigned high = put_values(best, bits, n, out);
    out->p[head] = (char)(low | high);
}
