/* keep.h - what is kept for another time than the rest.  SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_KEEP_H
#define MW_MODEL_KEEP_H
#include "model/matcher.h"

/* Samples of series, and records of streams, that MATCHERS accept are kept for KEEP_MS instead of
 * the general retention. */
typedef struct mw_keep_class {
    const mw_matcher *matchers;
    size_t n;
    int64_t keep_ms;
} mw_keep_class;

#endif
