/* packed_ints.h - whole numbers in few bits: what packed runs are made of.
 *
 * A row of numbers is guessed by a transform (nothing, the number before, its trend, a straight
 * line); what the guess misses is kept as distances from a minimum in as few bits as their range
 * needs, with the odd outlier set right afterwards.  All arithmetic is modulo 2^64, so that any
 * numbers come back.  The layout is docs/format/samples.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_PACKED_INTS_H
#define MW_TSDB_PACKED_INTS_H
#include "tsdb/packed.h"

enum {
    MW_INTS_PART = 64, /* numbers in a part of a split row */
    MW_INTS_PARTS = (MW_PACKED_MAX + MW_INTS_PART - 1) / MW_INTS_PART,
    MW_INTS_DIGITS = 8,      /* the most digits in a group */
    MW_INTS_GROUP_BITS = 57, /* the most bits in a group: one load of 64 bits gets them all */
    MW_INTS_LINE_BITS = 12,  /* binary places of a slope */
    MW_INTS_ROUND = 65,      /* and W: W bits of a number above a multiple of 2^W */
    MW_INTS_ROUND_LEAST = 8, /* the least W of these */
    MW_INTS_ROUND_MOST = 62,
    MW_INTS_PATCHED = 0x80,  /* in the code byte of a part */
    MW_INTS_SPLIT = 0x08,    /* in the first byte of a row, beside what it is guessed by */
    MW_INTS_SHORT_SHIFT = 4, /* above that: the code of the only part, when it is one of these */
    MW_INTS_NO_SHORT = 15
};

typedef enum mw_ints_by {
    MW_INTS_PLAIN,
    MW_INTS_DELTA,
    MW_INTS_DELTA2,
    MW_INTS_LINE,       /* the slope in 1/4096 */
    MW_INTS_STEEP_LINE, /* a whole slope */
    MW_INTS_BYS
} mw_ints_by;

/* Numbers that a transform keeps as they are, in front of the parts. */
static inline size_t mw_ints_kept(mw_ints_by by, size_t n)
{
    size_t kept = by == MW_INTS_DELTA ? 1 : by == MW_INTS_DELTA2 ? 2 : 0;
    return kept < n ? kept : n;
}

/* -- writing -------------------------------------------------------------------------------- */

typedef struct mw_ints_part {
    uint64_t min, span; /* numbers from min to min + span are stored as they are, others patched */
    uint32_t bytes;     /* about */
    uint16_t patches;
    uint8_t code; /* up to 64: the bits of a number; 64 + digits of a group; MW_INTS_ROUND */
} mw_ints_part;

typedef struct mw_ints_plan {
    mw_ints_by by;
    uint64_t slope;
    size_t bytes; /* about */
    uint32_t parts;
    mw_ints_part part[MW_INTS_PARTS];
} mw_ints_plan;

/* How to write X in the fewest bytes.  1 <= N <= MW_PACKED_MAX. */
void mw_ints_plan_of(const uint64_t *x, size_t n, mw_ints_plan *out);
void mw_ints_write(const uint64_t *x, size_t n, const mw_ints_plan *plan, mw_buf *out);

/* One part of C numbers, C >= 1. */
void mw_ints_part_plan(const uint64_t *x, size_t c, mw_ints_part *out);
unsigned mw_ints_part_code(const mw_ints_part *plan); /* its first byte */
/* All but that byte. */
void mw_ints_part_write(const uint64_t *x, size_t c, const mw_ints_part *plan, mw_buf *out);

void mw_ints_sort(int64_t *a, size_t n);

void mw_packed_put(mw_buf *out, uint64_t v); /* 7 bits a byte, the lowest first; 8 in the ninth */
void mw_packed_put_signed(mw_buf *out, uint64_t v);
size_t mw_packed_size(uint64_t v); /* what mw_packed_put takes */
size_t mw_packed_size_signed(uint64_t v);

/* Codes 0 to 7, and 66 to 72 without patches, fit half a byte. */
static inline unsigned mw_ints_short_of(unsigned code)
{
    return code < 8 ? code : code > 65 && code < 73 ? code - 58 : MW_INTS_NO_SHORT;
}
static inline unsigned mw_ints_code_of(unsigned short_)
{
    return short_ < 8 ? short_ : short_ + 58;
}

/* The size in bits of a group of G digits below R. */
static inline unsigned mw_ints_group_bits(uint64_t r, unsigned g)
{
    uint64_t most = 1;
    for (unsigned i = 0; i < g; i++) most *= r;
    return most < 2 ? 0 : 64 - (unsigned)__builtin_clzll(most - 1);
}

/* -- reading -------------------------------------------------------------------------------- */

typedef struct mw_packed_in {
    const uint8_t *p, *end;
} mw_packed_in;

static inline size_t mw_packed_left(const mw_packed_in *in) { return (size_t)(in->end - in->p); }

bool mw_packed_get_long(mw_packed_in *in, uint64_t *v);

static inline bool mw_packed_get(mw_packed_in *in, uint64_t *v)
{
    if (in->p < in->end && *in->p < 0x80) {
        *v = *in->p++;
        return true;
    }
    return mw_packed_get_long(in, v);
}

static inline bool mw_packed_get_signed(mw_packed_in *in, uint64_t *v)
{
    if (!mw_packed_get(in, v)) return false;
    *v = *v >> 1 ^ (0 - (*v & 1));
    return true;
}

/* N numbers into X; false when the bytes are no such row.  N <= MW_PACKED_MAX. */
bool mw_ints_read(mw_packed_in *in, size_t n, uint64_t *x);
bool mw_ints_part_read(mw_packed_in *in, unsigned code, size_t c, uint64_t *x);

#endif
