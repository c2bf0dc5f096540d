/* conn.c - a TCP connection for probes, with a deadline on every step, and TLS over it.
 *
 * libcurl makes the connection (CONNECT_ONLY): its resolver and its race of addresses obey the
 * deadline, which plain getaddrinfo would not.  Bytes then go straight through the socket.
 * SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/probe.h"
#include "net/secure.h"
#include "net/words.h"

enum { SLICE_MS = 200 }; /* how soon a stop is noticed */

struct mw_conn {
    CURL *easy;
    const mw_patience *patience;
    int fd;
    char *host;
    mw_secure *secure; /* NULL: in plain text */
    double handshake;  /* its seconds */
    char trouble[CURL_ERROR_SIZE];
};

static int fail_timeout(const mw_patience *p, mw_err *err)
{
    return mw_fail(err, MW_ETIMEOUT, 0, 0, "timed out after %g s", p->timeout_ms / 1000.0);
}

int mw_wait_fd(int fd, short events, const mw_patience *p, mw_err *err)
{
    for (;;) {
        if (atomic_load(p->stop)) return mw_fail(err, MW_ECANCEL, 0, 0, "moonwatch is stopping");
        int64_t left = (p->deadline_ns - mw_mono_ns()) / 1000000;
        if (left <= 0) return fail_timeout(p, err);
        struct pollfd f = {.fd = fd, .events = events};
        int n = poll(&f, 1, left < SLICE_MS ? (int)left : SLICE_MS);
        if (n > 0) return MW_OK;
        if (n < 0 && errno != EINTR)
            return mw_fail(err, MW_EIO, 0, 0, "poll: %s", mw_words_errno(errno));
    }
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const mw_patience *p = arg;
    return atomic_load(p->stop);
}

/* The host goes in through the url parser, so that nothing in it can become path or port. */
static char *make_url(const char *host, int port)
{
    char *url = NULL, number[16], *v6 = NULL;
    CURLU *u = curl_url();
    snprintf(number, sizeof number, "%d", port);
    if (strchr(host, ':') && host[0] != '[') v6 = mw_sprintf("[%s]", host);
    curl_url_set(u, CURLUPART_SCHEME, "http", 0);
    curl_url_set(u, CURLUPART_PORT, number, 0);
    if (!curl_url_set(u, CURLUPART_HOST, v6 ? v6 : host, 0))
        curl_url_get(u, CURLUPART_URL, &url, 0);
    curl_url_cleanup(u);
    mw_free(v6);
    return url;
}

static long resolve_as(int family)
{
    return family == AF_INET    ? CURL_IPRESOLVE_V4
           : family == AF_INET6 ? CURL_IPRESOLVE_V6
                                : CURL_IPRESOLVE_WHATEVER;
}

static CURLcode dial(mw_conn *c, const char *url, int family)
{
    int64_t left = (c->patience->deadline_ns - mw_mono_ns()) / 1000000;
    curl_socket_t fd = -1;
    if (left <= 0) return CURLE_OPERATION_TIMEDOUT;
    curl_easy_setopt(c->easy, CURLOPT_URL, url);
    curl_easy_setopt(c->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)left);
    curl_easy_setopt(c->easy, CURLOPT_IPRESOLVE, resolve_as(family));
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->trouble);
    curl_easy_setopt(c->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c->easy, CURLOPT_XFERINFODATA, (void *)c->patience);
    CURLcode rc = curl_easy_perform(c->easy);
    if (rc == CURLE_OK) rc = curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
    c->fd = fd;
    return rc;
}

static void fail_dial(mw_conn *c, CURLcode rc, const char *host, int port, mw_err *err)
{
    mw_buf words = {0};
    if (rc == CURLE_ABORTED_BY_CALLBACK) {
        mw_fail(err, MW_ECANCEL, 0, 0, "moonwatch is stopping");
        return;
    }
    if (rc == CURLE_OPERATION_TIMEDOUT) {
        mw_buf_printf(&words, "connect to %s:%d: ", host, port);
        mw_words_timeout(&words, c->patience->timeout_ms);
    } else {
        mw_words_curl(&words, c->easy, rc, c->trouble, c->patience->timeout_ms);
    }
    mw_fail(err, MW_EIO, 0, 0, "%s", words.p);
    mw_buf_deinit(&words);
}

mw_conn *mw_conn_open(const char *host, int port, int family, const mw_patience *patience,
                      mw_err *err)
{
    mw_conn *c = NULL;
    char *url = make_url(host, port);
    if (!url) {
        mw_fail(err, MW_EARG, 0, 0, "\"%s\" is not a host name or address", host);
        return NULL;
    }
    c = mw_zalloc(sizeof *c);
    c->patience = patience;
    c->easy = curl_easy_init();
    MW_ASSERT(c->easy);
    c->host = mw_strdup(host);
    CURLcode rc = dial(c, url, family);
    curl_free(url);
    if (rc == CURLE_OK) return c;
    fail_dial(c, rc, host, port, err);
    mw_conn_close(c);
    return NULL;
}

void mw_conn_close(mw_conn *c)
{
    if (!c) return;
    mw_secure_close(c->secure);
    curl_easy_cleanup(c->easy);
    mw_free(c->host);
    mw_free(c);
}

/* Whether the call on the socket is to be tried again after waiting for EVENTS; a failure is told.
 */
static bool again(mw_conn *c, short events, const char *doing, mw_err *err)
{
    if (errno == EINTR) return true;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return mw_wait_fd(c->fd, events, c->patience, err) == MW_OK;
    mw_fail(err, MW_EIO, 0, 0, "%s: %s", doing, mw_words_errno(errno));
    return false;
}

int mw_conn_secure(mw_conn *c, const mw_net_tls *tls, mw_err *err)
{
    if (c->secure) return mw_fail(err, MW_EARG, 0, 0, "TLS has begun already");
    int64_t began = mw_mono_ns();
    c->secure = mw_secure_open(c->fd, c->host, tls, c->patience, err);
    c->handshake = (double)(mw_mono_ns() - began) / 1e9;
    return c->secure ? mw_secure_trust(c->secure, err) : err->code;
}

void mw_conn_tell(const mw_conn *c, mw_value *answer)
{
    curl_off_t resolved = 0, connected = 0;
    char *ip = NULL;
    curl_easy_getinfo(c->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    curl_easy_getinfo(c->easy, CURLINFO_CONNECT_TIME_T, &connected);
    curl_easy_getinfo(c->easy, CURLINFO_PRIMARY_IP, &ip);
    mw_map_set_number(answer, "resolve", (double)resolved / 1e6);
    mw_map_set_number(answer, "connect", (double)(connected - resolved) / 1e6);
    if (ip && *ip) mw_map_set_text(answer, "ip", strchr(ip, ':') ? "6" : "4");
    if (!c->secure) return;
    mw_map_set_number(answer, "handshake", c->handshake);
    mw_map_set(answer, "tls", mw_secure_tell(c->secure));
}

int mw_conn_write(mw_conn *c, mw_str bytes, mw_err *err)
{
    if (c->secure) return mw_secure_write(c->secure, bytes, err);
    while (bytes.n) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            bytes = (mw_str){bytes.p + n, bytes.n - (size_t)n};
        else if (!again(c, POLLOUT, "send", err))
            return err->code;
    }
    return MW_OK;
}

long mw_conn_read(mw_conn *c, char *out, size_t n, mw_err *err)
{
    if (c->secure) return mw_secure_read(c->secure, out, n, err);
    for (;;) {
        ssize_t got = recv(c->fd, out, n, MSG_DONTWAIT);
        if (got >= 0) return got;
        if (!again(c, POLLIN, "receive", err)) return err->code;
    }
}
