/* ctx_waits.c - ctx.http and ctx.share: the questions that take time.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "script/ctx_session.h"
#include "script/guest_inside.h"
#include "script/own_text.h"

/* -- http ------------------------------------------------------------------------------------ */

#define TIMEOUT_S 10.0
#define NO_TIME   0.01

/* Seconds that GIVEN says: a number, or a duration such as "5s". */
static double timeout_of(lua_State *L, const mw_value *given)
{
    int64_t ms = 0;
    if (!given) return TIMEOUT_S;
    if (given->type == MW_NUMBER) return given->number;
    if (given->type != MW_TEXT || !mw_duration_parse(given->text, &ms))
        luaL_error(L, "timeout: expected seconds, or a duration such as \"5s\"");
    return (double)ms / 1000;
}

void mw_ctx_limit_time(lua_State *L, mw_guest_run *r, mw_value *arg)
{
    r->held_value = arg; /* freed when an error is raised */
    double timeout = timeout_of(L, mw_map_find(arg, "timeout"));
    double left = r->timeout - (double)(mw_mono_ns() - r->started_ns) / 1e9;
    if (r->timeout > 0 && left < NO_TIME)
        luaL_error(L, "timed out after %f s: no time was left for another request", r->timeout);
    mw_map_set_number(arg, "timeout", r->timeout > 0 && left < timeout ? left : timeout);
    r->held_value = NULL;
}

/* The options at OPTS over {method=, url=, body=}. */
static int request(lua_State *L, const char *method, int opts, bool body)
{
    mw_guest_run *r = mw_ctx_run(L);
    const char *url = luaL_checkstring(L, 1);
    if (strncmp(url, "http://", 7) && strncmp(url, "https://", 8))
        return luaL_error(L, "%s: a URL starts with http:// or https://", url);
    if (!lua_isnoneornil(L, opts)) luaL_checktype(L, opts, LUA_TTABLE);
    lua_settop(L, 3);
    if (body && !lua_isnil(L, 2)) luaL_checkstring(L, 2);
    r->held_value = lua_isnil(L, opts) ? mw_map_new() : mw_ctx_value(L, opts);
    mw_value *arg = r->held_value;
    if (arg->type != MW_MAP) return luaL_error(L, "the options are a table of names");
    mw_ctx_limit_time(L, r, arg);
    mw_map_set_text(arg, "url", url);
    if (!mw_map_find(arg, "method")) mw_map_set_text(arg, "method", method);
    if (body && !lua_isnil(L, 2)) {
        mw_str text;
        text.p = lua_tolstring(L, 2, &text.n);
        mw_map_set(arg, "body", mw_text_new(text));
    }
    return mw_ctx_wait(L, r, "http", arg);
}

static int http_get(lua_State *L) { return request(L, "GET", 2, false); }
static int http_post(lua_State *L) { return request(L, "POST", 3, true); }

/* -- share ----------------------------------------------------------------------------------- */

#define SHARE_KIND "share"

static mw_value *share_arg(lua_State *L, const char *how)
{
    if (!lua_istable(L, 1)) luaL_error(L, "write %s, with a colon", how);
    mw_str id;
    id.p = luaL_checklstring(L, 2, &id.n);
    if (id.n == 0 || id.n > 256) luaL_error(L, "a key has 1 to 256 bytes");
    mw_value *arg = mw_map_new();
    mw_map_set_text(arg, "kind", SHARE_KIND);
    mw_map_set(arg, "id", mw_text_new(id));
    return arg;
}

static int share_wait_get(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    return mw_ctx_wait(L, r, "cluster.get", share_arg(L, "ctx.share:get(key)"));
}

static int share_wait_set(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    lua_settop(L, 3);
    r->held_value = lua_isnil(L, 3) ? NULL : mw_ctx_value(L, 3);
    mw_value *arg = share_arg(L, "ctx.share:set(key, value)");
    if (r->held_value) {
        mw_value *box = mw_map_new(); /* what nodes share are tables */
        mw_map_set(box, "v", r->held_value);
        mw_map_set(arg, "value", box);
        r->held_value = NULL;
    }
    return mw_ctx_wait(L, r, "cluster.put", arg);
}

static int share_wait_incr(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    double by = luaL_optnumber(L, 3, 1);
    mw_value *arg = share_arg(L, "ctx.share:incr(key, by)");
    char key[300];
    snprintf(key, sizeof key, "%s/%s", SHARE_KIND, mw_map_text(arg, "id").p);
    mw_map_set_text(arg, "key", key);
    mw_map_set_number(arg, "by", by);
    return mw_ctx_wait(L, r, "cluster.incr", arg);
}

/* The waiting half is C, what is made of the answer is Lua: a C function cannot go on after it. */
static const char share_text[] = "local get, set, incr = ...\n"
                                 "local share = {}\n"
                                 "function share.get(self, key)\n"
                                 "  local a = get(self, key)\n"
                                 "  if a.error then return nil, a.error end\n"
                                 "  if a.value then return a.value.v end\n"
                                 "end\n"
                                 "function share.set(self, key, value)\n"
                                 "  local a = set(self, key, value)\n"
                                 "  if a.error then return nil, a.error end\n"
                                 "  return true\n"
                                 "end\n"
                                 "function share.incr(self, key, by)\n"
                                 "  local a = incr(self, key, by)\n"
                                 "  if a.error then return nil, a.error end\n"
                                 "  return a.value\n"
                                 "end\n"
                                 "return share";

void mw_ctx_open_waits(lua_State *L)
{
    static const luaL_Reg http[] = {{"get", http_get}, {"post", http_post}, {NULL, NULL}};
    lua_newtable(L);
    luaL_register(L, NULL, http);
    mw_ctx_push_session(L);
    lua_setfield(L, -2, "session");
    lua_setfield(L, -2, "http");
    mw_push_own_text(L, share_text, "=share");
    lua_pushcfunction(L, share_wait_get);
    lua_pushcfunction(L, share_wait_set);
    lua_pushcfunction(L, share_wait_incr);
    lua_call(L, 3, 1);
    lua_setfield(L, -2, "share");
}
