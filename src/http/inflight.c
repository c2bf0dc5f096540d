/* inflight.c - what request bodies hold, and refusing before they hold too much.
 *
 * h2o 2.2 gives a request to its handler when the whole body is in memory, so many half-sent bodies
 * could fill memory before any handler could say no.  Therefore our read callback stands before
 * h2o's: it counts what the socket's input buffer has grown to and, when all of them together are
 * over the limit, answers 429 and tells h2o that reading failed.  What one connection may add
 * between two looks is what the kernel had received for it.
 *
 * h2o sets its callback again whenever it begins to read, for the next request or after "100
 * Continue".  So a connection from which nobody reads is in a list, and after each round of the
 * loop ours is put before those that read again; no byte is read in between.
 * SPDX-License-Identifier: MIT */
#include "http/loop.h"

/* Requests up to this size are let through to where their route is known; larger ones have a body
 * that would still grow. */
enum { SMALL_BYTES = 16 << 10 };

void inflight_add(mw_server *s, size_t bytes)
{
    if (bytes) __atomic_add_fetch(&s->in_flight, bytes, __ATOMIC_RELAXED);
}

void inflight_sub(mw_server *s, size_t bytes)
{
    if (bytes) __atomic_sub_fetch(&s->in_flight, bytes, __ATOMIC_RELAXED);
}

bool inflight_is_over(const mw_server *s)
{
    return __atomic_load_n(&s->in_flight, __ATOMIC_RELAXED) > s->o.max_in_flight;
}

static void weigh(conn *c)
{
    size_t now = c->sock->input->size;
    if (now > c->held)
        inflight_add(c->loop->server, now - c->held);
    else
        inflight_sub(c->loop->server, c->held - now);
    c->held = now;
}

static void on_read(h2o_socket_t *sock, const char *err);

/* Ours before h2o's, or into the list when h2o does not read. */
static void put_before(conn *c)
{
    h2o_socket_cb read = c->sock->_cb.read;
    if (!read) {
        if (!h2o_linklist_is_linked(&c->unwatched))
            h2o_linklist_insert(&c->loop->unwatched, &c->unwatched);
        return;
    }
    if (h2o_linklist_is_linked(&c->unwatched)) h2o_linklist_unlink(&c->unwatched);
    if (read == on_read) return;
    c->read = read;
    c->sock->_cb.read = on_read;
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    conn *c = sock->on_close.data;
    loop *l = c->loop;
    weigh(c);
    if (!err && !c->x && c->held > SMALL_BYTES && inflight_is_over(l->server)) {
        refuse_too_much(c, (mw_str){sock->input->bytes, sock->input->size});
        err = REFUSE_TOO_MUCH;
    }
    sock->_cb.read = c->read;
    l->reading = c;
    c->read(sock, err);
    if (l->reading == c) put_before(c);
    l->reading = NULL;
}

void inflight_open(conn *c) { put_before(c); }

void inflight_close(conn *c)
{
    if (c->loop->reading == c) c->loop->reading = NULL;
    if (h2o_linklist_is_linked(&c->unwatched)) h2o_linklist_unlink(&c->unwatched);
    inflight_sub(c->loop->server, c->held);
}

void inflight_watch(loop *l)
{
    for (h2o_linklist_t *at = l->unwatched.next, *next; at != &l->unwatched; at = next) {
        next = at->next;
        conn *c = H2O_STRUCT_FROM_MEMBER(conn, unwatched, at);
        weigh(c);
        put_before(c);
    }
}
