/* attr.c - typed fields.  SPDX-License-Identifier: MIT */
#include "model/attr.h"

#include <math.h>

const mw_attr *mw_attr_find(const mw_attr *attrs, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_is(attrs[i].key, key)) return &attrs[i];
    return NULL;
}

void mw_attr_text(const mw_attr *a, mw_buf *out)
{
    switch (a->type) {
    case MW_ATTR_STRING:
    case MW_ATTR_JSON: mw_buf_str(out, a->s); break;
    case MW_ATTR_INT: mw_buf_int(out, a->i); break;
    case MW_ATTR_DOUBLE: mw_buf_double(out, a->d); break;
    case MW_ATTR_BOOL: mw_buf_text(out, a->b ? "true" : "false"); break;
    }
}

void mw_attr_json(const mw_attr *a, mw_buf *out)
{
    bool unquoted = a->type == MW_ATTR_JSON || a->type == MW_ATTR_INT || a->type == MW_ATTR_BOOL ||
                    (a->type == MW_ATTR_DOUBLE && isfinite(a->d));
    if (unquoted) {
        mw_attr_text(a, out);
        return;
    }
    mw_buf text;
    mw_buf_init(&text);
    mw_attr_text(a, &text);
    mw_buf_json(out, (mw_str){text.p, text.n});
    mw_buf_deinit(&text);
}

void mw_attrs_json(const mw_attr *attrs, size_t n, mw_buf *out)
{
    mw_buf_byte(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i) mw_buf_byte(out, ',');
        mw_buf_json(out, attrs[i].key);
        mw_buf_byte(out, ':');
        mw_attr_json(&attrs[i], out);
    }
    mw_buf_byte(out, '}');
}

bool mw_attr_is_called(mw_str key, mw_str name)
{
    if (key.n != name.n) return false;
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        if (c != name.p[i] && !(name.p[i] == '_' && (c == '.' || c == '-'))) return false;
    }
    return true;
}

bool mw_attr_named(const mw_attr *attrs, size_t n, mw_str name, mw_buf *text, mw_str *out)
{
    for (size_t i = 0; i < n; i++) {
        const mw_attr *a = &attrs[i];
        if (!mw_attr_is_called(a->key, name)) continue;
        *out = a->s;
        if (a->type == MW_ATTR_STRING || a->type == MW_ATTR_JSON) return true;
        mw_buf_reset(text);
        mw_attr_text(a, text);
        *out = (mw_str){text->p, text->n};
        return true;
    }
    return false;
}
