/* span.c - what matchers see of a span.  SPDX-License-Identifier: MIT */
#include "model/span.h"

mw_str mw_span_value(const mw_span *s, mw_str name, mw_buf *text)
{
    static const char *const kinds[] = {"unspecified", "internal", "server",
                                        "client",      "producer", "consumer"};
    static const char *const states[] = {"unset", "ok", "error"};
    mw_str out = {"", 0};
    if (mw_str_is(name, "service")) return s->service;
    if (mw_str_is(name, "name")) return s->name;
    if (mw_str_is(name, "scope")) return s->scope;
    if (mw_str_is(name, "kind")) return mw_str_of(kinds[s->kind % 6]);
    if (mw_str_is(name, "status")) return mw_str_of(states[s->status % 3]);
    if (!mw_attr_named(s->attrs, s->n_attrs, name, text, &out))
        mw_attr_named(s->resource, s->n_resource, name, text, &out);
    return out;
}
