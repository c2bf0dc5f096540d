/* pii_token.c - secrets: by the words that announce them, and by the prefixes that their makers
 * give them so that they are found.  SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "ingest/pii.h"

static bool is_token(char c) { return mw_pii_alnum(c) || strchr("-._~+/=", c); }

static size_t run(mw_str s, size_t at, bool (*is)(char c))
{
    size_t i = at;
    while (i < s.n && s.p[i] && is(s.p[i])) i++;
    while (i > at && s.p[i - 1] == '.') i--;
    return i;
}

static bool begins(mw_str s, size_t at, const char *word)
{
    size_t n = strlen(word);
    return at + n <= s.n && !memcmp(s.p + at, word, n);
}

/* -- prefixes ------------------------------------------------------------------------------- */

static const struct prefix {
    const char *text;
    unsigned least; /* characters behind it */
} prefixes[] = {
    {"AKIA", 16},     {"ASIA", 16},     {"AIza", 30},    {"eyJ", 20},         {"ghp_", 30},
    {"gho_", 30},     {"ghs_", 30},     {"ghu_", 30},    {"github_pat_", 30}, {"glpat-", 20},
    {"xoxb-", 20},    {"xoxp-", 20},    {"xoxa-", 20},   {"xoxs-", 20},       {"sk_live_", 16},
    {"sk_test_", 16}, {"rk_live_", 16}, {"sk-", 32},     {"SG.", 40},         {"npm_", 30},
    {"pypi-", 40},    {"hvs.", 24},     {"dop_v1_", 40},
};

static size_t by_prefix(mw_str s, size_t at)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        const struct prefix *p = &prefixes[i];
        if (*p->text != s.p[at] || !begins(s, at, p->text)) continue;
        size_t end = run(s, at, is_token);
        if (end - at >= strlen(p->text) + p->least) return end;
    }
    return 0;
}

/* -----BEGIN ... PRIVATE KEY----- up to its end, or to that of the text. */
static size_t private_key(mw_str s, size_t at)
{
    static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY-----", end[] = "-----END ";
    enum { NAME = 40 };
    if (!begins(s, at, begin)) return 0;
    size_t name = at + sizeof begin - 1, most = s.n - name < NAME ? s.n - name : NAME;
    const char *is_key = memmem(s.p + name, most, key, sizeof key - 1);
    if (!is_key) return 0;
    const char *last = memmem(is_key, (size_t)(s.p + s.n - is_key), end, sizeof end - 1);
    const char *stop = last ? memmem(last, (size_t)(s.p + s.n - last), key, sizeof key - 1) : NULL;
    return stop ? (size_t)(stop - s.p) + sizeof key - 1 : s.n;
}

/* -- words ---------------------------------------------------------------------------------- */

static const char *const names[] = {
    "password", "passwd",        "pwd",         "secret",        "token",        "api_key",
    "apikey",   "api-key",       "auth",        "authorization", "access_token", "refresh_token",
    "id_token", "client_secret", "private_key", "session_id",    "sessionid",    "x-api-key",
};

static size_t name_at(mw_str s, size_t at)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i][0] != (s.p[at] | 32) || (s.p[at + 1] | 32) != (names[i][1] | 32)) continue;
        size_t n = strlen(names[i]);
        if (at + n < s.n && !strncasecmp(s.p + at, names[i], n) && !mw_pii_alnum(s.p[at + n]) &&
            s.p[at + n] != '_' && s.p[at + n] != '-')
            return n;
    }
    return 0;
}

bool mw_pii_is_secret(mw_str name)
{
    if (!name.n || !strchr("dtnyhDTNYH", name.p[name.n - 1])) return false; /* most are none */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (n > name.n || strncasecmp(name.p + name.n - n, names[i], n) != 0) continue;
        if (n == name.n || strchr("_.-", name.p[name.n - n - 1])) return true;
    }
    return false;
}

static bool ends_value(char c)
{
    return c == '"' || c == '\'' || c == '&' || c == ',' || c == ';' || c == '}' || c == ')' ||
           (unsigned char)c <= ' ';
}

/* Bearer and Basic come before the secret itself. */
static size_t skip_scheme(mw_str s, size_t at)
{
    static const char *const schemes[] = {"Bearer ", "Basic ", "Token "};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (at + n < s.n && !strncasecmp(s.p + at, schemes[i], n)) return at + n;
    }
    return at;
}

static size_t skip_space(mw_str s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n')) i++;
    return i;
}

/* password=..., "token": "...", Authorization: Bearer ... */
static size_t by_name(mw_str s, size_t *at)
{
    size_t n = name_at(s, *at), i = *at + n, start;
    if (!n) return 0;
    if (i < s.n && (s.p[i] == '"' || s.p[i] == '\'')) i++;
    i = skip_space(s, i);
    if (i >= s.n || (s.p[i] != '=' && s.p[i] != ':')) return 0;
    bool colon = s.p[i++] == ':';
    if (begins(s, i, "//")) return 0;
    size_t line = i;
    i = skip_space(s, i);
    if (memchr(s.p + line, '\n', i - line) && (i >= s.n || s.p[i] != '"')) return 0;
    bool quoted = i < s.n && (s.p[i] == '"' || s.p[i] == '\'');
    char quote = quoted ? s.p[i++] : 0;
    i = start = skip_scheme(s, i);
    if (quoted)
        while (i < s.n && s.p[i] != quote) i += s.p[i] == '\\' && i + 1 < s.n ? 2 : 1;
    else
        while (i < s.n && !ends_value(s.p[i])) i++;
    if (i > s.n) i = s.n;
    /* "token: 3 left" is no secret, "token=3" may be one. */
    if (i == start || (colon && !quoted && i - start < 8)) return 0;
    *at = start;
    return i;
}

static size_t bearer(mw_str s, size_t *at)
{
    if ((s.p[*at] | 32) != 'b') return 0;
    size_t start = skip_scheme(s, *at);
    if (start == *at) return 0;
    size_t end = run(s, start, is_token);
    if (end - start < 16) return 0;
    *at = start;
    return end;
}

/* The password of scheme://user:password@host */
static size_t in_address(mw_str s, size_t *at)
{
    size_t i = *at + 3, start = 0;
    if (!begins(s, *at, "://")) return 0;
    for (; i < s.n && s.p[i] > ' ' && !strchr("/?#\"'<>", s.p[i]); i++) {
        if (s.p[i] == ':' && !start) start = i + 1;
        if (s.p[i] == '@' && start && i > start) {
            *at = start;
            return i;
        }
    }
    return 0;
}

/* Most words are none of these, which their first two letters tell. */
static bool may_begin(mw_str s, size_t at)
{
    static const char *const second[26] = {
        ['a' - 'a'] = "pucksi", ['b' - 'a'] = "e",    ['c' - 'a'] = "l",  ['d' - 'a'] = "o",
        ['e' - 'a'] = "y",      ['g' - 'a'] = "hil",  ['h' - 'a'] = "v",  ['i' - 'a'] = "d",
        ['n' - 'a'] = "p",      ['p' - 'a'] = "awry", ['r' - 'a'] = "ek", ['s' - 'a'] = "ekg",
        ['t' - 'a'] = "o",      ['x' - 'a'] = "-o",
    };
    const char *next = at + 1 < s.n ? second[(s.p[at] | 32) - 'a'] : NULL;
    char c = next ? s.p[at + 1] : 0;
    if (c >= 'A' && c <= 'Z') c |= 32;
    for (; next && *next; next++)
        if (*next == c) return true;
    return false;
}

size_t mw_pii_token(mw_str s, size_t *at)
{
    if (s.p[*at] == ':') return in_address(s, at);
    if (s.p[*at] == '-') return private_key(s, *at);
    if (!may_begin(s, *at)) return 0;
    size_t end = by_prefix(s, *at);
    if (!end) end = bearer(s, at);
    return end ? end : by_name(s, at);
}
