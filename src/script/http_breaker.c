/* http_breaker.c - which breakers there are, and what an answer says to one.
 *
 * The breakers are values of Lua (host_breaker.c).  A table in the registry, by the face, holds
 * them and the memory of the list.
 * SPDX-License-Identifier: MIT */
#include "script/http_breaker.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/breaker.h"
#include "script/handles.h"

enum { RANGES = 16, NAME = 128 };

typedef struct named {
    char name[NAME];
    mw_breaker *breaker;
    int range[RANGES][2]; /* statuses that count as failures */
    size_t n_ranges;
} named;

struct mw_http_breakers {
    size_t n;
    named at[];
};

/* -- asking ---------------------------------------------------------------------------------- */

static named *find(mw_face *face, const char *name)
{
    struct mw_http_breakers *all = face->breakers;
    for (size_t i = 0; all && i < all->n; i++)
        if (!strcmp(all->at[i].name, name)) return &all->at[i];
    return NULL;
}

static mw_value *refusal(const char *text)
{
    mw_value *answer = mw_map_new();
    mw_map_set_text(answer, "error", text);
    mw_map_set_bool(answer, "open", true);
    mw_map_set_number(answer, "seconds", 0);
    return answer;
}

mw_value *mw_http_breaker_ask(mw_face *face, const char *name, double now)
{
    char text[NAME + 64];
    named *x = find(face, name);
    if (!x) {
        snprintf(text, sizeof text, "no breaker is called \"%.100s\"", name);
        return refusal(text);
    }
    if (mw_breaker_allow(x->breaker, now)) return NULL;
    snprintf(text, sizeof text, "the circuit breaker \"%s\" is open", x->name);
    return refusal(text);
}

static bool fails(const named *x, const mw_value *answer)
{
    if (mw_map_find(answer, "error")) return true;
    double status = mw_map_number(answer, "status", 0);
    for (size_t i = 0; i < x->n_ranges; i++)
        if (status >= x->range[i][0] && status <= x->range[i][1]) return true;
    return false;
}

void mw_http_breaker_judge(mw_face *face, const char *name, double now, const mw_value *answer)
{
    named *x = find(face, name);
    if (!x) return; /* it went while the request was on its way */
    double seconds = answer ? mw_map_number(answer, "seconds", -1) : -1;
    if (seconds > 0) now += seconds;
    if (!answer)
        mw_breaker_cancel(x->breaker);
    else if (fails(x, answer))
        mw_breaker_fail(x->breaker, now, seconds);
    else
        mw_breaker_ok(x->breaker, now, seconds);
}

/* -- host.http_breakers ---------------------------------------------------------------------- */

static int whole_at(lua_State *L, int list, int i)
{
    lua_rawgeti(L, list, i);
    int v = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return v;
}

/* The row on top, {name=, breaker=, failing={ {from, to} }}. */
static void read_row(lua_State *L, named *x)
{
    luaL_checktype(L, -1, LUA_TTABLE);
    int row = lua_gettop(L);
    lua_getfield(L, row, "name");
    snprintf(x->name, sizeof x->name, "%s", luaL_checkstring(L, -1));
    lua_getfield(L, row, "breaker");
    x->breaker = mw_check_breaker(L, lua_gettop(L));
    lua_getfield(L, row, "failing");
    int list = lua_gettop(L);
    size_t n = lua_istable(L, list) ? lua_objlen(L, list) : 0;
    for (x->n_ranges = 0; x->n_ranges < n && x->n_ranges < RANGES; x->n_ranges++) {
        lua_rawgeti(L, list, (int)x->n_ranges + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        x->range[x->n_ranges][0] = whole_at(L, lua_gettop(L), 1);
        x->range[x->n_ranges][1] = whole_at(L, lua_gettop(L), 2);
        lua_pop(L, 1);
    }
    lua_settop(L, row);
}

/* host.http_breakers{ {name=, breaker=, failing={ {from, to} }}, ... }: from now on these. */
static int http_breakers(lua_State *L)
{
    mw_face *face = mw_face_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    size_t n = lua_objlen(L, 1);
    struct mw_http_breakers *all = lua_newuserdata(L, sizeof *all + n * sizeof *all->at);
    memset(all, 0, sizeof *all + n * sizeof *all->at);
    for (all->n = 0; all->n < n; all->n++) {
        lua_rawgeti(L, 1, (int)all->n + 1);
        read_row(L, &all->at[all->n]);
        lua_pop(L, 1);
    }
    lua_pushlightuserdata(L, face);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, 2);
    lua_rawset(L, LUA_REGISTRYINDEX);
    face->breakers = all;
    return 0;
}

void mw_host_open_http_breakers(lua_State *L)
{
    static const mw_host_fn fns[] = {{"http_breakers", http_breakers}, {NULL, NULL}};
    mw_host_set(L, fns);
}
