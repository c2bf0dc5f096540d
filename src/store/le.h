/* le.h - numbers as they stand on disk: little-endian, anywhere.  SPDX-License-Identifier: MIT */
#ifndef MW_STORE_LE_H
#define MW_STORE_LE_H
#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void mw_le32_put(void *to, uint32_t v)
{
    v = htole32(v);
    memcpy(to, &v, sizeof v);
}

static inline void mw_le64_put(void *to, uint64_t v)
{
    v = htole64(v);
    memcpy(to, &v, sizeof v);
}

static inline uint32_t mw_le32_get(const void *from)
{
    uint32_t v;
    memcpy(&v, from, sizeof v);
    return le32toh(v);
}

static inline uint64_t mw_le64_get(const void *from)
{
    uint64_t v;
    memcpy(&v, from, sizeof v);
    return le64toh(v);
}

#endif
