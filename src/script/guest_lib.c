/* guest_lib.c - base, table, math, bit and coroutine for guests: a whitelist, with guards.
 *
 * Left out, because each was a way out or a way to hang: getfenv, setfenv, load, loadstring,
 * loadfile, dofile, newproxy, collectgarbage, print, debug, io, os, package, ffi, jit,
 * string.dump and coroutine.running.  xpcall calls its handler after unwinding, where the budget
 * still counts.
 * SPDX-License-Identifier: MIT */
#include "script/guest_lib.h"

#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <math.h>

#include "script/own_text.h"
#include "script/sandbox.h"

/* -- guards ---------------------------------------------------------------------------------- */

static int guarded_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_pushliteral(L, "__gc");
        lua_rawget(L, 2);
        if (!lua_isnil(L, -1)) return luaL_error(L, "a metatable with __gc is not possible here");
        lua_pop(L, 1);
    }
    lua_settop(L, 2);
    if (luaL_getmetafield(L, 1, "__metatable"))
        return luaL_error(L, "cannot change a protected metatable");
    lua_setmetatable(L, 1);
    return 1;
}

static int guarded_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) != LUA_TTABLE || !lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__metatable")) return 1;
    return 1;
}

/* Calls the original (upvalue 1) with all arguments. */
static int pass_on(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int charged_unpack(lua_State *L)
{
    lua_Number from = luaL_optnumber(L, 2, 1);
    lua_Number to = lua_isnoneornil(L, 3) && lua_istable(L, 1) ? (lua_Number)lua_objlen(L, 1)
                                                               : luaL_optnumber(L, 3, 0);
    if (to - from > 7000) return luaL_error(L, "too many results to unpack");
    if (to > from) mw_charge(L, (uint64_t)(to - from));
    return pass_on(L);
}

/* insert, remove: everything behind the place moves. */
static int charged_shift(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Number n = (lua_Number)lua_objlen(L, 1), at = n;
    bool insert = lua_toboolean(L, lua_upvalueindex(2));
    if (lua_gettop(L) > (insert ? 2 : 1)) at = luaL_checknumber(L, 2);
    /* What is no integer becomes the lowest one, and everything would be moved down to it. */
    if (insert && !(at >= 0 && at <= INT_MAX))
        return luaL_error(L, "table.insert: the place must be 1 or more");
    if (n > at) mw_charge(L, (uint64_t)(n - at));
    return pass_on(L);
}

static int charged_sort(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    double n = (double)lua_objlen(L, 1);
    if (n > 1) mw_charge(L, (uint64_t)(n * log2(n) * 4));
    return pass_on(L);
}

static int charged_concat(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t sep = 0, total = 0, len;
    int from = luaL_optint(L, 3, 1);
    int to = lua_isnoneornil(L, 4) ? (int)lua_objlen(L, 1) : luaL_checkint(L, 4);
    if (lua_isstring(L, 2)) lua_tolstring(L, 2, &sep);
    if (to >= from) mw_charge(L, (uint64_t)((int64_t)to - from + 1));
    for (int64_t i = from; i <= to && total <= MW_GUEST_TEXT; i++) {
        lua_rawgeti(L, 1, (int)i);
        if (lua_type(L, -1) == LUA_TSTRING && lua_tolstring(L, -1, &len)) total += len;
        total += sep;
        lua_pop(L, 1);
    }
    if (total > MW_GUEST_TEXT)
        return luaL_error(L, "text too long: at most %d bytes", MW_GUEST_TEXT);
    mw_charge(L, total / 16);
    return pass_on(L);
}

static int charged_maxn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_charge(L, mw_walk_cost(L, 1));
    return pass_on(L);
}

/* -- the whitelist --------------------------------------------------------------------------- */

static const char *const base_names[] = {"assert", "error",  "ipairs",   "next",     "pairs",
                                         "pcall",  "select", "rawequal", "rawget",   "rawset",
                                         "rawlen", "type",   "tonumber", "tostring", "_VERSION"};
static const char *const coroutine_names[] = {"create", "resume", "status", "wrap", "yield"};

static const struct guard {
    const char *name;
    lua_CFunction fn;
    bool three; /* charged_shift: the place is the second of three arguments */
} table_guards[] = {{"concat", charged_concat, false},
                    {"insert", charged_shift, true},
                    {"maxn", charged_maxn, false},
                    {"remove", charged_shift, false},
                    {"sort", charged_sort, false}};

static void copy_fields(lua_State *L, int from, int to, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lua_getfield(L, from, names[i]);
        lua_setfield(L, to, names[i]);
    }
}

static int open_lib(lua_State *L, lua_CFunction open, const char *name)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    return lua_gettop(L);
}

static void add_table(lua_State *L, int lib, int to)
{
    lua_newtable(L);
    for (size_t i = 0; i < sizeof table_guards / sizeof *table_guards; i++) {
        lua_getfield(L, lib, table_guards[i].name);
        lua_pushboolean(L, table_guards[i].three);
        lua_pushcclosure(L, table_guards[i].fn, 2);
        lua_setfield(L, -2, table_guards[i].name);
    }
    mw_guest_leave_sort(L, to, lua_gettop(L));
    lua_setfield(L, to, "table");
}

/* In Lua, so that ctx.http can wait inside it. */
static void add_xpcall(lua_State *L, int to)
{
    static const char text[] = "local pcall = ...\n"
                               "local function after(handler, ok, ...)\n"
                               "  if ok then return true, ... end\n"
                               "  return false, handler((...))\n"
                               "end\n"
                               "return function(f, handler, ...)\n"
                               "  return after(handler, pcall(f, ...))\n"
                               "end";
    mw_push_own_text(L, text, "=xpcall");
    lua_getfield(L, to, "pcall");
    lua_call(L, 1, 1);
    lua_setfield(L, to, "xpcall");
}

void mw_guest_lib_open(lua_State *L)
{
    lua_newtable(L);
    int to = lua_gettop(L);
    open_lib(L, luaopen_base, "");
    copy_fields(L, LUA_GLOBALSINDEX, to, base_names, sizeof base_names / sizeof *base_names);
    lua_getglobal(L, "unpack");
    lua_pushcclosure(L, charged_unpack, 1);
    lua_setfield(L, to, "unpack");
    lua_pushcfunction(L, guarded_setmetatable);
    lua_setfield(L, to, "setmetatable");
    lua_pushcfunction(L, guarded_getmetatable);
    lua_setfield(L, to, "getmetatable");
    add_xpcall(L, to);

    lua_newtable(L);
    lua_getglobal(L, LUA_COLIBNAME);
    copy_fields(L, lua_gettop(L), lua_gettop(L) - 1, coroutine_names,
                sizeof coroutine_names / sizeof *coroutine_names);
    lua_pop(L, 1);
    mw_guest_leave_coroutines(L, to, lua_gettop(L));
    lua_setfield(L, to, LUA_COLIBNAME);

    add_table(L, open_lib(L, luaopen_table, LUA_TABLIBNAME), to);
    open_lib(L, luaopen_math, LUA_MATHLIBNAME);
    lua_setfield(L, to, LUA_MATHLIBNAME);
    open_lib(L, luaopen_bit, LUA_BITLIBNAME);
    lua_setfield(L, to, LUA_BITLIBNAME);
    mw_guest_lib_string(L);
    lua_setfield(L, to, LUA_STRLIBNAME);
    lua_settop(L, to);
}
