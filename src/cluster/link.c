/* link.c - hiredis async under poll(2).
 *
 * hiredis tells through its hooks whether it wants to read or write; prepare turns that into a
 * pollfd.  A context is freed only from turn and free, never inside one of its callbacks: whatever
 * goes wrong there is noted in `doom`.  hiredis may also free a context by itself; its cleanup hook
 * is how the link hears of it, after all callbacks under way have been answered with NULL.
 * Redis answers in order, so the oldest command's deadline is the one to watch.
 * SPDX-License-Identifier: MIT */
#include "cluster/link.h"

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

enum { DIAL_MS = 2000, GREET_MS = 2000, FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 2000 };

enum state { AWAY, DIALING, GREETING, UP };

struct command {
    struct command *next;
    mw_link *link;
    int64_t deadline_ms;
    mw_link_reply *reply;
    void *arg;
};

struct mw_link {
    mw_redis_url url;
    mw_link_owner owner;
    redisAsyncContext *ac; /* NULL while away */
    enum state state;
    bool want_read, want_write;
    char doom[256];                /* not empty: end the connection at the next turn */
    int64_t dial_ms, deadline_ms;  /* when to dial again; when dialing or greeting has failed */
    int64_t pause_ms;              /* the next pause between tries */
    uint64_t tries;                /* also picks among the addresses of a name */
    struct command *first, **last; /* under way, oldest first */
};

bool mw_link_is_up(const mw_link *l) { return l->state == UP; }

/* -- words ------------------------------------------------------------------------------------ */

void mw_words_add(mw_words *w, mw_str s)
{
    mw_buf_str(&w->bytes, s);
    MW_PUSH(w->len, w->n, w->cap, s.n);
}

void mw_words_text(mw_words *w, const char *text) { mw_words_add(w, mw_str_of(text)); }

void mw_words_printf(mw_words *w, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    MW_ASSERT(n >= 0 && (size_t)n < sizeof text);
    mw_words_add(w, (mw_str){text, (size_t)n});
}

static void words_deinit(mw_words *w)
{
    mw_buf_deinit(&w->bytes);
    mw_free(w->len);
    *w = (mw_words){0};
}

/* -- the end of a connection ------------------------------------------------------------------ */

static void doom(mw_link *l, const char *fmt, ...)
{
    if (l->doom[0]) return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->doom, sizeof l->doom, fmt, ap);
    va_end(ap);
}

/* A quarter up or down, so that nodes do not come back all at the same moment. */
static int64_t jitter(mw_link *l, int64_t ms)
{
    uint64_t h = mw_hash(&l->tries, sizeof l->tries);
    return ms * 3 / 4 + (int64_t)(h % (uint64_t)(ms / 2 + 1));
}

static void end_connection(mw_link *l, int64_t now_ms)
{
    char why[sizeof l->doom];
    if (l->ac) redisAsyncFree(l->ac); /* answers what is under way, then on_cleanup */
    memcpy(why, l->doom, sizeof why);
    l->doom[0] = 0;
    l->state = AWAY;
    l->dial_ms = now_ms + jitter(l, l->pause_ms);
    l->pause_ms = l->pause_ms * 2 < LONGEST_PAUSE_MS ? l->pause_ms * 2 : LONGEST_PAUSE_MS;
    l->owner.down(l->owner.arg, why);
}

/* -- hiredis hooks ---------------------------------------------------------------------------- */

static void add_read(void *l) { ((mw_link *)l)->want_read = true; }
static void del_read(void *l) { ((mw_link *)l)->want_read = false; }
static void add_write(void *l) { ((mw_link *)l)->want_write = true; }
static void del_write(void *l) { ((mw_link *)l)->want_write = false; }

static void on_cleanup(void *arg)
{
    mw_link *l = arg;
    if (l->ac && l->ac->errstr && l->ac->errstr[0]) doom(l, "%s", l->ac->errstr);
    doom(l, "the connection was closed");
    l->ac = NULL;
    l->want_read = l->want_write = false;
}

static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
    struct command *c = arg;
    mw_link *l = c->link;
    struct command **at = &l->first;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    if (!*at) l->last = at;
    c->reply(c->arg, reply);
    mw_free(c);
}

/* -- greeting --------------------------------------------------------------------------------- */

static bool send_words(mw_link *l, mw_words *w, int timeout_ms, mw_link_reply *reply, void *arg)
{
    struct command *c = mw_alloc(sizeof *c);
    const char **word = mw_array(w->n, sizeof *word);
    const char *p = w->bytes.p;
    for (size_t i = 0; i < w->n; p += w->len[i++]) word[i] = p;
    *c = (struct command){.link = l, .reply = reply, .arg = arg};
    c->deadline_ms = mw_mono_ns() / 1000000 + timeout_ms;
    int rc = redisAsyncCommandArgv(l->ac, on_reply, c, (int)w->n, word, w->len);
    words_deinit(w);
    mw_free(word);
    if (rc != REDIS_OK) return mw_free(c), false;
    *l->last = c;
    l->last = &c->next;
    return true;
}

bool mw_link_send(mw_link *l, mw_words *w, int timeout_ms, mw_link_reply *reply, void *arg)
{
    if (l->state == UP && l->ac && !l->doom[0]) return send_words(l, w, timeout_ms, reply, arg);
    words_deinit(w);
    return false;
}

static void on_greeting(void *arg, const redisReply *r)
{
    mw_link *l = arg;
    if (r && r->type == REDIS_REPLY_ERROR) doom(l, "Redis refuses: %s", r->str);
}

static void on_pong(void *arg, const redisReply *r)
{
    mw_link *l = arg;
    on_greeting(l, r);
    if (!r || l->doom[0]) return;
    l->state = UP;
    l->pause_ms = FIRST_PAUSE_MS;
    l->owner.up(l->owner.arg);
}

static void greet(mw_link *l)
{
    mw_words auth = {0}, select = {0}, ping = {0};
    l->state = GREETING;
    if (l->url.password[0]) {
        mw_words_text(&auth, "AUTH");
        if (l->url.user[0]) mw_words_text(&auth, l->url.user);
        mw_words_text(&auth, l->url.password);
        send_words(l, &auth, GREET_MS, on_greeting, l);
    }
    if (l->url.db) {
        mw_words_text(&select, "SELECT");
        mw_words_printf(&select, "%d", l->url.db);
        send_words(l, &select, GREET_MS, on_greeting, l);
    }
    mw_words_text(&ping, "PING");
    send_words(l, &ping, GREET_MS, on_pong, l);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
    mw_link *l = ac->ev.data;
    if (status == REDIS_OK)
        greet(l);
    else
        doom(l, "connect to %s:%d: %s", l->url.host, l->url.port, ac->errstr);
}

/* -- dialing ---------------------------------------------------------------------------------- */

/* One address of the host as a number: hiredis would block in its own look-up. */
static bool resolve(mw_link *l, char out[NI_MAXHOST])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    uint64_t n = 0;
    int rc = getaddrinfo(l->url.host, NULL, &hints, &list);
    if (rc) {
        doom(l, "connect to %s:%d: %s", l->url.host, l->url.port, gai_strerror(rc));
        return false;
    }
    for (struct addrinfo *a = list; a; a = a->ai_next) n++;
    struct addrinfo *a = list;
    for (uint64_t skip = l->tries % n; skip; skip--) a = a->ai_next;
    rc = getnameinfo(a->ai_addr, a->ai_addrlen, out, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(list);
    return rc == 0;
}

static void dial(mw_link *l, int64_t now_ms)
{
    char address[NI_MAXHOST];
    if (!resolve(l, address)) {
        doom(l, "connect to %s:%d: no address", l->url.host, l->url.port);
        return;
    }
    l->tries++;
    redisAsyncContext *ac = redisAsyncConnect(address, l->url.port);
    MW_ASSERT(ac);
    if (ac->err) {
        doom(l, "connect to %s:%d: %s", l->url.host, l->url.port, ac->errstr);
        redisAsyncFree(ac);
        return;
    }
    l->ac = ac;
    l->state = DIALING;
    l->deadline_ms = now_ms + DIAL_MS;
    ac->ev.data = l;
    ac->ev.addRead = add_read;
    ac->ev.delRead = del_read;
    ac->ev.addWrite = add_write;
    ac->ev.delWrite = del_write;
    ac->ev.cleanup = on_cleanup;
    redisAsyncSetConnectCallback(ac, on_connect);
}

/* -- polling ---------------------------------------------------------------------------------- */

int64_t mw_link_prepare(mw_link *l, int64_t now_ms, struct pollfd *fd)
{
    *fd = (struct pollfd){.fd = -1};
    if (l->state == AWAY && now_ms >= l->dial_ms) dial(l, now_ms);
    if (l->doom[0]) return 0;
    if (!l->ac) return l->dial_ms - now_ms;
    fd->fd = l->ac->c.fd;
    fd->events = (short)((l->want_read ? POLLIN : 0) | (l->want_write ? POLLOUT : 0));
    int64_t until = l->state == DIALING ? l->deadline_ms : now_ms + 60000;
    if (l->first && l->first->deadline_ms < until) until = l->first->deadline_ms;
    return until > now_ms ? until - now_ms : 0;
}

void mw_link_turn(mw_link *l, int64_t now_ms, short revents)
{
    bool broken = revents & (POLLERR | POLLHUP); /* reading or writing will tell how */
    if (l->ac && l->want_write && (revents & POLLOUT || broken)) redisAsyncHandleWrite(l->ac);
    if (l->ac && l->want_read && (revents & POLLIN || broken)) redisAsyncHandleRead(l->ac);
    if (l->ac && l->state == DIALING && now_ms >= l->deadline_ms)
        doom(l, "connect to %s:%d: timed out", l->url.host, l->url.port);
    if (l->ac && l->first && now_ms >= l->first->deadline_ms)
        doom(l, "no answer from %s:%d in time", l->url.host, l->url.port);
    if (l->doom[0]) end_connection(l, now_ms);
}

static void nobody_listens(void *arg, const char *why) {}

mw_link *mw_link_new(const mw_redis_url *url, mw_link_owner owner, uint64_t seed)
{
    mw_link *l = mw_zalloc(sizeof *l);
    l->url = *url;
    l->owner = owner;
    l->tries = seed;
    l->pause_ms = FIRST_PAUSE_MS;
    l->last = &l->first;
    return l;
}

void mw_link_free(mw_link *l)
{
    if (!l) return;
    l->owner.down = nobody_listens;
    doom(l, "closing");
    end_connection(l, 0);
    mw_free(l);
}
