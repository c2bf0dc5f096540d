/* pipeline_named.c - fields by their names inside of a text: the members of JSON, key=value words.
 *
 * JSON is not checked here, only walked: what is not understood is copied as it is.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/pipeline.h"

enum { PATH = 256, DEPTH = 32 };

typedef struct walk {
    mw_scrub *s;
    mw_str text;
    size_t at, done; /* what is before DONE is written */
    mw_buf *out;
    char path[PATH]; /* names of the members that lead here, with dots between them */
    size_t n_path;
    struct {
        size_t n_path;
        bool object;
    } open[DEPTH];
    size_t depth;
    bool some;
} walk;

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

/* Behind the value that begins at AT, whatever is in it. */
static size_t value_end(mw_str text, size_t at)
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

/* -- JSON ----------------------------------------------------------------------------------- */

static void hide(walk *w)
{
    size_t end = value_end(w->text, w->at);
    mw_str value = {w->text.p + w->at, end - w->at};
    bool quoted = value.n > 1 && value.p[0] == '"';
    if (quoted) value = (mw_str){value.p + 1, value.n - 2};
    mw_buf_add(w->out, w->text.p + w->done, w->at - w->done);
    mw_buf_byte(w->out, '"');
    mw_scrub_replace(w->s, MW_PIPE_FIELD, value, w->out);
    mw_buf_byte(w->out, '"');
    w->at = w->done = end;
    w->some = true;
}

static void open_one(walk *w, bool object)
{
    w->at++;
    if (w->depth == DEPTH) { /* deeper ones are looked at as if they were at this depth */
        return;
    }
    w->open[w->depth].object = object;
    w->open[w->depth++].n_path = w->n_path;
}

static void close_one(walk *w)
{
    w->at++;
    if (w->depth) w->n_path = w->open[--w->depth].n_path;
}

/* A string that a colon follows is the name of a member. */
static void read_string(walk *w)
{
    size_t start = w->at + 1, end = string_end(w->text, w->at);
    w->at = end;
    size_t after = w->at;
    skip_space(w);
    if (w->at >= w->text.n || w->text.p[w->at] != ':') {
        w->at = after;
        return;
    }
    w->at++;
    skip_space(w);
    size_t base = w->depth ? w->open[w->depth - 1].n_path : 0, n = end - start - 1;
    if (end <= start || base + n + 1 > PATH) return;
    if (base) w->path[base++] = '.';
    memcpy(w->path + base, w->text.p + start, n);
    w->n_path = base + n;
    if (mw_names_have(&w->s->pipe->fields, (mw_str){w->path, w->n_path})) hide(w);
}

static void walk_json(walk *w)
{
    while (w->at < w->text.n) {
        switch (w->text.p[w->at]) {
        case '"': read_string(w); break;
        case '{': open_one(w, true); break;
        case '[': open_one(w, false); break;
        case '}':
        case ']': close_one(w); break;
        default: w->at++;
        }
    }
}

/* -- words ---------------------------------------------------------------------------------- */

static bool is_key(char c) { return mw_pii_alnum(c) || c == '_' || c == '.' || c == '-'; }

static void walk_words(walk *w)
{
    const char *sign;
    while (w->at < w->text.n && (sign = memchr(w->text.p + w->at, '=', w->text.n - w->at))) {
        size_t end = (size_t)(sign - w->text.p), start = end;
        while (start > w->at && is_key(w->text.p[start - 1])) start--;
        w->at = end + 1;
        if (start == end ||
            !mw_names_have(&w->s->pipe->fields, (mw_str){w->text.p + start, end - start}))
            continue;
        if (w->at < w->text.n && w->text.p[w->at] == '"') {
            hide(w);
            continue;
        }
        size_t stop = w->at;
        while (stop < w->text.n && (unsigned char)w->text.p[stop] > ' ' && w->text.p[stop] != '&')
            stop++;
        mw_buf_add(w->out, w->text.p + w->done, w->at - w->done);
        mw_scrub_replace(w->s, MW_PIPE_FIELD, (mw_str){w->text.p + w->at, stop - w->at}, w->out);
        w->at = w->done = stop;
        w->some = true;
    }
}

bool mw_scrub_named(mw_scrub *s, mw_str text, bool json, mw_buf *out)
{
    walk w = {.s = s, .text = text, .out = out};
    (json ? walk_json : walk_words)(&w);
    if (w.some) mw_buf_add(out, text.p + w.done, text.n - w.done);
    return w.some;
}
