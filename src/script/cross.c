/* cross.c - how values enter and leave a Lua state.
 *
 * Reading uses raw access only (lua_next, lua_rawlen), so a guest's metamethods never run here
 * and nothing is allocated in its state: the walk cannot fail half-way for want of its memory.
 * SPDX-License-Identifier: MIT */
#include "script/cross.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "script/sandbox.h"
#include "script/texts.h"

const mw_cross_limits mw_cross_trusted = {.depth = 64, .items = 4000000, .bytes = 256u << 20};

/* -- out of Lua ------------------------------------------------------------------------------ */

enum { PATH_PARTS = 6, ITEM_COST = 8 /* instructions */ };
static const char too_much[] = "too much to keep, with what was said before";

typedef struct walk {
    lua_State *L;
    const mw_cross_limits *limits;
    size_t items, bytes;
    int depth;
    mw_str path[PATH_PARTS]; /* outermost keys, for messages; they live in L or in number */
    mw_err *err;
} walk;

static mw_value *refuse(walk *w, const char *what)
{
    char at[160] = "";
    size_t n = 0;
    for (int i = 0; i < w->depth && i < PATH_PARTS; i++) {
        int len = w->path[i].n > 24 ? 24 : (int)w->path[i].n;
        int put = snprintf(at + n, sizeof at - n, "%s%.*s", i ? "." : "", len, w->path[i].p);
        n += (size_t)put;
    }
    mw_fail(w->err, MW_EARG, 0, 0, "%s%s%s", at, n ? ": " : "", what);
    return NULL;
}

/* N more bytes of text; false: that is too much. */
static bool take_text(walk *w, size_t n)
{
    size_t *left = w->limits->left;
    if ((w->bytes += n) > w->limits->bytes) return refuse(w, "too much text"), false;
    if (!left) return true;
    if (n > *left) return refuse(w, too_much), false;
    *left -= n;
    return true;
}

static mw_value *get(walk *w, int idx);

static bool has_mark(lua_State *L, int idx)
{
    if (!lua_getmetatable(L, idx)) return false;
    lua_pushlightuserdata(L, (void *)&mw_cross_trusted);
    lua_rawget(L, -2);
    bool is = !lua_isnil(L, -1);
    lua_pop(L, 2);
    return is;
}

bool mw_cross_is_list(lua_State *L, int idx, size_t n)
{
    if (n == 0) return has_mark(L, idx);
    size_t seen = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        lua_Number k = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (!(k >= 1 && k <= (lua_Number)n && k == floor(k))) {
            lua_pop(L, 2);
            return false;
        }
        seen++;
    }
    return seen == n;
}

static mw_value *get_list(walk *w, int idx, size_t n)
{
    mw_value *list = mw_list_new();
    for (size_t i = 1; i <= n; i++) {
        char number[24];
        int len = snprintf(number, sizeof number, "%zu", i);
        if (w->depth <= PATH_PARTS) w->path[w->depth - 1] = (mw_str){number, (size_t)len};
        lua_rawgeti(w->L, idx, (int)i);
        mw_value *v = get(w, lua_gettop(w->L));
        lua_pop(w->L, 1);
        if (!v) {
            mw_value_free(list);
            return NULL;
        }
        mw_list_add(list, v);
    }
    return list;
}

static mw_value *get_map(walk *w, int idx)
{
    lua_State *L = w->L;
    mw_value *map = mw_map_new();
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        char number[MW_DOUBLE_MAX];
        mw_str key;
        int type = lua_type(L, -2);
        if (type == LUA_TSTRING) {
            key.p = lua_tolstring(L, -2, &key.n);
        } else if (type == LUA_TNUMBER) {
            key = (mw_str){number, (size_t)mw_double_general(lua_tonumber(L, -2), number)};
        } else {
            refuse(w, "a key must be a text or a number");
            goto fail;
        }
        if (!take_text(w, key.n)) goto fail;
        if (w->depth <= PATH_PARTS) w->path[w->depth - 1] = key;
        mw_value *v = get(w, lua_gettop(L));
        if (!v) goto fail;
        mw_map_add(map, key, type == LUA_TNUMBER, v);
    }
    return map;
fail:
    lua_pop(L, 2);
    mw_value_free(map);
    return NULL;
}

static mw_value *get_table(walk *w, int idx)
{
    if (w->depth >= w->limits->depth) return refuse(w, "nested too deeply");
    w->depth++;
    size_t n = lua_objlen(w->L, idx);
    mw_value *v = mw_cross_is_list(w->L, idx, n) ? get_list(w, idx, n) : get_map(w, idx);
    w->depth--;
    return v;
}

static mw_value *get_texts(walk *w, const mw_texts *t)
{
    mw_value *map = mw_map_new();
    for (size_t i = 0; i < mw_texts_size(t); i++) {
        mw_label l = mw_texts_get(t, i);
        if (!take_text(w, l.name.n) || !take_text(w, l.value.n)) return mw_value_free(map), NULL;
        mw_map_add(map, l.name, false, mw_text_new(l.value));
    }
    return map;
}

/* One value more.  A guest pays for it, and for walking over tables, where even one of no entries
 * may have a million places and stand here a million times. */
static const char *excess(walk *w, int idx)
{
    size_t *left = w->limits->left, n = sizeof(mw_value) + sizeof(mw_entry);
    if (++w->items > w->limits->items) return "too many values";
    if (w->limits->guest) {
        uint64_t cost = lua_istable(w->L, idx) ? 2 * mw_walk_cost(w->L, idx) : 0;
        if (!mw_spend(mw_sandbox_of(w->L), ITEM_COST + cost)) return "stopped";
    }
    if (!left) return NULL;
    if (n > *left) return too_much;
    *left -= n;
    return NULL;
}

static mw_value *get(walk *w, int idx)
{
    lua_State *L = w->L;
    const char *why = excess(w, idx);
    if (why) return refuse(w, why);
    switch (lua_type(L, idx)) {
    case LUA_TNONE:
    case LUA_TNIL: return mw_nil_new();
    case LUA_TBOOLEAN: return mw_bool_new(lua_toboolean(L, idx));
    case LUA_TNUMBER: return mw_number_new(lua_tonumber(L, idx));
    case LUA_TSTRING: {
        mw_str s;
        s.p = lua_tolstring(L, idx, &s.n);
        return take_text(w, s.n) ? mw_text_new(s) : NULL;
    }
    case LUA_TTABLE: return get_table(w, idx);
    case LUA_TUSERDATA:
        if (mw_texts_at(L, idx)) return get_texts(w, mw_texts_at(L, idx));
        break;
    case LUA_TLIGHTUSERDATA: /* json.null */
        if (!lua_touserdata(L, idx)) return mw_nil_new();
        return refuse(w, "a userdata cannot leave this state");
    case LUA_TFUNCTION:
        if (w->limits->function) {
            lua_pushvalue(L, idx);
            mw_value *v = w->limits->function(w->limits->arg, L);
            lua_pop(L, 1);
            return v ? v : refuse(w, "too many functions");
        }
        return refuse(w, "a function cannot leave this state");
    default: break;
    }
    char what[64];
    snprintf(what, sizeof what, "a %s cannot leave this state", lua_typename(L, lua_type(L, idx)));
    return refuse(w, what);
}

void mw_cross_room(lua_State *L, const mw_cross_limits *limits)
{
    luaL_checkstack(L, 3 * limits->depth + 10, "too deep");
}

mw_value *mw_cross_get(lua_State *L, int idx, const mw_cross_limits *limits, mw_err *err)
{
    if (idx < 0 && idx > LUA_REGISTRYINDEX) idx += lua_gettop(L) + 1;
    walk w = {.L = L, .limits = limits, .err = err};
    return get(&w, idx);
}

/* -- into Lua -------------------------------------------------------------------------------- */

static void mark_empty(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, MW_ARRAY_MARK);
    if (lua_istable(L, -1))
        lua_setmetatable(L, -2);
    else
        lua_pop(L, 1);
}

static void push_list(lua_State *L, const mw_value *v)
{
    lua_createtable(L, (int)v->list.n, 0);
    if (v->list.n == 0) mark_empty(L);
    for (size_t i = 0; i < v->list.n; i++) {
        const mw_value *item = v->list.item[i];
        if (item->type == MW_NIL)
            lua_pushlightuserdata(L, NULL); /* a hole would end the list */
        else
            mw_cross_push(L, item);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

static void push_map(lua_State *L, const mw_value *v)
{
    lua_createtable(L, 0, (int)v->map.n);
    for (size_t i = 0; i < v->map.n; i++) {
        const mw_entry *e = &v->map.entry[i];
        double number;
        if (e->value->type == MW_NIL) continue;
        if (e->numeric && mw_double_parse(e->key, &number))
            lua_pushnumber(L, number);
        else
            lua_pushlstring(L, e->key.p, e->key.n);
        mw_cross_push(L, e->value);
        lua_rawset(L, -3);
    }
}

void mw_cross_push(lua_State *L, const mw_value *v)
{
    luaL_checkstack(L, 6, "value too deep");
    switch (v ? v->type : MW_NIL) {
    case MW_NIL: lua_pushnil(L); break;
    case MW_BOOL: lua_pushboolean(L, v->b); break;
    case MW_NUMBER: lua_pushnumber(L, v->number); break;
    case MW_TEXT: lua_pushlstring(L, v->text.p, v->text.n); break;
    case MW_LIST: push_list(L, v); break;
    case MW_MAP: push_map(L, v); break;
    }
}
