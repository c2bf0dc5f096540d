/* pipeline_json.c - what is replaced in JSON: members by their names, and what strings have inside.
 *
 * JSON is not checked here, only walked: what is not understood is copied as it is.  A string with
 * escapes is read first and written anew, so that nobody is hidden by how they are spelled; what it
 * says may be JSON again.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/pipeline.h"

enum { PATH = 256, DEPTH = 64, NEST = 8 };

typedef struct walk {
    mw_scrub *s;
    mw_str text;
    size_t at, done; /* what is before DONE is written */
    mw_buf *out, part, key;
    char path[PATH]; /* names of the members that lead here, with dots between them */
    size_t n_path, open[DEPTH], depth;
    bool kinds, regex, some;
} walk;

/* -- pieces --------------------------------------------------------------------------------- */

static void skip_space(walk *w)
{
    while (w->at < w->text.n && strchr(" \t\r\n", w->text.p[w->at]) && w->text.p[w->at]) w->at++;
}

/* Behind the string that begins at AT. */
static size_t string_end(mw_str text, size_t at)
{
    for (at++; at < text.n && text.p[at] != '"'; at++) at += text.p[at] == '\\';
    return at < text.n ? at + 1 : text.n;
}

size_t mw_scrub_value_end(mw_str text, size_t at)
{
    size_t depth = 0;
    while (at < text.n) {
        char c = text.p[at];
        if (c == '"') {
            at = string_end(text, at);
            if (!depth) return at;
            continue;
        }
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') {
            if (!depth) return at;
            if (!--depth) return at + 1;
        }
        if (!depth && (c == ',' || (unsigned char)c <= ' ')) return at;
        at++;
    }
    return at;
}

/* The inside of the string from AT to END, which may lack its end. */
static mw_str inside(mw_str text, size_t at, size_t end)
{
    size_t n = end - at - 1;
    bool closed = n && text.p[end - 1] == '"';
    size_t slashes = 0;
    while (closed && slashes + 1 < n && text.p[end - 2 - slashes] == '\\') slashes++;
    return (mw_str){text.p + at + 1, n - (closed && slashes % 2 == 0)};
}

/* PART is written in the place of what is from FROM to TO. */
static void replace(walk *w, size_t from, size_t to)
{
    mw_buf_add(w->out, w->text.p + w->done, from - w->done);
    mw_buf_add(w->out, w->part.p, w->part.n);
    w->done = to;
    w->some = true;
}

/* -- strings -------------------------------------------------------------------------------- */

static bool hex4(mw_str s, size_t at, unsigned *out)
{
    *out = 0;
    for (size_t i = at; i < at + 4; i++) {
        if (i >= s.n) return false;
        char c = s.p[i] | 32;
        bool digit = mw_pii_digit(s.p[i]);
        if (!digit && !(c >= 'a' && c <= 'f')) return false;
        *out = *out * 16 + (unsigned)(digit ? s.p[i] - '0' : c - 'a' + 10);
    }
    return true;
}

static void put_utf8(mw_buf *out, unsigned c)
{
    if (c < 0x80) {
        mw_buf_byte(out, (char)c);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};
    mw_buf_byte(out, (char)(first[more] | c >> 6 * more));
    while (more--) mw_buf_byte(out, (char)(0x80 | (c >> 6 * more & 0x3f)));
}

/* The character behind \u at AT, two escapes for those that need them; bytes it takes. */
static size_t put_escaped(mw_buf *out, mw_str s, size_t at)
{
    unsigned c, low;
    if (!hex4(s, at + 2, &c)) {
        mw_buf_byte(out, '\\');
        return 1;
    }
    bool pair = (c & 0xfc00) == 0xd800 && at + 7 < s.n && s.p[at + 6] == '\\' &&
                s.p[at + 7] == 'u' && hex4(s, at + 8, &low) && (low & 0xfc00) == 0xdc00;
    put_utf8(out, pair ? 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)) : c);
    return pair ? 12 : 6;
}

/* What RAW, the inside of a string, says.  What is no escape stays as it is. */
static mw_str read_escapes(mw_str raw, mw_buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    mw_buf_reset(out);
    for (size_t i = 0; i < raw.n;) {
        const char *slash = memchr(raw.p + i, '\\', raw.n - i);
        size_t end = slash ? (size_t)(slash - raw.p) : raw.n;
        mw_buf_add(out, raw.p + i, end - i);
        i = end;
        if (!slash) break;
        char c = i + 1 < raw.n ? raw.p[i + 1] : 0;
        const char *plain = c ? strchr(from, c) : NULL;
        if (c == 'u') {
            i += put_escaped(out, raw, i);
        } else {
            mw_buf_byte(out, plain ? to[plain - from] : '\\');
            i += plain ? 2 : 1;
        }
    }
    return (mw_str){out->p ? out->p : "", out->n};
}

static void put_inside(mw_buf *out, mw_str text)
{
    mw_buf json = {0};
    mw_buf_json(&json, text);
    mw_buf_add(out, json.p + 1, json.n - 2);
    mw_buf_deinit(&json);
}

static bool scrub_read(mw_scrub *s, mw_str text, bool name, mw_buf *out)
{
    bool deep = s->nest == NEST;
    if (name || deep) return mw_scrub_kinds(s, s->pipe->kinds, text, false, out);
    s->nest++;
    bool some = mw_scrub_into(s, (mw_str){"", 0}, text, mw_scrub_looks_like_json(text), out);
    s->nest--;
    return some;
}

/* RAW, the inside of a string that has escapes, or in which what is put must have them. */
static bool scrub_escaped(mw_scrub *s, mw_str raw, bool name, mw_buf *out)
{
    mw_buf read = {0}, first = {0}, second = {0};
    mw_str text = read_escapes(raw, &read);
    bool some = scrub_read(s, text, name, &first);
    if (some) text = (mw_str){first.p, first.n};
    bool more = mw_scrub_regex(s, text, false, &second);
    if (more) text = (mw_str){second.p, second.n};
    if (some || more) put_inside(out, text);
    mw_buf_deinit(&read);
    mw_buf_deinit(&first);
    mw_buf_deinit(&second);
    return some || more;
}

static bool scrub_plain(walk *w, mw_str raw, bool name, mw_buf *out)
{
    mw_buf first = {0};
    bool some = name ? w->kinds && mw_scrub_kinds(w->s, w->s->pipe->kinds, raw, false, out)
                     : mw_scrub_words(w->s, raw, w->kinds, out);
    if (!w->regex) return some;
    if (some) mw_buf_add(&first, out->p, out->n);
    if (some) mw_buf_reset(out);
    bool more = mw_scrub_regex(w->s, some ? (mw_str){first.p, first.n} : raw, false, out);
    if (some && !more) mw_buf_add(out, first.p, first.n);
    mw_buf_deinit(&first);
    return some || more;
}

/* The string from AT to END; NAME: that of a member. */
static void scrub_string(walk *w, size_t at, size_t end, bool name)
{
    mw_str raw = inside(w->text, at, end);
    if (!raw.n) return;
    bool escaped = memchr(raw.p, '\\', raw.n);
    mw_buf_reset(&w->part);
    if (escaped || !w->s->plain ? scrub_escaped(w->s, raw, name, &w->part)
                                : scrub_plain(w, raw, name, &w->part))
        replace(w, at + 1, at + 1 + raw.n);
}

/* -- members -------------------------------------------------------------------------------- */

/* The whole value at AT. */
static void hide(walk *w, unsigned kind)
{
    size_t at = w->at, end = mw_scrub_value_end(w->text, at);
    mw_str value = {w->text.p + at, end - at};
    mw_buf what = {0}, read = {0};
    bool quoted = value.n && value.p[0] == '"';
    if (quoted) value = read_escapes(inside(w->text, at, end), &read);
    bool closed = !quoted || end - at >= inside(w->text, at, end).n + 2;
    mw_scrub_replace(w->s, kind, value, &what);
    mw_buf_reset(&w->part);
    mw_buf_json(&w->part, (mw_str){what.p ? what.p : "", what.n});
    if (!closed) w->part.n--;
    replace(w, at, end);
    w->at = end;
    mw_buf_deinit(&what);
    mw_buf_deinit(&read);
}

static size_t path_here(const walk *w)
{
    return w->depth ? w->open[(w->depth < DEPTH ? w->depth : DEPTH) - 1] : w->n_path;
}

/* The path to the member KEY; of one that is too long, its own name. */
static mw_str path_to(walk *w, mw_str key)
{
    size_t base = path_here(w);
    if (base + key.n + 1 > PATH) {
        w->n_path = base;
        return key;
    }
    if (base) w->path[base++] = '.';
    memcpy(w->path + base, key.p, key.n);
    w->n_path = base + key.n;
    return (mw_str){w->path, w->n_path};
}

/* A string that a colon follows is the name of a member. */
static void read_string(walk *w)
{
    size_t at = w->at, end = string_end(w->text, at);
    w->at = end;
    skip_space(w);
    bool member = w->at < w->text.n && w->text.p[w->at] == ':';
    if (!member) w->at = end;
    scrub_string(w, at, end, member);
    if (!member) return;
    w->at++;
    skip_space(w);
    mw_str key = inside(w->text, at, end);
    if (memchr(key.p, '\\', key.n)) key = read_escapes(key, &w->key);
    bool text = w->at < w->text.n && w->text.p[w->at] == '"';
    if (mw_names_have(&w->s->pipe->fields, path_to(w, key)))
        hide(w, MW_PIPE_FIELD);
    else if (text && w->s->pipe->kinds & 1u << MW_PII_TOKEN && mw_pii_is_secret(key))
        hide(w, MW_PII_TOKEN);
}

static void open_one(walk *w)
{
    w->at++;
    if (w->depth < DEPTH) w->open[w->depth] = w->n_path;
    w->depth++;
}

static void close_one(walk *w)
{
    w->at++;
    if (w->depth) w->depth--;
    w->n_path = path_here(w);
}

/* What is between strings: numbers, or no JSON at all, as what programs print of their tables. */
static void read_bare(walk *w)
{
    size_t from = w->at;
    while (w->at < w->text.n && !strchr("\"{[]}", w->text.p[w->at])) w->at++;
    if (w->at == from) w->at++; /* a zero */
    mw_str bare = {w->text.p + from, w->at - from};
    if (bare.n < 3) return;
    mw_buf_reset(&w->part);
    bool some = w->kinds && mw_scrub_kinds(w->s, w->s->pipe->kinds, bare, true, &w->part);
    if (!some && w->regex) some = mw_scrub_regex(w->s, bare, true, &w->part);
    if (!some) some = mw_scrub_words(w->s, bare, false, &w->part);
    if (some) replace(w, from, w->at);
}

bool mw_scrub_members(mw_scrub *s, mw_str name, mw_str json, bool kinds, bool regex, mw_buf *out)
{
    walk w = {.s = s, .text = json, .out = out, .kinds = kinds, .regex = regex};
    w.n_path = name.n <= PATH ? name.n : 0;
    if (w.n_path) memcpy(w.path, name.p, w.n_path);
    while (w.at < json.n) {
        switch (json.p[w.at]) {
        case '"': read_string(&w); break;
        case '{':
        case '[': open_one(&w); break;
        case '}':
        case ']': close_one(&w); break;
        default: read_bare(&w);
        }
    }
    if (w.some) mw_buf_add(out, json.p + w.done, json.n - w.done);
    mw_buf_deinit(&w.part);
    mw_buf_deinit(&w.key);
    return w.some;
}
