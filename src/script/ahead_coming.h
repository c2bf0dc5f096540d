/* ahead_coming.h - windows that are computed beside, on a thread of their own, before somebody
 * wants them.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_AHEAD_COMING_H
#define MW_SCRIPT_AHEAD_COMING_H
#include "script/ahead_window.h"

typedef struct mw_coming mw_coming;
typedef struct mw_coming_job mw_coming_job; /* is given up with take */

/* HOST, borrowed, has the store, which must bear two readers at a time. */
mw_coming *mw_coming_new(mw_host *host);
void mw_coming_free(mw_coming *c); /* ends what runs; all jobs must have been taken; NULL is fine */

/* EXPR is copied.  POINTS is about how many there will be.  NULL: so much is under way already. */
mw_coming_job *mw_coming_add(mw_coming *c, mw_str expr, const mw_window_ask *ask, size_t points);
/* Gives J up.  True: it was for ASK and has begun, *RC and *OUT are as of mw_window_open; waits for
 * the end of it.  ASK may be NULL: nobody wants it. */
bool mw_coming_take(mw_coming *c, mw_coming_job *j, const mw_window_ask *ask, int *rc,
                    mw_window **out);

#endif
