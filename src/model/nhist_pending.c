/* nhist_pending.c - stands in for nhist.c and nhist_text.c until they are here.
 * SPDX-License-Identifier: MIT */
#include "model/nhist.h"

void mw_nhist_json(const mw_nhist *h, mw_buf *out)
{
    mw_buf_text(out, "{\"count\":\"");
    mw_buf_double(out, h->count);
    mw_buf_text(out, "\",\"sum\":\"");
    mw_buf_double(out, h->sum);
    mw_buf_text(out, "\"}");
}
