/* host_guest.c - host.guest{...}: our policy's handle on one file of a user.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "script/cross.h"
#include "script/guest.h"

#define GUEST_TYPE "moonwatch.guest"

typedef struct handle {
    mw_guest *guest;
    mw_lua *lua;
    int module_ref; /* the function that finds modules */
} handle;

static handle *check_handle(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, GUEST_TYPE);
    if (!h->guest) luaL_error(L, "this guest was closed");
    return h;
}

/* -- modules --------------------------------------------------------------------------------- */

static bool find_module(void *arg, const char *name, mw_buf *source, mw_buf *path)
{
    handle *h = arg;
    lua_State *L = h->lua->L;
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->module_ref);
    bool found = false;
    if (lua_isfunction(L, -1)) {
        lua_pushstring(L, name);
        if (lua_pcall(L, 1, 2, 0) != 0) { /* its message is why there is none */
            lua_pushnil(L);
            lua_insert(L, -2);
        }
        if (lua_type(L, -1) == LUA_TSTRING) mw_buf_text(path, lua_tostring(L, -1));
        if (lua_type(L, -2) == LUA_TSTRING) {
            size_t n;
            const char *text = lua_tolstring(L, -2, &n);
            mw_buf_add(source, text, n);
            found = true;
        }
    }
    lua_settop(L, top);
    return found;
}

/* -- opening --------------------------------------------------------------------------------- */

static mw_str text_field(lua_State *L, const char *key)
{
    mw_str s = {NULL, 0};
    lua_getfield(L, 1, key);
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "host.guest: %s must be a text", key);
    s.p = lua_tolstring(L, -1, &s.n);
    lua_pop(L, 1); /* the argument keeps it */
    return s;
}

/* Everything that can raise happens in the checks, before something is allocated. */
static void check_words(lua_State *L)
{
    mw_word_shape shape;
    lua_getfield(L, 1, "words");
    luaL_checktype(L, -1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING ||
            !mw_word_shape_parse(mw_str_of(lua_tostring(L, -1)), &shape))
            luaL_error(L, "host.guest: a word is named, table, text or call");
    lua_getfield(L, 1, "kinds");
    if (!lua_isnil(L, -1)) luaL_checktype(L, -1, LUA_TTABLE);
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(((const mw_word *)a)->name, ((const mw_word *)b)->name);
}

/* Words at -2, kinds at -1. */
static void take_words(lua_State *L, mw_guest_options *o)
{
    size_t cap_words = 0, cap_kinds = 0;
    int kinds = lua_gettop(L), words = kinds - 1;
    for (lua_pushnil(L); lua_next(L, words); lua_pop(L, 1)) {
        mw_word w = {.name = mw_strdup(lua_tostring(L, -2))};
        mw_word_shape_parse(mw_str_of(lua_tostring(L, -1)), &w.shape);
        MW_PUSH(o->words, o->n_words, cap_words, w);
    }
    qsort(o->words, o->n_words, sizeof *o->words, compare_words);
    if (lua_isnil(L, kinds)) return;
    for (int i = 1; i <= (int)lua_objlen(L, kinds); i++) {
        lua_rawgeti(L, kinds, i);
        if (lua_type(L, -1) == LUA_TSTRING)
            MW_PUSH(o->kinds, o->n_kinds, cap_kinds, mw_strdup(lua_tostring(L, -1)));
        lua_pop(L, 1);
    }
}

static mw_budget budget_field(lua_State *L)
{
    mw_budget b = {0};
    lua_getfield(L, 1, "budget");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "instructions");
        b.instructions = (int64_t)lua_tonumber(L, -1);
        lua_getfield(L, -2, "cpu");
        b.cpu = lua_tonumber(L, -1);
        lua_getfield(L, -3, "memory");
        b.memory = (size_t)lua_tonumber(L, -1);
        lua_pop(L, 3);
    }
    lua_pop(L, 1);
    return b;
}

static int refuse(lua_State *L, mw_value *problems, mw_value *declared)
{
    lua_pushnil(L);
    mw_cross_push(L, problems);
    mw_value_free(problems);
    static const char *const keys[] = {"line", "col", "message", "file"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) { /* the first one, by name too */
        lua_rawgeti(L, -1, 1);
        lua_getfield(L, -1, keys[i]);
        lua_setfield(L, -3, keys[i]);
        lua_pop(L, 1);
    }
    mw_cross_push(L, declared); /* so that their faults are told in one go */
    mw_value_free(declared);
    return 3;
}

static void push_methods(lua_State *L);

static int host_guest(lua_State *L)
{
    mw_face *face = mw_face_of(L);
    mw_value *problems = NULL, *declared = NULL;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    mw_guest_options o = {.face = face,
                          .name = text_field(L, "name"),
                          .source = text_field(L, "source"),
                          .budget = budget_field(L),
                          .module = find_module,
                          .declared = &declared};
    handle *h = lua_newuserdata(L, sizeof *h);
    *h = (handle){.lua = face->lua, .module_ref = LUA_NOREF};
    push_methods(L);
    lua_setmetatable(L, 2);
    lua_createtable(L, 1, 0); /* the face's owner stays as long as this guest */
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_rawseti(L, -2, 1);
    lua_setfenv(L, 2);
    lua_getfield(L, 1, "module");
    h->module_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    o.module_arg = h;
    lua_getfield(L, 1, "env");
    o.env = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL; /* the argument keeps it */
    lua_pop(L, 1);
    check_words(L);
    take_words(L, &o);
    h->guest = mw_guest_open(&o, &problems);
    if (!h->guest) return refuse(L, problems, declared);
    lua_settop(L, 2);
    return 1;
}

/* -- methods --------------------------------------------------------------------------------- */

static int guest_declarations(lua_State *L)
{
    mw_cross_push(L, mw_guest_declarations(check_handle(L)->guest));
    return 1;
}

/* A call that waits: DONE is a function in the registry. */
static bool call_done(mw_lua *l, void *arg, mw_value *result, mw_err *err)
{
    int *ref = arg;
    bool ok = true;
    if (result) {
        lua_rawgeti(l->L, LUA_REGISTRYINDEX, *ref);
        mw_cross_push(l->L, result);
        mw_value_free(result);
        ok = mw_lua_run(l, 1, 0, err) == MW_OK;
    }
    luaL_unref(l->L, LUA_REGISTRYINDEX, *ref);
    mw_free(ref);
    return ok;
}

static mw_value *check_value(lua_State *L, int idx)
{
    mw_err err;
    mw_err_init(&err);
    mw_value *v = mw_cross_get(L, idx, &mw_cross_trusted, &err);
    if (!v) luaL_error(L, "%s", err.msg);
    return v;
}

/* The list at 3 may have holes: up to its highest number. */
static mw_value *check_args(lua_State *L)
{
    mw_value *args = mw_list_new();
    int n = 0;
    if (lua_isnoneornil(L, 3)) return args;
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TNUMBER && lua_tointeger(L, -2) > n)
            n = (int)lua_tointeger(L, -2);
    for (int i = 1; i <= n && i <= 100; i++) {
        mw_err err;
        mw_err_init(&err);
        lua_rawgeti(L, 3, i);
        mw_value *v = mw_cross_get(L, -1, &mw_cross_trusted, &err);
        lua_pop(L, 1);
        if (!v) {
            mw_value_free(args);
            luaL_error(L, "argument %d: %s", i, err.msg);
        }
        mw_list_add(args, v);
    }
    return args;
}

static int guest_call(lua_State *L)
{
    handle *h = check_handle(L);
    int fn = luaL_checkint(L, 2);
    lua_settop(L, 5);
    luaL_checktype(L, 5, LUA_TFUNCTION);
    if (!lua_isnil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *ctx = lua_isnil(L, 4) ? NULL : check_value(L, 4), *args;
    args = check_args(L);
    int *ref = mw_alloc(sizeof *ref);
    lua_pushvalue(L, 5);
    *ref = luaL_ref(L, LUA_REGISTRYINDEX);
    mw_value *result = mw_guest_call(h->guest, fn, args, ctx, call_done, ref);
    if (!result) return 0;
    luaL_unref(L, LUA_REGISTRYINDEX, *ref);
    mw_free(ref);
    mw_cross_push(L, result);
    mw_value_free(result);
    lua_call(L, 1, 0);
    return 0;
}

static void close_handle(lua_State *L, handle *h, bool quiet)
{
    mw_guest *g = h->guest;
    h->guest = NULL;
    luaL_unref(L, LUA_REGISTRYINDEX, h->module_ref);
    h->module_ref = LUA_NOREF;
    mw_guest_close(g, quiet);
}

static int guest_close(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, GUEST_TYPE);
    close_handle(L, h, false);
    return 0;
}

static int guest_gc(lua_State *L)
{
    close_handle(L, lua_touserdata(L, 1), true);
    return 0;
}

static void push_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {{"declarations", guest_declarations},
                                       {"call", guest_call},
                                       {"close", guest_close},
                                       {NULL, NULL}};
    if (!luaL_newmetatable(L, GUEST_TYPE)) return;
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, guest_gc);
    lua_setfield(L, -2, "__gc");
}

void mw_host_open_guest(lua_State *L)
{
    static const mw_host_fn fns[] = {{"guest", host_guest}, {NULL, NULL}};
    mw_host_set(L, fns);
}
