/* texts.c - how a set lies in its block, and what Lua may do with it.
 *
 *   mark  n  end of name 1, of text 1, of name 2, ... (from the first byte of name 1)  bytes
 *
 * The mark tells it from other blocks that Lua holds for us, at less than a look at its metatable.
 * SPDX-License-Identifier: MIT */
#include "script/texts.h"

#include <lauxlib.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "script/state.h"

#define TEXTS_TYPE "moonwatch.texts"
static const char mark[] = TEXTS_TYPE;

struct mw_texts {
    const char *mark;
    uint32_t n, end[];
};

/* -- the block ------------------------------------------------------------------------------- */

static const char *bytes_of(const mw_texts *t) { return (const char *)(t->end + 2 * t->n); }

/* The K-th piece: names are even, texts odd. */
static mw_str piece(const mw_texts *t, size_t k)
{
    uint32_t from = k ? t->end[k - 1] : 0;
    return (mw_str){bytes_of(t) + from, t->end[k] - from};
}

size_t mw_texts_size(const mw_texts *t) { return t->n; }

mw_label mw_texts_get(const mw_texts *t, size_t i)
{
    return (mw_label){piece(t, 2 * i), piece(t, 2 * i + 1)};
}

static size_t bytes_in(const mw_label *l, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += l[i].name.n + l[i].value.n;
    return bytes;
}

static void fill(mw_texts *t, const mw_label *l)
{
    char *p = (char *)bytes_of(t), *start = p;
    for (size_t i = 0; i < t->n; i++) {
        p = mempcpy(p, l[i].name.p, l[i].name.n);
        t->end[2 * i] = (uint32_t)(p - start);
        p = mempcpy(p, l[i].value.p, l[i].value.n);
        t->end[2 * i + 1] = (uint32_t)(p - start);
    }
}

const mw_texts *mw_texts_push(lua_State *L, const mw_label *l, size_t n)
{
    size_t bytes = bytes_in(l, n);
    if (n > UINT32_MAX / 16 || bytes > UINT32_MAX) luaL_error(L, "too much text");
    mw_texts *t = lua_newuserdata(L, offsetof(mw_texts, end) + 2 * n * sizeof *t->end + bytes);
    t->mark = mark;
    t->n = (uint32_t)n;
    fill(t, l);
    luaL_getmetatable(L, TEXTS_TYPE);
    lua_setmetatable(L, -2);
    return t;
}

const mw_texts *mw_texts_at(lua_State *L, int idx)
{
    const mw_texts *t = lua_type(L, idx) == LUA_TUSERDATA ? lua_touserdata(L, idx) : NULL;
    return t && lua_objlen(L, idx) >= offsetof(mw_texts, end) && t->mark == mark ? t : NULL;
}

bool mw_texts_eq(const mw_texts *t, const mw_label *l, size_t n)
{
    bool same = t->n == n;
    for (size_t i = 0; same && i < n; i++)
        same = mw_str_eq(piece(t, 2 * i), l[i].name) && mw_str_eq(piece(t, 2 * i + 1), l[i].value);
    return same;
}

void mw_texts_json(const mw_texts *t, mw_buf *out)
{
    mw_buf_byte(out, '{');
    for (size_t i = 0; i < t->n; i++) {
        if (i) mw_buf_byte(out, ',');
        mw_buf_json(out, piece(t, 2 * i));
        mw_buf_byte(out, ':');
        mw_buf_json(out, piece(t, 2 * i + 1));
    }
    mw_buf_byte(out, '}');
}

/* Where NAME stands, or would. */
static size_t place(const mw_texts *t, mw_str name, bool *there)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = mw_str_cmp(piece(t, 2 * mid), name);
        *there = c == 0;
        if (*there) return mid;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *there = false;
    return low;
}

/* The text of NAME; p is NULL when there is none.  Sets are small, and most names have lengths of
 * their own. */
static mw_str find(const mw_texts *t, mw_str name)
{
    for (size_t i = 0; i < t->n; i++)
        if (mw_str_eq(piece(t, 2 * i), name)) return piece(t, 2 * i + 1);
    return (mw_str){NULL, 0};
}

/* -- of a table ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return mw_str_cmp(((const mw_label *)a)->name, ((const mw_label *)b)->name);
}

/* The pair of texts at the top of the stack: they live as long as their table does. */
static bool read_pair(lua_State *L, mw_label *l)
{
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) return false;
    l->name.p = lua_tolstring(L, -2, &l->name.n);
    l->value.p = lua_tolstring(L, -1, &l->value.n);
    return true;
}

static size_t count(lua_State *L, int idx)
{
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) n++;
    return n;
}

const mw_texts *mw_texts_make(lua_State *L, int idx)
{
    const mw_texts *t = mw_texts_at(L, idx);
    if (t || !lua_istable(L, idx)) return t;
    size_t n = 0;
    mw_label *l = lua_newuserdata(L, count(L, idx) * sizeof *l + 1);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (!read_pair(L, &l[n++])) {
            lua_pop(L, 3);
            return NULL;
        }
    }
    qsort(l, n, sizeof *l, by_name);
    t = mw_texts_push(L, l, n);
    lua_replace(L, idx);
    lua_pop(L, 1);
    return t;
}

/* -- for Lua --------------------------------------------------------------------------------- */

static void push_str(lua_State *L, mw_str s) { lua_pushlstring(L, s.p, s.n); }

static const mw_texts *check(lua_State *L, int idx)
{
    const mw_texts *t = mw_texts_make(L, idx);
    luaL_argcheck(L, t, idx, "texts by name expected");
    return t;
}

/* set[name] */
static int texts_index(lua_State *L)
{
    const mw_texts *t = mw_texts_at(L, 1);
    mw_str name, text;
    if (!t || lua_type(L, 2) != LUA_TSTRING) return 0;
    name.p = lua_tolstring(L, 2, &name.n);
    text = find(t, name);
    if (!text.p) return 0;
    push_str(L, text);
    return 1;
}

/* next(set, name) -> the name behind it and its text; nothing behind the last one */
static int texts_next(lua_State *L)
{
    const mw_texts *t = mw_texts_at(L, 1);
    luaL_argcheck(L, t, 1, "a set of texts expected");
    size_t i = 0;
    if (!lua_isnoneornil(L, 2)) {
        mw_str name;
        bool there;
        name.p = luaL_checklstring(L, 2, &name.n);
        i = place(t, name, &there);
        i += there;
    }
    if (i >= t->n) return 0;
    push_str(L, piece(t, 2 * i));
    push_str(L, piece(t, 2 * i + 1));
    return 2;
}

/* plain(set) -> a table */
static int texts_plain(lua_State *L)
{
    const mw_texts *t = mw_texts_at(L, 1);
    luaL_argcheck(L, t, 1, "a set of texts expected");
    lua_createtable(L, 0, (int)t->n);
    for (size_t i = 0; i < t->n; i++) {
        push_str(L, piece(t, 2 * i));
        push_str(L, piece(t, 2 * i + 1));
        lua_rawset(L, -3);
    }
    return 1;
}

/* same(a, b): two sets, or tables of texts */
static int texts_same(lua_State *L)
{
    lua_settop(L, 2);
    const mw_texts *a = check(L, 1), *b = check(L, 2);
    size_t n = lua_objlen(L, 1);
    lua_pushboolean(L, n == lua_objlen(L, 2) && !memcmp(a, b, n));
    return 1;
}

static void push_common(lua_State *L, const mw_texts *first, const bool *differs)
{
    lua_newtable(L);
    for (size_t i = 0; i < first->n; i++) {
        if (differs[i]) continue;
        push_str(L, piece(first, 2 * i));
        push_str(L, piece(first, 2 * i + 1));
        lua_rawset(L, -3);
    }
}

/* Both are in order of names, so one walk along them finds which texts of FIRST differ in T.  How
 * many of them do for the first time. */
static size_t compare(const mw_texts *first, const mw_texts *t, bool *differs)
{
    size_t news = 0;
    for (size_t i = 0, k = 0; i < first->n; i++) {
        mw_str name = piece(first, 2 * i), text = {NULL, 0};
        int c = -1;
        while (k < t->n && (c = mw_str_cmp(piece(t, 2 * k), name)) < 0) k++;
        if (k < t->n && c == 0) text = piece(t, 2 * k + 1);
        if (differs[i] || mw_str_eq(text, piece(first, 2 * i + 1))) continue;
        differs[i] = true;
        news++;
    }
    return news;
}

/* common(list of sets) -> a table of what they all have; what one of them lacks is empty there */
static int texts_common(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    size_t sets = lua_objlen(L, 1);
    if (!sets) return lua_newtable(L), 1;
    lua_rawgeti(L, 1, 1);
    const mw_texts *first = check(L, 2);
    size_t left = first->n;
    bool *differs = lua_newuserdata(L, left + 1);
    memset(differs, 0, left + 1);
    for (size_t i = 2; i <= sets && left; i++) {
        lua_rawgeti(L, 1, (int)i);
        left -= compare(first, check(L, 4), differs);
        lua_settop(L, 3);
    }
    push_common(L, first, differs);
    return 1;
}

/* -- orders ---------------------------------------------------------------------------------- */

/* Fewer names first, then by name and text: of two sets that differ in a name, the one that has the
 * smaller of the two comes last. */
static int compare_sets(const mw_texts *a, const mw_texts *b)
{
    int c = 0;
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (size_t i = 0; !c && i < a->n; i++) {
        c = mw_str_cmp(piece(b, 2 * i), piece(a, 2 * i));
        if (!c) c = mw_str_cmp(piece(a, 2 * i + 1), piece(b, 2 * i + 1));
    }
    return c;
}

/* before(a, b): does set A come before B? */
static int texts_before(lua_State *L)
{
    lua_settop(L, 2);
    const mw_texts *a = check(L, 1), *b = check(L, 2);
    lua_pushboolean(L, compare_sets(a, b) < 0);
    return 1;
}

typedef struct thing {
    const mw_texts *set;
    mw_str job, instance; /* p is NULL when there is none */
    int place;
} thing;

/* What is missing comes last. */
static int compare_texts(mw_str a, mw_str b)
{
    if (!a.p || !b.p) return !a.p - !b.p;
    return mw_str_cmp(a, b);
}

static int compare_things(const void *x, const void *y)
{
    const thing *a = x, *b = y;
    int c = compare_texts(a->job, b->job);
    if (!c) c = compare_texts(a->instance, b->instance);
    if (!c) c = compare_sets(a->set, b->set);
    return c ? c : a->place - b->place;
}

/* Where things stand on the stack. */
enum { LIST = 1, THINGS, LABELS, SORTED, ONE };

static void read_thing(lua_State *L, thing *t, int i)
{
    lua_rawgeti(L, LIST, i);
    luaL_checktype(L, ONE, LUA_TTABLE);
    lua_pushvalue(L, LABELS);
    lua_rawget(L, ONE);
    t->set = check(L, ONE + 1);
    t->job = find(t->set, MW_STR("job"));
    t->instance = find(t->set, MW_STR("instance"));
    t->place = i;
    lua_rawseti(L, SORTED, i); /* the set stays until all is in order */
    lua_settop(L, SORTED);
}

/* in_order(list of things with labels) -> the list, by job, by instance, then by all labels */
static int texts_in_order(lua_State *L)
{
    luaL_checktype(L, LIST, LUA_TTABLE);
    lua_settop(L, LIST);
    int n = (int)lua_objlen(L, LIST);
    thing *t = lua_newuserdata(L, (size_t)n * sizeof *t + 1);
    lua_pushliteral(L, "labels");
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) read_thing(L, &t[i - 1], i);
    qsort(t, (size_t)n, sizeof *t, compare_things);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, LIST, t[i - 1].place);
        lua_rawseti(L, SORTED, i);
    }
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, SORTED, i);
        lua_rawseti(L, LIST, i);
    }
    lua_settop(L, LIST);
    return 1;
}

void mw_host_open_texts(lua_State *L)
{
    static const luaL_Reg fns[] = {{"next", texts_next},
                                   {"plain", texts_plain},
                                   {"same", texts_same},
                                   {"common", texts_common},
                                   {"before", texts_before},
                                   {"in_order", texts_in_order},
                                   {NULL, NULL}};
    luaL_newmetatable(L, TEXTS_TYPE);
    lua_pushcfunction(L, texts_index);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_register(L, NULL, fns);
    lua_setfield(L, -3, "texts");
}
