/* pipeline_text.c - what is replaced in one text.
 *
 * A text that nothing is found in is given back as it is, without a copy; that is what most are.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "ingest/pipeline.h"

/* -- names ---------------------------------------------------------------------------------- */

static char folded(char c)
{
    if (c == '_' || c == '-') return '.';
    return c >= 'A' && c <= 'Z' ? c | 32 : c;
}

static bool same(const char *a, const char *b, size_t n)
{
    while (n && folded(a[n - 1]) == folded(b[n - 1])) n--;
    return !n;
}

static bool ends_so(mw_str name, mw_str end)
{
    if (end.n > name.n) return false;
    const char *at = name.p + name.n - end.n;
    return same(at, end.p, end.n) && (end.n == name.n || at[-1] == '.');
}

/* At the beginning, or behind a dot. */
static bool has_part(mw_str name, mw_str part)
{
    for (size_t at = 0; at + part.n <= name.n; at++)
        if ((!at || name.p[at - 1] == '.') && same(name.p + at, part.p, part.n)) return true;
    return false;
}

bool mw_names_have(const mw_names *names, mw_str name)
{
    for (size_t i = 0; i < names->n; i++) {
        mw_str want = names->name[i];
        bool star = want.n && want.p[want.n - 1] == '*';
        if (star ? has_part(name, (mw_str){want.p, want.n - 1}) : ends_so(name, want)) return true;
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

mw_str mw_scrub_whole(mw_scrub *s, unsigned kind, mw_str value)
{
    mw_buf_reset(&s->out);
    mw_scrub_replace(s, kind, value, &s->out);
    return keep(s, &s->out);
}

/* -- patterns ------------------------------------------------------------------------------- */

/* BARE: outside of the strings of JSON, where what is put must be one. */
static void put(mw_scrub *s, unsigned kind, mw_str what, bool bare, mw_buf *out)
{
    if (!bare) {
        mw_scrub_replace(s, kind, what, out);
        return;
    }
    mw_buf text = {0};
    mw_scrub_replace(s, kind, what, &text);
    mw_buf_json(out, (mw_str){text.p ? text.p : "", text.n});
    mw_buf_deinit(&text);
}

bool mw_scrub_kinds(mw_scrub *s, unsigned kinds, mw_str text, bool bare, mw_buf *out)
{
    size_t done = 0;
    mw_pii_hit h;
    while (mw_pii_next(kinds, text, done, &h)) {
        mw_buf_add(out, text.p + done, h.start - done);
        put(s, h.kind, (mw_str){text.p + h.start, h.end - h.start}, bare, out);
        done = h.end;
    }
    if (!done) return false;
    mw_buf_add(out, text.p + done, text.n - done);
    return true;
}

bool mw_scrub_found(const mw_scrub *s, mw_str text)
{
    mw_pii_hit h;
    return s->pipe->kinds && mw_pii_next(s->pipe->kinds, text, 0, &h);
}

/* -- regular expressions -------------------------------------------------------------------- */

/* Of a text that takes too long to look through nobody knows what is in it: all of it goes. */
static bool by_regex(mw_scrub *s, const mw_regex *re, mw_str text, bool bare, mw_buf *out)
{
    size_t done = 0, begun = out->n;
    bool gave_up = false;
    mw_str found;
    for (size_t from = 0;
         from <= text.n && mw_regex_find_or(re, text, from, &found, 1, &gave_up);) {
        size_t start = (size_t)(found.p - text.p);
        from = start + found.n + !found.n;
        if (!found.n) continue;
        mw_buf_add(out, text.p + done, start - done);
        put(s, MW_PIPE_REGEX, found, bare, out);
        done = start + found.n;
    }
    if (gave_up) {
        out->n = begun;
        put(s, MW_PIPE_REGEX, text, bare, out);
        return true;
    }
    if (!done) return false;
    mw_buf_add(out, text.p + done, text.n - done);
    return true;
}

bool mw_scrub_regex(mw_scrub *s, mw_str text, bool bare, mw_buf *out)
{
    mw_buf now = {0}, before = {0};
    bool some = false;
    for (size_t i = 0; i < s->pipe->n_regex; i++) {
        mw_buf_reset(&now);
        if (!by_regex(s, s->pipe->regex[i], text, bare, &now)) continue;
        mw_buf swap = before;
        before = now;
        now = swap;
        text = (mw_str){before.p, before.n};
        some = true;
    }
    if (some) mw_buf_str(out, text);
    mw_buf_deinit(&now);
    mw_buf_deinit(&before);
    return some;
}

bool mw_scrub_regex_found(const mw_scrub *s, mw_str text)
{
    bool gave_up = false;
    mw_str found;
    for (size_t i = 0; i < s->pipe->n_regex; i++)
        if (mw_regex_find_or(s->pipe->regex[i], text, 0, &found, 1, &gave_up) || gave_up)
            return true;
    return false;
}

/* -- texts ---------------------------------------------------------------------------------- */

bool mw_scrub_looks_like_json(mw_str text)
{
    text = mw_str_trim(text);
    return text.n > 1 && ((text.p[0] == '{' && text.p[text.n - 1] == '}') ||
                          (text.p[0] == '[' && text.p[text.n - 1] == ']'));
}

bool mw_scrub_is_json(const mw_scrub *s, mw_str text)
{
    mw_json j;
    mw_json_init(&j, text, s->arena, NULL);
    mw_json_skip(&j);
    return mw_json_end(&j) == MW_OK;
}

/* TEXT only looks like JSON, so what a walk takes for strings may be none: what it left is looked
 * for in the whole.  Not secrets, whose places would be taken for some again. */
static bool look_again(mw_scrub *s, mw_str text, bool some, size_t begun, mw_buf *out)
{
    mw_buf whole = {0};
    mw_str now = some ? (mw_str){out->p + begun, out->n - begun} : text;
    unsigned kinds = s->pipe->kinds & ~(1u << MW_PII_TOKEN);
    bool more = mw_scrub_kinds(s, kinds, now, false, &whole);
    if (more) out->n = begun;
    if (more) mw_buf_add(out, whole.p, whole.n);
    mw_buf_deinit(&whole);
    return some || more;
}

bool mw_scrub_into(mw_scrub *s, mw_str name, mw_str text, bool json, mw_buf *out)
{
    const mw_pipe *p = s->pipe;
    bool kinds = mw_scrub_found(s, text);
    if (!json) return mw_scrub_words(s, text, kinds, out);
    bool regex = mw_scrub_regex_found(s, text);
    if (!kinds && !regex && !p->fields.n && !memchr(text.p, '\\', text.n)) return false;
    size_t begun = out->n;
    bool some = mw_scrub_members(s, name, text, kinds, regex, out);
    return kinds && !mw_scrub_is_json(s, text) ? look_again(s, text, some, begun, out) : some;
}

/* Regular expressions see the whole text at the end, too: what they look for may be wider than a
 * string. */
static mw_str scrub(mw_scrub *s, mw_str name, mw_str text, bool json)
{
    if (!text.n) return text;
    mw_buf_reset(&s->out);
    mw_buf_reset(&s->hold);
    bool some = mw_scrub_into(s, name, text, json, &s->out);
    bool more = mw_scrub_regex(s, some ? (mw_str){s->out.p, s->out.n} : text, false, &s->hold);
    return more ? keep(s, &s->hold) : some ? keep(s, &s->out) : text;
}

mw_str mw_scrub_text(mw_scrub *s, mw_str name, mw_str text)
{
    return scrub(s, name, text, mw_scrub_looks_like_json(text));
}

mw_str mw_scrub_json(mw_scrub *s, mw_str name, mw_str json) { return scrub(s, name, json, true); }

mw_str mw_scrub_key(mw_scrub *s, mw_str key)
{
    mw_buf_reset(&s->out);
    return mw_scrub_kinds(s, s->pipe->kinds, key, false, &s->out) ? keep(s, &s->out) : key;
}
