/* guest_leave.c - what calls back into a file, written so that the file can be left meanwhile.
 *
 * Nothing can be left in the middle of a C function that called back.  So sorting with a comparison
 * of the file's own, gsub with a function, and coroutines are Lua here, over C that does not call
 * back.  A coroutine of the file that is left at the end of a slice hands that on to whoever
 * resumed it, up to the run's own; going on is the same in the other direction.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "script/guest_lib.h"
#include "script/own_text.h"
#include "script/sandbox.h"

/* -- coroutines ------------------------------------------------------------------------------ */

/* About to resume another one: can it be left?  Gives what was so before. */
static int enter(lua_State *L)
{
    mw_sandbox *box = mw_sandbox_of(L);
    mw_charge(L, 4);
    lua_pushboolean(L, box->nested);
    box->nested = box->nested && lua_isyieldable(L);
    return 1;
}

/* (WAS) Back from it: was it left? */
static int came_back(lua_State *L)
{
    mw_sandbox *box = mw_sandbox_of(L);
    box->nested = lua_toboolean(L, 1);
    lua_pushboolean(L, box->paused);
    return 1;
}

static int hand_on(lua_State *L) { return lua_yield(L, 0); }

static const char coroutines[] = "local create, raw, enter, came_back, hand_on, error, type = ...\n"
                                 "local function after(co, was, ok, ...)\n"
                                 "  if not came_back(was) then return ok, ... end\n"
                                 "  hand_on()\n"
                                 "  was = enter()\n"
                                 "  return after(co, was, raw(co))\n"
                                 "end\n"
                                 "local function resume(co, ...)\n"
                                 "  local was = enter()\n"
                                 "  return after(co, was, raw(co, ...))\n"
                                 "end\n"
                                 "local function given(ok, ...)\n"
                                 "  if ok then return ... end\n"
                                 "  local why = ...\n"
                                 "  error(why, type(why) == 'string' and 2 or 0)\n"
                                 "end\n"
                                 "local function wrap(f)\n"
                                 "  local co = create(f)\n"
                                 "  return function(...) return given(resume(co, ...)) end\n"
                                 "end\n"
                                 "return resume, wrap";

/* -- sorting --------------------------------------------------------------------------------- */

/* Does comparing what stands in the list at 1 call nobody? */
static int compares_alone(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t n = lua_objlen(L, 1);
    mw_charge(L, n / 4);
    bool alone = true;
    for (size_t i = 1; alone && i <= n; i++) {
        lua_rawgeti(L, 1, (int)i);
        int type = lua_type(L, -1);
        alone = type != LUA_TTABLE && type != LUA_TUSERDATA;
        lua_pop(L, 1);
    }
    lua_pushboolean(L, alone);
    return 1;
}

/* By merging, which ends whatever a comparison says; an error leaves the list as it was. */
static const char sorting[] =
    "local sort, compares_alone, type, rawget, rawset = ...\n"
    "local function before(a, b) return a < b end\n"
    "local function merge(from, to, lo, mid, hi, less)\n"
    "  local i, j = lo, mid\n"
    "  for k = lo, hi - 1 do\n"
    "    local a, b = from[i], from[j]\n"
    "    if j >= hi or (i < mid and not less(b, a)) then to[k], i = a, i + 1\n"
    "    else to[k], j = b, j + 1 end\n"
    "  end\n"
    "end\n"
    "return function(t, less)\n"
    "  if type(t) ~= 'table' or less == nil and compares_alone(t) then return sort(t) end\n"
    "  if less ~= nil and type(less) ~= 'function' then return sort(t, less) end\n"
    "  less = less or before\n"
    "  local from, to, n, width = {}, {}, #t, 1\n"
    "  for i = 1, n do from[i] = rawget(t, i) end\n"
    "  while width < n do\n"
    "    for lo = 1, n, 2 * width do\n"
    "      local mid, hi = lo + width, lo + 2 * width\n"
    "      if mid > n then mid = n + 1 end\n"
    "      if hi > n then hi = n + 1 end\n"
    "      merge(from, to, lo, mid, hi, less)\n"
    "    end\n"
    "    from, to, width = to, from, 2 * width\n"
    "  end\n"
    "  for i = 1, n do rawset(t, i, from[i]) end\n"
    "end";

/* -- gsub ------------------------------------------------------------------------------------ */

/* Does looking up in the table at 1 call somebody? */
static int has_metatable(lua_State *L)
{
    lua_pushboolean(L, lua_getmetatable(L, 1));
    return 1;
}

static const char replacing[] =
    "local gsub, step, join, sub, byte, has_metatable, type, error, tonumber = ...\n"
    "local function valid(got, from, to, ...)\n"
    "  local kind = type(got)\n"
    "  if got and kind ~= 'string' and kind ~= 'number' then\n"
    "    error('invalid replacement value (a ' .. kind .. ')', 4)\n"
    "  end\n"
    "  return got, from, to\n"
    "end\n"
    "local function replace(repl, from, to, ...)\n"
    "  if not from then return end\n"
    "  local got\n"
    "  if type(repl) == 'function' then got = repl(...) else got = repl[(...)] end\n"
    "  return valid(got, from, to)\n"
    "end\n"
    "return function(s, p, repl, most)\n"
    "  local kind = type(repl)\n"
    "  if type(s) == 'number' then s = s .. '' end\n"
    "  if type(p) == 'number' then p = p .. '' end\n"
    "  if type(most) == 'string' then most = tonumber(most) or most end\n"
    "  local calls = kind == 'function' or kind == 'table' and has_metatable(repl)\n"
    "  if not calls or type(s) ~= 'string' or type(p) ~= 'string' or\n"
    "     most ~= nil and type(most) ~= 'number' then\n"
    "    return gsub(s, p, repl, most)\n"
    "  end\n"
    "  local out, n, count, kept, at = {}, 0, 0, 1, 1\n"
    "  local anchored = byte(p) == 94\n"
    "  most = most or #s + 1\n"
    "  while count < most do\n"
    "    local got, from, to = replace(repl, step(s, p, at))\n"
    "    if not from then break end\n"
    "    count = count + 1\n"
    "    out[n + 1] = sub(s, kept, from - 1)\n"
    "    out[n + 2] = got or sub(s, from, to - 1)\n"
    "    n, kept, at = n + 2, to, to > from and to or from + 1\n"
    "    if anchored or at > #s + 1 then break end\n"
    "  end\n"
    "  out[n + 1] = sub(s, kept)\n"
    "  return join(out), count\n"
    "end";

/* -- putting them in their places ------------------------------------------------------------ */

static void push_fields(lua_State *L, int from, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) lua_getfield(L, from, names[i]);
}

void mw_guest_leave_coroutines(lua_State *L, int base, int lib)
{
    static const char *const own[] = {"create", "resume"}, *const words[] = {"error", "type"};
    mw_push_own_text(L, coroutines, "=coroutine");
    push_fields(L, lib, own, 2);
    lua_pushcfunction(L, enter);
    lua_pushcfunction(L, came_back);
    lua_pushcfunction(L, hand_on);
    push_fields(L, base, words, 2);
    lua_call(L, 7, 2);
    lua_setfield(L, lib, "wrap");
    lua_setfield(L, lib, "resume");
}

void mw_guest_leave_sort(lua_State *L, int base, int lib)
{
    static const char *const words[] = {"type", "rawget", "rawset"};
    mw_push_own_text(L, sorting, "=sort");
    lua_getfield(L, lib, "sort");
    lua_pushcfunction(L, compares_alone);
    push_fields(L, base, words, 3);
    lua_call(L, 5, 1);
    lua_setfield(L, lib, "sort");
}

void mw_guest_leave_gsub(lua_State *L, int lib, lua_CFunction step, lua_CFunction join)
{
    static const char *const own[] = {"sub", "byte"}, *const words[] = {"type", "error",
                                                                        "tonumber"};
    mw_push_own_text(L, replacing, "=gsub");
    lua_getfield(L, lib, "gsub");
    lua_pushcfunction(L, step);
    lua_pushcfunction(L, join);
    push_fields(L, lib, own, 2);
    lua_pushcfunction(L, has_metatable);
    push_fields(L, LUA_GLOBALSINDEX, words, 3);
    lua_call(L, 9, 1);
    lua_setfield(L, lib, "gsub");
}
