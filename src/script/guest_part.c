/* guest_part.c - one part of a call, inside the guest's protection: whatever fails in here leaves
 * by lua_error and is caught by the lua_cpcall around it (guest_call.c).
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"

static void begin(lua_State *L, mw_guest_run *r)
{
    r->co = lua_newthread(L);
    r->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_State *co = r->co;
    size_t n = r->args && r->args->type == MW_LIST ? r->args->list.n : 0;
    luaL_checkstack(co, (int)n + 10, "too many arguments");
    lua_getfield(co, LUA_REGISTRYINDEX, MW_GUEST_FNS);
    lua_rawgeti(co, -1, r->fn);
    lua_remove(co, -2);
    if (!lua_isfunction(co, -1)) luaL_error(L, "this file has no function number %d", r->fn);
    for (size_t i = 0; i < n; i++) mw_cross_push(co, r->args->list.item[i]);
    if (r->has_ctx) {
        mw_ctx_push(co, r);
        lua_pushvalue(co, -1);
        r->ctx_ref = luaL_ref(co, LUA_REGISTRYINDEX);
    }
}

static mw_value *out(lua_State *L, lua_State *co, int idx, const char *what)
{
    mw_err err;
    mw_err_init(&err);
    mw_cross_room(co, &mw_guest_limits);
    mw_value *v = mw_cross_get(co, idx, &mw_guest_limits, &err);
    if (!v) luaL_error(L, "%s: %s", what, err.msg);
    return v;
}

static void collect(lua_State *L, mw_guest_run *r)
{
    int n = lua_gettop(r->co);
    r->values = mw_map_new(); /* by number: a list has no room for nil */
    for (int i = 1; i <= n && i <= 32; i++) {
        char key[16];
        mw_value *v = out(L, r->co, i, "what it returns");
        int len = snprintf(key, sizeof key, "%d", i);
        mw_map_add(r->values, (mw_str){key, (size_t)len}, true, v);
    }
    if (!r->has_ctx) return;
    lua_settop(r->co, 0);
    lua_rawgeti(r->co, LUA_REGISTRYINDEX, r->ctx_ref);
    lua_pushliteral(r->co, "state");
    lua_rawget(r->co, -2);
    if (!lua_istable(r->co, -1)) luaL_error(L, "ctx.state must be a table");
    r->state = out(L, r->co, -1, "ctx.state");
}

static void explain(lua_State *L, mw_guest_run *r)
{
    bool text = lua_type(r->co, -1) == LUA_TSTRING; /* anything else might run __tostring */
    const char *msg = text ? lua_tostring(r->co, -1) : "failed with an error that is no text";
    r->error = mw_strndup(msg, strnlen(msg, 2000));
    luaL_traceback(L, r->co, r->error, 0);
    const char *trace = lua_tostring(L, -1);
    r->traceback = mw_strndup(trace, strnlen(trace, 4000));
}

/* "file:line: " of the innermost line that waits, whatever C functions it went through. */
static void push_where(lua_State *co)
{
    lua_Debug ar;
    for (int level = 0; lua_getstack(co, level, &ar); level++) {
        if (!lua_getinfo(co, "Sl", &ar) || ar.currentline <= 0) continue;
        lua_pushfstring(co, "%s:%d: ", ar.short_src, ar.currentline);
        return;
    }
    lua_pushliteral(co, "");
}

/* The answer of the lane goes onto the stack as if the method had just returned.  One that failed
 * ends the run: no pcall gets what was refused for want of time. */
static int resume_asked(lua_State *L, mw_guest_run *r)
{
    mw_err err;
    mw_err_init(&err);
    mw_promql_result *got = mw_ask_take(r->guest->face, r->job, r->meter, r->ask.query.expr, &err);
    mw_lane_release(r->job);
    r->job = NULL;
    r->held = got;
    if (!got) {
        push_where(r->co);
        lua_pushfstring(r->co, "%s%s: %s", lua_tostring(r->co, -1), r->ask_expr, err.msg);
        explain(L, r);
        r->finished = true;
        return 0;
    }
    r->push(L, got, r->ask_expr);
    lua_xmove(L, r->co, 1);
    return 1;
}

int mw_guest_find_place(lua_State *L)
{
    mw_guest_run *r = lua_touserdata(L, 1);
    mw_sandbox *box = mw_sandbox_of(L);
    lua_Debug ar;
    for (int level = 0; lua_getstack(r->co, level, &ar); level++) {
        if (!lua_getinfo(r->co, "S", &ar) || ar.linedefined <= 0) continue;
        snprintf(box->place, sizeof box->place, "%s:%d: ", ar.short_src, ar.linedefined);
        break;
    }
    return 0;
}

int mw_guest_run_part(lua_State *L)
{
    mw_guest_run *r = lua_touserdata(L, 1);
    int n = 0;
    if (!r->co) {
        begin(L, r);
        n = lua_gettop(r->co) - 1;
    } else if (r->job) {
        n = resume_asked(L, r);
        if (r->finished) return 0;
    } else if (r->answer && !r->paused) {
        mw_cross_push(r->co, r->answer);
        n = 1;
    }
    size_t held = r->lua->held, room = held < MW_GUEST_PAUSED ? MW_GUEST_PAUSED - held : 0;
    if (mw_ctx_patient(r)) mw_sandbox_pause(&r->guest->box, r->co, room);
    int rc = lua_resume(r->co, n);
    if (rc == LUA_YIELD && r->guest->box.paused) r->op = MW_CTX_PAUSE;
    if (rc == LUA_YIELD) {
        if (!r->op) return luaL_error(L, "coroutine.yield outside of a coroutine");
        return 0;
    }
    r->finished = true;
    if (rc == 0)
        collect(L, r);
    else
        explain(L, r);
    return 0;
}

int mw_guest_unref(lua_State *L)
{
    mw_guest_run *r = lua_touserdata(L, 1);
    luaL_unref(L, LUA_REGISTRYINDEX, r->co_ref);
    luaL_unref(L, LUA_REGISTRYINDEX, r->ctx_ref);
    if (mw_sandbox_of(L)->used > mw_sandbox_of(L)->budget.memory / 2)
        lua_gc(L, LUA_GCCOLLECT, 0); /* the next call should not pay for this one's garbage */
    return 0;
}
