/* past.h - series as they were, and as they would have been: a store that is only read, and on top
 * of it one into which rules write.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_PAST_H
#define MW_SCRIPT_PAST_H
#include "model/source.h"

/* Of metrics called one of WRITTEN, only what is before SINCE counts in BASE, and OVER has the
 * rest; nothing of those called one of FORGOTTEN counts there at all. */
typedef struct mw_past_options {
    mw_source *base, *over;
    const mw_str *written, *forgotten; /* borrowed, as long as the source is used */
    size_t n_written, n_forgotten;
    int64_t since;
} mw_past_options;

mw_source *mw_past_new(const mw_past_options *o);
void mw_past_free(mw_source *past); /* NULL is fine; all sets must be closed */

#endif
