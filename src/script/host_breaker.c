/* host_breaker.c - host.breaker: a circuit breaker (base/breaker.h) as a value of Lua.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/breaker.h"
#include "base/mem.h"
#include "script/handles.h"
#include "script/state.h"

#define BREAKER_TYPE "moonwatch.breaker"

static const char *const states[] = {"closed", "half-open", "open"};
static const char *const forces[] = {NULL, "open", "closed"};
static const char *const causes[] = {NULL, "failures", "rate", "slow", "probe"};

mw_breaker *mw_check_breaker(lua_State *L, int idx)
{
    return *(mw_breaker **)luaL_checkudata(L, idx, BREAKER_TYPE);
}

static mw_breaker *check(lua_State *L) { return mw_check_breaker(L, 1); }

/* -- from tables ----------------------------------------------------------------------------- */

static const struct row {
    const char *name;
    size_t at;
    bool whole; /* a uint32_t, else a double */
} rows[] = {
    {"failures", offsetof(mw_breaker_config, failures), true},
    {"window", offsetof(mw_breaker_config, window), false},
    {"rate", offsetof(mw_breaker_config, rate), false},
    {"slow_rate", offsetof(mw_breaker_config, slow_rate), false},
    {"slow_after", offsetof(mw_breaker_config, slow_after), false},
    {"calls", offsetof(mw_breaker_config, calls), true},
    {"min_calls", offsetof(mw_breaker_config, min_calls), true},
    {"open", offsetof(mw_breaker_config, open), false},
    {"grow", offsetof(mw_breaker_config, grow), false},
    {"open_max", offsetof(mw_breaker_config, open_max), false},
    {"probes", offsetof(mw_breaker_config, probes), true},
};

static double number_of(lua_State *L, int at, const char *name, double otherwise)
{
    lua_getfield(L, at, name);
    double v = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : otherwise;
    lua_pop(L, 1);
    return isfinite(v) ? v : otherwise;
}

static uint32_t count_of(double v) { return v > 0 ? v < UINT32_MAX ? (uint32_t)v : UINT32_MAX : 0; }

static void read_config(lua_State *L, int at, mw_breaker_config *c)
{
    *c = mw_breaker_defaults;
    if (!lua_istable(L, at)) return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *field = (char *)c + rows[i].at;
        double was = rows[i].whole ? *(uint32_t *)field : *(double *)field;
        double v = number_of(L, at, rows[i].name, was);
        if (rows[i].whole)
            *(uint32_t *)field = count_of(v);
        else
            *(double *)field = v;
    }
}

/* Which of NAMES the text in the field NAME is; 0 when it is none of them. */
static int one_of(lua_State *L, int at, const char *name, const char *const *names, int n)
{
    int found = 0;
    lua_getfield(L, at, name);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    for (int i = 0; i < n; i++)
        if (names[i] && !strcmp(names[i], text)) found = i;
    lua_pop(L, 1);
    return found;
}

/* What the table at AT, which somebody saved, says; whatever makes no sense is left out. */
static void restore(lua_State *L, int at, mw_breaker *b)
{
    mw_breaker_saved saved = {
        .state = (mw_breaker_state)one_of(L, at, "state", states, 3),
        .force = (mw_breaker_force)one_of(L, at, "forced", forces, 3),
        .cause = (mw_breaker_cause)one_of(L, at, "cause", causes, 5),
        .opened_at = number_of(L, at, "opened_at", 0),
        .closed_at = number_of(L, at, "closed_at", 0),
        .level = count_of(number_of(L, at, "level", 0)),
    };
    lua_getfield(L, at, "failed");
    size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
    if (n > MW_BREAKER_MOST) n = MW_BREAKER_MOST;
    double *failed = lua_newuserdata(L, (n + 1) * sizeof *failed);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -2, (int)i + 1);
        failed[i] = lua_tonumber(L, -1); /* 0 for what is none: long ago */
        lua_pop(L, 1);
    }
    saved.n_failed = (uint32_t)n;
    saved.failed = failed;
    mw_breaker_restore(b, &saved);
    lua_pop(L, 2);
}

/* -- methods --------------------------------------------------------------------------------- */

/* true; or false and when to ask again, nil when nobody knows. */
static int push_ready(lua_State *L, bool ready, double when)
{
    lua_pushboolean(L, ready);
    if (ready || when < 0) return 1;
    lua_pushnumber(L, when);
    return 2;
}

static int breaker_allow(lua_State *L)
{
    mw_breaker *b = check(L);
    double now = luaL_checknumber(L, 2), when;
    mw_breaker_ready(b, now, &when);
    return push_ready(L, mw_breaker_allow(b, now), when);
}

static int breaker_ready(lua_State *L)
{
    double when;
    bool ready = mw_breaker_ready(check(L), luaL_checknumber(L, 2), &when);
    return push_ready(L, ready, when);
}

static int breaker_ok(lua_State *L)
{
    mw_breaker_ok(check(L), luaL_checknumber(L, 2), luaL_optnumber(L, 3, -1));
    return 0;
}

static int breaker_fail(lua_State *L)
{
    mw_breaker_fail(check(L), luaL_checknumber(L, 2), luaL_optnumber(L, 3, -1));
    return 0;
}

static int breaker_cancel(lua_State *L)
{
    mw_breaker_cancel(check(L));
    return 0;
}

/* b:force("open" | "closed" | nil) */
static int breaker_force(lua_State *L)
{
    static const char *const how[] = {"free", "open", "closed", NULL};
    mw_breaker_set_force(check(L), (mw_breaker_force)luaL_checkoption(L, 2, "free", how));
    return 0;
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (!text) return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double v)
{
    lua_pushnumber(L, v);
    lua_setfield(L, -2, name);
}

/* b:look(now) → { state=, forced=, cause=, opened_at=, opens_until=, level=, in_row=, calls=,
 * failed=, slow=, refused=, turned={closed=, ["half-open"]=, open=} } */
static int breaker_look(lua_State *L)
{
    mw_breaker_view v;
    mw_breaker_look(check(L), luaL_checknumber(L, 2), &v);
    lua_createtable(L, 0, 12);
    set_text(L, "state", states[v.state]);
    set_text(L, "forced", forces[v.force]);
    set_text(L, "cause", causes[v.cause]);
    if (v.state == MW_BREAKER_OPEN) set_number(L, "opens_until", v.until);
    if (v.opened_at > 0) set_number(L, "opened_at", v.opened_at);
    set_number(L, "level", v.level);
    set_number(L, "in_row", v.in_row);
    set_number(L, "calls", v.calls);
    set_number(L, "failed", v.failed);
    set_number(L, "slow", v.slow);
    set_number(L, "refused", (double)v.refused);
    lua_createtable(L, 0, 3);
    for (int i = 0; i < 3; i++) set_number(L, states[i], (double)v.turned[i]);
    lua_setfield(L, -2, "turned");
    return 1;
}

/* b:save() → a plain table that host.breaker takes as its second argument */
static int breaker_save(lua_State *L)
{
    mw_breaker_saved s;
    mw_breaker_save(check(L), &s);
    lua_createtable(L, 0, 6);
    set_text(L, "state", states[s.state]);
    set_text(L, "forced", forces[s.force]);
    if (s.level) {
        set_number(L, "opened_at", s.opened_at);
        set_number(L, "level", s.level);
        set_text(L, "cause", causes[s.cause]);
    }
    if (s.closed_at > 0) set_number(L, "closed_at", s.closed_at);
    if (!s.n_failed) return 1;
    lua_createtable(L, (int)s.n_failed, 0);
    for (uint32_t i = 0; i < s.n_failed; i++) {
        lua_pushnumber(L, s.failed[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "failed");
    return 1;
}

/* b:restore(saved): as another life, or another node, said */
static int breaker_restore(lua_State *L)
{
    mw_breaker *b = check(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    restore(L, 2, b);
    return 0;
}

/* b:turns() → how often it turned into another state: who sees that move may want to look */
static int breaker_turns(lua_State *L)
{
    mw_breaker_view v;
    mw_breaker_look(check(L), 0, &v);
    lua_pushnumber(L, (double)(v.turned[0] + v.turned[1] + v.turned[2]));
    return 1;
}

static int breaker_gc(lua_State *L)
{
    mw_breaker **b = luaL_checkudata(L, 1, BREAKER_TYPE);
    mw_breaker_free(*b);
    *b = NULL;
    return 0;
}

static void set_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {{"allow", breaker_allow},
                                       {"ready", breaker_ready},
                                       {"ok", breaker_ok},
                                       {"fail", breaker_fail},
                                       {"look", breaker_look},
                                       {"save", breaker_save},
                                       {"turns", breaker_turns},
                                       {"cancel", breaker_cancel},
                                       {"force", breaker_force},
                                       {"restore", breaker_restore},
                                       {NULL, NULL}};
    if (luaL_newmetatable(L, BREAKER_TYPE)) {
        lua_pushcfunction(L, breaker_gc);
        lua_setfield(L, -2, "__gc");
        lua_newtable(L);
        luaL_register(L, NULL, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}

/* host.breaker(config, saved) → a breaker, or nil and what is wrong with CONFIG */
static int host_breaker(lua_State *L)
{
    mw_breaker_config c;
    lua_settop(L, 2);
    read_config(L, 1, &c);
    const char *wrong = mw_breaker_wrong(&c);
    if (wrong) {
        lua_pushnil(L);
        lua_pushstring(L, wrong);
        return 2;
    }
    mw_breaker **b = lua_newuserdata(L, sizeof *b);
    *b = NULL;
    set_methods(L);
    *b = mw_breaker_new(&c);
    if (lua_istable(L, 2)) restore(L, 2, *b);
    return 1;
}

void mw_host_open_breaker(lua_State *L)
{
    static const mw_host_fn fns[] = {{"breaker", host_breaker}, {NULL, NULL}};
    mw_host_set(L, fns);
}
