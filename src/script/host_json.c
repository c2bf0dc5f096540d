/* host_json.c - host.json: encode, decode, array and null.  SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <lauxlib.h>
#include <math.h>

#include "script/cross.h"
#include "script/state.h"

/* nil and why the value at 1 cannot leave. */
static int refusal(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_value_free(mw_cross_get(L, 1, &mw_cross_trusted, &err));
    return mw_lua_refuse(L, &err);
}

static int json_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    mw_cross_room(L, &mw_cross_trusted);
    mw_buf out;
    mw_buf_init(&out);
    bool ok = mw_cross_json(L, 1, &mw_cross_trusted, &out);
    if (ok) lua_pushlstring(L, out.p, out.n);
    mw_buf_deinit(&out);
    return ok ? 1 : refusal(L);
}

/* Behind the text that begins after P. */
static const char *text_end(const char *p, const char *end)
{
    for (; p < end && *p != '"'; p++) p += *p == '\\';
    return p < end ? p + 1 : end;
}

/* Are there more than MOST values in S?  Each costs hundreds of bytes, however short it is. */
static bool has_more(mw_str s, double most)
{
    double n = 0;
    for (const char *p = s.p, *end = s.p + s.n; p < end && n <= most;) {
        char c = *p++;
        if (c == '"')
            p = text_end(p, end);
        else
            n += c == ',' || c == '[' || c == '{';
    }
    return n > most;
}

/* decode(text, most) */
static int json_decode(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_str text;
    text.p = luaL_checklstring(L, 1, &text.n);
    double most = luaL_optnumber(L, 2, INFINITY);
    if (most < INFINITY && has_more(text, most)) {
        lua_pushnil(L);
        lua_pushfstring(L, "more than %d values", (int)most);
        return 2;
    }
    mw_value *v = mw_value_from_json(text, &err);
    if (!v) {
        lua_pushnil(L);
        if (err.line)
            lua_pushfstring(L, "%s (line %d, column %d)", err.msg, err.line, err.col);
        else
            lua_pushstring(L, err.msg);
        return 2;
    }
    if (v->type == MW_NIL)
        lua_pushlightuserdata(L, NULL);
    else
        mw_cross_push(L, v);
    mw_value_free(v);
    return 1;
}

/* The number behind "\\u" at P, or 0. */
static unsigned escaped(const char *p, const char *end)
{
    unsigned v = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return 0;
    for (int i = 2; i < 6; i++) {
        unsigned char c = (unsigned char)p[i];
        if (!isxdigit(c)) return 0;
        v = v << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

/* What stands at P goes to OUT, and in place of what is no character U+FFFD.  Bytes read. */
static size_t mend_one(const char *p, const char *end, mw_buf *out)
{
    size_t n = mw_utf8_at((mw_str){p, (size_t)(end - p)});
    unsigned half = escaped(p, end), other = half ? escaped(p + 6, end) : 0;
    if (!n) return mw_buf_text(out, "\xef\xbf\xbd"), 1;
    if (*p == '\\' && end - p > 1) n = half ? 6 : 1 + !(p[1] & 0x80);
    if (half >= 0xd800 && half <= 0xdfff) {
        if (half > 0xdbff || other < 0xdc00 || other > 0xdfff)
            return mw_buf_text(out, "\\ufffd"), 6;
        n = 12;
    }
    mw_buf_add(out, p, n);
    return n;
}

/* The text with U+FFFD for bytes that are no UTF-8 and for halves of pairs, as readers make of it
 * that refuse neither. */
static int json_mended(lua_State *L)
{
    size_t n;
    const char *p = luaL_checklstring(L, 1, &n), *end = p + n;
    mw_buf out;
    mw_buf_init(&out);
    while (p < end) p += mend_one(p, end, &out);
    lua_pushlstring(L, out.p ? out.p : "", out.n);
    mw_buf_deinit(&out);
    return 1;
}

static int json_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_getmetatable(L, MW_ARRAY_MARK);
    lua_setmetatable(L, 1);
    return 1;
}

void mw_host_open_json(lua_State *L)
{
    static const mw_host_fn fns[] = {{"encode", json_encode},
                                     {"decode", json_decode},
                                     {"mended", json_mended},
                                     {"array", json_array},
                                     {NULL, NULL}};
    lua_newtable(L);
    lua_pushvalue(L, -2);
    mw_host_set(L, fns);
    lua_pop(L, 1);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_setfield(L, -3, "json");
}
