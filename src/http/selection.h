/* selection.h - match[], start, end and limit: which series a request is about.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_SELECTION_H
#define MW_HTTP_SELECTION_H
#include "http/route.h"

enum { MOST_SELECTORS = 100 };

typedef struct selection {
    mw_select sel[MOST_SELECTORS]; /* at least one; the only one may be without matchers */
    size_t n;
    size_t limit; /* SIZE_MAX: none */
} selection;

/* False after answering what is wrong with the parameters of C; only then nothing is to free.
 * Labels only; cancelled with C. */
bool selection_init(selection *s, mw_call *c);
void selection_deinit(selection *s);
bool selection_required(mw_call *c); /* false after answering that there is no match[] */

#endif
