/* ahead_window.h - what an expression gives at many moments, in one go.
 *
 * A window is a copy of the points, since the result of a query keeps all that the query needed;
 * and one bit for each step, which is all that is looked at for a rule that says nothing.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_AHEAD_WINDOW_H
#define MW_SCRIPT_AHEAD_WINDOW_H
#include "script/host.h"

enum { MW_WINDOW_STEPS = 2048 };

typedef struct mw_window_row {
    mw_labels *labels; /* NULL: a scalar */
    size_t n, at;      /* AT: where the last moment was found */
    int64_t *t;
    double *v;
} mw_window_row;

typedef struct mw_window_ask {
    bool histograms;
    double above,
        below; /* a value between them says nothing; both NaN: every value says something */
    int64_t start, step;
    size_t n_steps; /* 1 to MW_WINDOW_STEPS */
} mw_window_ask;

typedef struct mw_window {
    mw_window_ask ask;
    size_t n_rows;
    mw_window_row *rows;
    uint64_t loud[MW_WINDOW_STEPS / 64];
} mw_window;

/* What a query gives, taken in place of evaluating: EXPR is used when QUERY is NULL.  CANCEL may be
 * NULL.  MW_EUNSUPPORTED: there are histograms among the points; else why the query failed. */
int mw_window_open(mw_host *h, mw_promql_prepared *query, mw_str expr, const mw_window_ask *ask,
                   const volatile int *cancel, mw_window **out);
void mw_window_free(mw_window *w); /* NULL is fine */

bool mw_window_same(const mw_window_ask *a, const mw_window_ask *b);
bool mw_window_says_something(const mw_window_ask *ask, double v);
bool mw_window_covers(const mw_window *w, int64_t t); /* false for NULL */
bool mw_window_is_loud(const mw_window *w, int64_t t);
/* The rows at T, which are good as long as W. */
mw_promql_result *mw_window_at(mw_window *w, int64_t t);

#endif
