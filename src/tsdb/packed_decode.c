/* packed_decode.c - a run read back, from bytes that nobody vouches for.
 * SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include "tsdb/packed_inside.h"

static bool get_raw(mw_packed_in *in, uint64_t *bits)
{
    if (mw_packed_left(in) < sizeof *bits) return false;
    memcpy(bits, in->p, sizeof *bits);
    *bits = le64toh(*bits);
    in->p += sizeof *bits;
    return true;
}

static bool get_byte(mw_packed_in *in, unsigned *byte)
{
    if (in->p == in->end) return false;
    *byte = *in->p++;
    return true;
}

/* -- constants ------------------------------------------------------------------------------ */

static bool get_constant(mw_packed_in *in, mw_packed_kind kind, size_t n, double *v)
{
    uint64_t bits = 0;
    if (kind == MW_PACKED_RAW && !get_raw(in, &bits)) return false;
    if (kind == MW_PACKED_SAME) {
        if (!mw_packed_get_signed(in, &bits)) return false;
        double d = (double)(int64_t)bits;
        memcpy(&bits, &d, sizeof bits);
    }
    for (size_t i = 0; i < n; i++) memcpy(&v[i], &bits, sizeof bits);
    return true;
}

/* -- what the row is spread by -------------------------------------------------------------- */

typedef struct hole {
    size_t at;
    uint64_t bits;
} hole;

typedef struct front {
    unsigned extras, scale, shift, n_words;
    uint64_t factor, low;
    uint64_t words[MW_PACKED_WORDS];
    size_t n_holes;
    const uint8_t *changes;
    hole holes[MW_PACKED_MAX];
} front;

static bool get_holes(mw_packed_in *in, size_t n, front *f)
{
    uint64_t count, number;
    size_t at = 0;
    if (!mw_packed_get(in, &count) || count > n) return false;
    for (size_t k = 0; k < count; k++) {
        if (!mw_packed_get(in, &number) || number >> MW_HOLE_BITS >= n - at) return false;
        unsigned kind = number & MW_HOLE_RAW;
        f->holes[k].at = at += number >> MW_HOLE_BITS;
        if (kind < MW_HOLE_RAW)
            f->holes[k].bits = mw_packed_holes[kind];
        else if (!get_raw(in, &f->holes[k].bits))
            return false;
    }
    f->n_holes = count;
    return true;
}

static bool get_words(mw_packed_in *in, front *f)
{
    if (!get_byte(in, &f->n_words) || f->n_words == 0 || f->n_words > MW_PACKED_WORDS) return false;
    for (unsigned k = 0; k < f->n_words; k++)
        if (!get_raw(in, &f->words[k])) return false;
    return true;
}

static bool get_shift(mw_packed_in *in, front *f)
{
    f->low = 0;
    if (!get_byte(in, &f->shift)) return false;
    if (f->shift & MW_PACKED_LOW && !mw_packed_get(in, &f->low)) return false;
    f->shift &= ~(unsigned)MW_PACKED_LOW;
    return f->shift < 64 && f->low < 1ULL << f->shift;
}

static bool get_front(mw_packed_in *in, mw_packed_kind kind, front *f)
{
    switch (kind) {
    case MW_PACKED_WHOLE:
    case MW_PACKED_ABOVE: return true;
    case MW_PACKED_SCALED:
        return get_byte(in, &f->scale) && f->scale <= MW_PACKED_SCALE_MAX &&
               mw_packed_get(in, &f->factor);
    case MW_PACKED_BITS: return get_shift(in, f);
    case MW_PACKED_DICT: return get_words(in, f);
    default: return false;
    }
}

/* -- numbers to values ---------------------------------------------------------------------- */

static void to_whole(const uint64_t *row, size_t n, double *v)
{
    for (size_t i = 0; i < n; i++) v[i] = (double)(int64_t)row[i];
}

static void to_scaled(const front *f, const uint64_t *row, size_t n, double *v)
{
    double ten = mw_packed_tens[f->scale];
    if (f->scale == 0)
        for (size_t i = 0; i < n; i++) v[i] = (double)(int64_t)(row[i] * f->factor);
    else
        for (size_t i = 0; i < n; i++) v[i] = (double)(int64_t)(row[i] * f->factor) / ten;
}

static void to_bits(const front *f, uint64_t *row, size_t n, double *v)
{
    for (size_t i = 0; i < n; i++) row[i] = mw_packed_turn_right(row[i] << f->shift | f->low);
    memcpy(v, row, n * sizeof *v);
}

static bool to_words(const front *f, uint64_t *row, size_t n, double *v)
{
    bool wrong = false;
    for (size_t i = 0; i < n; i++) {
        wrong |= row[i] >= f->n_words;
        row[i] = f->words[row[i] < f->n_words ? row[i] : 0];
    }
    memcpy(v, row, n * sizeof *v);
    return !wrong;
}

static bool to_values(const front *f, mw_packed_kind kind, uint64_t *row, size_t n, double *v)
{
    switch (kind) {
    case MW_PACKED_WHOLE: to_whole(row, n, v); return true;
    case MW_PACKED_SCALED: to_scaled(f, row, n, v); return true;
    case MW_PACKED_BITS: to_bits(f, row, n, v); return true;
    case MW_PACKED_ABOVE: memcpy(v, row, n * sizeof *v); return true;
    default: return to_words(f, row, n, v);
    }
}

/* -- repeats -------------------------------------------------------------------------------- */

/* How many numbers differ from the one before; false when the bits end early. */
static bool get_changes(mw_packed_in *in, size_t n, front *f, size_t *left)
{
    size_t bytes = (n - 1 + 7) / 8, spare = bytes * 8 - (n - 1);
    f->changes = in->p;
    *left = 1;
    if (bytes > mw_packed_left(in)) return false;
    for (size_t i = 0; i < bytes; i++) *left += (size_t)__builtin_popcount(in->p[i]);
    in->p += bytes;
    return !spare || in->p[-1] >> (8 - spare) == 0;
}

static void spread(const front *f, size_t n, double *v)
{
    uint64_t from[MW_PACKED_MAX];
    size_t at = 0;
    memcpy(from, v, n * sizeof *v);
    for (size_t i = 1; i < n; i++) {
        at += f->changes[(i - 1) >> 3] >> ((i - 1) & 7) & 1;
        memcpy(&v[i], &from[at], sizeof *v);
    }
}

/* -- a run ---------------------------------------------------------------------------------- */

static bool get_values(mw_packed_in *in, unsigned head, size_t n, double *v)
{
    front f;
    uint64_t row[MW_PACKED_MAX];
    mw_packed_kind kind = (mw_packed_kind)((head & MW_PACKED_KIND) >> MW_PACKED_KIND_SHIFT);
    size_t left = n;
    f.extras = f.n_holes = 0;
    if (kind <= MW_PACKED_RAW) return !(head & MW_PACKED_EXTRAS) && get_constant(in, kind, n, v);
    if (head & MW_PACKED_EXTRAS && !get_byte(in, &f.extras)) return false;
    if (f.extras & ~(unsigned)(MW_PACKED_HOLES | MW_PACKED_REPEATS)) return false;
    if (!get_front(in, kind, &f)) return false;
    if (f.extras & MW_PACKED_HOLES && !get_holes(in, n, &f)) return false;
    if (f.extras & MW_PACKED_REPEATS && !get_changes(in, n, &f, &left)) return false;
    if (!mw_ints_read(in, left, row) || !to_values(&f, kind, row, left, v)) return false;
    if (left < n) spread(&f, n, v);
    for (size_t k = 0; k < f.n_holes; k++) memcpy(&v[f.holes[k].at], &f.holes[k].bits, sizeof *v);
    return true;
}

int mw_packed_decode(mw_str bytes, size_t n, int64_t *t, double *v)
{
    mw_packed_in in = {(const uint8_t *)bytes.p, (const uint8_t *)bytes.p + bytes.n};
    if (n < 1 || n > MW_PACKED_MAX || !bytes.n) return MW_ECORRUPT;
    unsigned head = *in.p++;
    bool fine = mw_packed_times_get(&in, head, n, t) && get_values(&in, head, n, v);
    return fine && in.p == in.end ? MW_OK : MW_ECORRUPT;
}
