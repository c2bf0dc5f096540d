/* grpc_op.c - host.call("grpc", {...}): the health protocol of gRPC over HTTP/2.
 * SPDX-License-Identifier: MIT */
#include "net/grpc_op.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/dns.h"
#include "net/grpc_health.h"
#include "net/headers.h"
#include "net/measure.h"
#include "net/tls.h"

enum { MAX_TIMEOUT_MS = 300 * 1000, MAX_BODY = 64 << 10, MAX_SERVICE = 4096, SHOWN = 200 };

struct call {
    mw_reply *reply;
    void *arg;
};

static void tell_status(const mw_net_response *r, mw_value *answer, mw_err *err)
{
    mw_str status = mw_header_find(r->headers, "grpc-status"),
           why = mw_header_find(r->headers, "grpc-message");
    char number[16];
    if (r->status != 200) {
        mw_fail(err, MW_EEXEC, 0, 0, "HTTP status %d: this is no gRPC", r->status);
        return;
    }
    if (!status.n || status.n >= sizeof number) {
        mw_fail(err, MW_EEXEC, 0, 0, "the answer has no grpc-status: this is no gRPC");
        return;
    }
    memcpy(number, status.p, status.n);
    number[status.n] = 0;
    mw_map_set_number(answer, "status", strtod(number, NULL));
    if (why.n > SHOWN) why.n = SHOWN;
    if (why.n && mw_utf8_valid(why)) mw_map_set(answer, "message", mw_text_new(why));
    if (strcmp(number, "0")) return;
    const char *state = mw_grpc_health_read(r->body, err);
    mw_map_set_text(answer, "serving", state);
}

static void on_done(void *arg, const mw_net_response *r)
{
    struct call *c = arg;
    mw_value *answer = mw_map_new();
    mw_err err;
    mw_err_init(&err);
    mw_map_set_number(answer, "seconds", r->seconds);
    if (r->measured) mw_measure_tell(r->measured, answer);
    if (r->error)
        mw_map_set_text(answer, "error", r->error);
    else if (r->measured && r->measured->version != 20)
        mw_map_set_text(answer, "error", "the server does not speak HTTP/2");
    else
        tell_status(r, answer, &err);
    if (err.code != MW_OK) mw_map_set_text(answer, "error", err.msg);
    c->reply(c->arg, answer);
    mw_free(c);
}

static char *url_of(mw_str host, int port, bool secure)
{
    bool v6 = memchr(host.p, ':', host.n) != NULL;
    return mw_sprintf(v6 ? "%s://[%s]:%d/grpc.health.v1.Health/Check"
                         : "%s://%s:%d/grpc.health.v1.Health/Check",
                      secure ? "https" : "http", host.p, port);
}

static bool plain_host(mw_str host)
{
    for (size_t i = 0; i < host.n; i++)
        if ((unsigned char)host.p[i] <= ' ' || strchr("/?#@\\[]", host.p[i])) return false;
    return host.n > 0 && host.n < 256;
}

static int send_question(mw_net *net, const mw_value *arg, struct call *c, mw_err *err)
{
    static const char *const headers[] = {"Content-Type: application/grpc", "TE: trailers"};
    mw_str host = mw_map_text(arg, "host"), service = mw_map_text(arg, "service");
    double port = mw_map_number(arg, "port", 0), ms = mw_map_number(arg, "timeout", 2) * 1000;
    mw_buf body = {0};
    mw_net_request req = {.method = "POST",
                          .headers = headers,
                          .n_headers = 2,
                          .http2 = true,
                          .measure = true,
                          .max_body = MAX_BODY};
    if (!plain_host(host) || !(port >= 1 && port <= 65535) || service.n > MAX_SERVICE)
        return mw_fail(err, MW_EARG, 0, 0, "grpc: host and port (1 to 65535) are needed");
    int code = mw_tls_read(mw_map_find(arg, "tls"), &req.tls, err);
    if (code != MW_OK) return code;
    char *url = url_of(host, (int)port, mw_map_find(arg, "tls") != NULL);
    mw_grpc_health_write(service, &body);
    req.url = url;
    req.body = (mw_str){body.p, body.n};
    req.family = mw_dns_family(mw_map_text(arg, "ip"));
    req.timeout_ms = ms >= 1 && ms <= MAX_TIMEOUT_MS ? (int)ms : ms < 1 ? 1 : MAX_TIMEOUT_MS;
    code = mw_net_send(net, &req, on_done, c);
    mw_free(url);
    mw_buf_deinit(&body);
    if (code == MW_EBUSY)
        mw_fail(err, code, 0, 0, "too many requests are waiting; this one was not sent");
    else if (code != MW_OK)
        mw_fail(err, code, 0, 0, "moonwatch is stopping");
    return code;
}

void mw_grpc_op(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    struct call *c = mw_alloc(sizeof *c);
    mw_err err;
    mw_err_init(&err);
    *c = (struct call){reply, reply_arg};
    if (send_question(self, arg, c, &err) != MW_OK) {
        mw_value *answer = mw_error_new(err.msg);
        mw_map_set_number(answer, "seconds", 0);
        reply(reply_arg, answer);
        mw_free(c);
    }
    mw_value_free(arg);
}
