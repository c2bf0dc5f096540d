/* sha256.c - by OpenSSL.  SPDX-License-Identifier: MIT */
#include "base/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/err.h"

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

void mw_hmac_sha256(mw_str key, mw_str text, uint8_t out[MW_SHA256])
{
    unsigned len = 0;
    MW_ASSERT(
        HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)text.p, text.n, out, &len) &&
        len == MW_SHA256);
}
