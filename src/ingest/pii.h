/* pii.h - personal data and secrets in text: where they begin and end.
 *
 * Each kind is recognised by its form and, where it has one, by its check digits; what merely looks
 * similar stays.  One pass over the text, no memory.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_PII_H
#define MW_INGEST_PII_H
#include "base/str.h"

typedef enum mw_pii {
    MW_PII_EMAIL, /* ana@example.com, also with %40 */
    MW_PII_CARD,  /* 12 to 19 digits of a known issuer, alone or in groups, by Luhn */
    MW_PII_IPV4,
    MW_PII_IPV6,
    MW_PII_IBAN,  /* of a known country, of its length, by mod 97 */
    MW_PII_TOKEN, /* bearer tokens, JWTs, keys by their prefix, passwords in addresses and words */
    MW_PII_KINDS
} mw_pii;

extern const char *const mw_pii_names[MW_PII_KINDS];

typedef struct mw_pii_hit {
    size_t start, end;
    mw_pii kind;
} mw_pii_hit;

/* The first hit of KINDS (bits by mw_pii) in S that ends behind FROM and begins at FROM or later.
 */
bool mw_pii_next(unsigned kinds, mw_str s, size_t from, mw_pii_hit *out);

/* -- for the files of this one --------------------------------------------------------------- */

/* Where what begins at AT ends; 0: nothing of the kind begins there. */
size_t mw_pii_card(mw_str s, size_t at);
size_t mw_pii_iban(mw_str s, size_t at);
/* The secret itself begins at *AT, behind the word that announces it. */
size_t mw_pii_token(mw_str s, size_t *at);
bool mw_pii_is_secret(mw_str name); /* "password", "db_password", "x-api-key" */

static inline bool mw_pii_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool mw_pii_alpha(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static inline bool mw_pii_alnum(char c) { return mw_pii_digit(c) || mw_pii_alpha(c); }

#endif
