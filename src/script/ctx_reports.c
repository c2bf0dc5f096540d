/* ctx_reports.c - ctx:fire, ctx.metrics and ctx.log: what a function has to say.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "base/log.h"
#include "script/fields.h"
#include "script/guest_inside.h"
#include "script/signals.h"

enum { MAX_FIRED = 1000, MAX_LINES = 100, MAX_LINE = 4096 };

/* ctx:fire{ labels=, value=, trace=, summary=, evidence= } */
static int ctx_fire(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    if (!lua_istable(L, 2)) return luaL_error(L, "write ctx:fire{ labels={...}, value=... }");
    if (r->fired->list.n >= MAX_FIRED)
        return luaL_error(L, "more than %d alerts in one run", MAX_FIRED);
    mw_ctx_emit(L, r);
    mw_cross_limits limits = mw_guest_limits;
    limits.left = &r->left;
    mw_err err;
    mw_err_init(&err);
    mw_cross_room(L, &limits);
    mw_value *alert = mw_cross_get(L, 2, &limits, &err);
    if (!alert) return luaL_error(L, "ctx:fire: %s", err.msg);
    mw_list_add(r->fired, alert);
    return 0;
}

/* -- metrics --------------------------------------------------------------------------------- */

/* Upvalues: the instrument's name, its labels, its way to record.  Called as handle:add(n), or
 * handle.add(n). */
static int record(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    mw_err err;
    mw_err_init(&err);
    double v = luaL_optnumber(L, lua_istable(L, 1) ? 2 : 1, 1);
    mw_ctx_emit(L, r);
    r->held_value = mw_ctx_value(L, lua_upvalueindex(2));
    int rc = mw_signal_metric(r->guest->face->host, lua_tostring(L, lua_upvalueindex(3)),
                              lua_tostring(L, lua_upvalueindex(1)), r->held_value, v, NULL, &err);
    mw_ctx_drop_held(r);
    if (rc != MW_OK) return luaL_error(L, "%s", err.msg);
    return 0;
}

/* ctx.metrics.counter(name, labels): upvalues how to record and what that is called. */
static int instrument(lua_State *L)
{
    if (lua_istable(L, 1)) lua_remove(L, 1); /* with a colon */
    luaL_checkstring(L, 1);
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, record, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    if (!strcmp(lua_tostring(L, lua_upvalueindex(1)), "add")) {
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "inc");
    }
    lua_pop(L, 1);
    return 1;
}

static const struct kind {
    const char *name, *how;
} kinds[] = {{"counter", "add"}, {"gauge", "set"}, {"histogram", "observe"}};

/* -- log ------------------------------------------------------------------------------------- */

/* ctx.log.info(message, fields); upvalue: the level. */
static int write_line(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    size_t n;
    const char *message = luaL_checklstring(L, 1, &n);
    if (++r->log_lines > MAX_LINES)
        return luaL_error(L, "more than %d log lines in one run", MAX_LINES);
    if (n > MAX_LINE) return luaL_error(L, "a log line of more than %d bytes", MAX_LINE);
    mw_ctx_emit(L, r);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
    r->held_value = mw_ctx_value(L, 2);
    mw_level level = (mw_level)lua_tointeger(L, lua_upvalueindex(1));
    if (r->held_value->type != MW_MAP) {
        mw_value_free(r->held_value);
        r->held_value = mw_map_new();
    }
    mw_str rule = mw_map_text(r->ctx, "rule");
    mw_map_set_text(r->held_value, "file", r->guest->name);
    if (rule.n) mw_map_set_text(r->held_value, "rule", rule.p);
    mw_log_fields(level, message, r->held_value);
    mw_ctx_drop_held(r);
    return 0;
}

void mw_ctx_open_reports(lua_State *L)
{
    lua_pushcfunction(L, ctx_fire);
    lua_setfield(L, -2, "fire");
    lua_newtable(L);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        lua_pushstring(L, kinds[i].how);
        lua_pushcclosure(L, instrument, 1);
        lua_setfield(L, -2, kinds[i].name);
    }
    lua_setfield(L, -2, "metrics");
    lua_newtable(L);
    for (int level = MW_DEBUG; level <= MW_ERROR; level++) {
        lua_pushinteger(L, level);
        lua_pushcclosure(L, write_line, 1);
        lua_setfield(L, -2, mw_level_name((mw_level)level));
    }
    lua_setfield(L, -2, "log");
}
