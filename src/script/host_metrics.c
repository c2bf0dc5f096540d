/* host_metrics.c - host.metric, instrument and log: what policy says about itself.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "script/cross.h"
#include "script/fields.h"
#include "script/handles.h"
#include "script/signals.h"
#include "script/state.h"

static int host_metric(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    const char *how = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2);
    double value = luaL_checknumber(L, 4);
    const char *help = luaL_optstring(L, 5, NULL);
    if (!lua_isnil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *labels = mw_cross_get(L, 3, &mw_cross_trusted, &err);
    if (!labels) return mw_lua_refuse(L, &err);
    int rc = mw_signal_metric(mw_face_of(L)->host, how, name, labels, value, help, &err);
    mw_value_free(labels);
    if (rc != MW_OK) return mw_lua_refuse(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* -- instruments ---------------------------------------------------------------------------- */

/* Upvalues: the face, which keeps the registry; the series; which way. */
static int record_add(lua_State *L)
{
    mw_counter_add(lua_touserdata(L, lua_upvalueindex(2)), luaL_checknumber(L, 1));
    return 0;
}

static int record_set(lua_State *L)
{
    mw_gauge_set(lua_touserdata(L, lua_upvalueindex(2)), luaL_checknumber(L, 1));
    return 0;
}

static int record_observe(lua_State *L)
{
    mw_histogram_observe(lua_touserdata(L, lua_upvalueindex(2)), luaL_checknumber(L, 1));
    return 0;
}

/* host.instrument(kind, name, labels, help): a function that records one value */
static int host_instrument(lua_State *L)
{
    mw_err err;
    mw_series *s = NULL;
    mw_err_init(&err);
    const char *how = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2);
    const char *help = luaL_optstring(L, 4, NULL);
    luaL_checktype(L, 3, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *labels = mw_cross_get(L, 3, &mw_cross_trusted, &err);
    if (!labels) return mw_lua_refuse(L, &err);
    int rc = mw_signal_instrument(mw_face_of(L)->host, how, name, labels, help, &s, &err);
    mw_value_free(labels);
    if (rc != MW_OK) return mw_lua_refuse(L, &err);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, *how == 'a' ? record_add : *how == 's' ? record_set : record_observe, 2);
    return 1;
}

mw_series *mw_histogram_at(lua_State *L, int idx)
{
    if (lua_tocfunction(L, idx) != record_observe) return NULL;
    lua_getupvalue(L, idx, 2);
    mw_series *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return s;
}

/* -- log ------------------------------------------------------------------------------------ */

static int host_log(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_level level;
    const char *name = luaL_checkstring(L, 1), *message = luaL_checkstring(L, 2);
    luaL_argcheck(L, mw_level_parse(name, &level), 1, "no such level");
    lua_settop(L, 3);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *fields = mw_cross_get(L, 3, &mw_cross_trusted, &err);
    if (!fields) return luaL_error(L, "%s", err.msg);
    mw_log_fields(level, message, fields);
    mw_value_free(fields);
    return 0;
}

void mw_host_open_metrics(lua_State *L)
{
    static const mw_host_fn fns[] = {
        {"metric", host_metric}, {"instrument", host_instrument}, {"log", host_log}, {NULL, NULL}};
    mw_host_set(L, fns);
}
