/* guest_words.c - what a file can say while it is read: words, kinds, secret, env, require.
 *
 * A word's table is copied out as a plain value when the word is called.  Its functions stay here
 * under numbers: they are numbered first (that needs memory and may raise), copied after.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"

static const char *const other_names[] = {"secret", "env", "require"};

/* -- names ----------------------------------------------------------------------------------- */

size_t mw_guest_names_max(const mw_guest *g)
{
    return g->n_words + g->n_kinds + sizeof other_names / sizeof *other_names;
}

size_t mw_guest_names(mw_guest *g, const char **out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_words; i++) out[n++] = g->words[i].name;
    for (size_t i = 0; i < g->n_kinds; i++) out[n++] = g->kinds[i];
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++) out[n++] = other_names[i];
    return n;
}

/* -- functions under numbers ----------------------------------------------------------------- */

static void number_function(lua_State *L, int idx, mw_guest *g)
{
    lua_getfield(L, LUA_REGISTRYINDEX, MW_GUEST_FN_IDS);
    lua_pushvalue(L, idx);
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        if (g->n_fns >= MW_GUEST_FNS_MAX) luaL_error(L, "more than %d functions", MW_GUEST_FNS_MAX);
        lua_getfield(L, LUA_REGISTRYINDEX, MW_GUEST_FNS);
        lua_pushvalue(L, idx);
        lua_rawseti(L, -2, ++g->n_fns);
        lua_pop(L, 2);
        lua_pushvalue(L, idx);
        lua_pushinteger(L, g->n_fns);
        lua_rawset(L, -3);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 2);
    }
}

static void number_functions(lua_State *L, int idx, mw_guest *g, int depth)
{
    if (lua_isfunction(L, idx)) number_function(L, idx, g);
    if (!lua_istable(L, idx) || depth > MW_GUEST_DEPTH) return; /* the copy refuses the depth */
    luaL_checkstack(L, 8, "nested too deeply");
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        mw_charge(L, 4); /* tables inside tables can share: this bounds the walk */
        number_functions(L, lua_gettop(L), g, depth + 1);
    }
}

/* For mw_cross_get: the function on top as {["@fn"]=number}.  Allocates nothing in L. */
static mw_value *numbered(void *arg, lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, *(int *)arg); /* by reference: no text is made */
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    mw_value *v = NULL;
    if (lua_isnumber(L, -1)) {
        v = mw_map_new();
        mw_map_set_number(v, "@fn", lua_tonumber(L, -1));
    }
    lua_pop(L, 2);
    return v;
}

/* From the copy on nothing may raise: the value would be lost. */
static mw_value *copy_out(lua_State *L, int idx)
{
    mw_guest *g = mw_guest_of(L);
    number_functions(L, idx, g, 0);
    if (!g->fn_ids) {
        lua_getfield(L, LUA_REGISTRYINDEX, MW_GUEST_FN_IDS);
        g->fn_ids = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    mw_cross_limits limits = mw_guest_limits;
    limits.function = numbered;
    limits.arg = &g->fn_ids;
    limits.left = &g->left;
    mw_err err;
    mw_err_init(&err);
    mw_cross_room(L, &limits);
    mw_value *v = mw_cross_get(L, idx, &limits, &err);
    if (!v) luaL_error(L, "%s", err.msg);
    return v;
}

/* -- declaring ------------------------------------------------------------------------------- */

static const mw_word *word_of(lua_State *L)
{
    return &mw_guest_of(L)->words[lua_tointeger(L, lua_upvalueindex(1))];
}

/* Raises, naming the line of the file that called the word. */
static int wrong(lua_State *L, const mw_word *w, const char *expected)
{
    luaL_where(L, 1);
    lua_pushfstring(L, "%s %s", w->name, expected);
    lua_concat(L, 2);
    return lua_error(L);
}

/* Declarations live outside of the state's own memory and have a limit of their own. */
static void keep(lua_State *L, size_t n)
{
    mw_guest *g = mw_guest_of(L);
    n += 512; /* its maps */
    if (n > g->left) luaL_error(L, "declarations of more than %d MB", MW_GUEST_KEPT >> 20);
    g->left -= n;
}

/* Where the file itself, not a module of it, was when this function was called.  When a module
 * called, *IN is its name and *IN_LINE its line. */
int mw_guest_own_line(lua_State *L, const char **in, int *in_line)
{
    const mw_guest *g = mw_guest_of(L);
    lua_Debug ar;
    int nearest = 1;
    *in = NULL;
    for (int level = 1; level < 64 && lua_getstack(L, level, &ar); level++) {
        if (!lua_getinfo(L, "Sl", &ar) || ar.currentline < 1 || ar.source[0] != '@') continue;
        if (!strcmp(ar.source + 1, g->name)) return ar.currentline;
        if (*in) continue;
        *in = ar.source + 1; /* the prototype's: it lives as long as its function */
        *in_line = nearest = ar.currentline;
    }
    return nearest;
}

static mw_value *declare(lua_State *L, const mw_word *w, mw_str name)
{
    mw_guest *g = mw_guest_of(L);
    const char *in;
    int in_line = 1;
    mw_value *d = mw_map_new();
    mw_map_set_text(d, "word", w->name);
    if (name.p) mw_map_set(d, "name", mw_text_new(name));
    mw_map_set_number(d, "line", mw_guest_own_line(L, &in, &in_line));
    if (in) {
        mw_map_set_text(d, "file", in);
        mw_map_set_number(d, "file_line", in_line);
    }
    mw_list_add(g->declarations, d);
    return d;
}

static mw_str text_at(lua_State *L, int idx)
{
    mw_str s;
    s.p = lua_tolstring(L, idx, &s.n);
    return s;
}

static mw_value *take_unfinished(mw_guest *g, unsigned id)
{
    mw_value *list = g->unfinished;
    for (size_t i = 0; i < list->list.n; i++) {
        mw_value *u = list->list.item[i];
        if ((unsigned)mw_map_number(u, "id", 0) != id) continue;
        memmove(&list->list.item[i], &list->list.item[i + 1],
                (list->list.n - i - 1) * sizeof *list->list.item);
        list->list.n--;
        return u;
    }
    return NULL;
}

/* `policy "silence" (function(s) ... end)` says the same as with braces around the function. */
static void in_braces(lua_State *L)
{
    lua_settop(L, 1);
    lua_createtable(L, 1, 0);
    lua_insert(L, 1);
    lua_rawseti(L, 1, 1);
}

/* The second half of `alert "name" { ... }`.  Upvalues: word, name, number. */
static int word_fields(lua_State *L)
{
    const mw_word *w = word_of(L);
    if (lua_isfunction(L, 1)) in_braces(L);
    if (!lua_istable(L, 1)) return wrong(L, w, "\"name\" wants { ... } after its name");
    keep(L, text_at(L, lua_upvalueindex(2)).n);
    mw_value *fields = copy_out(L, 1);
    mw_value_free(take_unfinished(mw_guest_of(L), (unsigned)lua_tointeger(L, lua_upvalueindex(3))));
    mw_map_set(declare(L, w, text_at(L, lua_upvalueindex(2))), "fields", fields);
    return 0;
}

static int word_named(lua_State *L)
{
    const mw_word *w = word_of(L);
    mw_guest *g = mw_guest_of(L);
    if (lua_type(L, 1) != LUA_TSTRING)
        return wrong(L, w, "wants a name and then its fields: \"name\" { ... }");
    keep(L, text_at(L, 1).n);
    const char *in;
    int in_line, line = mw_guest_own_line(L, &in, &in_line);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushinteger(L, ++g->last_id);
    lua_pushcclosure(L, word_fields, 3);
    mw_value *u = mw_map_new();
    mw_map_set_text(u, "word", w->name);
    mw_map_set(u, "name", mw_text_new(text_at(L, 1)));
    mw_map_set_number(u, "line", line);
    mw_map_set_number(u, "id", g->last_id);
    mw_list_add(g->unfinished, u);
    return 1;
}

void mw_guest_unfinished(mw_guest *g)
{
    for (size_t i = 0; i < g->unfinished->list.n; i++) {
        const mw_value *u = g->unfinished->list.item[i];
        mw_guest_problem(g, NULL, (int)mw_map_number(u, "line", 1), 1,
                         "%s \"%.64s\" has no { ... } after its name", mw_map_text(u, "word").p,
                         mw_map_text(u, "name").p);
    }
}

static int word_table(lua_State *L)
{
    const mw_word *w = word_of(L);
    if (!lua_istable(L, 1)) return wrong(L, w, "wants its fields in a table: { ... }");
    keep(L, 0);
    mw_value *fields = copy_out(L, 1);
    mw_map_set(declare(L, w, (mw_str){0}), "fields", fields);
    return 0;
}

static int word_text(lua_State *L)
{
    const mw_word *w = word_of(L);
    if (lua_type(L, 1) != LUA_TSTRING) return wrong(L, w, "wants a text");
    keep(L, text_at(L, 1).n);
    declare(L, w, text_at(L, 1));
    return 0;
}

static int word_call(lua_State *L)
{
    int n = lua_gettop(L);
    keep(L, 0);
    lua_createtable(L, n, 0);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--) lua_rawseti(L, 1, i);
    mw_value *args = copy_out(L, 1);
    mw_map_set(declare(L, word_of(L), (mw_str){0}), "args", args);
    return 0;
}

/* slack{...}: the same table, marked. */
static int kind(lua_State *L)
{
    const char *name = mw_guest_of(L)->kinds[lua_tointeger(L, lua_upvalueindex(1))];
    if (!lua_istable(L, 1)) {
        luaL_where(L, 1);
        lua_pushfstring(L, "%s wants a table: %s{ ... }", name, name);
        lua_concat(L, 2);
        return lua_error(L);
    }
    lua_settop(L, 1);
    lua_pushliteral(L, "@kind");
    lua_pushstring(L, name);
    lua_rawset(L, 1);
    return 1;
}

/* -- secret, env, require -------------------------------------------------------------------- */

static int secret(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "@secret");
    return 1;
}

/* env "NAME" or env("NAME", "default") */
static int env(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1), *only = mw_guest_of(L)->env;
    const char *value = getenv(name);
    if (only && (strchr(name, ' ') || !strstr(only, lua_pushfstring(L, " %s ", name))))
        value = NULL;
    lua_settop(L, 2);
    if (value)
        lua_pushstring(L, value);
    else
        lua_pushvalue(L, 2);
    return 1;
}

static void load_module(lua_State *L, mw_guest *g, const char *name)
{
    mw_buf_reset(&g->module_source);
    mw_buf_reset(&g->module_path);
    if (!g->module || !g->module(g->module_arg, name, &g->module_source, &g->module_path))
        luaL_error(L, "module \"%s\" is not there%s%s", name, g->module_path.n ? ": " : "",
                   g->module_path.n ? g->module_path.p : "");
    lua_pushlstring(L, g->module_source.p ? g->module_source.p : "", g->module_source.n);
    const char *path = lua_pushfstring(L, "%s", g->module_path.n ? g->module_path.p : name);
    if (!mw_guest_compile(L, path, text_at(L, -2)))
        luaL_error(L, "module \"%s\" cannot be loaded: %s", name,
                   mw_map_text(g->problems->list.item[0], "message").p);
    lua_call(L, 0, 1);
}

static int require(lua_State *L)
{
    mw_guest *g = mw_guest_of(L);
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, MW_GUEST_MODULES);
    lua_pushvalue(L, 1);
    lua_rawget(L, 2);
    if (lua_toboolean(L, 3)) return 1;
    if (lua_isboolean(L, 3)) return luaL_error(L, "module \"%s\" requires itself", name);
    lua_pushvalue(L, 1);
    lua_pushboolean(L, 0);
    lua_rawset(L, 2);
    load_module(L, g, name);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

/* -- opening --------------------------------------------------------------------------------- */

static void set(lua_State *L, int table, const char *name, lua_CFunction fn, size_t number)
{
    lua_pushinteger(L, (lua_Integer)number);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, table, name);
}

void mw_guest_words_open(lua_State *L, int table)
{
    static const lua_CFunction shapes[] = {[MW_WORD_NAMED] = word_named,
                                           [MW_WORD_TABLE] = word_table,
                                           [MW_WORD_TEXT] = word_text,
                                           [MW_WORD_CALL] = word_call};
    mw_guest *g = mw_guest_of(L);
    for (size_t i = 0; i < g->n_words; i++)
        set(L, table, g->words[i].name, shapes[g->words[i].shape], i);
    for (size_t i = 0; i < g->n_kinds; i++) set(L, table, g->kinds[i], kind, i);
    set(L, table, "secret", secret, 0);
    set(L, table, "env", env, 0);
    set(L, table, "require", require, 0);
}
