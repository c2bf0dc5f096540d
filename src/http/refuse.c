/* refuse.c - what is refused before any handler is asked: bodies over the limit above all.
 *
 * h2o answers those itself, in plain text, through the fallback path of the host.  A filter there
 * puts our words in place of its, in the shape of the family that the path belongs to.  A body that
 * is still coming in while too much is in flight is answered past h2o, on the bare socket.
 * SPDX-License-Identifier: MIT */
#include <sys/socket.h>

#include "http/loop.h"

typedef struct refusal {
    h2o_filter_t super; /* first */
    mw_server *server;
} refusal;

typedef struct words {
    h2o_ostream_t super; /* first */
    mw_call *call;
    bool said;
} words;

static void forget(void *arg) { call_free(*(mw_call **)arg); }

static void replace(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t n,
                    h2o_send_state_t state)
{
    words *w = (words *)self;
    h2o_iovec_t ours = h2o_iovec_init(w->call->out.p, w->call->out.n);
    h2o_ostream_send_next(self, req, &ours, !w->said, state);
    w->said = true;
}

static mw_call *word(mw_server *s, const h2o_req_t *req)
{
    mw_call *c = call_new(s);
    mw_str path = {req->input.path.base, req->input.path.len};
    if (req->input.query_at != SIZE_MAX && req->input.query_at < path.n)
        path.n = req->input.query_at;
    c->parts = &s->parts;
    c->method = MW_POST;
    route_find(c, path);
    if (req->res.status == 413)
        call_fail_text(c, MW_ETOOBIG, "the body is larger than %zu bytes", s->o.max_body);
    else
        call_fail_text(c, MW_EARG, "%s", req->res.reason);
    return c;
}

static void on_setup(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    mw_server *s = ((refusal *)self)->server;
    mw_call *c = word(s, req);
    *(mw_call **)h2o_mem_alloc_shared(&req->pool, sizeof c, forget) = c;
    finished f = {.route = c->route, .method = MW_POST, .status = req->res.status};
    observe_request(s->observe, &f);
    mw_str type = mw_str_of(c->type);
    h2o_set_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, type.p, type.n, 1);
    req->res.content_length = c->out.n;
    conn_linger(conn_of(req));
    words *w = (words *)h2o_add_ostream(req, sizeof *w, slot);
    w->super.do_send = replace;
    w->call = c;
    w->said = false;
    h2o_setup_next_ostream(req, &w->super.next);
}

void refuse_register(mw_server *s, h2o_hostconf_t *host)
{
    refusal *r = (refusal *)h2o_create_filter(&host->fallback_path, sizeof *r);
    r->super.on_setup_ostream = on_setup;
    r->server = s;
}

/* -- too much in flight ---------------------------------------------------------------------- */

/* "POST /v1/logs?x HTTP/1.1..." to "/v1/logs"; empty when it is no such line. */
static mw_str path_of(mw_str input)
{
    const char *end = input.p + input.n, *from = memchr(input.p, ' ', input.n);
    if (!from) return MW_STR("");
    const char *to = ++from;
    while (to < end && *to != ' ' && *to != '?' && *to != '\r' && *to != '\n') to++;
    return to < end ? (mw_str){from, (size_t)(to - from)} : MW_STR("");
}

void refuse_too_much(conn *c, mw_str input)
{
    mw_server *s = c->loop->server;
    mw_call *call = call_new(s);
    mw_buf out = {0};
    call->parts = &s->parts;
    call->method = MW_POST;
    route_find(call, path_of(input));
    call_fail_text(call, CALL_TOO_MUCH, "%s", REFUSE_TOO_MUCH);
    finished f = {.route = call->route, .method = MW_POST, .status = call->status};
    observe_request(s->observe, &f);
    observe_refused(s->observe, REFUSED_IN_FLIGHT);
    mw_buf_printf(&out,
                  "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n"
                  "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                  call->type, call->out.n);
    mw_buf_add(&out, call->out.p, call->out.n);
    /* A few hundred bytes on a socket to which nothing is being written; if they do not fit, the
     * client hears of it by the end of the connection. */
    ssize_t sent = send(h2o_socket_get_fd(c->sock), out.p, out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    conn_linger(c);
    mw_buf_deinit(&out);
    call_free(call);
}
