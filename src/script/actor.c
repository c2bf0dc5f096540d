/* actor.c - the thread: mail, then work that is due, then sleep until there is more of either.
 *
 * The state is opened, used and left by this one thread, because the budget of a guest is counted
 * on the clock of the thread that runs it.  Mail is taken in batches; after a batch the object is
 * asked again what is due, since a message may bring work forward.  Calls of guests that were left
 * in the middle go on one slice at a time, each after all that.
 * SPDX-License-Identifier: MIT */
#include "script/actor.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "script/cross.h"
#include "script/sandbox.h"
#include "script/state.h"

enum { CAPACITY = 16384, BATCH = 256 };
static const int64_t batch_ns = 50000000; /* of messages before the next tick */
#define REPLY_MARK "moonwatch.reply"

struct mw_actor {
    char name[16];
    mw_host *host;
    mw_lua *lua;
    mw_mailbox *inbox; /* the state's, kept here so that it outlives the state */
    pthread_t thread;
    bool joined;
    /* what mw_actor_new and the thread tell each other */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum { OPENING, READY, GOING, FAILED } stage;
    const char *module;
    mw_value *init;
    mw_err err;
    int object;     /* reference in the state's registry */
    int64_t due_ns; /* monotonic; 0: nothing is due until there is mail */
    mw_series *messages, *failures, *seconds, *depth;
};

static double now_of(const mw_actor *a) { return (double)mw_now_ms(a->host->clock) / 1000; }

static void failed(mw_actor *a, const char *doing, const mw_err *err)
{
    mw_counter_add(a->failures, 1);
    mw_log(MW_ERROR, "an actor failed", "actor=%s doing=%s error=%s", a->name, doing, err->msg);
}

/* -- replies ---------------------------------------------------------------------------------- */

typedef struct slot {
    mw_reply *reply; /* NULL once it was used */
    void *arg;
} slot;

static void answer(slot *s, mw_value *take)
{
    mw_reply *reply = s->reply;
    s->reply = NULL;
    if (reply)
        reply(s->arg, take);
    else
        mw_value_free(take);
}

/* The message was dropped without an answer: whoever asked must not wait for ever. */
static int slot_gc(lua_State *L)
{
    slot *s = lua_touserdata(L, 1);
    if (s->reply) answer(s, mw_error_new("no answer"));
    return 0;
}

static mw_value *value_at(lua_State *L, int idx)
{
    mw_err err;
    mw_err_init(&err);
    if (lua_isnil(L, idx)) return mw_map_new();
    if (!lua_istable(L, idx)) return mw_error_new("an answer must be a table");
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *v = mw_cross_get(L, idx, &mw_cross_trusted, &err);
    return v ? v : mw_error_new(err.msg);
}

/* msg.reply(answer) */
static int call_reply(lua_State *L)
{
    slot *s = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 1);
    if (!s->reply) return luaL_error(L, "this message was answered already");
    answer(s, value_at(L, 1));
    return 0;
}

/* Pushes the slot and sets msg.reply in the message below it. */
static void push_slot(lua_State *L, const mw_mail *mail)
{
    slot *s = lua_newuserdata(L, sizeof *s);
    *s = (slot){mail->reply, mail->reply_arg};
    if (luaL_newmetatable(L, REPLY_MARK)) {
        lua_pushcfunction(L, slot_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, call_reply, 1);
    lua_setfield(L, -3, "reply");
}

/* -- calling the object ----------------------------------------------------------------------- */

/* Pushes object[METHOD] and the object. */
static void push_method(mw_actor *a, const char *method)
{
    lua_State *L = a->lua->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, a->object);
    lua_getfield(L, -1, method);
    lua_insert(L, -2);
}

static bool is_later(lua_State *L, int idx)
{
    return lua_type(L, idx) == LUA_TLIGHTUSERDATA &&
           lua_touserdata(L, idx) == (void *)&mw_cross_trusted;
}

static void handle(mw_actor *a, mw_mail *mail)
{
    lua_State *L = a->lua->L;
    mw_err err;
    mw_err_init(&err);
    int base = lua_gettop(L);
    slot *s = NULL;
    mw_cross_push(L, mail->value);
    mw_value_free(mail->value);
    if (mail->reply) {
        push_slot(L, mail);
        s = lua_touserdata(L, -1);
        lua_insert(L, -2); /* the slot stays below, safe from collection */
    }
    int msg = lua_gettop(L);
    push_method(a, "handle");
    lua_pushvalue(L, msg);
    lua_pushnumber(L, now_of(a));
    if (mw_lua_run(a->lua, 3, 1, &err)) {
        failed(a, "handle", &err);
        if (s && s->reply) answer(s, mw_error_new(err.msg));
    } else if (s && s->reply && !is_later(L, -1)) {
        answer(s, value_at(L, -1));
    }
    lua_settop(L, base);
}

static void deliver(mw_actor *a, mw_mail *mail)
{
    int64_t start = mw_mono_ns();
    mw_counter_add(a->messages, 1);
    if (!mail->ticket) {
        handle(a, mail);
    } else {
        mw_err err;
        mw_err_init(&err);
        if (!mw_lua_answer(a->lua, mail, &err)) failed(a, "answer", &err);
    }
    mw_histogram_observe(a->seconds, (double)(mw_mono_ns() - start) / 1e9);
}

/* The moment that the object asks for, no earlier than now. */
static void tick(mw_actor *a)
{
    lua_State *L = a->lua->L;
    mw_err err;
    mw_err_init(&err);
    double now = now_of(a);
    push_method(a, "tick");
    lua_pushnumber(L, now);
    if (mw_lua_run(a->lua, 2, 1, &err)) {
        failed(a, "tick", &err);
        a->due_ns = mw_mono_ns() + 1000000000;
        return;
    }
    a->due_ns = 0;
    if (lua_isnumber(L, -1)) {
        double wait = lua_tonumber(L, -1) - now_of(a);
        /* An hour at most: a clock that steps must not put us to sleep for a year. */
        if (!(wait < 3600)) wait = 3600;
        if (wait < 0) wait = 0;
        a->due_ns = mw_mono_ns() + (int64_t)(wait * 1e9) + 1;
    }
    lua_pop(L, 1);
}

/* When memory is looked through again, in percent of what was alive the last time.  Twice as much
 * is Lua's way, and right for a small heap.  One that grows because something happens is mostly
 * alive, and would be walked through for nothing at each doubling: it may grow fourfold, as long as
 * that is no more than SPARE_MIB. */
enum { SMALL_MIB = 16, SPARE_MIB = 128, PAUSE = 200, LONG_PAUSE = 400 };

static void pace(lua_State *L)
{
    int mib = lua_gc(L, LUA_GCCOUNT, 0) >> 10;
    int pause = mib < SMALL_MIB ? PAUSE : 100 + 100 * SPARE_MIB / mib;
    if (pause > LONG_PAUSE) pause = LONG_PAUSE;
    if (pause < PAUSE) pause = PAUSE;
    lua_gc(L, LUA_GCSETPAUSE, pause);
}

/* What comes of it may be due at once. */
static void proceed(mw_actor *a)
{
    mw_err err;
    mw_err_init(&err);
    if (!mw_lua_any_left(a->lua)) return;
    if (!mw_lua_proceed(a->lua, &err)) failed(a, "answer", &err);
    a->due_ns = 1;
}

static void last_call(mw_actor *a)
{
    mw_err err;
    mw_err_init(&err);
    push_method(a, "stop");
    lua_pushnumber(a->lua->L, now_of(a));
    if (mw_lua_run(a->lua, 2, 0, &err)) failed(a, "stop", &err);
}

/* -- the thread ------------------------------------------------------------------------------- */

static int build(lua_State *L)
{
    mw_actor *a = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushstring(L, a->module);
    lua_call(L, 1, 1);
    mw_cross_push(L, a->init);
    lua_call(L, 1, 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    a->object = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int open_state(mw_actor *a)
{
    a->lua = mw_lua_new(a->host, false, &a->err);
    if (!a->lua) return a->err.code;
    a->inbox = mw_mailbox_retain(a->lua->inbox);
    lua_pushcfunction(a->lua->L, build);
    lua_pushlightuserdata(a->lua->L, a);
    return mw_lua_run(a->lua, 1, 0, &a->err);
}

static void tell(mw_actor *a, int stage)
{
    pthread_mutex_lock(&a->lock);
    a->stage = stage;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static void wait_while(mw_actor *a, int stage)
{
    pthread_mutex_lock(&a->lock);
    while ((int)a->stage == stage) pthread_cond_wait(&a->changed, &a->lock);
    pthread_mutex_unlock(&a->lock);
}

static void live(mw_actor *a)
{
    mw_mail mail;
    tick(a);
    for (;;) {
        bool got = mw_mailbox_next(a->inbox, mw_lua_any_left(a->lua) ? 1 : a->due_ns, &mail);
        int64_t until = mw_mono_ns() + batch_ns;
        for (int n = 1; got; n++) {
            deliver(a, &mail);
            got = n < BATCH && mw_mono_ns() < until && mw_mailbox_depth(a->inbox) &&
                  mw_mailbox_next(a->inbox, 1, &mail);
        }
        mw_gauge_set(a->depth, (double)mw_mailbox_depth(a->inbox));
        if (mw_mailbox_closed(a->inbox) && !mw_mailbox_depth(a->inbox)) break;
        tick(a);
        pace(a->lua->L);
        proceed(a);
    }
    last_call(a);
}

static void *run(void *arg)
{
    mw_actor *a = arg;
    int rc = open_state(a);
    tell(a, rc == MW_OK ? READY : FAILED);
    if (rc == MW_OK) {
        wait_while(a, READY);
        live(a);
    }
    mw_lua_free(a->lua);
    a->lua = NULL;
    return NULL;
}

/* -- for other threads ------------------------------------------------------------------------ */

static void instruments(mw_actor *a)
{
    mw_registry *reg = a->host->registry;
    a->messages = mw_counter(reg, "moonwatch_actor_messages_total", "Messages and answers handled.",
                             "actor", a->name, NULL);
    a->failures = mw_counter(reg, "moonwatch_actor_failures_total", "Handlers that failed.",
                             "actor", a->name, NULL);
    a->seconds = mw_histogram(reg, "moonwatch_actor_message_seconds", "Time to handle a message.",
                              "actor", a->name, NULL);
    a->depth = mw_gauge(reg, "moonwatch_actor_mailbox_depth", "Messages that wait.", "actor",
                        a->name, NULL);
}

mw_actor *mw_actor_new(mw_host *host, const char *name, const char *module, mw_value *init,
                       mw_err *err)
{
    sigset_t all, before;
    mw_actor *a = mw_zalloc(sizeof *a);
    strncpy(a->name, name, sizeof a->name - 1);
    a->host = host;
    a->module = module;
    a->init = init;
    mw_err_init(&a->err);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    instruments(a);
    sigfillset(&all);
    sigdelset(&all, mw_watch_signal());
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MW_ASSERT(pthread_create(&a->thread, NULL, run, a) == 0);
    pthread_setname_np(a->thread, a->name);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    wait_while(a, OPENING);
    mw_value_free(a->init);
    a->init = NULL;
    if (a->stage == READY) return a;
    mw_fail(err, a->err.code, a->err.line, a->err.col, "the %s actor does not start: %s", name,
            a->err.msg);
    mw_actor_free(a);
    return NULL;
}

void mw_actor_start(mw_actor *a) { tell(a, GOING); }

void mw_actor_stop(mw_actor *a)
{
    if (a->joined) return;
    if (a->inbox) mw_mailbox_close(a->inbox);
    if (a->stage == READY) tell(a, GOING);
    pthread_join(a->thread, NULL);
    a->joined = true;
}

void mw_actor_free(mw_actor *a)
{
    if (!a) return;
    mw_actor_stop(a);
    mw_mailbox_release(a->inbox);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    mw_free(a);
}

int mw_actor_send(mw_actor *a, mw_value *msg)
{
    return mw_mailbox_send(a->inbox, (mw_mail){.value = msg});
}

int mw_actor_ask(mw_actor *a, mw_value *msg, mw_reply *reply, void *arg)
{
    return mw_mailbox_send(a->inbox, (mw_mail){.value = msg, .reply = reply, .reply_arg = arg});
}
