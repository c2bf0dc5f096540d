/* sha256.h - SHA-256, and the keyed hash made of it.  SPDX-License-Identifier: MIT */
#ifndef MW_BASE_SHA256_H
#define MW_BASE_SHA256_H
#include <stdint.h>

#include "base/str.h"

enum { MW_SHA256 = 32, MW_SHA256_HEX = 64 };

/* Of the N pieces as if they were one text. */
void mw_sha256(const mw_str *piece, size_t n, uint8_t out[MW_SHA256]);
void mw_sha256_hex(const mw_str *piece, size_t n, char out[MW_SHA256_HEX + 1]);
/* A key that hashes many texts.  Any thread. */
typedef struct mw_hmac mw_hmac;
mw_hmac *mw_hmac_new(mw_str key);
void mw_hmac_free(mw_hmac *h); /* NULL is fine */
void mw_hmac_of(const mw_hmac *h, mw_str text, uint8_t out[MW_SHA256]);

#endif
