/* refuse.c - what h2o refuses before any handler is asked: bodies over the limit above all.
 *
 * h2o answers those itself, in plain text, through the fallback path of the host.  A filter there
 * puts our words in place of its, in the shape of the family that the path belongs to.
 * SPDX-License-Identifier: MIT */
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
