/* promcomment.c - what a page says of its metrics: # TYPE, # HELP and # UNIT.
 *
 * The lines of a page are remembered by their hashes in order, and only those that the page before
 * did not have at the same place are taken apart and told to the store, once the page is accepted.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "ingest/prompage.h"

void mw_promcomment_note(mw_promtext *p, mw_str line)
{
    mw_promcomments *now = &p->comments;
    const mw_promcomments *last = &p->last_comments;
    uint64_t hash = mw_hash(line.p, line.n);
    if (now->n >= last->n || last->hash[now->n] != hash)
        MW_PUSH(p->told, p->n_told, p->told_cap, line);
    MW_PUSH(now->hash, now->n, now->cap, hash);
}

/* -- words ---------------------------------------------------------------------------------- */

static bool blank(char c) { return c == ' ' || c == '\t'; }

/* The next word of *REST, or what stands in quotes. */
static mw_str next_word(mw_str *rest)
{
    mw_str s = mw_str_trim(*rest);
    size_t n = 0;
    if (s.n > 1 && s.p[0] == '"') {
        const char *end = memchr(s.p + 1, '"', s.n - 1);
        if (end) {
            *rest = (mw_str){end + 1, s.n - 1 - (size_t)(end - s.p)};
            return (mw_str){s.p + 1, (size_t)(end - s.p) - 1};
        }
    }
    while (n < s.n && !blank(s.p[n])) n++;
    *rest = (mw_str){s.p + n, s.n - n};
    return (mw_str){s.p, n};
}

static mw_str type_of(mw_str word)
{
    static const char *const words[] = {"counter", "gauge", "histogram", "gaugehistogram",
                                        "summary", "info",  "stateset",  "unknown"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (mw_str_is(word, words[i])) return mw_str_of(words[i]);
    return mw_str_is(word, "untyped") ? MW_STR("unknown") : (mw_str){"", 0};
}

/* HELP with its escapes undone, in the arena when there are any. */
static mw_str unescaped(mw_arena *a, mw_str raw)
{
    if (!raw.n || !memchr(raw.p, '\\', raw.n)) return raw;
    char *copy = mw_arena_alloc(a, raw.n), *to = copy;
    if (!copy) return raw;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '\\' && i + 1 < raw.n && strchr("n\\\"", raw.p[i + 1]) && raw.p[i + 1]) {
            c = raw.p[++i];
            if (c == 'n') c = '\n';
        }
        *to++ = c;
    }
    return (mw_str){copy, (size_t)(to - copy)};
}

/* -- telling -------------------------------------------------------------------------------- */

static void tell(mw_promtext *p, mw_str line)
{
    const mw_str none = {"", 0};
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    mw_str rest = {line.p + 1, line.n - 1};
    mw_str keyword = next_word(&rest), name = next_word(&rest), text = mw_str_trim(rest);
    const size_t most = p->limits.label_bytes;
    if (!name.n || !text.n || name.n > most || text.n > most) return;
    if (!mw_utf8_valid(name) || !mw_utf8_valid(text)) return;
    if (mw_str_is(keyword, "TYPE")) {
        mw_str type = type_of(text);
        if (type.n) mw_appender_set_metadata(p->appender, name, type, none, none);
    } else if (mw_str_is(keyword, "HELP")) {
        mw_arena_reset(p->work);
        mw_appender_set_metadata(p->appender, name, none, unescaped(p->work, text), none);
    } else if (mw_str_is(keyword, "UNIT")) {
        mw_appender_set_metadata(p->appender, name, none, none, text);
    }
}

void mw_promcomment_tell(mw_promtext *p)
{
    for (size_t i = 0; i < p->n_told; i++) tell(p, p->told[i]);
    mw_promcomments swap = p->last_comments;
    p->last_comments = p->comments;
    p->comments = swap;
}
