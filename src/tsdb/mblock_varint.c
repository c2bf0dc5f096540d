/* mblock_varint.c - the longer ways of reading 7-bit pieces.
 * SPDX-License-Identifier: MIT */
#include "tsdb/mblock_varint.h"

#include <endian.h>

bool mw_mb_get_long(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    const uint8_t *q = *p;
    for (unsigned shift = 0; shift < 70 && q < end; shift += 7) {
        uint8_t byte = *q++;
        if (shift == 63 && byte > 1) return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *p = q;
            *out = v;
            return true;
        }
    }
    return false;
}

/* Eight bytes at a time: a varint ends at each byte whose top bit is clear. */
bool mw_mb_skip(const uint8_t **p, const uint8_t *end, uint32_t n)
{
    const uint8_t *q = *p;
    while (n && end - q >= 8) {
        uint64_t word;
        memcpy(&word, q, sizeof word);
        uint64_t ends = ~le64toh(word) & 0x8080808080808080u;
        uint32_t here = (uint32_t)((ends >> 7) * 0x0101010101010101u >> 56);
        if (here < n) {
            n -= here;
            q += 8;
            continue;
        }
        for (; n > 1; n--) ends &= ends - 1;
        q += (__builtin_ctzll(ends) >> 3) + 1;
        n = 0;
    }
    while (n && q < end) n -= *q++ < 0x80;
    *p = q;
    return n == 0;
}
