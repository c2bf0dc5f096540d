/* exchange.c - one request from h2o to its handler, and the answer back.
 *
 * An exchange lives in h2o's memory pool of the request; its disposer is the one place that hears
 * both of "answered" and "the client has left".  Work that may take long goes away as an errand:
 * a message that owns the call.  While it is away the exchange and the errand point at each other;
 * the disposer cuts that and sets the call's cancel flag; only the loop's thread touches either
 * pointer.  The errand comes home through the loop's mailbox, or frees itself when the loop is
 * gone.
 * SPDX-License-Identifier: MIT */
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "http/actor.h"
#include "http/loop.h"

enum { FORM_BYTES = 8 << 20, OVERDUE_S = 60 };

typedef struct errand {
    h2o_multithread_message_t msg; /* first */
    mw_server *server;
    mw_call *call;
    exchange *x; /* NULL: the client has left, or was told that it took too long */
    mailbox *box;
    size_t bytes; /* of the request's body, copied, that count as in flight */
    mw_buf piece; /* of an answer that is made piece by piece on the pool */
    bool done;    /* the last one */
    bool later;   /* the piece is made on the loop when it comes home */
} errand;

struct exchange {
    h2o_generator_t gen; /* first */
    h2o_req_t *req;
    conn *conn;
    mw_call *call;  /* NULL while an errand has it */
    errand *errand; /* NULL unless away */
    const mw_route *route;
    mw_method method;
    int status;
    bool started; /* the head of the answer is out */
    int64_t began_ns;
    size_t request_bytes, response_bytes;
};

typedef struct handler {
    h2o_handler_t super; /* first */
    mw_server *server;
} handler;

/* -- the end of an exchange ------------------------------------------------------------------ */

static void cancel(exchange *x)
{
    if (x->errand) __atomic_store_n(&x->errand->call->cancel, 1, __ATOMIC_RELAXED);
}

static void part(exchange *x)
{
    cancel(x);
    if (x->errand) x->errand->x = NULL;
    x->errand = NULL;
}

static void on_dispose(void *arg)
{
    exchange *x = arg;
    finished f = {.route = x->route,
                  .method = x->method,
                  .status = x->status,
                  .took_ns = mw_mono_ns() - x->began_ns,
                  .request_bytes = x->request_bytes,
                  .response_bytes = x->response_bytes};
    observe_request(x->conn->loop->server->observe, &f);
    part(x);
    call_free(x->call);
    x->conn->x = NULL;
    x->conn->rest_bytes = x->conn->sock->bytes_read;
}

/* -- answering ------------------------------------------------------------------------------- */

static void ask_for_more(exchange *x);

static void send_piece(exchange *x, const mw_buf *piece, bool done)
{
    h2o_iovec_t v = h2o_iovec_init(piece->p, piece->n);
    x->response_bytes += piece->n;
    h2o_send(x->req, &v, piece->n > 0,
             x->call->broken ? H2O_SEND_STATE_ERROR
             : done          ? H2O_SEND_STATE_FINAL
                             : H2O_SEND_STATE_IN_PROGRESS);
}

static void send_more(h2o_generator_t *gen, h2o_req_t *req)
{
    exchange *x = (exchange *)gen;
    mw_buf_reset(&x->call->out);
    ask_for_more(x);
}

/* x->call holds the answer, and keeps the bytes alive until the exchange is disposed of. */
static void answer(exchange *x)
{
    static h2o_mime_attributes_t compressible = {.is_compressible = 1};
    static const char empty[1];
    h2o_req_t *req = x->req;
    mw_call *c = x->call;
    bool body = x->method != MW_HEAD && c->status != 204 && c->status != 304;
    x->status = req->res.status = c->status;
    req->res.reason = answer_reason(c->status);
    req->res.mime_attr = &compressible;
    req->res.content_length = c->more ? SIZE_MAX : c->out.n;
    if (!body || c->packed) req->compress_hint = H2O_COMPRESS_HINT_DISABLE;
    /* The loop itself may hear of it a little later. */
    if (__atomic_load_n(&x->conn->loop->server->stopped, __ATOMIC_RELAXED))
        req->http1_is_persistent = 0;
    answer_headers(req, c);
    x->started = true;
    x->gen.proceed = send_more;
    x->gen.stop = NULL; /* on_dispose hears of it */
    h2o_start_response(req, &x->gen);
    h2o_iovec_t piece = h2o_iovec_init(c->out.p ? c->out.p : empty, body ? c->out.n : 0);
    x->response_bytes = piece.len;
    h2o_send(req, &piece, piece.len > 0,
             c->more && body ? H2O_SEND_STATE_IN_PROGRESS : H2O_SEND_STATE_FINAL);
}

/* -- errands --------------------------------------------------------------------------------- */

void mailbox_release(mailbox *b)
{
    if (__atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL)) return;
    pthread_mutex_destroy(&b->lock);
    mw_free(b);
}

static void errand_free(errand *e)
{
    inflight_sub(e->server, e->bytes);
    mailbox_release(e->box);
    call_free(e->call);
    mw_buf_deinit(&e->piece);
    mw_free(e);
}

static errand *send_away(exchange *x)
{
    loop *l = x->conn->loop;
    errand *e = mw_zalloc(sizeof *e);
    *e = (errand){.server = l->server, .call = x->call, .x = x, .box = l->box};
    __atomic_add_fetch(&l->box->refs, 1, __ATOMIC_RELAXED);
    x->call = NULL;
    x->errand = e;
    l->n_away++;
    return e;
}

/* Any thread: the call is answered. */
static void come_home(errand *e)
{
    mailbox *box = e->box;
    pthread_mutex_lock(&box->lock);
    bool there = box->to;
    if (there) h2o_multithread_send_message(box->to, &e->msg);
    pthread_mutex_unlock(&box->lock);
    if (!there) errand_free(e);
}

static void swap(mw_buf *a, mw_buf *b)
{
    mw_buf c = *a;
    *a = *b;
    *b = c;
}

/* Loop thread: E is home. */
static void hand_in(errand *e, loop *l)
{
    exchange *x = e->x;
    bool done = e->done;
    l->n_away--;
    if (x) {
        x->call = e->call;
        x->errand = NULL;
        e->call = NULL;
        if (e->later)
            done = x->call->more(x->call, &x->call->out);
        else if (x->started)
            swap(&x->call->out, &e->piece); /* empty, but it has memory */
    }
    errand_free(e);
    if (x && x->started)
        send_piece(x, &x->call->out, done);
    else if (x)
        answer(x);
}

void exchange_come_back(h2o_multithread_receiver_t *inbox, h2o_linklist_t *messages)
{
    loop *l = (loop *)((char *)inbox - offsetof(loop, inbox));
    while (!h2o_linklist_is_empty(messages)) {
        errand *e = H2O_STRUCT_FROM_MEMBER(errand, msg.link, messages->next);
        h2o_linklist_unlink(&e->msg.link);
        hand_in(e, l);
    }
}

/* Nobody reads from the socket while an answer is made, so leaving is only seen by looking; the
 * next request may be waiting in front of the end. */
static bool has_left(const conn *c)
{
    struct pollfd p = {.fd = h2o_socket_get_fd(c->sock), .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

void exchange_give_up(exchange *x, const char *why)
{
    if (!x->errand) return;
    part(x);
    x->call = call_new(x->conn->loop->server);
    x->call->route = x->route;
    if (x->started) { /* half an answer: all that can be said is that it is not whole */
        h2o_iovec_t byte = h2o_iovec_init(H2O_STRLIT("\n")); /* with none h2o closes at once */
        h2o_send(x->req, &byte, 1, H2O_SEND_STATE_ERROR);
        return;
    }
    call_fail_text(x->call, MW_ETIMEOUT, "%s", why);
    answer(x);
}

void exchange_watch(exchange *x, int64_t now_ns)
{
    if (!x->errand) return;
    int64_t longest = OVERDUE_S + x->conn->loop->server->o.query_timeout_ms / 1000;
    if (has_left(x->conn))
        cancel(x);
    else if (!x->started && now_ns - x->began_ns > longest * 1000000000)
        exchange_give_up(x, "the answer took too long");
}

/* -- who makes the answer -------------------------------------------------------------------- */

static void run_on_pool(void *arg)
{
    errand *e = arg;
    if (!call_cancelled(e->call))
        e->call->route->handle(e->call);
    else
        call_fail_text(e->call, MW_ECANCEL, "the client has left");
    come_home(e);
}

static void piece_on_pool(void *arg)
{
    errand *e = arg;
    if (call_cancelled(e->call))
        e->call->broken = true;
    else
        e->done = e->call->more(e->call, &e->piece);
    come_home(e);
}

/* A piece for the loop goes through the mailbox, too: h2o looks after no other socket as long as
 * one takes all that it is given, and a client that reads fast would have the loop for itself. When
 * the pool has no place the piece is made here: what was begun is brought to its end. */
static void ask_for_more(exchange *x)
{
    bool on_pool = x->call->more_on_pool;
    errand *e = send_away(x);
    if (on_pool && mw_pool_add(x->conn->loop->server->pool, piece_on_pool, e) == MW_OK) return;
    e->later = true;
    come_home(e);
}

static void on_actor_answer(void *arg, mw_value *value)
{
    errand *e = arg;
    actor_answer(e->call, value);
    come_home(e);
}

/* E was refused at the door: take its call back and say so. */
static void stay(exchange *x, errand *e, const char *why)
{
    call_fail_text(e->call, MW_EBUSY, "%s", why);
    hand_in(e, x->conn->loop);
}

static mw_str remote_of(mw_call *c, const h2o_req_t *req)
{
    struct sockaddr_storage at;
    char name[NI_MAXHOST];
    socklen_t n = req->conn->callbacks->get_peername(req->conn, (struct sockaddr *)&at);
    size_t len = n ? h2o_socket_getnumerichost((struct sockaddr *)&at, n, name) : SIZE_MAX;
    if (len == SIZE_MAX) return MW_STR("");
    return (mw_str){mw_arena_strndup(c->arena, name, len), len};
}

static void ask_actor(exchange *x, mw_actor *a)
{
    if (!a) {
        call_fail_text(x->call, MW_EBUSY, "this part of moonwatch is not running");
        answer(x);
        return;
    }
    x->call->remote = remote_of(x->call, x->req);
    mw_value *question = actor_question(x->call);
    errand *e = send_away(x);
    if (mw_actor_ask(a, question, on_actor_answer, e))
        stay(x, e, "too many requests are waiting for the rules; try again");
}

/* The body is h2o's, which forgets it when the client leaves; the pool needs its own. */
static void ask_pool(exchange *x)
{
    mw_call *c = x->call;
    c->remote = remote_of(c, x->req);
    c->body =
        (mw_str){mw_arena_strndup(c->arena, c->body.p ? c->body.p : "", c->body.n), c->body.n};
    errand *e = send_away(x);
    inflight_add(e->server, e->bytes = c->body.n);
    if (mw_pool_add(x->conn->loop->server->pool, run_on_pool, e))
        stay(x, e, "too many queries are waiting; try again");
}

/* A page of another site has its visitor's browser change something here: a form or plain text is
 * sent without asking whether it may be. */
static bool is_foreign(const mw_call *c)
{
    return !(c->route->flags & (MW_CORS | MW_INGEST)) &&
           !(c->method & (MW_GET | MW_HEAD | MW_OPTIONS)) &&
           mw_str_is(call_header(c, "sec-fetch-site"), "cross-site");
}

static void dispatch(exchange *x)
{
    const mw_server_parts *parts = x->call->parts;
    const mw_route *r = x->route;
    mw_server *s = x->call->server;
    if (!(r->flags & MW_ALWAYS) && !server_is_ready(s)) {
        server_say_starting(x->call);
        answer(x);
    } else if (is_foreign(x->call)) {
        call_fail_text(x->call, CALL_FORBIDDEN, "a page of another site asks for this");
        answer(x);
    } else if (r->flags & MW_INGEST && inflight_is_over(s)) {
        observe_refused(s->observe, REFUSED_IN_FLIGHT);
        call_fail_text(x->call, CALL_TOO_MUCH, "%s", REFUSE_TOO_MUCH);
        answer(x);
    } else if (r->flags & MW_TO_RULES) {
        ask_actor(x, parts->rules);
    } else if (r->flags & MW_TO_ROUTER) {
        ask_actor(x, parts->router);
    } else if (r->flags & MW_TO_BACKTEST) {
        ask_actor(x, parts->backtest);
    } else if (r->flags & MW_ON_POOL && !(r->flags & MW_BRIEF && api_query_brief(x->call))) {
        ask_pool(x);
    } else {
        r->handle(x->call);
        answer(x);
    }
}

/* -- from h2o -------------------------------------------------------------------------------- */

static mw_str str_of(h2o_iovec_t v) { return (mw_str){v.base, v.len}; }

static mw_method method_of(h2o_iovec_t name)
{
    static const struct {
        const char *name;
        mw_method method;
    } rows[] = {{"GET", MW_GET},       {"POST", MW_POST}, {"PUT", MW_PUT},
                {"DELETE", MW_DELETE}, {"HEAD", MW_HEAD}, {"OPTIONS", MW_OPTIONS}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (mw_str_is(str_of(name), rows[i].name)) return rows[i].method;
    return 0;
}

static mw_str copy(mw_call *c, mw_str s)
{
    return (mw_str){mw_arena_strndup(c->arena, s.p ? s.p : "", s.n), s.n};
}

static void copy_headers(mw_call *c, const h2o_req_t *req)
{
    c->headers = mw_arena_array(c->arena, req->headers.size + 1, sizeof *c->headers);
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *h = &req->headers.entries[i];
        c->headers[c->n_headers++] =
            (mw_pair){copy(c, str_of(*h->name)), copy(c, str_of(h->value))};
    }
    mw_str host = str_of(req->authority); /* h2o keeps it apart from the others */
    if (host.n) c->headers[c->n_headers++] = (mw_pair){MW_STR("host"), copy(c, host)};
}

/* What the form says stands before what the path says, so it is what call_param finds. */
static int read_params(mw_call *c, mw_str query, mw_err *err)
{
    bool form = c->route->flags & MW_FORM && c->body.n &&
                call_type_is(c, "application/x-www-form-urlencoded");
    mw_str body = MW_STR("");
    int rc = form ? call_decode(c, &body, err) : MW_OK;
    if (!rc && body.n > FORM_BYTES)
        rc = mw_fail(err, MW_ETOOBIG, 0, 0, "a form of %zu bytes; at most %d are read", body.n,
                     FORM_BYTES);
    if (!rc) rc = call_parse_params(c, body, err);
    return rc ? rc : call_parse_params(c, query, err);
}

/* False: the call holds an answer already. */
static bool understand(mw_call *c, const h2o_req_t *req)
{
    mw_err err;
    mw_str path = str_of(req->path), query = MW_STR("");
    mw_err_init(&err);
    if (req->query_at != SIZE_MAX) {
        query = (mw_str){path.p + req->query_at + 1, path.n - req->query_at - 1};
        path.n = req->query_at;
    }
    copy_headers(c, req);
    c->body = str_of(req->entity);
    if (!c->body.p) c->body = MW_STR("");
    if (!route_find(c, path)) return false;
    if (!read_params(c, query, &err)) return true;
    call_fail(c, &err);
    return false;
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    mw_server *s = ((handler *)self)->server;
    exchange *x = h2o_mem_alloc_shared(&req->pool, sizeof *x, on_dispose);
    *x = (exchange){.req = req,
                    .conn = conn_of(req),
                    .method = method_of(req->method),
                    .began_ns = mw_mono_ns(),
                    .request_bytes = req->entity.len};
    x->conn->x = x;
    x->call = call_new(s);
    x->call->parts = &s->parts;
    x->call->method = x->method;
    bool go_on = understand(x->call, req);
    x->route = x->call->route;
    if (go_on)
        dispatch(x);
    else
        answer(x);
    return 0;
}

void exchange_register(mw_server *s, h2o_hostconf_t *host)
{
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_compress_args_t compress = {.min_size = 1024};
    compress.gzip.quality = 1;
    compress.brotli.quality = -1;
    h2o_compress_register(path, &compress);
    handler *h = (handler *)h2o_create_handler(path, sizeof *h);
    h->super.on_req = on_req;
    h->server = s;
}
