/* aliases.h - keys of other spellings of a label set, and the series they stand for.
 *
 * Only senders that write their labels in an unusual order or form need one.  Any thread.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_ALIASES_H
#define MW_TSDB_ALIASES_H
#include "tsdb/tsdb.h"

typedef struct mw_aliases mw_aliases;

mw_aliases *mw_aliases_new(void);
void mw_aliases_free(mw_aliases *x);
void mw_aliases_set(mw_aliases *x, mw_key key, uint64_t ref);
/* Give rows without a reference the one of their key, if there is one. */
void mw_aliases_resolve(mw_aliases *x, mw_row *rows, size_t n);

#endif
