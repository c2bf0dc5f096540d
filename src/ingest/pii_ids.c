/* pii_ids.c - numbers with check digits: cards and bank accounts.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "ingest/pii.h"

/* -- cards ---------------------------------------------------------------------------------- */

/* Numbers that an issuer gives out: how they begin, and how long they are. */
static const struct issuer {
    unsigned from, to; /* of the first DIGITS digits */
    unsigned digits, least, most;
} issuers[] = {
    {4, 4, 1, 13, 19},                                                     /* Visa */
    {51, 55, 2, 16, 16},                                                   /* Mastercard */
    {2221, 2720, 4, 16, 16},                                               /* Mastercard */
    {34, 34, 2, 15, 15},                                                   /* American Express */
    {37, 37, 2, 15, 15},     {6011, 6011, 4, 16, 19},                      /* Discover */
    {644, 659, 3, 16, 19},   {3528, 3589, 4, 16, 19},                      /* JCB */
    {300, 305, 3, 14, 19},                                                 /* Diners */
    {36, 36, 2, 14, 19},     {38, 39, 2, 14, 19},     {62, 62, 2, 16, 19}, /* UnionPay */
    {5018, 5018, 4, 12, 19},                                               /* Maestro */
    {5020, 5020, 4, 12, 19}, {5038, 5038, 4, 12, 19}, {6304, 6304, 4, 12, 19},
    {6759, 6763, 4, 12, 19},
};

enum { CARD_LEAST = 12, CARD_MOST = 19 };

static bool is_issued(const char *digit, size_t n)
{
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        const struct issuer *r = &issuers[i];
        unsigned v = 0;
        for (unsigned k = 0; k < r->digits; k++) v = v * 10 + (unsigned)(digit[k] - '0');
        if (v >= r->from && v <= r->to && n >= r->least && n <= r->most) return true;
    }
    return false;
}

static bool luhn(const char *digit, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned v = (unsigned)(digit[n - 1 - i] - '0');
        if (i % 2) v = v * 2 > 9 ? v * 2 - 9 : v * 2;
        sum += v;
    }
    return sum % 10 == 0;
}

typedef struct run {
    char digit[CARD_MOST];
    size_t n;
    struct {
        size_t n, end; /* digits so far, and where the group ends */
    } group[CARD_MOST];
    size_t n_groups;
} run;

/* Digits, or groups of them with one and the same sign between each two; as many as a card has. */
static void read_run(mw_str s, size_t at, run *r)
{
    char between = 0;
    for (size_t i = at; i < s.n; i++) {
        if (r->n == CARD_MOST && mw_pii_digit(s.p[i])) return; /* this group is too long */
        while (i < s.n && r->n < CARD_MOST && mw_pii_digit(s.p[i])) r->digit[r->n++] = s.p[i++];
        if (i < s.n && (mw_pii_alnum(s.p[i]) || s.p[i] == '_')) return;
        r->group[r->n_groups].n = r->n;
        r->group[r->n_groups++].end = i;
        bool sign = i + 1 < s.n && (s.p[i] == ' ' || s.p[i] == '-') &&
                    (!between || s.p[i] == between) && mw_pii_digit(s.p[i + 1]);
        if (!sign || r->n == CARD_MOST) return;
        between = s.p[i];
    }
}

size_t mw_pii_card(mw_str s, size_t at)
{
    enum { FIRST = 4 }; /* digits of the first group, which most numbers do not have */
    run r;
    for (size_t i = at; i < at + FIRST; i++)
        if (i >= s.n || !mw_pii_digit(s.p[i])) return 0;
    r.n = r.n_groups = 0;
    read_run(s, at, &r);
    for (size_t i = r.n_groups; i--;)
        if (r.group[i].n >= CARD_LEAST && is_issued(r.digit, r.group[i].n) &&
            luhn(r.digit, r.group[i].n))
            return r.group[i].end;
    return 0;
}

/* -- bank accounts -------------------------------------------------------------------------- */

/* The registry of IBANs: country and length. */
static const char countries[][5] = {
    "AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BR29", "BY28", "CH21",
    "CR22", "CY28", "CZ24", "DE22", "DK18", "DO28", "EE20", "EG29", "ES24", "FI18", "FO18", "FR27",
    "GB22", "GE22", "GI23", "GL18", "GR27", "GT28", "HR21", "HU28", "IE22", "IL23", "IQ23", "IS26",
    "IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21", "LT20", "LU20", "LV21", "LY25", "MC27",
    "MD24", "ME22", "MK19", "MR27", "MT31", "MU30", "NL18", "NO15", "PK24", "PL28", "PS29", "PT25",
    "QA29", "RO24", "RS22", "SA24", "SC31", "SE24", "SI19", "SK24", "SM27", "ST25", "SV28", "TL23",
    "TN24", "TR26", "UA29", "VA22", "VG24", "XK20",
};

static size_t length_of(char a, char b)
{
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        if (countries[i][0] == (a & ~32) && countries[i][1] == (b & ~32))
            return (size_t)(countries[i][2] - '0') * 10 + (size_t)(countries[i][3] - '0');
    return 0;
}

/* The number that its characters make, with the first four at its end, is 1 modulo 97. */
static bool fits_mod97(const char *text, size_t n)
{
    unsigned rest = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[(i + 4) % n];
        unsigned v = mw_pii_digit(c) ? (unsigned)(c - '0') : (unsigned)((c & ~32) - 'A' + 10);
        rest = (rest * (v > 9 ? 100 : 10) + v) % 97;
    }
    return rest == 1;
}

size_t mw_pii_iban(mw_str s, size_t at)
{
    enum { MOST = 34 };
    char text[MOST];
    if (at + 4 > s.n || !mw_pii_alpha(s.p[at + 1]) || !mw_pii_digit(s.p[at + 2]) ||
        !mw_pii_digit(s.p[at + 3]))
        return 0;
    size_t want = length_of(s.p[at], s.p[at + 1]), n = 0, i = at;
    if (!want) return 0;
    for (; i < s.n && n < want; i++) {
        if (mw_pii_alnum(s.p[i]))
            text[n++] = s.p[i];
        else if (s.p[i] != ' ' || n % 4 || !mw_pii_alnum(s.p[i - 1]))
            return 0;
    }
    if (n < want || (i < s.n && mw_pii_alnum(s.p[i])) || !fits_mod97(text, n)) return 0;
    return i;
}
