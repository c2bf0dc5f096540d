/* mblock_texts.h - texts, each kept once and numbered as it came: names, the values of a name, and
 * the lists of names that series have.  SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_MBLOCK_TEXTS_H
#define MW_TSDB_MBLOCK_TEXTS_H
#include "base/arena.h"
#include "base/str.h"

typedef struct mw_mb_text {
    const char *p;
    uint32_t n, hash;
    uint32_t uses; /* counted by the owner */
    uint32_t rank; /* after mw_mb_texts_rank */
} mw_mb_text;

typedef struct mw_mb_texts {
    mw_mb_text *v;
    size_t n, cap;
    uint32_t *slot; /* number + 1; a power of two of them */
    size_t slots;
    uint32_t *order; /* numbers by rank */
} mw_mb_texts;

void mw_mb_texts_deinit(mw_mb_texts *t);
/* The number of S; its bytes are copied to A when it is new. */
uint32_t mw_mb_texts_intern(mw_mb_texts *t, mw_arena *a, mw_str s);
mw_str mw_mb_texts_at(const mw_mb_texts *t, uint32_t i);
/* Ranks by byte order; nothing is interned after that. */
void mw_mb_texts_rank(mw_mb_texts *t);

#endif
