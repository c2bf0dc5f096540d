/* histline.h - every field of a native histogram in one line.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_HISTLINE_H
#define MW_TESTS_HISTLINE_H
#include "model/nhist.h"

static inline void histline_side(mw_buf *b, const char *name, const mw_hside *s)
{
    if (!s->n_spans && !s->n_counts) return;
    mw_buf_printf(b, " %s", name);
    for (uint32_t i = 0; i < s->n_spans; i++)
        mw_buf_printf(b, "[%d:%u]", s->spans[i].offset, s->spans[i].length);
    for (uint32_t i = 0; i < s->n_counts; i++) mw_buf_printf(b, " %g", s->counts[i]);
}

static inline void histline(const mw_nhist *h, mw_buf *b)
{
    if (mw_nhist_is_stale(h)) {
        mw_buf_text(b, "stale histogram");
        return;
    }
    mw_buf_printf(b, "%s schema=%d hint=%d count=%g sum=%g zero=%g/%g",
                  h->is_float ? "floats" : "whole", h->schema, h->hint, h->count, h->sum,
                  h->zero_count, h->zero_threshold);
    histline_side(b, "pos", &h->pos);
    histline_side(b, "neg", &h->neg);
    if (h->n_custom) mw_buf_text(b, " custom");
    for (uint32_t i = 0; i < h->n_custom; i++) mw_buf_printf(b, " %g", h->custom[i]);
}

#endif
