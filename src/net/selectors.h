/* selectors.h - lists of selectors of series, any of which may match.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_SELECTORS_H
#define MW_NET_SELECTORS_H
#include "model/matcher.h"
#include "script/value.h"

typedef struct mw_selector { /* matches when all of its matchers do */
    mw_matcher *matcher;
    size_t n, cap;
} mw_selector;

typedef struct mw_selectors {
    mw_selector *of;
    size_t n, cap;
} mw_selectors;

/* LIST of lists of {name=, op=, value=}; NULL is none.  OUT is to be deinited in any case. */
int mw_selectors_read(const mw_value *list, mw_selectors *out, mw_err *err);
void mw_selectors_deinit(mw_selectors *s);

bool mw_selectors_any(const mw_selectors *s, const mw_labels *ls);
void mw_selectors_text(const mw_selectors *s, mw_buf *out); /* the same text: the same selectors */

#endif
