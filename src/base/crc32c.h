/* crc32c.h - the checksum of everything on disk (CRC-32C, Castagnoli).
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_CRC32C_H
#define MW_BASE_CRC32C_H
#include <stddef.h>
#include <stdint.h>

/* SEED is 0, or what was answered for the bytes before these. */
uint32_t mw_crc32c(uint32_t seed, const void *p, size_t n);
/* The same without the processor's help: slow, for machines without it and to check the other. */
uint32_t mw_crc32c_plain(uint32_t seed, const void *p, size_t n);

#endif
