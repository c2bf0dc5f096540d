/* host_calls.c - host.call, host.send and host.ask: work that others do, answers that come later.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "base/mem.h"
#include "script/actor.h"
#include "script/cross.h"
#include "script/state.h"

/* The value at IDX; an error of the caller when it cannot cross. */
static mw_value *check_value(lua_State *L, int idx)
{
    mw_err err;
    mw_err_init(&err);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *v = mw_cross_get(L, idx, &mw_cross_trusted, &err);
    if (!v) luaL_error(L, "%s", err.msg);
    return v;
}

/* -- what happens with an answer ------------------------------------------------------------- */

/* A continuation in Lua: a reference to it in the registry. */
static bool then_call(mw_lua *l, void *arg, mw_value *answer, mw_err *err)
{
    int *ref = arg;
    bool ok = true;
    if (answer) {
        lua_rawgeti(l->L, LUA_REGISTRYINDEX, *ref);
        mw_cross_push(l->L, answer);
        mw_value_free(answer);
        ok = mw_lua_run(l, 1, 0, err) == MW_OK;
    }
    if (l->L) luaL_unref(l->L, LUA_REGISTRYINDEX, *ref);
    mw_free(ref);
    return ok;
}

static bool then_drop(mw_lua *l, void *arg, mw_value *answer, mw_err *err)
{
    mw_value_free(answer);
    return true;
}

static bool then_keep(mw_lua *l, void *arg, mw_value *answer, mw_err *err)
{
    *(mw_value **)arg = answer;
    return true;
}

/* The ticket for a call whose continuation is at stack index DONE. */
static mw_call_ticket *expect(mw_lua *l, lua_State *L, int done, uint64_t *number)
{
    if (lua_isnoneornil(L, done)) return mw_lua_expect(l, then_drop, NULL, number);
    luaL_checktype(L, done, LUA_TFUNCTION);
    lua_pushvalue(L, done);
    int *ref = mw_alloc(sizeof *ref);
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return mw_lua_expect(l, then_call, ref, number);
}

static int push_answer(lua_State *L, mw_value *answer)
{
    if (!answer) return luaL_error(L, "interrupted");
    mw_cross_push(L, answer);
    mw_value_free(answer);
    return 1;
}

/* -- the functions --------------------------------------------------------------------------- */

static int host_call(lua_State *L)
{
    mw_face *face = mw_face_of(L);
    mw_lua *l = face->lua;
    const char *op = luaL_checkstring(L, 1);
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) luaL_checktype(L, 3, LUA_TFUNCTION);
    mw_value *arg = lua_isnil(L, 2) ? mw_map_new() : check_value(L, 2);
    uint64_t number;
    if (!l->waits) {
        mw_host_op(face->host, op, arg, mw_call_answer, expect(l, L, 3, &number));
        return 0;
    }
    mw_value *answer = NULL;
    bool wanted = lua_isnil(L, 3);
    mw_call_ticket *t =
        wanted ? mw_lua_expect(l, then_keep, &answer, &number) : expect(l, L, 3, &number);
    mw_host_op(face->host, op, arg, mw_call_answer, t);
    mw_err err;
    mw_err_init(&err);
    if (!mw_lua_wait(l, number, &err)) return luaL_error(L, "%s", err.msg);
    return wanted ? push_answer(L, answer) : 0;
}

static mw_actor *find_actor(mw_face *face, const char *name)
{
    return face->host->actor ? face->host->actor(face->host, name) : NULL;
}

static int host_send(lua_State *L)
{
    mw_face *face = mw_face_of(L);
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    mw_actor *to = find_actor(face, name);
    if (!to) return mw_lua_refuse_text(L, "there is no such actor here");
    int rc = mw_actor_send(to, check_value(L, 2));
    if (rc != MW_OK) return mw_lua_refuse_text(L, mw_code_text(rc));
    lua_pushboolean(L, 1);
    return 1;
}

static int host_ask(lua_State *L)
{
    mw_face *face = mw_face_of(L);
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TFUNCTION);
    mw_value *msg = check_value(L, 2);
    mw_call_ticket *t = expect(face->lua, L, 3, NULL);
    mw_actor *to = find_actor(face, name);
    if (!to) {
        mw_value_free(msg);
        mw_call_answer(t, mw_error_new("there is no such actor here"));
        return 0;
    }
    int rc = mw_actor_ask(to, msg, mw_call_answer, t);
    if (rc != MW_OK) mw_call_answer(t, mw_error_new(mw_code_text(rc)));
    return 0;
}

void mw_host_open_calls(lua_State *L)
{
    static const mw_host_fn fns[] = {
        {"call", host_call}, {"send", host_send}, {"ask", host_ask}, {NULL, NULL}};
    mw_host_set(L, fns);
    lua_pushlightuserdata(L, (void *)&mw_cross_trusted);
    lua_setfield(L, -3, "later");
}
