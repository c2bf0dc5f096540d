/* metabook.h - what metrics are: type, help and unit by name.  Any thread.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_METABOOK_H
#define MW_TSDB_METABOOK_H
#include "tsdb/tsdb.h"

typedef struct mw_metabook mw_metabook;

enum { MW_METABOOK_NAMES = 100000, MW_METABOOK_TEXT = 4096 }; /* at most; bytes of one help */

mw_metabook *mw_metabook_new(void);
void mw_metabook_free(mw_metabook *b);
/* Texts are cut at MW_METABOOK_TEXT; a new name beyond MW_METABOOK_NAMES is passed over.  True when
 * something changed. */
bool mw_metabook_set(mw_metabook *b, const mw_metadata *m);
void mw_metabook_each(mw_metabook *b, mw_str name, mw_metadata_visit *visit, void *arg);

#endif
