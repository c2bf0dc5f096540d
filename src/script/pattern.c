/* pattern.c - a backtracking matcher for Lua 5.1 patterns that pays for every step.
 *
 * The language is that of the Lua manual, section 5.4.1.  Each try of a single item against a
 * character is one step; steps are charged to the budget a thousand at a time, so a pattern that
 * would backtrack for ever is stopped like any other loop.  Nothing here is allocated, so raising
 * from the middle loses nothing.
 * SPDX-License-Identifier: MIT */
#include "script/pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "script/sandbox.h"

enum { MAX_DEPTH = 200, STEPS = 1000 };

static void step(mw_pattern *m)
{
    if (++m->steps < STEPS) return;
    m->steps = 0;
    mw_charge(m->L, STEPS);
}

/* A walk over N bytes of a set; sets as long as a text are an attack. */
static void walk(mw_pattern *m, ptrdiff_t n)
{
    if (n >= 16) mw_charge(m->L, (uint64_t)n / 4);
}

/* -- single items ---------------------------------------------------------------------------- */

static bool in_class(int c, int letter)
{
    bool is;
    switch (tolower(letter)) {
    case 'a': is = isalpha(c); break;
    case 'c': is = iscntrl(c); break;
    case 'd': is = isdigit(c); break;
    case 'g': is = isgraph(c); break;
    case 'l': is = islower(c); break;
    case 'p': is = ispunct(c); break;
    case 's': is = isspace(c); break;
    case 'u': is = isupper(c); break;
    case 'w': is = isalnum(c); break;
    case 'x': is = isxdigit(c); break;
    case 'z': is = c == 0; break;
    default: return letter == c;
    }
    return isupper(letter) ? !is : is;
}

/* The end of the item at P: a character, an escape or a set. */
static const char *item_end(mw_pattern *m, const char *p)
{
    const char *start = p;
    char first = *p++;
    if (first == '%') {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    do { /* a ']' right at the start is a member */
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pattern_end) p++;
    } while (p == m->pattern_end || *p != ']');
    walk(m, p - start);
    return p + 1;
}

/* P at '[', LAST at its ']'. */
static bool in_set(int c, const char *p, const char *last)
{
    bool negated = p[1] == '^';
    for (p += negated ? 2 : 1; p < last; p++) {
        if (*p == '%' && p + 1 < last) {
            if (in_class(c, (unsigned char)*++p)) return !negated;
        } else if (p + 2 < last && p[1] == '-') {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return !negated;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return !negated;
        }
    }
    return negated;
}

static bool matches_one(mw_pattern *m, const char *s, const char *p, const char *end)
{
    step(m);
    if (s >= m->end) return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.': return true;
    case '%': return in_class(c, (unsigned char)p[1]);
    case '[': walk(m, end - p); return in_set(c, p, end - 1);
    default: return (unsigned char)*p == c;
    }
}

/* -- repetitions ----------------------------------------------------------------------------- */

static const char *greedy(mw_pattern *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t n = 0;
    while (matches_one(m, s + n, p, end)) n++;
    for (; n >= 0; n--) {
        const char *done = mw_pattern_match(m, s + n, end + 1);
        if (done) return done;
        step(m);
    }
    return NULL;
}

static const char *lazy(mw_pattern *m, const char *s, const char *p, const char *end)
{
    for (;; s++) {
        const char *done = mw_pattern_match(m, s, end + 1);
        if (done) return done;
        if (!matches_one(m, s, p, end)) return NULL;
    }
}

static const char *balanced(mw_pattern *m, const char *s, const char *p)
{
    if (m->pattern_end - p < 2) luaL_error(m->L, "unbalanced pattern");
    if (s >= m->end || *s != p[0]) return NULL;
    long open = 1;
    while (++s < m->end) {
        step(m);
        if (*s == p[1]) {
            if (--open == 0) return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

/* -- captures -------------------------------------------------------------------------------- */

static const char *open_capture(mw_pattern *m, const char *s, const char *p, ptrdiff_t what)
{
    if (m->level >= MW_CAPTURES) luaL_error(m->L, "too many captures");
    m->capture[m->level].at = s;
    m->capture[m->level].n = what;
    m->level++;
    const char *done = mw_pattern_match(m, s, p);
    if (!done) m->level--;
    return done;
}

static const char *close_capture(mw_pattern *m, const char *s, const char *p)
{
    int i = m->level - 1;
    while (i >= 0 && m->capture[i].n != MW_CAPTURE_OPEN) i--;
    if (i < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[i].n = s - m->capture[i].at;
    const char *done = mw_pattern_match(m, s, p);
    if (!done) m->capture[i].n = MW_CAPTURE_OPEN;
    return done;
}

static const char *back_reference(mw_pattern *m, const char *s, int digit)
{
    int i = digit - '1';
    if (i < 0 || i >= m->level || m->capture[i].n == MW_CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index");
    if (m->capture[i].n == MW_CAPTURE_POSITION) luaL_error(m->L, "invalid capture index");
    size_t n = (size_t)m->capture[i].n;
    mw_charge(m->L, n / 8);
    if ((size_t)(m->end - s) < n || memcmp(m->capture[i].at, s, n)) return NULL;
    return s + n;
}

/* %f[set]: the border where the set begins. */
static const char *frontier(mw_pattern *m, const char *s, const char *p)
{
    if (p == m->pattern_end || *p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
    const char *end = item_end(m, p);
    int before = s == m->subject ? 0 : (unsigned char)s[-1];
    int here = s == m->end ? 0 : (unsigned char)*s;
    walk(m, 2 * (end - p));
    if (in_set(before, p, end - 1) || !in_set(here, p, end - 1)) return NULL;
    return mw_pattern_match(m, s, end);
}

/* -- the whole ------------------------------------------------------------------------------- */

static const char *match_rest(mw_pattern *m, const char *s, const char *p)
{
    for (;;) {
        step(m);
        if (p == m->pattern_end) return s;
        if (*p == '(') {
            bool position = p + 1 < m->pattern_end && p[1] == ')';
            return open_capture(m, s, p + (position ? 2 : 1),
                                position ? MW_CAPTURE_POSITION : MW_CAPTURE_OPEN);
        }
        if (*p == ')') return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end) return s == m->end ? s : NULL;
        if (*p == '%' && p + 1 < m->pattern_end) {
            if (p[1] == 'f') return frontier(m, s, p + 2);
            if (p[1] == 'b') {
                if (!(s = balanced(m, s, p + 2))) return NULL;
                p += 4;
                continue;
            }
            if (isdigit((unsigned char)p[1])) {
                if (!(s = back_reference(m, s, p[1]))) return NULL;
                p += 2;
                continue;
            }
        }
        const char *end = item_end(m, p);
        char suffix = end < m->pattern_end ? *end : 0;
        if (suffix == '*') return greedy(m, s, p, end);
        if (suffix == '-') return lazy(m, s, p, end);
        if (suffix == '+') return matches_one(m, s, p, end) ? greedy(m, s + 1, p, end) : NULL;
        if (suffix == '?') {
            const char *done;
            if (matches_one(m, s, p, end) && (done = mw_pattern_match(m, s + 1, end + 1)))
                return done;
            p = end + 1;
            continue;
        }
        if (!matches_one(m, s, p, end)) return NULL;
        s++;
        p = end;
    }
}

const char *mw_pattern_match(mw_pattern *m, const char *s, const char *p)
{
    if (++m->depth > MAX_DEPTH) luaL_error(m->L, "pattern too complex");
    const char *done = match_rest(m, s, p);
    m->depth--;
    return done;
}
