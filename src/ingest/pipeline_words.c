/* pipeline_words.c - fields by their names in a text that is no JSON as a whole: key=value,
 * key: value, 'key': value, and JSON that stands in it.  Colours of a terminal around a key or a
 * value are no part of it.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/pipeline.h"

typedef struct walk {
    mw_scrub *s;
    mw_str text;
    size_t at, done; /* what is before DONE is written */
    mw_buf *out;
    bool kinds, some;
} walk;

static bool is_key(char c) { return mw_pii_alnum(c) || c == '_' || c == '.' || c == '-'; }

static void skip_spaces(walk *w)
{
    while (w->at < w->text.n && (w->text.p[w->at] == ' ' || w->text.p[w->at] == '\t')) w->at++;
}

/* -- colours -------------------------------------------------------------------------------- */

/* Bytes of the colour that ends before END, not reaching back behind FROM. */
static size_t colour_before(mw_str text, size_t from, size_t end)
{
    size_t i = end;
    if (i <= from || text.p[i - 1] != 'm') return 0;
    for (i--; i > from && (mw_pii_digit(text.p[i - 1]) || text.p[i - 1] == ';');) i--;
    return i >= from + 2 && text.p[i - 1] == '[' && text.p[i - 2] == '\033' ? end - i + 2 : 0;
}

static size_t colour_at(mw_str text, size_t at)
{
    size_t i = at + 2;
    if (i >= text.n || text.p[at] != '\033' || text.p[at + 1] != '[') return 0;
    while (i < text.n && (mw_pii_digit(text.p[i]) || text.p[i] == ';')) i++;
    return i < text.n && text.p[i] == 'm' ? i + 1 - at : 0;
}

/* The key that ends before END; empty: none does. */
static mw_str key_before(mw_str text, size_t from, size_t end)
{
    while (end > from && text.p[end - 1] == ' ') end--;
    end -= colour_before(text, from, end);
    char quote =
        end > from && (text.p[end - 1] == '"' || text.p[end - 1] == '\'') ? text.p[--end] : 0;
    size_t start = end;
    while (start > from && is_key(text.p[start - 1])) start--;
    if (quote && !(start > from && text.p[start - 1] == quote)) start = end;
    if (start > from + 1 && text.p[start - 1] == '[' && text.p[start - 2] == '\033') {
        while (start < end && mw_pii_digit(text.p[start])) start++;
        start += start < end && text.p[start] == 'm';
    }
    return (mw_str){text.p + start, end - start};
}

/* -- values --------------------------------------------------------------------------------- */

static void put(walk *w, mw_str between)
{
    if (!w->kinds || !mw_scrub_kinds(w->s, w->s->pipe->kinds, between, false, w->out))
        mw_buf_str(w->out, between);
}

/* What is written goes in the place of what is from FROM to TO. */
static void flush(walk *w, size_t from, size_t to)
{
    put(w, (mw_str){w->text.p + w->done, from - w->done});
    w->done = w->at = to;
    w->some = true;
}

static void hide(walk *w, size_t from, size_t to)
{
    flush(w, from, to);
    mw_scrub_replace(w->s, MW_PIPE_FIELD, (mw_str){w->text.p + from, to - from}, w->out);
}

static size_t quoted_end(mw_str text, size_t at)
{
    char quote = text.p[at++];
    while (at < text.n && text.p[at] != quote) at += text.p[at] == '\\' ? 2 : 1;
    return at < text.n ? at : text.n;
}

/* The value at AT: in quotes, or up to what ends one behind such a sign. */
static void hide_value(walk *w, bool colon)
{
    mw_str text = w->text;
    size_t start = w->at, end;
    char c = start < text.n ? text.p[start] : 0;
    bool quoted = c == '"' || c == '\'';
    if (quoted) {
        end = quoted_end(text, start++);
    } else if (c == '{' || c == '[') {
        end = mw_scrub_value_end(text, start);
    } else {
        const char *stop = colon ? ",;}]\"\r\n\033" : "& \t\r\n\033";
        for (end = start; end < text.n && text.p[end] && !strchr(stop, text.p[end]);) end++;
    }
    hide(w, start, end);
    if (quoted && w->at < text.n) w->at++;
}

static void read_sign(walk *w)
{
    size_t sign = w->at++;
    bool colon = w->text.p[sign] == ':', wide = sign > w->done && w->text.p[sign - 1] == ' ';
    if (colon && w->at < w->text.n && strchr(":/", w->text.p[w->at])) return; /* a::b, http:// */
    mw_str key = key_before(w->text, w->done, sign);
    if (!key.n || !mw_names_have(&w->s->pipe->fields, key)) return;
    if (colon || wide) skip_spaces(w);
    w->at += colour_at(w->text, w->at);
    hide_value(w, colon);
}

/* -- JSON in the middle of a text ----------------------------------------------------------- */

static void read_brace(walk *w)
{
    size_t from = w->at++;
    while (w->at < w->text.n && strchr(" \r\n\t", w->text.p[w->at]) && w->text.p[w->at]) w->at++;
    if (w->at >= w->text.n || w->text.p[w->at] != '"') return;
    mw_buf part = {0};
    size_t end = mw_scrub_value_end(w->text, from);
    mw_str json = {w->text.p + from, end - from};
    if (mw_scrub_members(w->s, (mw_str){"", 0}, json, w->kinds, false, &part)) {
        flush(w, from, end);
        mw_buf_add(w->out, part.p, part.n);
    }
    w->at = end;
    mw_buf_deinit(&part);
}

bool mw_scrub_words(mw_scrub *s, mw_str text, bool kinds, mw_buf *out)
{
    walk w = {.s = s, .text = text, .out = out, .kinds = kinds};
    bool named = s->pipe->fields.n > 0;
    if (!named && !kinds && !memchr(text.p, '\\', text.n)) return false;
    while (w.at < text.n) {
        char c = text.p[w.at];
        if (c == '{')
            read_brace(&w);
        else if (named && (c == '=' || c == ':'))
            read_sign(&w);
        else
            w.at++;
    }
    if (!w.some) return kinds && mw_scrub_kinds(s, s->pipe->kinds, text, false, out);
    put(&w, (mw_str){text.p + w.done, text.n - w.done});
    return true;
}
