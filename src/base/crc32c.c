/* crc32c.c - CRC-32C by the crc32 instruction, or by tables.
 *
 * The instruction takes three cycles but can begin once per cycle, so three neighbouring blocks are
 * summed side by side.  A sum is moved past the L bytes that follow it by multiplying with x^(8L)
 * modulo the polynomial: one carry-less multiplication, which the next crc32 instruction reduces.
 * That one multiplies by x^33 on its own (32 for the reduction, 1 for the order of the bits), hence
 * the constants are x^(8L-33).
 * SPDX-License-Identifier: MIT */
#include "base/crc32c.h"

#include <string.h>

/* -- tables --------------------------------------------------------------------------------- */

/* An entry is the sum of the entries of its bits, so eight numbers make a table. */
#define BIT(i, b, v) ((i) >> (b)&1 ? (v) : 0u)
#define ENTRY(i, a, b, c, d, e, f, g, h)                                                       \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^ \
     BIT(i, 6, g) ^ BIT(i, 7, h))
#define ENTRIES4(i, ...)                                                             \
    ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__), \
        ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES16(i, ...)                                                                     \
    ENTRIES4(i, __VA_ARGS__), ENTRIES4((i) + 4, __VA_ARGS__), ENTRIES4((i) + 8, __VA_ARGS__), \
        ENTRIES4((i) + 12, __VA_ARGS__)
#define ENTRIES64(i, ...)                                                                          \
    ENTRIES16(i, __VA_ARGS__), ENTRIES16((i) + 16, __VA_ARGS__), ENTRIES16((i) + 32, __VA_ARGS__), \
        ENTRIES16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                          \
    {                                                                                       \
        ENTRIES64(0, __VA_ARGS__), ENTRIES64(64, __VA_ARGS__), ENTRIES64(128, __VA_ARGS__), \
            ENTRIES64(192, __VA_ARGS__)                                                     \
    }

/* table[k][byte]: what BYTE adds to the sum when k more bytes follow it. */
static const uint32_t table[4][256] = {
    TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc,
          0x82f63b78),
    TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604,
          0xfbc3faf9),
    TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9,
          0x8b277743),
    TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7,
          0x52a0c93f),
};

uint32_t mw_crc32c_plain(uint32_t seed, const void *p, size_t n)
{
    const uint8_t *b = p;
    uint32_t c = ~seed;
    for (; n >= 4; n -= 4, b += 4) {
        c ^= b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        c = table[3][c & 255] ^ table[2][c >> 8 & 255] ^ table[1][c >> 16 & 255] ^
            table[0][c >> 24];
    }
    for (; n; n--) c = c >> 8 ^ table[0][(c ^ *b++) & 255];
    return ~c;
}

/* -- instructions --------------------------------------------------------------------------- */

#ifdef __x86_64__
#include <immintrin.h>

#define FAST __attribute__((target("sse4.2,pclmul")))

enum { LONG = 1024, SHORT = 128 }; /* bytes of one of the three blocks */
#define PAST_LONG   0x170076fa     /* x^(8 LONG - 33), bits in reverse as everything here */
#define PAST_LONG2  0xa51b6135     /* for two blocks */
#define PAST_SHORT  0x0d3b6092
#define PAST_SHORT2 0xb9e02b86

static inline uint64_t load(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

FAST static inline uint64_t times(uint64_t sum, uint32_t power)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(
        _mm_cvtsi64_si128((long long)sum), _mm_cvtsi64_si128((long long)power), 0));
}

FAST static inline uint64_t three(uint64_t c, const uint8_t *b, size_t block, uint32_t past,
                                  uint32_t past2)
{
    uint64_t c1 = 0, c2 = 0;
    for (size_t i = 0; i < block; i += 8) {
        c = _mm_crc32_u64(c, load(b + i));
        c1 = _mm_crc32_u64(c1, load(b + block + i));
        c2 = _mm_crc32_u64(c2, load(b + 2 * block + i));
    }
    return _mm_crc32_u64(0, times(c, past2) ^ times(c1, past)) ^ c2;
}

FAST static uint32_t fast(uint32_t seed, const uint8_t *b, size_t n)
{
    uint64_t c = ~seed;
    for (; n >= 3 * LONG; n -= 3 * LONG, b += 3 * LONG)
        c = three(c, b, LONG, PAST_LONG, PAST_LONG2);
    for (; n >= 3 * SHORT; n -= 3 * SHORT, b += 3 * SHORT)
        c = three(c, b, SHORT, PAST_SHORT, PAST_SHORT2);
    for (; n >= 8; n -= 8, b += 8) c = _mm_crc32_u64(c, load(b));
    for (; n; n--) c = _mm_crc32_u8((uint32_t)c, *b++);
    return ~(uint32_t)c;
}

uint32_t mw_crc32c(uint32_t seed, const void *p, size_t n)
{
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
        return fast(seed, p, n);
    return mw_crc32c_plain(seed, p, n);
}
#else
uint32_t mw_crc32c(uint32_t seed, const void *p, size_t n) { return mw_crc32c_plain(seed, p, n); }
#endif
