/* loop.c - accepting, watching and closing connections on one h2o loop.
 *
 * h2o 2.2 neither closes idle HTTP/1 connections on shutdown nor notices that a client has left
 * while its request is worked on elsewhere, so both are done here: every connection is in a list,
 * and a connection is ended by shutting its socket down, which h2o sees as the client leaving.
 * h2o_evloop_run answers -1 on EINTR; that is no reason to stop.
 * SPDX-License-Identifier: MIT */
#include "http/loop.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum {
    ACCEPT_AT_ONCE = 16,
    UNREAD_MS = 20000,        /* a client that does not read what was sent is dropped after this */
    WATCH_NS = 100 * 1000000, /* how often clients that wait are looked after */
    LAST_WORDS_NS = 1000000000, /* for closing what was cut off when the grace is over */
    LINGER_NS = 2000000000,
    LINGER_BYTES = 256 << 20
};
static const int64_t DEAF_NS = 200 * 1000000, TELL_NS = 60000000000;

/* -- lingering ------------------------------------------------------------------------------- */

/* A client that is still sending when we answer and close gets a reset, often before it has read
 * the answer.  So the socket is kept open for a moment and what still comes is thrown away. */
typedef struct lingerer {
    h2o_linklist_t link; /* first */
    loop *loop;
    h2o_socket_t *sock;
    size_t bytes;
    int64_t until_ns;
} lingerer;

static void linger_end(lingerer *g)
{
    h2o_linklist_unlink(&g->link);
    g->loop->n_lingering--;
    h2o_socket_close(g->sock);
    mw_free(g);
}

static void on_linger_read(h2o_socket_t *sock, const char *err)
{
    lingerer *g = sock->data;
    g->bytes += sock->input->size;
    h2o_buffer_consume(&sock->input, sock->input->size);
    if (err || g->bytes > LINGER_BYTES) linger_end(g);
}

void conn_linger(conn *c)
{
    if (c->linger_fd < 0) c->linger_fd = dup(h2o_socket_get_fd(c->sock));
}

static void linger_begin(loop *l, int fd)
{
    shutdown(fd, SHUT_WR);
    lingerer *g = mw_zalloc(sizeof *g);
    g->loop = l;
    g->until_ns = mw_mono_ns() + LINGER_NS;
    g->sock = h2o_evloop_socket_create(l->ctx.loop, fd, 0);
    g->sock->data = g;
    h2o_linklist_insert(&l->lingering, &g->link);
    l->n_lingering++;
    h2o_socket_read_start(g->sock, on_linger_read);
}

/* -- connections ----------------------------------------------------------------------------- */

conn *conn_of(h2o_req_t *req) { return req->conn->callbacks->get_socket(req->conn)->on_close.data; }

static void on_close(void *arg)
{
    conn *c = arg;
    loop *l = c->loop;
    h2o_linklist_unlink(&c->link);
    inflight_close(c);
    l->n_conns--;
    __atomic_sub_fetch(&l->server->connections, 1, __ATOMIC_RELAXED);
    observe_connections(l->server->observe, -1);
    if (c->linger_fd >= 0) linger_begin(l, c->linger_fd);
    mw_free(c);
}

static void add_conn(loop *l, h2o_socket_t *sock)
{
    unsigned unread = UNREAD_MS;
    setsockopt(h2o_socket_get_fd(sock), IPPROTO_TCP, TCP_USER_TIMEOUT, &unread, sizeof unread);
    conn *c = mw_zalloc(sizeof *c);
    c->loop = l;
    c->sock = sock;
    c->linger_fd = -1;
    h2o_linklist_insert(&l->conns, &c->link);
    l->n_conns++;
    observe_connections(l->server->observe, 1);
    sock->on_close.cb = on_close;
    sock->on_close.data = c;
    h2o_accept(&l->accept, sock);
    inflight_open(c);
}

static void each_conn(loop *l, void (*fn)(conn *c, int64_t now_ns), int64_t now_ns)
{
    for (h2o_linklist_t *at = l->conns.next, *next; at != &l->conns; at = next) {
        next = at->next;
        fn((conn *)at, now_ns);
    }
}

static bool is_idle(const conn *c) { return !c->x && c->sock->bytes_read == c->rest_bytes; }

static void hang_up(conn *c) { shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR); }

static void hang_up_idle(conn *c, int64_t now_ns)
{
    if (is_idle(c)) hang_up(c);
}

static void on_accept(h2o_socket_t *listener, const char *err);

static void listen_again(loop *l)
{
    l->deaf_until_ns = 0;
    for (size_t i = 0; i < l->server->o.n_listen; i++)
        h2o_socket_read_start(l->listeners[i], on_accept);
}

/* A connection that cannot be accepted stays at the door, and the loop would be woken for it
 * without end.  So it does not listen for a moment, and whoever keeps a connection without using it
 * goes. */
static void go_deaf(loop *l, int why)
{
    int64_t now = mw_mono_ns();
    for (size_t i = 0; i < l->server->o.n_listen; i++) h2o_socket_read_stop(l->listeners[i]);
    l->deaf_until_ns = now + DEAF_NS;
    each_conn(l, hang_up_idle, now);
    observe_refused(l->server->observe, REFUSED_HANDLES);
    if (l->told_ns && now - l->told_ns < TELL_NS) return;
    l->told_ns = now;
    mw_log(MW_ERROR, "no new connection can be taken", "reason=\"%s\" hint=\"raise ulimit -n\"",
           strerror(why));
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    loop *l = listener->data;
    if (err) return;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        h2o_socket_t *sock = h2o_evloop_socket_accept(listener);
        if (!sock) {
            bool wanting =
                errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (wanting) go_deaf(l, errno);
            return;
        }
        unsigned n = __atomic_add_fetch(&l->server->connections, 1, __ATOMIC_RELAXED);
        if (n <= l->server->o.max_connections) {
            add_conn(l, sock);
            continue;
        }
        __atomic_sub_fetch(&l->server->connections, 1, __ATOMIC_RELAXED);
        h2o_socket_close(sock);
    }
}

static void watch_conn(conn *c, int64_t now_ns)
{
    if (c->x) exchange_watch(c->x, now_ns);
}

static void watch(loop *l)
{
    int64_t now = mw_mono_ns();
    if (now - l->watched_ns < WATCH_NS) return;
    l->watched_ns = now;
    if (l->deaf_until_ns && now >= l->deaf_until_ns && !l->stopping) listen_again(l);
    if (l->n_away) each_conn(l, watch_conn, now);
    for (h2o_linklist_t *at = l->lingering.next, *next; at != &l->lingering; at = next) {
        next = at->next;
        if (((lingerer *)at)->until_ns < now) linger_end((lingerer *)at);
    }
}

/* -- the end --------------------------------------------------------------------------------- */

static void hang_up_all(conn *c, int64_t now_ns)
{
    if (c->x) exchange_give_up(c->x, "moonwatch is stopping");
    hang_up(c);
}

static void begin_stop(loop *l)
{
    mw_server *s = l->server;
    l->stopping = true;
    l->stop_by_ns = mw_mono_ns() + (int64_t)s->grace_ms * 1000000;
    for (size_t i = 0; i < s->o.n_listen; i++) h2o_socket_close(l->listeners[i]);
    /* h2o_context_request_shutdown would also start an HTTP/2 timer that nothing takes down. */
    l->ctx.shutdown_requested = 1;
}

static void on_wake(h2o_multithread_receiver_t *wake, h2o_linklist_t *messages)
{
    loop *l = (loop *)((char *)wake - offsetof(loop, wake));
    while (!h2o_linklist_is_empty(messages)) h2o_linklist_unlink(messages->next);
    if (!l->stopping) begin_stop(l);
}

/* True when nothing is left to do, or the time for it is over. */
static bool wind_down(loop *l)
{
    int64_t now = mw_mono_ns();
    if (!l->n_conns && !l->n_away && !l->n_lingering) return true;
    if (now < l->stop_by_ns) {
        each_conn(l, hang_up_idle, now);
        return false;
    }
    each_conn(l, hang_up_all, now);
    return now > l->stop_by_ns + LAST_WORDS_NS;
}

static int32_t longest_wait_ms(const loop *l)
{
    if (l->stopping) return 10;
    return l->n_away || l->n_lingering || l->deaf_until_ns ? WATCH_NS / 1000000 : 1000;
}

static void serve(loop *l)
{
    listen_again(l);
    while (!l->stopping || !wind_down(l)) {
        h2o_evloop_run(l->ctx.loop, longest_wait_ms(l));
        inflight_watch(l);
        watch(l);
    }
}

/* -- life ------------------------------------------------------------------------------------ */

static void tell(loop *l, loop_stage stage)
{
    pthread_mutex_lock(&l->lock);
    l->stage = stage;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static loop_stage wait_while(loop *l, loop_stage stage)
{
    pthread_mutex_lock(&l->lock);
    while (l->stage == stage) pthread_cond_wait(&l->changed, &l->lock);
    stage = l->stage;
    pthread_mutex_unlock(&l->lock);
    return stage;
}

static void open_context(loop *l)
{
    mw_server *s = l->server;
    h2o_context_init(&l->ctx, h2o_evloop_create(), &s->config);
    h2o_multithread_register_receiver(l->ctx.queue, &l->inbox, exchange_come_back);
    h2o_multithread_register_receiver(l->ctx.queue, &l->wake, on_wake);
    l->box->to = &l->inbox;
    l->accept = (h2o_accept_ctx_t){.ctx = &l->ctx, .hosts = s->config.hosts};
    for (size_t i = 0; i < s->o.n_listen; i++) {
        l->listeners[i] =
            h2o_evloop_socket_create(l->ctx.loop, l->fds[i], H2O_SOCKET_FLAG_DONT_READ);
        l->listeners[i]->data = l;
    }
}

static void close_context(loop *l)
{
    if (!l->stopping) begin_stop(l);
    pthread_mutex_lock(&l->box->lock);
    l->box->to = NULL;
    pthread_mutex_unlock(&l->box->lock);
    while (!h2o_linklist_is_empty(&l->lingering)) linger_end((lingerer *)l->lingering.next);
    h2o_evloop_run(l->ctx.loop, 0); /* what came in just before */
    h2o_evloop_run(l->ctx.loop, 0);
    if (l->n_conns) return; /* h2o dies when a connection outlives its context */
    h2o_multithread_unregister_receiver(l->ctx.queue, &l->inbox);
    h2o_multithread_unregister_receiver(l->ctx.queue, &l->wake);
    h2o_evloop_t *evloop = l->ctx.loop;
    h2o_context_dispose(&l->ctx);
    h2o_evloop_run(evloop, 0);
    h2o_evloop_destroy(evloop);
}

/* h2o takes a socket's buffers from free lists of the thread that made the socket, and the
 * context has a socket of its own: so the thread that runs a context also makes and ends it. */
static void *run(void *arg)
{
    loop *l = arg;
    open_context(l);
    tell(l, LOOP_READY);
    if (wait_while(l, LOOP_READY) == LOOP_SERVING) serve(l);
    close_context(l);
    return NULL;
}

void loop_init(loop *l, mw_server *s, const int *fds)
{
    sigset_t all, before;
    l->server = s;
    h2o_linklist_init_anchor(&l->conns);
    h2o_linklist_init_anchor(&l->lingering);
    h2o_linklist_init_anchor(&l->unwatched);
    l->listeners = mw_array(s->o.n_listen, sizeof *l->listeners);
    l->fds = fds;
    l->box = mw_zalloc(sizeof *l->box);
    l->box->refs = 1;
    pthread_mutex_init(&l->box->lock, NULL);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MW_ASSERT(pthread_create(&l->thread, NULL, run, l) == 0);
    pthread_setname_np(l->thread, "mw-http");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    wait_while(l, LOOP_OPENING);
    l->fds = NULL;
}

void loop_start(loop *l) { tell(l, LOOP_SERVING); }

void loop_stop(loop *l)
{
    if (l->stage == LOOP_SERVING)
        h2o_multithread_send_message(&l->wake, &l->stop_message);
    else
        tell(l, LOOP_UNUSED);
}

void loop_join(loop *l) { pthread_join(l->thread, NULL); }

void loop_deinit(loop *l)
{
    mailbox_release(l->box);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    mw_free(l->listeners);
}

/* -- leak checker ---------------------------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__
/* h2o keeps free lists per thread and forgets the struct of a destroyed queue; both are its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_mem_alloc_recycle\nleak:h2o_multithread_create_queue\n";
}
#endif
