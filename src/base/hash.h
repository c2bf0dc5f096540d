/* hash.h - hashes.  SPDX-License-Identifier: MIT */
#ifndef MW_BASE_HASH_H
#define MW_BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

uint64_t mw_hash(const void *p, size_t n); /* XXH3, 64 bits; for tables in memory */
uint64_t mw_hash_seed(const void *p, size_t n, uint64_t seed);
uint64_t mw_fnv64(uint64_t state, const void *p, size_t n); /* FNV-1a; start with MW_FNV64_START */
#define MW_FNV64_START 0xcbf29ce484222325ULL

#endif
