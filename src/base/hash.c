/* hash.c - XXH3 from the library, FNV-1a for names that peers fixed.  SPDX-License-Identifier: MIT
 */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t mw_hash(const void *p, size_t n) { return XXH3_64bits(p, n); }
uint64_t mw_hash_seed(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

void mw_hash128(const void *p, size_t n, const void *secret, size_t secret_n, uint64_t out[2])
{
    XXH128_hash_t h = XXH3_128bits_withSecret(p, n, secret, secret_n);
    out[0] = h.low64;
    out[1] = h.high64;
}

uint64_t mw_xxh64(const void *p, size_t n) { return XXH64(p, n, 0); }

uint64_t mw_fnv64(uint64_t state, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++) state = (state ^ b[i]) * 0x100000001b3ULL;
    return state;
}
