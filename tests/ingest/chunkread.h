/* chunkread.h - chunks of Prometheus read back, by the book: tsdb/docs/format/chunks.md.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_INGEST_CHUNKREAD_H
#define MW_TESTS_INGEST_CHUNKREAD_H
#include <string.h>

#include "base/buf.h"

typedef struct chunk_bits {
    const mw_buf *b;
    size_t at; /* bit */
} chunk_bits;

static inline uint64_t take_bits(chunk_bits *c, unsigned n)
{
    uint64_t v = 0;
    for (; n; n--, c->at++) {
        assert_true(c->at / 8 < c->b->n);
        v = v << 1 | ((unsigned char)c->b->p[c->at / 8] >> (7 - c->at % 8) & 1);
    }
    return v;
}

static inline int64_t take_signed(chunk_bits *c, unsigned n)
{
    uint64_t v = take_bits(c, n);
    return n < 64 && v > UINT64_C(1) << (n - 1) ? (int64_t)(v - (UINT64_C(1) << n)) : (int64_t)v;
}

static inline uint64_t take_uvarint(chunk_bits *c)
{
    uint64_t v = 0, byte;
    unsigned shift = 0;
    do {
        byte = take_bits(c, 8);
        v |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return v;
}

typedef struct chunk_xor {
    uint64_t v;
    unsigned leading, trailing;
} chunk_xor;

static inline double take_xor(chunk_bits *c, chunk_xor *x)
{
    double v;
    if (take_bits(c, 1)) {
        if (take_bits(c, 1)) {
            x->leading = (unsigned)take_bits(c, 5);
            unsigned width = (unsigned)take_bits(c, 6);
            x->trailing = 64 - x->leading - (width ? width : 64);
        }
        x->v ^= take_bits(c, 64 - x->leading - x->trailing) << x->trailing;
    }
    memcpy(&v, &x->v, sizeof v);
    return v;
}

static inline size_t read_xor_chunk(const mw_buf *b, int64_t *t, uint64_t *v)
{
    static const unsigned widths[] = {0, 14, 17, 20, 64};
    chunk_bits c = {b, 0};
    chunk_xor x = {0};
    size_t n = take_bits(&c, 16);
    int64_t distance = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0) {
            uint64_t z = take_uvarint(&c);
            t[0] = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
            v[0] = x.v = take_bits(&c, 64);
            continue;
        }
        if (i == 1) {
            distance = (int64_t)take_uvarint(&c);
        } else {
            unsigned ones = 0;
            while (ones < 4 && take_bits(&c, 1)) ones++;
            if (ones)
                distance = (int64_t)((uint64_t)distance + (uint64_t)take_signed(&c, widths[ones]));
        }
        t[i] = (int64_t)((uint64_t)t[i - 1] + (uint64_t)distance);
        take_xor(&c, &x);
        v[i] = x.v;
    }
    assert_true((c.at + 7) / 8 == b->n);
    return n;
}

static inline unsigned varbit_width(chunk_bits *c)
{
    static const unsigned widths[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
    unsigned ones = 0;
    while (ones < 8 && take_bits(c, 1)) ones++;
    return widths[ones];
}

static inline int64_t take_varbit(chunk_bits *c)
{
    unsigned width = varbit_width(c);
    return width ? take_signed(c, width) : 0;
}

static inline uint64_t take_varbit_uint(chunk_bits *c)
{
    unsigned width = varbit_width(c);
    return width ? take_bits(c, width) : 0;
}

#endif
