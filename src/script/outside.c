/* outside.c - a queue of requests; `done` is a closure over a ticket that answers once, at the
 * latest when nobody can call it any more.  SPDX-License-Identifier: MIT */
#include "script/outside.h"

#include <lauxlib.h>

#include "base/mem.h"
#include "script/cross.h"
#include "script/handles.h"

#define TICKET_TYPE "moonwatch.ticket"

struct waiting {
    struct waiting *next;
    mw_value *arg;
    mw_reply *reply;
    void *reply_arg;
};

struct mw_outside {
    struct waiting *first, **last;
    bool attended; /* somebody has asked for requests, and so will again */
};

mw_outside *mw_outside_new(void)
{
    mw_outside *o = mw_zalloc(sizeof *o);
    o->last = &o->first;
    return o;
}

static struct waiting *take(mw_outside *o)
{
    struct waiting *w = o->first;
    if (!w) return NULL;
    o->first = w->next;
    if (!o->first) o->last = &o->first;
    return w;
}

void mw_outside_free(mw_outside *o)
{
    if (!o) return;
    for (struct waiting *w; (w = take(o));) {
        mw_value_free(w->arg);
        w->reply(w->reply_arg, mw_error_new("the world is over"));
        mw_free(w);
    }
    mw_free(o);
}

static void http(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_outside *o = self;
    if (!o->attended) {
        mw_value_free(arg);
        reply(reply_arg, mw_error_new("operation \"http\" is not offered here"));
        return;
    }
    struct waiting *w = mw_alloc(sizeof *w);
    *w = (struct waiting){NULL, arg, reply, reply_arg};
    *o->last = w;
    o->last = &w->next;
}

void mw_outside_offer(mw_outside *o, mw_host *host) { mw_host_add_op(host, "http", o, http); }

/* -- answering ------------------------------------------------------------------------------ */

struct ticket {
    mw_reply *reply; /* NULL: answered */
    void *reply_arg;
};

static void answer(struct ticket *t, mw_value *v)
{
    mw_reply *reply = t->reply;
    t->reply = NULL;
    if (reply)
        reply(t->reply_arg, v);
    else
        mw_value_free(v);
}

static int ticket_gc(lua_State *L)
{
    struct ticket *t = lua_touserdata(L, 1);
    if (t->reply) answer(t, mw_error_new("nobody answered"));
    return 0;
}

static int done(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *v = mw_cross_get(L, 1, &mw_cross_trusted, &err);
    if (!v) return luaL_error(L, "%s", err.msg);
    answer(lua_touserdata(L, lua_upvalueindex(1)), v);
    return 0;
}

void mw_outside_push(lua_State *L, mw_outside *o)
{
    o->attended = true;
    if (!o->first) {
        lua_pushnil(L);
        return;
    }
    lua_createtable(L, 0, 3);
    struct ticket *t = lua_newuserdata(L, sizeof *t);
    *t = (struct ticket){0};
    mw_set_type(L, TICKET_TYPE, ticket_gc);
    lua_pushcclosure(L, done, 1);
    lua_setfield(L, -2, "done");
    lua_pushliteral(L, "http");
    lua_setfield(L, -2, "op");
    mw_cross_push(L, o->first->arg); /* may raise: until then it stays where it is */
    lua_setfield(L, -2, "arg");
    struct waiting *w = take(o);
    *t = (struct ticket){w->reply, w->reply_arg};
    mw_value_free(w->arg);
    mw_free(w);
}
