/* words.c - failures of libcurl and of sockets, told plainly.
 *
 * One row per cause that a person meets in practice; whatever has no row is told in libcurl's own
 * words.  SPDX-License-Identifier: MIT */
#include "net/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    int code;
    const char *text;
} errnos[] = {
    {ECONNREFUSED, "connection refused"},
    {ECONNRESET, "connection reset by the other side"},
    {EHOSTUNREACH, "no route to host"},
    {ENETUNREACH, "network is unreachable"},
    {ETIMEDOUT, "the network gave up"},
    {EPIPE, "the other side closed the connection"},
    {EACCES, "not permitted"},
    {EMFILE, "too many open files"},
};

const char *mw_words_errno(int e)
{
    for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
        if (errnos[i].code == e) return errnos[i].text;
    const char *text = strerrordesc_np(e);
    return text && e ? text : "failed";
}

void mw_words_timeout(mw_buf *out, int timeout_ms)
{
    mw_buf_printf(out, "timed out after %g s", timeout_ms / 1000.0);
}

/* host:port of the url that EASY was talking to last. */
static void add_peer(mw_buf *out, CURL *easy)
{
    char *url = NULL, *host = NULL, *port = NULL;
    CURLU *u = curl_url();
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    if (u && url && !curl_url_set(u, CURLUPART_URL, url, 0)) {
        curl_url_get(u, CURLUPART_HOST, &host, 0);
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    }
    mw_buf_printf(out, "%s:%s", host ? host : "?", port ? port : "?");
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
}

static const struct {
    CURLcode rc;
    const char *text;
} causes[] = {
    {CURLE_URL_MALFORMAT, "the url is malformed"},
    {CURLE_COULDNT_RESOLVE_PROXY, "no such host"},
    {CURLE_UNSUPPORTED_PROTOCOL, "only http and https urls are supported"},
    {CURLE_GOT_NOTHING, "the server closed the connection without an answer"},
    {CURLE_PARTIAL_FILE, "the server closed the connection in the middle of its answer"},
    {CURLE_BAD_CONTENT_ENCODING, "the answer is not valid gzip"},
    {CURLE_WEIRD_SERVER_REPLY, "the answer is not HTTP"},
    {CURLE_RECV_ERROR, "the connection broke while reading the answer"},
    {CURLE_SEND_ERROR, "the connection broke while sending the request"},
};

static void add_connect(mw_buf *out, CURL *easy)
{
    mw_buf_text(out, "connect to ");
    add_peer(out, easy);
    mw_buf_text(out, ": ");
}

/* Of such an address an answer without a status line is HTTP/0.9 to libcurl, which is a protocol,
 * too. */
static bool is_http(CURL *easy)
{
    char *url = NULL;
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    return url && (!strncasecmp(url, "http://", 7) || !strncasecmp(url, "https://", 8));
}

static void add_timeout(mw_buf *out, CURL *easy, int timeout_ms)
{
    curl_off_t connected = 0;
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
    if (!connected) add_connect(out, easy);
    mw_words_timeout(out, timeout_ms);
}

void mw_words_curl(mw_buf *out, CURL *easy, CURLcode rc, const char *detail, int timeout_ms)
{
    long e = 0;
    const char *more = detail && *detail ? detail : curl_easy_strerror(rc);
    switch (rc) {
    case CURLE_OPERATION_TIMEDOUT: add_timeout(out, easy, timeout_ms); return;
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &e);
        add_connect(out, easy);
        mw_buf_text(out, e ? mw_words_errno((int)e) : more);
        return;
    case CURLE_COULDNT_RESOLVE_HOST:
        add_connect(out, easy);
        mw_buf_text(out, "no such host");
        return;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        mw_buf_text(out, "TLS with ");
        add_peer(out, easy);
        mw_buf_printf(out, ": %s", more);
        return;
    case CURLE_UNSUPPORTED_PROTOCOL:
        if (is_http(easy)) rc = CURLE_WEIRD_SERVER_REPLY;
        break;
    case CURLE_RECV_ERROR: /* also what a proxy says to the wish for a tunnel */
        if (!strstr(more, "CONNECT")) break;
        mw_buf_text(out, more);
        return;
    default: break;
    }
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (causes[i].rc != rc) continue;
        mw_buf_text(out, causes[i].text);
        return;
    }
    mw_buf_text(out, more);
}
