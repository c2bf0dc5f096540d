/* certs.c - versions, names and ends of certificates, as plain values.
 * SPDX-License-Identifier: MIT */
#include "net/certs.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

enum { MAX_NAMES = 100 };

static double seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    return t && ASN1_TIME_to_tm(t, &tm) ? (double)timegm(&tm) : 0;
}

static void set_clean(mw_value *map, const char *key, const char *p, size_t n)
{
    if (mw_utf8_valid((mw_str){p, n})) mw_map_set(map, key, mw_text_new((mw_str){p, n}));
}

static void set_name(mw_value *map, const char *key, const X509_NAME *name)
{
    char *text = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    if (!out) return;
    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    long n = BIO_get_mem_data(out, &text);
    if (n >= 0) set_clean(map, key, text ? text : "", (size_t)n);
    BIO_free(out);
}

static void add_name(mw_value *list, const GENERAL_NAME *name)
{
    char text[INET6_ADDRSTRLEN];
    if (name->type == GEN_IPADD) {
        int n = ASN1_STRING_length(name->d.ip);
        if (n != 4 && n != 16) return;
        inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.ip), text,
                  sizeof text);
        mw_list_add(list, mw_text_new(mw_str_of(text)));
    } else if (name->type == GEN_DNS) {
        mw_str s = {(const char *)ASN1_STRING_get0_data(name->d.dNSName),
                    (size_t)ASN1_STRING_length(name->d.dNSName)};
        if (mw_utf8_valid(s)) mw_list_add(list, mw_text_new(s));
    }
}

static mw_value *names_of(X509 *cert)
{
    mw_value *list = mw_list_new();
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < MAX_NAMES; i++)
        add_name(list, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return list;
}

static void set_fingerprint(mw_value *map, const X509 *cert)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE + 1];
    unsigned n = 0;
    if (!X509_digest(cert, EVP_sha256(), md, &n)) return;
    mw_hex(md, n, text);
    mw_map_set_text(map, "fingerprint", text);
}

static mw_value *one(X509 *cert)
{
    mw_value *map = mw_map_new();
    set_name(map, "subject", X509_get_subject_name(cert));
    set_name(map, "issuer", X509_get_issuer_name(cert));
    mw_map_set(map, "names", names_of(cert));
    mw_map_set_number(map, "not_before", seconds_of(X509_get0_notBefore(cert)));
    mw_map_set_number(map, "not_after", seconds_of(X509_get0_notAfter(cert)));
    set_fingerprint(map, cert);
    return map;
}

static double earliest(const STACK_OF(X509) * chain)
{
    double first = 0;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        double end = seconds_of(X509_get0_notAfter(sk_X509_value(chain, i)));
        if (!i || end < first) first = end;
    }
    return first;
}

mw_value *mw_certs_of(const STACK_OF(X509) * chain)
{
    mw_value *map = mw_map_new(), *list = mw_list_new();
    for (int i = 0; i < sk_X509_num(chain) && i < MW_CERTS; i++)
        mw_list_add(list, one(sk_X509_value(chain, i)));
    mw_map_set(map, "chain", list);
    if (sk_X509_num(chain) > 0) mw_map_set_number(map, "earliest", earliest(chain));
    return map;
}

mw_value *mw_certs_tell(const SSL *ssl)
{
    mw_value *map = mw_certs_of(SSL_get_peer_cert_chain(ssl));
    const char *version = SSL_get_version(ssl); /* "TLSv1.3", and "TLSv1" of old */
    STACK_OF(X509) *good = SSL_get0_verified_chain(ssl);
    char text[32];
    snprintf(text, sizeof text, "TLS %s%s", strncmp(version, "TLSv", 4) ? version : version + 4,
             strcmp(version, "TLSv1") ? "" : ".0");
    mw_map_set_text(map, "version", text);
    mw_map_set_text(map, "cipher", SSL_get_cipher_name(ssl));
    if (sk_X509_num(good) > 0 && SSL_get_verify_result(ssl) == X509_V_OK)
        mw_map_set_number(map, "verified", earliest(good));
    return map;
}
