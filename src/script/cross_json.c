/* cross_json.c - a Lua value as JSON, without a copy of it in between.
 *
 * What cannot cross is only noticed here, not described: the caller asks mw_cross_get, which walks
 * the same way and knows the words.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <math.h>

#include "base/num.h"
#include "script/cross.h"
#include "script/texts.h"

typedef struct writer {
    lua_State *L;
    mw_buf *out;
    size_t items, bytes; /* left of the limits */
    int depth;
} writer;

static bool write(writer *w, int idx);

static bool write_text(writer *w, int idx)
{
    mw_str s;
    s.p = lua_tolstring(w->L, idx, &s.n);
    if (s.n > w->bytes) return false;
    w->bytes -= s.n;
    mw_buf_json(w->out, s);
    return true;
}

static bool write_number(writer *w, double v)
{
    if (!isfinite(v))
        mw_buf_text(w->out, isnan(v) ? "\"NaN\"" : v > 0 ? "\"+Inf\"" : "\"-Inf\"");
    else
        w->out->n += (size_t)mw_double_general(v, mw_buf_room(w->out, MW_DOUBLE_MAX));
    return true;
}

/* Behind the key at the top of the stack; the value goes. */
static bool write_value(writer *w)
{
    bool ok = write(w, lua_gettop(w->L));
    lua_pop(w->L, 1);
    return ok;
}

/* The key of a map below the value at the top of the stack. */
static bool write_key(writer *w)
{
    char number[MW_DOUBLE_MAX];
    switch (lua_type(w->L, -2)) {
    case LUA_TSTRING: return write_text(w, lua_gettop(w->L) - 1);
    case LUA_TNUMBER:
        mw_buf_json(w->out,
                    (mw_str){number, (size_t)mw_double_general(lua_tonumber(w->L, -2), number)});
        return true;
    default: return false;
    }
}

static bool write_map(writer *w, int idx)
{
    lua_State *L = w->L;
    bool first = true;
    mw_buf_byte(w->out, '{');
    for (lua_pushnil(L); lua_next(L, idx);) {
        if (!first) mw_buf_byte(w->out, ',');
        first = false;
        bool ok = write_key(w);
        mw_buf_byte(w->out, ':');
        if (!write_value(w) || !ok) {
            lua_pop(L, 1);
            return false;
        }
    }
    mw_buf_byte(w->out, '}');
    return true;
}

static bool write_list(writer *w, int idx, size_t n)
{
    mw_buf_byte(w->out, '[');
    for (size_t i = 1; i <= n; i++) {
        if (i > 1) mw_buf_byte(w->out, ',');
        lua_rawgeti(w->L, idx, (int)i);
        if (!write_value(w)) return false;
    }
    mw_buf_byte(w->out, ']');
    return true;
}

static bool write_table(writer *w, int idx)
{
    size_t n = lua_objlen(w->L, idx);
    return mw_cross_is_list(w->L, idx, n) ? write_list(w, idx, n) : write_map(w, idx);
}

static bool write_texts(writer *w, int idx)
{
    const mw_texts *t = mw_texts_at(w->L, idx);
    size_t before = w->out->n;
    if (!t || mw_texts_size(t) > w->items) return false;
    w->items -= mw_texts_size(t);
    mw_texts_json(t, w->out);
    size_t bytes = w->out->n - before;
    w->bytes -= bytes < w->bytes ? bytes : w->bytes;
    return true;
}

static bool write(writer *w, int idx)
{
    lua_State *L = w->L;
    if (!w->items--) return false;
    switch (lua_type(L, idx)) {
    case LUA_TBOOLEAN: mw_buf_text(w->out, lua_toboolean(L, idx) ? "true" : "false"); return true;
    case LUA_TNUMBER: return write_number(w, lua_tonumber(L, idx));
    case LUA_TSTRING: return write_text(w, idx);
    case LUA_TTABLE: {
        if (!w->depth--) return false;
        bool ok = write_table(w, idx);
        w->depth++;
        return ok;
    }
    case LUA_TUSERDATA: return write_texts(w, idx);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, idx)) return false;
        mw_buf_text(w->out, "null");
        return true;
    default: return false;
    }
}

bool mw_cross_json(lua_State *L, int idx, const mw_cross_limits *limits, mw_buf *out)
{
    if (limits->guest || limits->left || limits->function) return false;
    writer w = {L, out, limits->items, limits->bytes, limits->depth};
    if (idx < 0 && idx > LUA_REGISTRYINDEX) idx += lua_gettop(L) + 1;
    return write(&w, idx);
}
