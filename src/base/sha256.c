/* sha256.c - by OpenSSL.  SPDX-License-Identifier: MIT */
#include "base/sha256.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void mw_sha256(const mw_str *piece, size_t n, uint8_t out[MW_SHA256])
{
    unsigned len = 0;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    MW_ASSERT(c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < n; i++) MW_ASSERT(EVP_DigestUpdate(c, piece[i].p, piece[i].n) == 1);
    MW_ASSERT(EVP_DigestFinal_ex(c, out, &len) == 1 && len == MW_SHA256);
    EVP_MD_CTX_free(c);
}

void mw_sha256_hex(const mw_str *piece, size_t n, char out[MW_SHA256_HEX + 1])
{
    uint8_t digest[MW_SHA256];
    mw_sha256(piece, n, digest);
    mw_hex(digest, sizeof digest, out);
}

/* -- keyed ---------------------------------------------------------------------------------- */

/* The two halves of HMAC when they have taken the key in; each text goes on from copies. */
struct mw_hmac {
    EVP_MD *md;
    EVP_MD_CTX *inner, *outer;
};

enum { BLOCK = 64 };

static EVP_MD_CTX *begin(const EVP_MD *md, const uint8_t key[BLOCK], uint8_t pad)
{
    uint8_t block[BLOCK];
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    for (size_t i = 0; i < BLOCK; i++) block[i] = key[i] ^ pad;
    MW_ASSERT(c && EVP_DigestInit_ex(c, md, NULL) == 1 && EVP_DigestUpdate(c, block, BLOCK) == 1);
    return c;
}

mw_hmac *mw_hmac_new(mw_str key)
{
    uint8_t block[BLOCK] = {0};
    mw_hmac *h = mw_zalloc(sizeof *h);
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    MW_ASSERT(h->md);
    if (key.n > BLOCK)
        mw_sha256(&key, 1, block);
    else if (key.n)
        memcpy(block, key.p, key.n);
    h->inner = begin(h->md, block, 0x36);
    h->outer = begin(h->md, block, 0x5c);
    return h;
}

void mw_hmac_free(mw_hmac *h)
{
    if (!h) return;
    EVP_MD_CTX_free(h->inner);
    EVP_MD_CTX_free(h->outer);
    EVP_MD_free(h->md);
    mw_free(h);
}

static void finish(EVP_MD_CTX *c, const EVP_MD_CTX *from, const void *p, size_t n, uint8_t *out)
{
    unsigned len = 0;
    MW_ASSERT(EVP_MD_CTX_copy_ex(c, from) == 1 && EVP_DigestUpdate(c, p, n) == 1 &&
              EVP_DigestFinal_ex(c, out, &len) == 1 && len == MW_SHA256);
}

void mw_hmac_of(const mw_hmac *h, mw_str text, uint8_t out[MW_SHA256])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    MW_ASSERT(c);
    finish(c, h->inner, text.p, text.n, out);
    finish(c, h->outer, out, MW_SHA256, out);
    EVP_MD_CTX_free(c);
}
