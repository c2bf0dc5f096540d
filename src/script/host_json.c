/* host_json.c - host.json: encode, decode, array and null.  SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "script/cross.h"
#include "script/state.h"

/* nil and why the value at 1 cannot leave. */
static int refusal(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_value_free(mw_cross_get(L, 1, &mw_cross_trusted, &err));
    return mw_lua_refuse(L, &err);
}

static int json_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    mw_cross_room(L, &mw_cross_trusted);
    mw_buf out;
    mw_buf_init(&out);
    bool ok = mw_cross_json(L, 1, &mw_cross_trusted, &out);
    if (ok) lua_pushlstring(L, out.p, out.n);
    mw_buf_deinit(&out);
    return ok ? 1 : refusal(L);
}

static int json_decode(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_str text;
    text.p = luaL_checklstring(L, 1, &text.n);
    mw_value *v = mw_value_from_json(text, &err);
    if (!v) {
        lua_pushnil(L);
        if (err.line)
            lua_pushfstring(L, "%s (line %d, column %d)", err.msg, err.line, err.col);
        else
            lua_pushstring(L, err.msg);
        return 2;
    }
    if (v->type == MW_NIL)
        lua_pushlightuserdata(L, NULL);
    else
        mw_cross_push(L, v);
    mw_value_free(v);
    return 1;
}

static int json_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_getmetatable(L, MW_ARRAY_MARK);
    lua_setmetatable(L, 1);
    return 1;
}

void mw_host_open_json(lua_State *L)
{
    static const mw_host_fn fns[] = {
        {"encode", json_encode}, {"decode", json_decode}, {"array", json_array}, {NULL, NULL}};
    lua_newtable(L);
    lua_pushvalue(L, -2);
    mw_host_set(L, fns);
    lua_pop(L, 1);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_setfield(L, -3, "json");
}
