/* selection.c - match[], start, end and limit.  SPDX-License-Identifier: MIT */
#include "http/selection.h"

static const int64_t end_of_time = INT64_MAX / 1000000 * 1000000; /* with room to count on */

void selection_deinit(selection *s)
{
    for (size_t i = 0; i < s->n; i++)
        mw_matchers_free((mw_matcher *)s->sel[i].matchers, s->sel[i].n);
}

static int add_selector(selection *s, const mw_select *range, mw_str text, mw_err *err)
{
    mw_matcher *m = NULL;
    size_t n = 0;
    if (s->n == MOST_SELECTORS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "more than %d match[] parameters", MOST_SELECTORS);
    int rc = mw_promql_selector(text, &m, &n, err);
    if (rc) return rc;
    s->sel[s->n] = *range;
    s->sel[s->n].matchers = m;
    s->sel[s->n++].n = n;
    return MW_OK;
}

bool selection_required(mw_call *c)
{
    if (call_param(c, "match[]").n) return true;
    call_fail_text(c, MW_EARG, "no match[] parameter provided");
    return false;
}

bool selection_init(selection *s, mw_call *c)
{
    mw_err err;
    mw_select range = {
        .min_t = -end_of_time, .max_t = end_of_time, .labels_only = true, .cancel = &c->cancel};
    mw_err_init(&err);
    s->n = s->limit = 0;
    if (call_time_ms(c, "start", &range.min_t, &err) ||
        call_time_ms(c, "end", &range.max_t, &err) || call_limit(c, &s->limit, &err)) {
        call_fail(c, &err);
        return false;
    }
    for (const mw_pair *p = NULL; (p = call_each_param(c, "match[]", p));)
        if (add_selector(s, &range, p->value, &err)) {
            call_fail_param(c, "match[]", &err);
            selection_deinit(s);
            return false;
        }
    if (!s->n) s->sel[s->n++] = range;
    return true;
}
