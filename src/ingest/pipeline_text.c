/* pipeline_text.c - what is replaced in one text.
 *
 * A text that nothing is found in is given back as it is, without a copy; that is what most are.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "ingest/pipeline.h"

/* -- names ---------------------------------------------------------------------------------- */

static bool ends_so(mw_str name, mw_str end)
{
    if (end.n > name.n) return false;
    const char *at = name.p + name.n - end.n;
    return !strncasecmp(at, end.p, end.n) && (end.n == name.n || at[-1] == '.');
}

bool mw_names_have(const mw_names *names, mw_str name)
{
    for (size_t i = 0; i < names->n; i++) {
        mw_str want = names->name[i];
        bool star = want.n && want.p[want.n - 1] == '*';
        if (star ? name.n >= want.n - 1 && !strncasecmp(name.p, want.p, want.n - 1)
                 : ends_so(name, want))
            return true;
    }
    return false;
}

/* -- what takes the place ---------------------------------------------------------------------- */

const char *mw_pipe_kind(unsigned kind)
{
    return kind < MW_PII_KINDS ? mw_pii_names[kind] : kind == MW_PIPE_FIELD ? "field" : "regex";
}

void mw_scrub_replace(mw_scrub *s, unsigned kind, mw_str what, mw_buf *out)
{
    enum { SHOWN = 8 }; /* bytes of the hash */
    uint8_t digest[MW_SHA256];
    char hex[2 * SHOWN + 1];
    s->count[kind]++;
    if (!s->pipe->hash) {
        mw_buf_str(out, s->pipe->with);
        return;
    }
    mw_hmac_of(s->pipe->hash, what, digest);
    mw_hex(digest, SHOWN, hex);
    mw_buf_printf(out, "%s:%s", mw_pipe_kind(kind), hex);
}

static mw_str keep(mw_scrub *s, const mw_buf *b)
{
    char *p = mw_arena_strndup(s->arena, b->n ? b->p : "", b->n);
    if (!p) s->full = true;
    return (mw_str){p ? p : "", p ? b->n : 0};
}

mw_str mw_scrub_field(mw_scrub *s, mw_str value)
{
    mw_buf_reset(&s->out);
    mw_scrub_replace(s, MW_PIPE_FIELD, value, &s->out);
    return keep(s, &s->out);
}

/* -- patterns ------------------------------------------------------------------------------- */

/* The parts of TEXT that are found, replaced, behind OUT; BARE: outside of the strings of JSON. */
static bool by_kinds(mw_scrub *s, mw_str text, bool bare, mw_buf *out)
{
    size_t done = 0;
    mw_pii_hit h;
    while (mw_pii_next(s->pipe->kinds, text, done, &h)) {
        mw_buf_add(out, text.p + done, h.start - done);
        if (bare) mw_buf_byte(out, '"');
        mw_scrub_replace(s, h.kind, (mw_str){text.p + h.start, h.end - h.start}, out);
        if (bare) mw_buf_byte(out, '"');
        done = h.end;
    }
    if (!done) return false;
    mw_buf_add(out, text.p + done, text.n - done);
    return true;
}

static bool by_regex(mw_scrub *s, const mw_regex *re, mw_str text, mw_buf *out)
{
    size_t done = 0;
    mw_str found;
    for (size_t from = 0; from <= text.n && mw_regex_find(re, text, from, &found, 1);) {
        size_t start = (size_t)(found.p - text.p);
        from = start + found.n + !found.n;
        if (!found.n) continue;
        mw_buf_add(out, text.p + done, start - done);
        mw_scrub_replace(s, MW_PIPE_REGEX, found, out);
        done = start + found.n;
    }
    if (!done) return false;
    mw_buf_add(out, text.p + done, text.n - done);
    return true;
}

/* As by_kinds for JSON: strings, and what is between them, each for itself. */
static bool json_by_kinds(mw_scrub *s, mw_str text, mw_buf *out)
{
    size_t begun = out->n;
    bool some = false;
    for (size_t at = 0; at < text.n;) {
        const char *quote = memchr(text.p + at, '"', text.n - at);
        size_t end = quote ? (size_t)(quote - text.p) : text.n;
        mw_str between = {text.p + at, end - at};
        if (by_kinds(s, between, true, out))
            some = true;
        else
            mw_buf_str(out, between);
        if (!quote) break;
        size_t close = end + 1;
        while (close < text.n && text.p[close] != '"') close += text.p[close] == '\\' ? 2 : 1;
        if (close > text.n) close = text.n;
        mw_str inside = {text.p + end + 1, close - end - 1};
        mw_buf_byte(out, '"');
        if (by_kinds(s, inside, false, out))
            some = true;
        else
            mw_buf_str(out, inside);
        if (close < text.n) mw_buf_byte(out, '"');
        at = close + 1;
    }
    if (!some) out->n = begun;
    return some;
}

/* *TEXT is now what was written, if anything was. */
static void turn(mw_scrub *s, bool written, mw_str *text)
{
    if (!written) return;
    mw_buf out = s->out;
    s->out = s->hold;
    s->hold = out;
    *text = (mw_str){s->hold.p, s->hold.n};
    mw_buf_reset(&s->out);
}

static bool looks_like_json(mw_str text)
{
    text = mw_str_trim(text);
    return text.n > 1 && ((text.p[0] == '{' && text.p[text.n - 1] == '}') ||
                          (text.p[0] == '[' && text.p[text.n - 1] == ']'));
}

static bool may_have(mw_scrub *s, mw_str text)
{
    mw_pii_hit h;
    return s->pipe->kinds && mw_pii_next(s->pipe->kinds, text, 0, &h);
}

static mw_str scrub(mw_scrub *s, mw_str text, bool json)
{
    const char *before = text.p;
    mw_buf_reset(&s->out);
    if (s->pipe->fields.n) turn(s, mw_scrub_named(s, text, json, &s->out), &text);
    if (may_have(s, text))
        turn(s, json ? json_by_kinds(s, text, &s->out) : by_kinds(s, text, false, &s->out), &text);
    for (size_t i = 0; i < s->pipe->n_regex; i++)
        turn(s, by_regex(s, s->pipe->regex[i], text, &s->out), &text);
    if (text.p == before) return text;
    return keep(s, &s->hold);
}

mw_str mw_scrub_text(mw_scrub *s, mw_str text) { return scrub(s, text, looks_like_json(text)); }
mw_str mw_scrub_json(mw_scrub *s, mw_str json) { return scrub(s, json, true); }
