/* run.c - one module, its main, its exit status.  SPDX-License-Identifier: MIT */
#include "script/run.h"

#include <lauxlib.h>
#include <stdio.h>

#include "script/state.h"

typedef struct program {
    mw_lua *l;
    const char *module;
    int argc;
    char *const *argv;
    int status;
} program;

static int call_main(lua_State *L)
{
    program *p = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushstring(L, p->module);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_createtable(L, p->argc, 0);
    for (int i = 0; i < p->argc; i++) {
        lua_pushstring(L, p->argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_call(L, 1, 1);
    if (lua_type(L, -1) == LUA_TNUMBER)
        p->status = (int)lua_tointeger(L, -1);
    else
        p->status = lua_isnil(L, -1) || lua_toboolean(L, -1) ? 0 : 1;
    return 0;
}

int mw_script_run(mw_host *host, const char *module, int argc, char *const *argv)
{
    mw_err err;
    mw_err_init(&err);
    program p = {.module = module, .argc = argc, .argv = argv, .status = 1};
    p.l = mw_lua_new(host, true, &err);
    if (!p.l) {
        fprintf(stderr, "moonwatch: %s\n", err.msg);
        return 1;
    }
    lua_State *L = p.l->L;
    lua_pushcfunction(L, mw_lua_traceback);
    lua_pushcfunction(L, call_main);
    lua_pushlightuserdata(L, &p);
    if (lua_pcall(L, 1, 0, -3)) {
        fprintf(stderr, "moonwatch: %s\n", lua_tostring(L, -1));
        p.status = 1;
    }
    mw_lua_free(p.l);
    return p.status;
}
