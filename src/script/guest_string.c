/* guest_string.c - the string library of a guest: find, match, gmatch and gsub over our own
 * matcher, the rest with its work charged and its results bounded.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "script/guest_lib.h"
#include "script/pattern.h"
#include "script/sandbox.h"

static mw_str check_text(lua_State *L, int idx)
{
    mw_str s;
    s.p = luaL_checklstring(L, idx, &s.n);
    return s;
}

static mw_pattern begin(lua_State *L, mw_str s, mw_str p)
{
    return (mw_pattern){
        .L = L, .subject = s.p, .end = s.p + s.n, .pattern_end = p.p + p.n, .level = 0};
}

/* -- captures -------------------------------------------------------------------------------- */

static void push_capture(mw_pattern *m, int i, const char *s, const char *e)
{
    if (i >= m->level) {
        if (i != 0) luaL_error(m->L, "invalid capture index");
        lua_pushlstring(m->L, s, (size_t)(e - s));
        return;
    }
    if (m->capture[i].n == MW_CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
    if (m->capture[i].n == MW_CAPTURE_POSITION)
        lua_pushinteger(m->L, m->capture[i].at - m->subject + 1);
    else
        lua_pushlstring(m->L, m->capture[i].at, (size_t)m->capture[i].n);
}

/* All captures, or the whole match when there are none and WHOLE. */
static int push_captures(mw_pattern *m, bool whole, const char *s, const char *e)
{
    int n = m->level == 0 && whole ? 1 : m->level;
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++) push_capture(m, i, s, e);
    return n;
}

/* -- find and match -------------------------------------------------------------------------- */

static bool is_plain(mw_str p)
{
    for (size_t i = 0; i < p.n; i++)
        if (p.p[i] && strchr("^$*+?.([%-", p.p[i])) return false;
    return true;
}

static int find_plain(lua_State *L, mw_str s, mw_str p, size_t from)
{
    mw_charge(L, (s.n - from) / 4);
    const char *at = p.n ? memmem(s.p + from, s.n - from, p.p, p.n) : s.p + from;
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - s.p + 1);
    lua_pushinteger(L, at - s.p + (ptrdiff_t)p.n);
    return 2;
}

static int find_or_match(lua_State *L, bool find)
{
    mw_str s = check_text(L, 1), p = check_text(L, 2);
    ptrdiff_t init = luaL_optinteger(L, 3, 1);
    if (init < 0) init += (ptrdiff_t)s.n + 1;
    if (init < 1) init = 1;
    if ((size_t)init > s.n + 1) init = (ptrdiff_t)s.n + 1;
    if (find && (lua_toboolean(L, 4) || is_plain(p))) return find_plain(L, s, p, (size_t)init - 1);
    bool anchored = p.n && *p.p == '^';
    mw_pattern m = begin(L, s, p);
    for (const char *at = s.p + init - 1;; at++) {
        m.level = 0;
        const char *e = mw_pattern_match(&m, at, p.p + anchored);
        if (e && find) {
            lua_pushinteger(L, at - s.p + 1);
            lua_pushinteger(L, e - s.p);
            return 2 + push_captures(&m, false, at, e);
        }
        if (e) return push_captures(&m, true, at, e);
        if (at >= m.end || anchored) break;
    }
    lua_pushnil(L);
    return 1;
}

static int str_find(lua_State *L) { return find_or_match(L, true); }
static int str_match(lua_State *L) { return find_or_match(L, false); }

static int gmatch_next(lua_State *L)
{
    mw_str s, p;
    s.p = lua_tolstring(L, lua_upvalueindex(1), &s.n);
    p.p = lua_tolstring(L, lua_upvalueindex(2), &p.n);
    mw_pattern m = begin(L, s, p);
    for (size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(3)); at <= s.n; at++) {
        m.level = 0;
        const char *e = mw_pattern_match(&m, s.p + at, p.p);
        if (!e) continue;
        lua_pushinteger(L, e - s.p + (e == s.p + at)); /* an empty match moves on by one */
        lua_replace(L, lua_upvalueindex(3));
        return push_captures(&m, true, s.p + at, e);
    }
    return 0;
}

static int str_gmatch(lua_State *L)
{
    check_text(L, 1);
    check_text(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, gmatch_next, 3);
    return 1;
}

/* -- gsub ------------------------------------------------------------------------------------ */

static void check_room(lua_State *L, size_t total)
{
    if (total > MW_GUEST_TEXT) luaL_error(L, "text too long: at most %d bytes", MW_GUEST_TEXT);
}

/* The parts of the result are put together in a Lua table, so that an error loses nothing. */
typedef struct pieces {
    lua_State *L;
    int table, n;
    size_t total;
} pieces;

static void piece_pop(pieces *to)
{
    size_t n;
    lua_tolstring(to->L, -1, &n);
    check_room(to->L, to->total += n);
    lua_rawseti(to->L, to->table, ++to->n);
}

static void piece_add(pieces *to, const char *s, size_t n)
{
    if (!n) return;
    check_room(to->L, to->total + n);
    lua_pushlstring(to->L, s, n);
    piece_pop(to);
}

static void expand_text(mw_pattern *m, pieces *to, const char *s, const char *e)
{
    mw_str t;
    t.p = lua_tolstring(m->L, 3, &t.n);
    size_t from = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] != '%') continue;
        mw_charge(m->L, 8);
        piece_add(to, t.p + from, i - from);
        char c = ++i < t.n ? t.p[i] : '%';
        from = i + 1;
        if (c == '0')
            piece_add(to, s, (size_t)(e - s));
        else if (c >= '1' && c <= '9')
            push_capture(m, c - '1', s, e), lua_tostring(m->L, -1), piece_pop(to);
        else
            piece_add(to, &c, 1);
    }
    if (from < t.n) piece_add(to, t.p + from, t.n - from);
}

static void substitute(mw_pattern *m, pieces *to, const char *s, const char *e)
{
    lua_State *L = m->L;
    mw_charge(L, 1);
    if (lua_type(L, 3) != LUA_TTABLE) {
        expand_text(m, to, s, e);
        return;
    }
    push_capture(m, 0, s, e);
    lua_rawget(L, 3);
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        piece_add(to, s, (size_t)(e - s));
    } else if (lua_isstring(L, -1)) {
        lua_tostring(L, -1);
        piece_pop(to);
    } else {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
}

/* Concatenates the pieces; they are bounded by MW_GUEST_TEXT in all. */
static void push_pieces(pieces *to)
{
    luaL_Buffer b;
    luaL_buffinit(to->L, &b);
    for (int i = 1; i <= to->n; i++) {
        lua_rawgeti(to->L, to->table, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
}

/* For guest_leave.c: (s, pattern, at) */
static int gsub_step(lua_State *L)
{
    mw_str s = check_text(L, 1), p = check_text(L, 2);
    ptrdiff_t at = luaL_checkinteger(L, 3) - 1;
    mw_pattern m = begin(L, s, p);
    bool anchored = p.n && *p.p == '^';
    mw_charge(L, 4);
    for (const char *from = s.p + at; at >= 0 && from <= m.end; from++) {
        m.level = 0;
        const char *e = mw_pattern_match(&m, from, p.p + anchored);
        if (e) {
            lua_pushinteger(L, from - s.p + 1);
            lua_pushinteger(L, e - s.p + 1);
            return 2 + push_captures(&m, true, from, e);
        }
        if (anchored) break;
    }
    return 0;
}

/* Likewise: (list of texts and numbers) */
static int gsub_join(lua_State *L)
{
    lua_settop(L, 1);
    int n = (int)lua_objlen(L, 1);
    pieces to = {L, 1, n, 0};
    for (int i = 1; i <= n; i++) {
        size_t len;
        lua_rawgeti(L, 1, i);
        lua_tolstring(L, -1, &len);
        check_room(L, to.total += len);
        lua_pop(L, 1);
    }
    mw_charge(L, (uint64_t)n + to.total / 16);
    push_pieces(&to);
    return 1;
}

/* A function, or a table that calls one, is replacing in guest_leave.c. */
static int str_gsub(lua_State *L)
{
    mw_str s = check_text(L, 1), p = check_text(L, 2);
    int type = lua_type(L, 3);
    luaL_argcheck(L,
                  type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                      type == LUA_TTABLE,
                  3, "string/function/table expected");
    lua_Number most = luaL_optnumber(L, 4, (lua_Number)s.n + 1);
    lua_settop(L, 4);
    if (type == LUA_TFUNCTION) return luaL_argerror(L, 3, "a function where none can be called");
    if (type == LUA_TNUMBER) lua_tostring(L, 3);
    lua_newtable(L);
    pieces to = {L, 5, 0, 0};
    mw_pattern m = begin(L, s, p);
    bool anchored = p.n && *p.p == '^';
    const char *at = s.p, *kept = s.p; /* from KEPT to AT is copied as it is */
    lua_Number n = 0;
    while (n < most) {
        m.level = 0;
        const char *e = mw_pattern_match(&m, at, p.p + anchored);
        if (e) {
            n++;
            piece_add(&to, kept, (size_t)(at - kept));
            substitute(&m, &to, at, e);
            kept = e;
        }
        if (e && e > at)
            at = e;
        else if (at < m.end)
            at++;
        else
            break;
        if (anchored) break;
    }
    if (kept < m.end) piece_add(&to, kept, (size_t)(m.end - kept));
    push_pieces(&to);
    lua_pushnumber(L, n);
    return 2;
}

/* -- the rest -------------------------------------------------------------------------------- */

static int str_rep(lua_State *L)
{
    mw_str s = check_text(L, 1), sep = {"", 0};
    lua_Number n = luaL_checknumber(L, 2);
    if (!lua_isnoneornil(L, 3)) sep = check_text(L, 3);
    if (!(n >= 1)) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (n * (lua_Number)(s.n + sep.n) > MW_GUEST_TEXT || n > MW_GUEST_TEXT)
        return luaL_error(L, "text too long: at most %d bytes", MW_GUEST_TEXT);
    mw_charge(L, (uint64_t)n + (uint64_t)(n * (lua_Number)(s.n + sep.n)) / 16);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = 0; i < (size_t)n; i++) {
        if (i) luaL_addlstring(&b, sep.p, sep.n);
        luaL_addlstring(&b, s.p, s.n);
    }
    luaL_pushresult(&b);
    return 1;
}

/* Upvalue 1 is the original, which works in proportion to its texts. */
static int charged(lua_State *L)
{
    size_t total = 0, n;
    for (int i = 1; i <= lua_gettop(L); i++)
        if (lua_type(L, i) == LUA_TSTRING && lua_tolstring(L, i, &n)) total += n;
    check_room(L, total);
    mw_charge(L, total / 16);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static const char *const cheap[] = {"len"};
static const char *const costly[] = {"byte", "char", "format", "lower", "reverse", "sub", "upper"};
static const luaL_Reg own[] = {{"find", str_find}, {"match", str_match}, {"gmatch", str_gmatch},
                               {"gsub", str_gsub}, {"rep", str_rep},     {NULL, NULL}};

/* A table of its own each time: what one file changes stays in that table. */
static void push_library(lua_State *L, int original)
{
    lua_newtable(L);
    for (size_t i = 0; i < sizeof cheap / sizeof *cheap; i++) {
        lua_getfield(L, original, cheap[i]);
        lua_setfield(L, -2, cheap[i]);
    }
    for (size_t i = 0; i < sizeof costly / sizeof *costly; i++) {
        lua_getfield(L, original, costly[i]);
        lua_pushcclosure(L, charged, 1);
        lua_setfield(L, -2, costly[i]);
    }
    for (const luaL_Reg *r = own; r->name; r++) {
        lua_pushcfunction(L, r->func);
        lua_setfield(L, -2, r->name);
    }
    mw_guest_leave_gsub(L, lua_gettop(L), gsub_step, gsub_join);
}

void mw_guest_lib_string(lua_State *L)
{
    lua_pushcfunction(L, luaopen_string);
    lua_pushliteral(L, LUA_STRLIBNAME);
    lua_call(L, 1, 1);
    int original = lua_gettop(L);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    push_library(L, original); /* what ("x"):rep(3) finds; out of the file's reach */
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
    push_library(L, original);
    lua_remove(L, original);
}
