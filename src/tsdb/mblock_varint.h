/* mblock_varint.h - numbers in 7-bit pieces, low ones first, top bit set on all but the last.
 *
 * Inline because reading a series is little else.  Readers never look at or behind END.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_MBLOCK_VARINT_H
#define MW_TSDB_MBLOCK_VARINT_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

enum { MW_MB_VARINT_MAX = 10 }; /* bytes */

bool mw_mb_get_long(const uint8_t **p, const uint8_t *end, uint64_t *out);
/* Passes over N varints. */
bool mw_mb_skip(const uint8_t **p, const uint8_t *end, uint32_t n);

static inline bool mw_mb_get(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
    const uint8_t *q = *p;
    if (end - q < 2) return mw_mb_get_long(p, end, out);
    if (q[0] < 0x80) return *out = q[0], *p = q + 1, true;
    if (q[1] < 0x80) return *out = (q[0] & 0x7fu) | (uint64_t)q[1] << 7, *p = q + 2, true;
    return mw_mb_get_long(p, end, out);
}

/* One that must be below LIMIT. */
static inline bool mw_mb_get_below(const uint8_t **p, const uint8_t *end, uint64_t limit,
                                   uint32_t *out)
{
    uint64_t v;
    if (!mw_mb_get(p, end, &v) || v >= limit) return false;
    *out = (uint32_t)v;
    return true;
}

/* TO has room for MW_MB_VARINT_MAX bytes; the end is returned. */
static inline uint8_t *mw_mb_place(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static inline void mw_mb_put(mw_buf *b, uint64_t v)
{
    uint8_t *to = (uint8_t *)mw_buf_room(b, MW_MB_VARINT_MAX);
    b->n += (size_t)(mw_mb_place(to, v) - to);
}

static inline uint64_t mw_mb_zigzag(uint64_t v) { return v << 1 ^ (v >> 63 ? UINT64_MAX : 0); }
static inline uint64_t mw_mb_unzigzag(uint64_t v) { return v >> 1 ^ (v & 1 ? UINT64_MAX : 0); }

#endif
