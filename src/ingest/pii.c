/* pii.c - one pass over a text, and what is recognised around a sign or at the beginning of a word.
 *
 * A table says of each byte which kinds may begin there, so that most bytes cost one look.  What is
 * found by a sign in its middle, an address of mail, reaches back to its beginning.
 * SPDX-License-Identifier: MIT */
#include "ingest/pii.h"

#include <arpa/inet.h>
#include <string.h>

const char *const mw_pii_names[MW_PII_KINDS] = {
    [MW_PII_EMAIL] = "email", [MW_PII_CARD] = "card", [MW_PII_IPV4] = "ipv4",
    [MW_PII_IPV6] = "ipv6",   [MW_PII_IBAN] = "iban", [MW_PII_TOKEN] = "token",
};

#define BIT(kind) (1u << MW_PII_##kind)

/* -- mail ----------------------------------------------------------------------------------- */

static bool is_local(char c)
{
    return mw_pii_alnum(c) || (unsigned char)c >= 0x80 || strchr("._+-%'&!#$*/?^`{|}~", c);
}

/* Signs that may be in a local part, but stand around one more often. */
static bool is_edge(char c) { return strchr("._'&!#$*/?^`{|}~-", c); }

static bool is_host(char c)
{
    return mw_pii_alnum(c) || (unsigned char)c >= 0x80 || c == '.' || c == '-';
}

static size_t local_start(mw_str s, size_t at, size_t from)
{
    size_t i = at;
    while (i > from && s.p[i - 1] && is_local(s.p[i - 1])) {
        /* name=ana%20b@..., "&to=ana@...", "/ana@...": signs that divide in addresses of the web */
        if (strchr("&?/#|", s.p[i - 1])) break;
        if (i >= from + 3 && !memcmp(s.p + i - 3, "%40", 3)) break; /* each is looked at once */
        i--;
    }
    while (i < at && is_edge(s.p[i])) i++;
    return i;
}

/* Behind a host with a dot whose last part has two letters or more; 0: none is at AT. */
static size_t host_end(mw_str s, size_t at)
{
    size_t end = at, dot = 0;
    while (end < s.n && is_host(s.p[end])) {
        if (s.p[end] == '.') {
            if (end == at || s.p[end - 1] == '.') break;
            if (end + 1 < s.n &&
                (mw_pii_alnum(s.p[end + 1]) || (unsigned char)s.p[end + 1] >= 0x80))
                dot = end;
            else
                break;
        }
        end++;
    }
    while (end > at && s.p[end - 1] == '-') end--;
    if (!dot || end < dot + 3) return 0;
    for (size_t i = dot + 1; i < dot + 3; i++)
        if (mw_pii_digit(s.p[i])) return 0;
    return end;
}

static bool email(mw_str s, size_t at, size_t from, mw_pii_hit *out)
{
    size_t sign = s.p[at] == '@' ? 1 : 3;
    if (sign == 3 && (at + 3 > s.n || s.p[at + 1] != '4' || s.p[at + 2] != '0')) return false;
    size_t start = local_start(s, at, from), end = start < at ? host_end(s, at + sign) : 0;
    *out = (mw_pii_hit){start, end, MW_PII_EMAIL};
    return end > 0;
}

/* -- addresses of machines --------------------------------------------------------------------- */

static size_t ipv4(mw_str s, size_t at)
{
    size_t i = at;
    for (int part = 0; part < 4; part++) {
        unsigned v = 0;
        size_t digits = 0;
        if (part && (i >= s.n || s.p[i++] != '.')) return 0;
        while (i < s.n && digits < 4 && mw_pii_digit(s.p[i])) {
            v = v * 10 + (unsigned)(s.p[i++] - '0');
            digits++;
        }
        if (!digits || digits > 3 || v > 255) return 0;
    }
    if (i < s.n && (mw_pii_alnum(s.p[i]) || s.p[i] == '_')) return 0;
    bool goes_on = i + 1 < s.n && s.p[i] == '.' && mw_pii_digit(s.p[i + 1]);
    return goes_on ? 0 : i;
}

static bool is_hex(char c) { return mw_pii_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

/* Seven colons, or two in a row: a time of the day has neither. */
static size_t ipv6(mw_str s, size_t at)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];
    size_t n = 0, colons = 0;
    bool twice = false;
    while (at + n < s.n && n < INET6_ADDRSTRLEN &&
           (is_hex(s.p[at + n]) || s.p[at + n] == ':' || s.p[at + n] == '.')) {
        if (s.p[at + n] == ':') {
            colons++;
            twice |= n && s.p[at + n - 1] == ':';
        }
        n++;
    }
    while (n && s.p[at + n - 1] == '.') n--;
    if (n && s.p[at + n - 1] == ':' && !(n > 1 && s.p[at + n - 2] == ':')) n--;
    if (colons < 2 || n < 3 || (!twice && colons < 6)) return 0;
    if (at + n < s.n && mw_pii_alnum(s.p[at + n])) return 0;
    memcpy(text, s.p + at, n);
    text[n] = 0;
    return inet_pton(AF_INET6, text, bytes) == 1 ? at + n : 0;
}

/* -- the pass ------------------------------------------------------------------------------- */

/* What may begin at, or be found by, each byte.  All but mail need a beginning of a word. */
static const uint8_t may[256] = {
    ['@'] = BIT(EMAIL),
    ['%'] = BIT(EMAIL),
    [':'] = BIT(IPV6) | BIT(TOKEN),
    ['-'] = BIT(TOKEN),
    ['0' ... '9'] = BIT(CARD) | BIT(IPV4) | BIT(IPV6),
    ['A' ... 'F'] = BIT(IPV6) | BIT(IBAN) | BIT(TOKEN),
    ['G' ... 'Z'] = BIT(IBAN) | BIT(TOKEN),
    ['a' ... 'f'] = BIT(IPV6) | BIT(IBAN) | BIT(TOKEN),
    ['g' ... 'z'] = BIT(IBAN) | BIT(TOKEN),
};

static bool begins_word(mw_str s, size_t at)
{
    if (!at) return true;
    char c = s.p[at - 1];
    return !mw_pii_alnum(c) && c != '_';
}

/* A number that goes on from before is no address and no card: 1.2.3.4.5, 12.4111... */
static bool goes_on(mw_str s, size_t at)
{
    return at > 1 && s.p[at - 1] == '.' && mw_pii_digit(s.p[at - 2]);
}

static bool hit(mw_pii_hit *out, size_t start, size_t end, mw_pii kind)
{
    if (!end) return false;
    *out = (mw_pii_hit){start, end, kind};
    return true;
}

static bool at_word(unsigned some, mw_str s, size_t i, mw_pii_hit *out)
{
    size_t at = i;
    if (some & BIT(TOKEN)) {
        size_t end = mw_pii_token(s, &at);
        if (hit(out, at, end, MW_PII_TOKEN)) return true;
    }
    if (some & BIT(IBAN) && hit(out, i, mw_pii_iban(s, i), MW_PII_IBAN)) return true;
    if (some & (BIT(CARD) | BIT(IPV4)) && goes_on(s, i)) return false;
    if (some & BIT(IPV4) && hit(out, i, ipv4(s, i), MW_PII_IPV4)) return true;
    if (some & BIT(CARD) && hit(out, i, mw_pii_card(s, i), MW_PII_CARD)) return true;
    if (i && (s.p[i - 1] == ':' || mw_pii_alnum(s.p[i - 1]))) return false; /* a::b is code */
    return some & BIT(IPV6) && hit(out, i, ipv6(s, i), MW_PII_IPV6);
}

bool mw_pii_next(unsigned kinds, mw_str s, size_t from, mw_pii_hit *out)
{
    for (size_t i = from; i < s.n; i++) {
        unsigned some = may[(unsigned char)s.p[i]] & kinds;
        if (!some) continue;
        if (some & BIT(EMAIL)) {
            if (email(s, i, from, out)) return true;
        } else if (s.p[i] == ':' || s.p[i] == '-' || begins_word(s, i)) {
            if (at_word(some, s, i, out)) return true;
        } else if (some & BIT(TOKEN) && s.p[i - 1] == '_') { /* DB_PASSWORD= */
            if (at_word(BIT(TOKEN), s, i, out)) return true;
        }
    }
    return false;
}
