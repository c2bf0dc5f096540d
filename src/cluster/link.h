/* link.h - one connection to Redis that comes back by itself.
 *
 * Belongs to one thread, which polls it: prepare, poll, turn.  Every command has a deadline; a
 * Redis that is stopped, not closed, never answers, so a missed deadline ends the connection.
 * SPDX-License-Identifier: MIT */
#ifndef MW_CLUSTER_LINK_H
#define MW_CLUSTER_LINK_H
#include <hiredis/async.h>
#include <poll.h>

#include "base/buf.h"
#include "net/redis_url.h"

typedef struct mw_link mw_link;

/* UP: greeted and usable.  DOWN: lost, or a try to connect failed; WHY in words. */
typedef struct mw_link_owner {
    void (*up)(void *arg);
    void (*down)(void *arg, const char *why);
    void *arg;
} mw_link_owner;

mw_link *mw_link_new(const mw_redis_url *url, mw_link_owner owner, uint64_t seed);
void mw_link_free(mw_link *l); /* commands under way are answered with NULL; NULL is fine */
bool mw_link_is_up(const mw_link *l);

/* Dials when it is time.  Fills FD (fd -1 when there is nothing to watch) and returns the
 * milliseconds until the link wants a turn at the latest. */
int64_t mw_link_prepare(mw_link *l, int64_t now_ms, struct pollfd *fd);
void mw_link_turn(mw_link *l, int64_t now_ms, short revents);

/* -- commands --------------------------------------------------------------------------------- */

/* The words of a command, copied one after the other. */
typedef struct mw_words {
    mw_buf bytes;
    size_t *len, n, cap;
} mw_words;
void mw_words_add(mw_words *w, mw_str s);
void mw_words_text(mw_words *w, const char *text);
void mw_words_printf(mw_words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* R is valid during the call; NULL: the connection ended before an answer came. */
typedef void mw_link_reply(void *arg, const redisReply *r);

/* Frees W.  False, and REPLY is not called, when the link is not up. */
bool mw_link_send(mw_link *l, mw_words *w, int timeout_ms, mw_link_reply *reply, void *arg);

#endif
