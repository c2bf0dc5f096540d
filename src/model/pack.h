/* pack.h - a record with all of its attributes and text in one block of memory.
 *
 * Measure first, take one block of fixed + text bytes, then copy: structures go to the front of the
 * block (8-byte aligned), text behind them.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_PACK_H
#define MW_MODEL_PACK_H
#include "model/attr.h"

typedef struct mw_pack_size {
    size_t fixed, text;
} mw_pack_size;

void mw_pack_measure_array(mw_pack_size *size, size_t n, size_t each);
void mw_pack_measure_attrs(mw_pack_size *size, const mw_attr *attrs, size_t n);

typedef struct mw_pack {
    char *fixed, *text; /* where the next structure and the next text go */
} mw_pack;

void *mw_pack_array(mw_pack *p, const void *from, size_t n, size_t each);
mw_str mw_pack_str(mw_pack *p, mw_str s); /* its n bytes count as text when measuring */
const mw_attr *mw_pack_attrs(mw_pack *p, const mw_attr *attrs, size_t n);

#endif
