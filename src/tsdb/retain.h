/* retain.h - how long which samples are kept.  SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_RETAIN_H
#define MW_TSDB_RETAIN_H
#include "tsdb/store.h"

/* Oldest time that a series with LS keeps; that of the first class that matches it. */
int64_t mw_floor_of_series(const mw_tsdb *db, const mw_labels *ls);

/* Number of the class of a series with LS; n_classes: none. */
size_t mw_class_of_series(const mw_tsdb *db, const mw_labels *ls);

#endif
