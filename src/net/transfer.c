/* transfer.c - one HTTP request: its copy, its libcurl handle, its answer.
 *
 * The answer is gathered in memory up to max_body decoded bytes; one byte more ends the transfer.
 * With redirects only the last answer's headers are kept.  What may change something leaves once.
 * SPDX-License-Identifier: MIT */
#include "net/transfer.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/cookies.h"
#include "net/tls.h"
#include "net/words.h"

enum {
    DEFAULT_TIMEOUT_MS = 10000,
    DEFAULT_MAX_BODY = 1 << 20,
    DEFAULT_REDIRECTS = 10,
    MAX_HEADERS = 256 << 10,
    READ_BYTES = 64 << 10
};

static bool has_header(const mw_net_request *req, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < req->n_headers; i++)
        if (!strncasecmp(req->headers[i], name, n) && req->headers[i][n] == ':') return true;
    return false;
}

static struct curl_slist *copy_headers(const mw_net_request *req)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < req->n_headers; i++) list = curl_slist_append(list, req->headers[i]);
    if (!has_header(req, "User-Agent")) list = curl_slist_append(list, "User-Agent: moonwatch");
    if (req->sign.region) return list;         /* libcurl would sign what it is told not to send */
    list = curl_slist_append(list, "Expect:"); /* no extra round trip before a body */
    if (!has_header(req, "Content-Type"))
        list = curl_slist_append(list, "Content-Type:"); /* libcurl would claim a web form */
    return list;
}

mw_transfer *mw_transfer_new(const mw_net_request *req, mw_net_done *done, void *arg)
{
    mw_transfer *t = mw_zalloc(sizeof *t);
    t->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : DEFAULT_TIMEOUT_MS;
    t->asked_ns = mw_mono_ns();
    t->deadline_ns = t->asked_ns + (int64_t)t->timeout_ms * 1000000;
    t->max_body = req->max_body ? req->max_body : DEFAULT_MAX_BODY;
    t->has_body = req->body.n > 0;
    t->method = mw_strdup(req->method ? req->method : t->has_body ? "POST" : "GET");
    t->url = mw_strdup(req->url);
    t->fields = copy_headers(req);
    mw_tls_copy(&t->tls, &req->tls);
    if (req->sign.region) {
        t->sign_scope = mw_sprintf("aws:amz:%s:%s", req->sign.region, req->sign.service);
        t->sign_user = mw_sprintf("%s:%s", req->sign.key, req->sign.secret);
    }
    if (req->proxy) t->proxy = mw_strdup(req->proxy);
    t->follow = req->follow;
    t->compressed = req->compressed;
    t->http2 = req->http2;
    t->max_redirects = req->max_redirects > 0 ? req->max_redirects : DEFAULT_REDIRECTS;
    t->family = req->family;
    if (req->measure) t->measured = mw_measure_new();
    if (req->cookies) t->cookies = mw_value_copy(req->cookies);
    mw_buf_str(&t->send, req->body);
    t->done = done;
    t->arg = arg;
    return t;
}

void mw_transfer_drop(mw_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->fields);
    curl_slist_free_all(t->connect_to);
    mw_tls_deinit(&t->tls);
    mw_measure_free(t->measured);
    mw_value_free(t->cookies);
    mw_free(t->sign_scope);
    mw_free(t->sign_user);
    mw_free(t->proxy);
    mw_free(t->method);
    mw_free(t->url);
    mw_buf_deinit(&t->send);
    mw_buf_deinit(&t->body);
    mw_buf_deinit(&t->headers);
    mw_free(t);
}

/* Room for all of it at once, when the peer says how much there is. */
static void make_room(mw_transfer *t)
{
    curl_off_t n = -1;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
    if (n > 0 && (size_t)n <= t->max_body) mw_buf_room(&t->body, (size_t)n);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    mw_transfer *t = arg;
    if (size * n > t->max_body - t->body.n) {
        t->too_big = true;
        return 0;
    }
    if (!t->body.n) make_room(t);
    mw_buf_add(&t->body, p, size * n);
    return size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    mw_transfer *t = arg;
    mw_str line = {p, size * n};
    if (t->measured) mw_measure_header(t->easy, t->measured);
    if (mw_str_starts(line, "HTTP/")) {
        mw_buf_reset(&t->headers);
        t->heard = false;
    }
    if (mw_str_eq(line, mw_str_of("\r\n")) || mw_str_eq(line, mw_str_of("\n"))) t->heard = true;
    if (line.n > MAX_HEADERS - t->headers.n) return 0;
    mw_buf_str(&t->headers, line);
    return line.n;
}

/* Where a connection that was kept breaks, libcurl sends the request anew on another one.  It may
 * have been acted on, so that is for those to decide who asked. */
static int on_leaving(void *arg, char *to, char *from, int to_port, int from_port)
{
    mw_transfer *t = arg;
    if (t->left) return CURL_PREREQFUNC_ABORT;
    t->left = true;
    return CURL_PREREQFUNC_OK;
}

static bool changes_something(const mw_transfer *t)
{
    return strcmp(t->method, "GET") && strcmp(t->method, "HEAD");
}

static void set_method(mw_transfer *t)
{
    if (t->has_body || !strcmp(t->method, "POST")) {
        curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->send.p ? t->send.p : "");
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->send.n);
    } else if (!strcmp(t->method, "HEAD")) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    }
    if (strcmp(t->method, t->has_body ? "POST" : "GET") && strcmp(t->method, "HEAD"))
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, t->method);
}

static long version_of(const mw_transfer *t)
{
    if (!t->http2) return CURL_HTTP_VERSION_1_1;
    return strncasecmp(t->url, "https:", 6) ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                            : CURL_HTTP_VERSION_2TLS;
}

static void set_limits(mw_transfer *t)
{
    int64_t left_ms = (t->deadline_ns - mw_mono_ns()) / 1000000;
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms < 1 ? 1 : left_ms));
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a name server */
    curl_easy_setopt(t->easy, CURLOPT_PROXY, t->proxy ? t->proxy : "");
    curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, t->follow ? 1L : 0L);
    curl_easy_setopt(t->easy, CURLOPT_MAXREDIRS, (long)t->max_redirects);
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, version_of(t));
    curl_easy_setopt(t->easy, CURLOPT_IPRESOLVE,
                     (long)(t->family == AF_INET    ? CURL_IPRESOLVE_V4
                            : t->family == AF_INET6 ? CURL_IPRESOLVE_V6
                                                    : CURL_IPRESOLVE_WHATEVER));
}

/* Where it goes, and as whom. */
static void set_peer(mw_transfer *t)
{
    char *url = mw_tls_rename(t->url, &t->tls, &t->connect_to, &t->fields);
    curl_easy_setopt(t->easy, CURLOPT_URL, url ? url : t->url);
    curl_free(url);
    if (t->connect_to) curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->fields);
    mw_tls_set(t->easy, &t->tls);
    if (!t->sign_scope) return;
    curl_easy_setopt(t->easy, CURLOPT_AWS_SIGV4, t->sign_scope);
    curl_easy_setopt(t->easy, CURLOPT_USERPWD, t->sign_user);
}

CURL *mw_transfer_begin(mw_transfer *t)
{
    t->easy = curl_easy_init();
    MW_ASSERT(t->easy);
    set_limits(t);
    set_method(t);
    set_peer(t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->trouble);
    if (changes_something(t) && !t->follow) {
        curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_leaving);
        curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
    }
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, (long)READ_BYTES);
    if (t->measured) mw_measure_set(t->easy, t->measured);
    if (t->cookies) mw_cookies_set(t->easy, t->cookies);
    if (t->compressed) curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    return t->easy;
}

static double answer(mw_transfer *t, mw_net_response *r)
{
    r->seconds = (double)(mw_mono_ns() - t->asked_ns) / 1e9;
    t->done(t->arg, r);
    return r->seconds;
}

mw_transfer_end mw_transfer_finish(mw_transfer *t, CURLcode rc)
{
    mw_buf words = {0};
    mw_net_response r = {0};
    long status = 0;
    if (rc == CURLE_ABORTED_BY_CALLBACK && t->left) rc = CURLE_GOT_NOTHING;
    if (rc == CURLE_OK && !t->heard) rc = CURLE_PARTIAL_FILE; /* libcurl minds no half head */
    if (t->too_big) {
        mw_buf_printf(&words, "the answer is larger than %zu bytes", t->max_body);
    } else if (rc == CURLE_TOO_MANY_REDIRECTS) {
        mw_buf_printf(&words, "more than %d redirects", t->max_redirects);
    } else if (rc != CURLE_OK) {
        if (t->proxy) mw_buf_text(&words, "through the proxy: ");
        mw_words_curl(&words, t->easy, rc, t->trouble, t->timeout_ms);
    } else {
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        r.status = (int)status;
        r.body = (mw_str){t->body.p ? t->body.p : "", t->body.n};
        r.headers = (mw_str){t->headers.p ? t->headers.p : "", t->headers.n};
    }
    long left = 0;
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &left);
    if (t->proxy && changes_something(t)) left = t->left; /* asking for a tunnel counts, too */
    r.error = words.p;
    if (t->measured) mw_measure_finish(t->easy, t->measured);
    r.measured = t->measured;
    if (t->cookies) {
        mw_value_free(t->cookies);
        r.cookies = t->cookies = mw_cookies_tell(t->easy);
    }
    r.sent = r.error && left > 0;
    double seconds = answer(t, &r);
    mw_transfer_end end = {.failed = words.n > 0, .received = t->body.n, .seconds = seconds};
    mw_buf_deinit(&words);
    mw_transfer_drop(t);
    return end;
}

void mw_transfer_fail(mw_transfer *t, const char *words, bool stopped)
{
    mw_net_response r = {.error = words, .stopped = stopped, .unasked = true};
    answer(t, &r);
    mw_transfer_drop(t);
}
