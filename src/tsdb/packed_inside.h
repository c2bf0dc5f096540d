/* packed_inside.h - the numbers that writing and reading a packed run agree on.
 *
 * The layout is docs/format/samples.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_PACKED_INSIDE_H
#define MW_TSDB_PACKED_INSIDE_H
#include "tsdb/packed_ints.h"

enum {
    /* the head byte */
    MW_PACKED_STEP = 0x07,   /* index of a usual step; the last: it is written out */
    MW_PACKED_UNEVEN = 0x08, /* times off the grid follow */
    MW_PACKED_KIND_SHIFT = 4,
    MW_PACKED_KIND = 0x70,   /* mw_packed_kind */
    MW_PACKED_EXTRAS = 0x80, /* a byte of MW_PACKED_HOLES, MW_PACKED_REPEATS follows */

    MW_PACKED_HOLES = 1,   /* values that are not numbers of the row */
    MW_PACKED_REPEATS = 2, /* the row has only what differs from the number before */

    MW_PACKED_STEPS = 7,      /* usual steps */
    MW_PACKED_SCALE_MAX = 22, /* 10^22 is the last power of ten that is a double */
    MW_PACKED_WORDS = 16,     /* values of a dictionary, at most */
    MW_PACKED_LOW = 0x80      /* with the shift of MW_PACKED_BITS: what was shifted out is not 0 */
};

typedef enum mw_packed_kind {
    MW_PACKED_ZERO,   /* every value is +0 */
    MW_PACKED_SAME,   /* one whole number */
    MW_PACKED_RAW,    /* one value, its 8 bytes */
    MW_PACKED_WHOLE,  /* whole numbers */
    MW_PACKED_SCALED, /* whole numbers times a factor over a power of ten */
    MW_PACKED_BITS,   /* the bits of the doubles, sign lowest, as numbers */
    MW_PACKED_DICT,   /* numbers of values in a dictionary */
    MW_PACKED_ABOVE   /* the bits of doubles without a sign, as they are */
} mw_packed_kind;

typedef enum mw_packed_hole { /* the lowest two bits of a hole's number */
                              MW_HOLE_STALE,
                              MW_HOLE_NAN,
                              MW_HOLE_ZERO,
                              MW_HOLE_RAW, /* its 8 bytes follow */
                              MW_HOLE_BITS = 2
} mw_packed_hole;

#define MW_PACKED_NAN 0x7ff8000000000001ULL /* what parsers make of the text NaN */

extern const uint64_t mw_packed_steps[MW_PACKED_STEPS];
extern const uint64_t mw_packed_holes[MW_HOLE_RAW];
extern const double mw_packed_tens[MW_PACKED_SCALE_MAX + 1];

static inline uint64_t mw_packed_turn_left(uint64_t v) { return v << 1 | v >> 63; }
static inline uint64_t mw_packed_turn_right(uint64_t v) { return v >> 1 | v << 63; }

/* -- writing -------------------------------------------------------------------------------- */

typedef struct mw_packed_values {
    mw_packed_kind kind;
    bool repeats;
    uint8_t scale, shift;
    uint64_t factor, low, same; /* same: the value of a constant run */
    size_t bytes;               /* about */
    uint32_t n_holes, n_words, n_row;
    mw_ints_plan plan;
    uint16_t holes[MW_PACKED_MAX]; /* where */
    uint64_t words[MW_PACKED_WORDS];
    uint64_t row[MW_PACKED_MAX];        /* what PLAN plans: n_row numbers */
    uint8_t changes[MW_PACKED_MAX / 8]; /* bit i: number i + 1 differs from the one before */
} mw_packed_values;

/* Times: returns the low half of the head byte, and appends the rest to OUT. */
unsigned mw_packed_times_put(const uint64_t *t, size_t n, mw_buf *out);

/* The ways of mapping values to a row of numbers, each into OUT; false when this way is not one. */
bool mw_packed_try_decimals(const uint64_t *v, size_t n, mw_packed_values *out);
bool mw_packed_try_bits(const uint64_t *v, size_t n, mw_packed_values *out);
bool mw_packed_try_dict(const uint64_t *v, size_t n, mw_packed_values *out);

/* -- reading -------------------------------------------------------------------------------- */

bool mw_packed_times_get(mw_packed_in *in, unsigned head, size_t n, int64_t *t);

#endif
