/* measure.c - libcurl's clocks as the phases of a probe.
 *
 * Nothing is taken over from requests before: no connection, no session of TLS, no address.  After
 * redirects each clock has the sum of all requests.  A chain of certificates is noted while it is
 * verified, so that one that is refused is known, too.  SPDX-License-Identifier: MIT */
#include "net/measure.h"

#include <string.h>

#include "base/mem.h"
#include "net/certs.h"

mw_net_measured *mw_measure_new(void)
{
    mw_net_measured *m = mw_zalloc(sizeof *m);
    *m = (mw_net_measured){-1, -1, -1, -1, -1, .content_length = -1};
    return m;
}

void mw_measure_free(mw_net_measured *m)
{
    if (!m) return;
    mw_value_free(m->tls);
    mw_free(m);
}

static int verify(X509_STORE_CTX *chain, void *arg)
{
    mw_net_measured *m = arg;
    mw_value_free(m->tls);
    m->tls = mw_certs_of(X509_STORE_CTX_get0_untrusted(chain));
    return X509_verify_cert(chain);
}

static CURLcode on_context(CURL *easy, void *ctx, void *arg)
{
    SSL_CTX_set_cert_verify_callback(ctx, verify, arg);
    return CURLE_OK;
}

void mw_measure_set(CURL *easy, mw_net_measured *m)
{
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, m);
}

void mw_measure_header(CURL *easy, mw_net_measured *m)
{
    struct curl_tlssessioninfo *info = NULL;
    if (mw_map_text(m->tls, "version").n) return;
    curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info);
    if (!info || info->backend != CURLSSLBACKEND_OPENSSL || !info->internals) return;
    mw_value_free(m->tls);
    m->tls = mw_certs_tell(info->internals);
}

static double clock_of(CURL *easy, CURLINFO which)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, which, &us);
    return (double)us / 1e6;
}

static int version_of(CURL *easy)
{
    long v = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &v);
    return v == CURL_HTTP_VERSION_1_0   ? 10
           : v == CURL_HTTP_VERSION_1_1 ? 11
           : v == CURL_HTTP_VERSION_2_0 ? 20
                                        : 0;
}

void mw_measure_finish(CURL *easy, mw_net_measured *m)
{
    double resolved = clock_of(easy, CURLINFO_NAMELOOKUP_TIME_T),
           connected = clock_of(easy, CURLINFO_CONNECT_TIME_T),
           secured = clock_of(easy, CURLINFO_APPCONNECT_TIME_T),
           ready = clock_of(easy, CURLINFO_PRETRANSFER_TIME_T),
           began = clock_of(easy, CURLINFO_STARTTRANSFER_TIME_T),
           ended = clock_of(easy, CURLINFO_TOTAL_TIME_T);
    curl_off_t length = -1;
    long redirects = 0;
    char *ip = NULL;
    if (resolved > 0) m->resolve = resolved;
    if (connected > 0) m->connect = connected - resolved;
    if (secured > 0) m->handshake = secured - connected;
    if (began > 0) m->processing = began - ready;
    if (began > 0) m->transfer = ended - clock_of(easy, CURLINFO_REDIRECT_TIME_T) - began;
    if (m->transfer < 0 && began > 0) m->transfer = 0; /* clocks of several requests */
    curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_COUNT, &redirects);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    m->content_length = (double)length;
    m->redirects = (int)redirects;
    m->version = version_of(easy);
    m->ip = !ip || !*ip ? 0 : strchr(ip, ':') ? 6 : 4;
}

static void set(mw_value *answer, const char *name, double v)
{
    if (v >= 0) mw_map_set_number(answer, name, v);
}

void mw_measure_tell(const mw_net_measured *m, mw_value *answer)
{
    set(answer, "resolve", m->resolve);
    set(answer, "connect", m->connect);
    set(answer, "handshake", m->handshake);
    set(answer, "processing", m->processing);
    set(answer, "transfer", m->transfer);
    set(answer, "content_length", m->content_length);
    mw_map_set_number(answer, "redirects", m->redirects);
    if (m->version) mw_map_set_number(answer, "version", m->version);
    if (m->ip) mw_map_set_text(answer, "ip", m->ip == 6 ? "6" : "4");
    if (m->tls) mw_map_set(answer, "tls", mw_value_copy(m->tls));
}
