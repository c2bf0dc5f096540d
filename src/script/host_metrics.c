/* host_metrics.c - host.metric and host.log: what policy says about itself.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "script/cross.h"
#include "script/fields.h"
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
    static const mw_host_fn fns[] = {{"metric", host_metric}, {"log", host_log}, {NULL, NULL}};
    mw_host_set(L, fns);
}
