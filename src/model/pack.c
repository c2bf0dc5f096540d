/* pack.c - two cursors into one block.  SPDX-License-Identifier: MIT */
#include "model/pack.h"

#include <string.h>

static size_t aligned(size_t n) { return (n + 7) & ~(size_t)7; }

static bool has_text(const mw_attr *a)
{
    return a->type == MW_ATTR_STRING || a->type == MW_ATTR_JSON;
}

void mw_pack_measure_array(mw_pack_size *size, size_t n, size_t each)
{
    size->fixed += aligned(n * each);
}

void mw_pack_measure_attrs(mw_pack_size *size, const mw_attr *attrs, size_t n)
{
    mw_pack_measure_array(size, n, sizeof *attrs);
    for (size_t i = 0; i < n; i++)
        size->text += attrs[i].key.n + (has_text(&attrs[i]) ? attrs[i].s.n : 0);
}

void *mw_pack_array(mw_pack *p, const void *from, size_t n, size_t each)
{
    void *to = p->fixed;
    if (n) memcpy(to, from, n * each);
    p->fixed += aligned(n * each);
    return to;
}

mw_str mw_pack_str(mw_pack *p, mw_str s)
{
    mw_str to = {p->text, s.n};
    if (s.n) memcpy(p->text, s.p, s.n);
    p->text += s.n;
    return to;
}

const mw_attr *mw_pack_attrs(mw_pack *p, const mw_attr *attrs, size_t n)
{
    mw_attr *to = mw_pack_array(p, attrs, n, sizeof *attrs);
    for (size_t i = 0; i < n; i++) {
        to[i].key = mw_pack_str(p, attrs[i].key);
        if (has_text(&attrs[i])) to[i].s = mw_pack_str(p, attrs[i].s);
    }
    return to;
}
