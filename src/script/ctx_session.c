/* ctx_session.c - ctx.http.session: requests that belong together, with their cookies.
 *
 * What is remembered between them (the cookies) is in the guest; each is a request as ctx.http
 * makes it, named by its step, which the call notes with its time (guest_call.c).
 * SPDX-License-Identifier: MIT */
#include "script/ctx_session.h"

#include <lauxlib.h>
#include <string.h>

#include "script/guest_inside.h"
#include "script/own_text.h"

enum { MAX_STEP = 100 };

/* -- a request -------------------------------------------------------------------------------- */

/* join(base, url): URL itself, or behind BASE when it begins with "/". */
static int join(lua_State *L)
{
    if (!lua_isstring(L, 2)) return luaL_error(L, "write session:get(url), with a colon");
    const char *base = lua_isnoneornil(L, 1) ? "" : luaL_checkstring(L, 1);
    const char *url = lua_tostring(L, 2);
    size_t n = strlen(base);
    while (n && base[n - 1] == '/') n--;
    if (url[0] == '/' && n) {
        lua_pushlstring(L, base, n);
        lua_pushvalue(L, 2);
        lua_concat(L, 2);
    }
    const char *whole = lua_tostring(L, -1);
    if (strncmp(whole, "http://", 7) && strncmp(whole, "https://", 8))
        return luaL_error(L,
                          "%s: a URL starts with http:// or https://, or with / where the "
                          "session has a base",
                          whole);
    return 1;
}

/* What of FROM is not in TO yet. */
static void fill(mw_value *to, const mw_value *from)
{
    for (size_t i = 0; from && from->type == MW_MAP && i < from->map.n; i++)
        if (!mw_map_find(to, from->map.entry[i].key.p))
            mw_map_set(to, from->map.entry[i].key.p, mw_value_copy(from->map.entry[i].value));
}

/* "GET https://a/b" when it was not said. */
static void set_step(mw_value *arg, const char *url)
{
    mw_str said = mw_map_text(arg, "step");
    mw_buf name = {0};
    if (said.n)
        mw_buf_str(&name, said);
    else
        mw_buf_printf(&name, "%s %.*s", mw_map_text(arg, "method").p, (int)strcspn(url, "?#"), url);
    size_t n = name.n < MAX_STEP ? name.n : MAX_STEP;
    while (n < name.n && n && ((unsigned char)name.p[n] & 0xc0) == 0x80) n--;
    mw_map_set(arg, "step", mw_text_new((mw_str){name.p, n}));
    mw_buf_deinit(&name);
}

static bool is_table(const mw_value *v) { return !v || v->type == MW_MAP; }

/* ask(all, url): ALL is { options=, own= (of the session), cookies=, body=, method= }. */
static int ask(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    const char *url = luaL_checkstring(L, 2);
    mw_value *all = mw_ctx_value(L, 1);
    if (!is_table(mw_map_find(all, "options")) || !is_table(mw_map_find(all, "own"))) {
        mw_value_free(all);
        return luaL_error(L, "the options are a table of names");
    }
    mw_value *arg = mw_map_new(), *headers = mw_map_new();
    const mw_value *options = mw_map_find(all, "options"), *own = mw_map_find(all, "own"),
                   *cookies = mw_map_find(all, "cookies");
    fill(arg, options);
    fill(headers, mw_map_find(options, "headers"));
    fill(headers, mw_map_find(own, "headers"));
    fill(arg, own);
    mw_map_set(arg, "headers", headers);
    mw_map_set(arg, "cookies", cookies ? mw_value_copy(cookies) : mw_list_new());
    mw_map_set_text(arg, "url", url);
    if (!mw_map_find(arg, "method")) mw_map_set_text(arg, "method", mw_map_text(all, "method").p);
    if (!mw_map_find(arg, "follow")) mw_map_set_bool(arg, "follow", true);
    if (mw_map_find(all, "body")) mw_map_set(arg, "body", mw_value_copy(mw_map_find(all, "body")));
    set_step(arg, url);
    mw_value_free(all);
    mw_ctx_limit_time(L, r, arg);
    return mw_ctx_wait(L, r, "http", arg);
}

/* -- what it is expected to be ---------------------------------------------------------------- */

static int unlike(lua_State *L, const char *step, const char *what)
{
    lua_pushfstring(L, "%s: %s", step, what);
    return lua_error(L);
}

/* Is NUMBER the value at IDX, or one of the list there? */
static bool among(lua_State *L, int idx, double number)
{
    bool found = lua_type(L, idx) == LUA_TNUMBER && lua_tonumber(L, idx) == number;
    if (!lua_istable(L, idx)) return found;
    for (int i = 1; i <= (int)lua_objlen(L, idx) && !found; i++) {
        lua_rawgeti(L, idx, i);
        found = lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) == number;
        lua_pop(L, 1);
    }
    return found;
}

static void judge_status(lua_State *L, const char *step)
{
    lua_getfield(L, 2, "status");
    if (lua_isnil(L, -1)) return;
    lua_getfield(L, 1, "status");
    if (among(L, lua_gettop(L) - 1, lua_tonumber(L, -1))) return;
    unlike(L, step, lua_pushfstring(L, "status %d was not expected", (int)lua_tonumber(L, -1)));
}

static void judge_body(lua_State *L, const char *step)
{
    size_t length = 0, n = 0;
    lua_getfield(L, 2, "body");
    const char *text = lua_tolstring(L, -1, &n);
    lua_getfield(L, 1, "body");
    const char *body = lua_tolstring(L, -1, &length);
    if (text && n && (!body || !memmem(body, length, text, n)))
        unlike(L, step, lua_pushfstring(L, "the body does not contain \"%s\"", text));
}

/* judge(answer, expect): an error names the step. */
static int judge(lua_State *L)
{
    lua_settop(L, 2);
    if (!lua_istable(L, 2)) return 0;
    lua_getfield(L, 1, "step");
    const char *step = lua_tostring(L, -1);
    if (!step) step = "?";
    lua_getfield(L, 1, "error");
    if (!lua_isnil(L, -1)) return unlike(L, step, lua_tostring(L, -1));
    judge_status(L, step);
    judge_body(L, step);
    return 0;
}

static const char text[] =
    "local ask, join, judge = ...\n"
    "return function(own)\n"
    "  own = own or {}\n"
    "  local session, jar = {}, {}\n"
    "  local function send(method, url, body, options)\n"
    "    local all = { options = options, own = own, cookies = jar, body = body, method = method "
    "}\n"
    "    local answer = ask(all, join(own.base, url))\n"
    "    jar, answer.cookies = answer.cookies or jar, nil\n"
    "    judge(answer, options and options.expect)\n"
    "    return answer\n"
    "  end\n"
    "  function session.get(self, url, options) return send('GET', url, nil, options) end\n"
    "  function session.post(self, url, body, options) return send('POST', url, body, options) "
    "end\n"
    "  return session\n"
    "end";

void mw_ctx_push_session(lua_State *L)
{
    mw_push_own_text(L, text, "=session");
    lua_pushcfunction(L, ask);
    lua_pushcfunction(L, join);
    lua_pushcfunction(L, judge);
    lua_call(L, 3, 1);
}
