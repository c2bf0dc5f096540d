/* accept.c - which exposition a client wants, by its Accept header.
 *
 * OpenMetrics only for those who name it in a version that is spoken here; a wildcard means text.
 * The higher quality wins, OpenMetrics when they are equal.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "metrics/registry.h"

typedef struct media {
    mw_str range, version;
    double q;
} media;

typedef struct wishes {
    double openmetrics, text, any; /* qualities; -1: not named */
} wishes;

static mw_str cut(mw_str *rest, char at)
{
    const char *end = rest->n ? memchr(rest->p, at, rest->n) : NULL;
    mw_str piece = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    *rest = end ? (mw_str){end + 1, rest->n - piece.n - 1} : (mw_str){rest->p + rest->n, 0};
    return mw_str_trim(piece);
}

static bool same(mw_str s, const char *text)
{
    return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static mw_str unquoted(mw_str s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') return (mw_str){s.p + 1, s.n - 2};
    return s;
}

static media parse_media(mw_str text)
{
    media m = {.range = cut(&text, ';'), .q = 1};
    while (text.n) {
        mw_str value = cut(&text, ';'), name = cut(&value, '=');
        value = unquoted(mw_str_trim(value));
        if (same(name, "version")) m.version = value;
        if (same(name, "q") && (!mw_double_parse(value, &m.q) || !(m.q >= 0 && m.q <= 1))) m.q = 0;
    }
    return m;
}

static void wish(wishes *w, const media *m)
{
    bool v1 = m->version.n == 0 || mw_str_is(m->version, "1.0.0");
    bool v004 = m->version.n == 0 || mw_str_is(m->version, "0.0.4");
    double *slot = NULL;
    if (same(m->range, "application/openmetrics-text") && v1) slot = &w->openmetrics;
    if (same(m->range, "text/plain") && v004) slot = &w->text;
    if (same(m->range, "text/*") || same(m->range, "*/*")) slot = &w->any;
    if (slot && m->q > *slot) *slot = m->q;
}

mw_exposition mw_exposition_choose(const char *accept)
{
    wishes w = {-1, -1, -1};
    mw_str rest = mw_str_of(accept);
    while (rest.n) {
        media m = parse_media(cut(&rest, ','));
        wish(&w, &m);
    }
    double text = w.text >= 0 ? w.text : w.any;
    return w.openmetrics > 0 && w.openmetrics >= text ? MW_OPENMETRICS_100 : MW_TEXT_004;
}

const char *mw_exposition_type(mw_exposition format)
{
    static const char *const types[] = {
        [MW_TEXT_004] = "text/plain; version=0.0.4; charset=utf-8",
        [MW_OPENMETRICS_100] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };
    return types[format];
}
