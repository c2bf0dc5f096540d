/* guest_texts.c - what a text written as a function may call: humanize, percent, query, first, ...
 *
 * `summary = function(alert) ... end` gets no ctx; these are globals of every file instead.  What
 * writes numbers works everywhere; what asks works inside a call and answers as of its time.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "base/human.h"
#include "script/guest_inside.h"
#include "script/push.h"
#include "script/signals.h"

enum { MAX_QUESTIONS = 1000, MAX_ROWS = 10000 };

/* -- numbers --------------------------------------------------------------------------------- */

/* Upvalue: the way.  What is no number stays as it is, as in a text with ${...}. */
static int human(lua_State *L)
{
    char text[MW_HUMAN_ROOM];
    luaL_checkany(L, 1);
    if (!lua_isnumber(L, 1)) {
        if (lua_isnil(L, 1))
            lua_pushliteral(L, "");
        else
            lua_pushvalue(L, 1);
        return 1;
    }
    mw_human(lua_tostring(L, lua_upvalueindex(1)), lua_tonumber(L, 1), text);
    lua_pushstring(L, text);
    return 1;
}

static const char *const numbers[] = {"humanize", "humanize1024", "duration",
                                      "percent",  "timestamp",    "bytes"};

/* -- questions ------------------------------------------------------------------------------- */

static int ask(lua_State *L, const char *how, mw_ctx_pushes *push)
{
    mw_guest_run *r = mw_guest_of(L)->running;
    if (!r || !r->ctx)
        luaL_error(L, "%s works only while a text or a rule is evaluated, not while the file loads",
                   how);
    if (++r->questions > MAX_QUESTIONS)
        luaL_error(L, "more than %d questions in one run", MAX_QUESTIONS);
    int64_t t = mw_ms_of(r->now);
    mw_promql_query q = {.start = t, .end = t};
    q.expr.p = luaL_checklstring(L, 1, &q.expr.n);
    return mw_ctx_ask(L, r, &q, push);
}

static void push_rows(lua_State *L, const mw_promql_result *got, const char *expr)
{
    if (got->n > MAX_ROWS) luaL_error(L, "%s: more than %d series; sum them up", expr, MAX_ROWS);
    mw_charge(L, got->n * 20);
    mw_push_vector(L, got);
}

static void push_first(lua_State *L, const mw_promql_result *got, const char *expr)
{
    if (got->n && got->rows[0].n)
        lua_pushnumber(L, got->rows[0].v[got->rows[0].n - 1]);
    else
        lua_pushnil(L);
}

static int query(lua_State *L) { return ask(L, "query(expr)", push_rows); }

/* The value of the first row; nil when there is none. */
static int value(lua_State *L)
{
    if (lua_istable(L, 1)) { /* of a row, or of the first of rows */
        lua_settop(L, 1);
        lua_rawgeti(L, 1, 1);
        if (lua_istable(L, -1)) lua_replace(L, 1);
        lua_settop(L, 1);
        lua_getfield(L, 1, "value");
        return 1;
    }
    return ask(L, "value(expr)", push_first);
}

static int first(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) return 0;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_rawgeti(L, 1, 1);
    return 1;
}

/* label(row, "x"): also of the first of rows; empty when it is not there. */
static int label(lua_State *L)
{
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    if (lua_istable(L, 1)) {
        lua_rawgeti(L, 1, 1);
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);
            lua_pushvalue(L, 1);
        }
        lua_getfield(L, -1, "labels");
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, 2);
            lua_gettable(L, -2);
            if (!lua_isnil(L, -1)) return 1;
        }
    }
    lua_pushliteral(L, "");
    return 1;
}

void mw_guest_texts_open(lua_State *L, int to)
{
    static const luaL_Reg fns[] = {
        {"query", query}, {"value", value}, {"first", first}, {"label", label}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        lua_pushstring(L, numbers[i]);
        lua_pushcclosure(L, human, 1);
        lua_setfield(L, to, numbers[i]);
    }
    for (const luaL_Reg *f = fns; f->name; f++) {
        lua_pushcfunction(L, f->func);
        lua_setfield(L, to, f->name);
    }
}
