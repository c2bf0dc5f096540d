/* http_op.c - host.call("http", {...}): a table in, a request out, a table back.
 * SPDX-License-Identifier: MIT */
#include "net/http_op.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "net/dns.h"
#include "net/measure.h"
#include "net/tls.h"

enum { MAX_TIMEOUT_MS = 300 * 1000, MAX_ANSWER = 64 << 20, MAX_REDIRECTS = 50 };

struct call {
    mw_reply *reply;
    void *arg;
};

struct headers {
    char **line;
    size_t n, cap;
};

bool mw_http_token(mw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && !memchr("!#$%&'*+-.^_`|~", s.p[i], 15)) return false;
    return s.n > 0;
}

bool mw_http_field_value(mw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f) return false;
    return true;
}

/* -- the request ------------------------------------------------------------------------------ */

static int add_header(struct headers *h, mw_str name, const mw_value *value, mw_err *err)
{
    mw_buf text = {0};
    if (value->type == MW_TEXT)
        mw_buf_str(&text, value->text);
    else if (value->type == MW_NUMBER)
        mw_buf_double(&text, value->number);
    if (!text.p) mw_buf_text(&text, "");
    int code = MW_OK;
    if (!mw_http_token(name))
        code = mw_fail(err, MW_EARG, 0, 0, "header name \"%.*s\" is not valid", MW_STR_ARG(name));
    else if (!mw_http_field_value((mw_str){text.p, text.n}))
        code = mw_fail(err, MW_EARG, 0, 0, "header %.*s has a line break or control character",
                       MW_STR_ARG(name));
    else
        /* ';' is how libcurl is told to send a header without a value */
        MW_PUSH(h->line, h->n, h->cap,
                text.n ? mw_sprintf("%.*s: %s", MW_STR_ARG(name), text.p)
                       : mw_sprintf("%.*s;", MW_STR_ARG(name)));
    mw_buf_deinit(&text);
    return code;
}

static int read_headers(const mw_value *arg, struct headers *h, mw_err *err)
{
    const mw_value *map = mw_map_find(arg, "headers");
    if (!map || map->type != MW_MAP) return MW_OK;
    for (size_t i = 0; i < map->map.n; i++) {
        int code = add_header(h, map->map.entry[i].key, map->map.entry[i].value, err);
        if (code != MW_OK) return code;
    }
    return MW_OK;
}

static int clamp_ms(double seconds)
{
    double ms = seconds * 1000;
    return ms >= 1 && ms <= MAX_TIMEOUT_MS ? (int)ms : ms > MAX_TIMEOUT_MS ? MAX_TIMEOUT_MS : 1;
}

static bool plain_name(mw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '-') return false;
    return s.n > 0 && s.n <= 64;
}

/* The key's name ends at a colon for libcurl. */
static int read_sign(const mw_value *spec, mw_net_sign *out, mw_err *err)
{
    *out = (mw_net_sign){0};
    if (!spec || spec->type != MW_MAP) return MW_OK;
    mw_str region = mw_map_text(spec, "region"), service = mw_map_text(spec, "service");
    mw_str key = mw_map_text(spec, "key"), secret = mw_map_text(spec, "secret");
    bool good = mw_http_token(key) && secret.n && mw_http_field_value(secret);
    if (!plain_name(region) || !plain_name(service) || !good)
        return mw_fail(err, MW_EARG, 0, 0, "http: sign needs region, service, key and secret");
    *out = (mw_net_sign){region.p, service.p, key.p, secret.p};
    return MW_OK;
}

static int read_proxy(mw_str text, const char **out, mw_err *err)
{
    static const char *const known[] = {"http://", "https://", "socks5://", "socks5h://"};
    bool good = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        good |= mw_str_starts(text, known[i]) && text.n > strlen(known[i]);
    if (!text.n) return MW_OK;
    if (!good || !mw_http_field_value(text) || strlen(text.p) != text.n)
        return mw_fail(err, MW_EARG, 0, 0,
                       "http: proxy begins with http://, https://, socks5:// or socks5h://");
    *out = text.p;
    return MW_OK;
}

static int read_request(const mw_value *arg, mw_net_request *req, mw_err *err)
{
    mw_str url = mw_map_text(arg, "url"), method = mw_map_text(arg, "method");
    double redirects = mw_map_number(arg, "redirects", 0);
    double max_body = mw_map_number(arg, "max_body", 1 << 20);
    if (!url.n) return mw_fail(err, MW_EARG, 0, 0, "http: url is missing");
    if (!mw_http_field_value(url) || strlen(url.p) != url.n)
        return mw_fail(err, MW_EARG, 0, 0, "http: the url has control characters");
    if (method.n && !mw_http_token(method))
        return mw_fail(err, MW_EARG, 0, 0, "http: method \"%.*s\" is not valid",
                       MW_STR_ARG(method));
    *req = (mw_net_request){
        .method = method.n ? method.p : NULL,
        .url = url.p,
        .body = mw_map_text(arg, "body"),
        .timeout_ms = clamp_ms(mw_map_number(arg, "timeout", 10)),
        .max_body = max_body >= 1 && max_body <= MAX_ANSWER ? (size_t)max_body : MAX_ANSWER,
        .follow = mw_map_bool(arg, "follow", false),
        .cookies = mw_map_find(arg, "cookies"),
        .measure = mw_map_bool(arg, "measure", false),
        .compressed = !mw_map_bool(arg, "measure", false),
        .family = mw_dns_family(mw_map_text(arg, "ip")),
        .max_redirects = redirects >= 1 && redirects <= MAX_REDIRECTS ? (int)redirects : 0,
    };
    int code = mw_tls_read(mw_map_find(arg, "tls"), &req->tls, err);
    if (code == MW_OK) code = read_sign(mw_map_find(arg, "sign"), &req->sign, err);
    if (code == MW_OK) code = read_proxy(mw_map_text(arg, "proxy"), &req->proxy, err);
    req->tls.insecure |= mw_map_bool(arg, "insecure", false);
    return code;
}

/* -- the answer ------------------------------------------------------------------------------- */

/* One "Name: value" line; a name that comes again is joined with a comma. */
static void add_answer_header(mw_value *map, mw_str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon) return;
    char *name = mw_strndup(line.p, (size_t)(colon - line.p));
    for (char *p = name; *p; p++) *p = (char)tolower((unsigned char)*p);
    mw_str value = mw_str_trim((mw_str){colon + 1, line.n - (size_t)(colon + 1 - line.p)});
    const mw_value *before = mw_map_find(map, name);
    mw_buf text = {0};
    if (before) mw_buf_str(&text, before->text), mw_buf_text(&text, ", ");
    mw_buf_str(&text, value);
    mw_map_set(map, name, mw_text_new((mw_str){text.p, text.n}));
    mw_buf_deinit(&text);
    mw_free(name);
}

static mw_value *answer_headers(mw_str block)
{
    mw_value *map = mw_map_new();
    while (block.n) {
        const char *end = memchr(block.p, '\n', block.n);
        size_t n = end ? (size_t)(end - block.p) : block.n;
        mw_str line = {block.p, n && block.p[n - 1] == '\r' ? n - 1 : n};
        if (!mw_str_starts(line, "HTTP/")) add_answer_header(map, line);
        size_t used = end ? n + 1 : n;
        block = (mw_str){block.p + used, block.n - used};
    }
    return map;
}

static void on_done(void *arg, const mw_net_response *r)
{
    struct call *c = arg;
    mw_value *answer = mw_map_new();
    mw_map_set_number(answer, "seconds", r->seconds);
    if (r->measured) mw_measure_tell(r->measured, answer);
    if (r->cookies) mw_map_set(answer, "cookies", mw_value_copy(r->cookies));
    if (r->error) {
        mw_map_set_text(answer, "error", r->error);
        mw_map_set(answer, "sent", mw_bool_new(r->sent));
        if (r->unasked) mw_map_set_bool(answer, "unasked", true);
    } else {
        mw_map_set_number(answer, "status", r->status);
        mw_map_set(answer, "headers", answer_headers(r->headers));
        mw_map_set(answer, "body", mw_text_new(r->body));
    }
    c->reply(c->arg, answer);
    mw_free(c);
}

static void refuse(mw_reply *reply, void *reply_arg, const char *words, bool unasked)
{
    mw_value *answer = mw_map_new();
    if (unasked) mw_map_set_bool(answer, "unasked", true);
    mw_map_set_text(answer, "error", words);
    mw_map_set_number(answer, "seconds", 0);
    reply(reply_arg, answer);
}

void mw_http_op(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_net_request req;
    struct headers h = {0};
    struct call *c = NULL;
    mw_err err;
    mw_err_init(&err);
    if (read_request(arg, &req, &err) != MW_OK || read_headers(arg, &h, &err) != MW_OK) goto out;
    req.headers = (const char *const *)h.line;
    req.n_headers = h.n;
    c = mw_alloc(sizeof *c);
    *c = (struct call){reply, reply_arg};
    int code = mw_net_send(self, &req, on_done, c);
    if (code == MW_EBUSY)
        mw_fail(&err, code, 0, 0, "too many requests are waiting; this one was not sent");
    else if (code != MW_OK)
        mw_fail(&err, code, 0, 0, "moonwatch is stopping");
    if (code != MW_OK) mw_free(c);
out:
    if (err.code != MW_OK)
        refuse(reply, reply_arg, err.msg, err.code == MW_EBUSY || err.code == MW_ECANCEL);
    for (size_t i = 0; i < h.n; i++) mw_free(h.line[i]);
    mw_free(h.line);
    mw_value_free(arg);
}
