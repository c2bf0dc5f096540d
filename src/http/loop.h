/* loop.h - one h2o loop on one thread, with its connections; the server as its parts see it.
 *
 * Only loop.c, exchange.c, headers.c, inflight.c, refuse.c and server.c include this: nobody else
 * knows h2o.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_LOOP_H
#define MW_HTTP_LOOP_H
#define H2O_USE_LIBUV 0
#include <h2o.h>

#include "base/pool.h"
#include "http/observe.h"

typedef struct exchange exchange;

/* Where threads leave answers for a loop; outlives the loop while somebody may still answer. */
typedef struct mailbox {
    pthread_mutex_t lock;
    h2o_multithread_receiver_t *to; /* NULL: the loop is gone */
    unsigned refs;
} mailbox;

typedef struct conn {
    h2o_linklist_t link; /* first */
    struct loop *loop;
    h2o_socket_t *sock;
    exchange *x;       /* what is being answered, or NULL */
    size_t rest_bytes; /* bytes read when the last exchange was over: equal means idle */
    int linger_fd;     /* -1, or a duplicate that outlives the h2o side of it */
    /* inflight.c */
    h2o_linklist_t unwatched; /* linked while h2o does not read from the socket */
    h2o_socket_cb read;       /* h2o's, behind ours */
    size_t held;              /* bytes of input that are counted as in flight */
} conn;

typedef enum loop_stage { LOOP_OPENING, LOOP_READY, LOOP_SERVING, LOOP_UNUSED } loop_stage;

typedef struct loop {
    mw_server *server;
    pthread_t thread;
    pthread_mutex_t lock; /* over stage: how the thread and its owner meet */
    pthread_cond_t changed;
    loop_stage stage;
    const int *fds; /* while opening: one listening socket per address */
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t inbox, wake;
    h2o_multithread_message_t stop_message;
    h2o_socket_t **listeners;
    h2o_linklist_t conns, lingering, unwatched;
    conn *reading; /* whose input h2o looks at just now; NULL when it was closed meanwhile */
    unsigned n_conns, n_lingering, n_away; /* away: exchanges whose answer is made elsewhere */
    mailbox *box;
    bool stopping;
    int64_t stop_by_ns, watched_ns;
    int64_t deaf_until_ns, told_ns; /* without file handles nothing is accepted; when it was told */
} loop;

struct mw_server {
    mw_server_options o; /* defaults filled in; listen copied */
    mw_server_parts parts;
    h2o_globalconf_t config;
    loop *loops;
    mw_pool *pool;
    observe *observe;
    mw_regex *cors; /* of origins that may read; NULL: all */
    unsigned port, connections;
    size_t in_flight; /* bytes of requests, atomic */
    bool ready, stopped;
    int grace_ms;
    int64_t started_ms;
};

/* loop.c */
void loop_init(loop *l, mw_server *s, const int *fds); /* takes the sockets, not the array */
void loop_start(loop *l);                              /* accept */
void loop_stop(loop *l); /* once; the loop ends by itself afterwards */
void loop_join(loop *l);
void loop_deinit(loop *l);
conn *conn_of(h2o_req_t *req);
void conn_linger(conn *c); /* let the client read the answer before the connection is reset */

/* exchange.c */
void mailbox_release(mailbox *b);
void exchange_register(mw_server *s, h2o_hostconf_t *host);
void exchange_come_back(h2o_multithread_receiver_t *inbox, h2o_linklist_t *messages);
void exchange_watch(exchange *x, int64_t now_ns);    /* has its client left? is it overdue? */
void exchange_give_up(exchange *x, const char *why); /* answers 503 when it is away */

/* headers.c */
const char *answer_reason(int status);
void answer_headers(h2o_req_t *req, const mw_call *c); /* type, C's own, and who may read it */

/* inflight.c: bytes of requests that are being received or handled */
void inflight_open(conn *c);  /* h2o reads from it now */
void inflight_close(conn *c); /* it is about to end */
void inflight_watch(loop *l); /* after each round of the loop */
void inflight_add(mw_server *s, size_t bytes);
void inflight_sub(mw_server *s, size_t bytes);
bool inflight_is_over(const mw_server *s);

/* refuse.c: answers that h2o gives before a handler is asked, in our shapes */
void refuse_register(mw_server *s, h2o_hostconf_t *host);
/* Answer the request whose beginning INPUT is with 429, past h2o; the caller ends the connection.
 */
void refuse_too_much(conn *c, mw_str input);
#define REFUSE_TOO_MUCH "too many bytes of requests are in flight; come again in a second"

#endif
