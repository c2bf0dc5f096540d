/* trace_json.c - what both trace APIs write and read alike.  SPDX-License-Identifier: MIT */
#include "http/trace_json.h"

#include <string.h>

int trace_ask_tag(mw_trace_ask *a, mw_str key, mw_str value, mw_err *err)
{
    if (a->q.n_tags == MW_TRACE_TAGS)
        return mw_fail(err, MW_EARG, 0, 0, "more than %d tags", MW_TRACE_TAGS);
    a->tags[a->q.n_tags++] = (mw_attr){.key = key, .type = MW_ATTR_STRING, .s = value};
    a->q.tags = a->tags;
    return MW_OK;
}

bool trace_id_parse(mw_str hex, uint8_t id[16])
{
    char padded[32];
    if (!hex.n || hex.n > sizeof padded) return false;
    memset(padded, '0', sizeof padded);
    memcpy(padded + sizeof padded - hex.n, hex.p, hex.n);
    return mw_unhex((mw_str){padded, sizeof padded}, id, 16);
}

void trace_json_hex(mw_buf *out, const char *name, const uint8_t *id, size_t n)
{
    char hex[33];
    mw_hex(id, n, hex);
    mw_buf_printf(out, "\"%s\":\"%s\"", name, hex);
}
