/* ctx.c - the object that a rule's function gets: its frame, and what all its methods share.
 *
 * A ctx is a small table {now=, state=, rule=} whose metatable, one per guest, finds the methods.
 * Methods act for the call that runs now, whatever table they are called on; outside of a call
 * they refuse.  Each method is a question; a call has a fixed number of them.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "script/guest_inside.h"

enum { MAX_QUESTIONS = 10000, COST = 100 /* instructions of any of them, also of one refused */ };

mw_guest_run *mw_ctx_run(lua_State *L)
{
    mw_guest_run *r = mw_guest_of(L)->running;
    if (!r || !r->has_ctx) luaL_error(L, "ctx works only inside the function that was given it");
    mw_charge(L, COST);
    if (++r->questions > MAX_QUESTIONS)
        luaL_error(L, "more than %d questions in one run", MAX_QUESTIONS);
    mw_ctx_drop_held(r);
    return r;
}

mw_value *mw_ctx_value(lua_State *L, int idx)
{
    mw_err err;
    mw_err_init(&err);
    mw_cross_room(L, &mw_guest_limits);
    mw_value *v = mw_cross_get(L, idx, &mw_guest_limits, &err);
    if (!v) luaL_error(L, "%s", err.msg);
    return v;
}

bool mw_ctx_patient(const mw_guest_run *r)
{
    if (!r->ctx || r->kind == MW_CALL_RELABEL) return false;
    if (r->lua->waits || r->guest->face->host->time_stands) return false;
    bool in_turn = r->kind == MW_CALL_WHEN || r->kind == MW_CALL_TEXT; /* waits if the turn can */
    return !in_turn || (r->meter && r->meter->patient);
}

void mw_ctx_emit(lua_State *L, mw_guest_run *r)
{
    mw_err err;
    mw_err_init(&err);
    if (mw_meter_emit(r->meter, 1, &err) != MW_OK) luaL_error(L, "%s", err.msg);
}

int mw_ctx_wait(lua_State *L, mw_guest_run *r, const char *op, mw_value *arg)
{
    mw_value_free(r->op_arg);
    r->op_arg = arg;
    if (r->kind == MW_CALL_WHEN)
        return luaL_error(L, "this waits for the network, which a rule's when cannot: "
                             "use a check or every");
    if (L != r->co) return luaL_error(L, "this waits, which is not possible inside a coroutine");
    r->op = op;
    return lua_yield(L, 0);
}

void mw_ctx_open(lua_State *L)
{
    lua_createtable(L, 0, 2);
    lua_newtable(L);
    mw_ctx_open_signals(L);
    mw_ctx_open_reports(L);
    mw_ctx_open_waits(L);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setfield(L, LUA_REGISTRYINDEX, MW_GUEST_CTX);
}

void mw_ctx_push(lua_State *L, mw_guest_run *r)
{
    const mw_value *state = mw_map_find(r->ctx, "state");
    mw_str rule = mw_map_text(r->ctx, "rule");
    lua_createtable(L, 0, 3);
    lua_pushnumber(L, r->now);
    lua_setfield(L, -2, "now");
    lua_pushlstring(L, rule.p, rule.n);
    lua_setfield(L, -2, "rule");
    if (state && (state->type == MW_MAP || state->type == MW_LIST))
        mw_cross_push(L, state);
    else
        lua_newtable(L);
    lua_setfield(L, -2, "state");
    lua_getfield(L, LUA_REGISTRYINDEX, MW_GUEST_CTX);
    lua_setmetatable(L, -2);
}
