/* hash.h - hashes.  SPDX-License-Identifier: MIT */
#ifndef MW_BASE_HASH_H
#define MW_BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

uint64_t mw_hash(const void *p, size_t n); /* XXH3, 64 bits; for tables in memory */
uint64_t mw_hash_seed(const void *p, size_t n, uint64_t seed);
/* XXH3, 128 bits, under a secret of at least 136 random bytes: OUT[0] the low half, OUT[1] the high
 * one. */
void mw_hash128(const void *p, size_t n, const void *secret, size_t secret_n, uint64_t out[2]);
uint64_t mw_xxh64(const void *p, size_t n); /* XXH64, seed 0: what others hash labels with */
uint64_t mw_fnv64(uint64_t state, const void *p, size_t n); /* FNV-1a; start with MW_FNV64_START */
#define MW_FNV64_START 0xcbf29ce484222325ULL

#endif
