/* lua.h - running Lua text in one of our states, from a C test.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_SCRIPT_LUA_H
#define MW_TESTS_SCRIPT_LUA_H
#include <lauxlib.h>
#include <stdio.h>

#include "script/state.h"

/* Runs TEXT with `host` as a local; fails the test with Lua's message. */
static inline void run_lua(mw_lua *l, const char *text)
{
    static const char head[] = "local host = require 'moonwatch.host'; ";
    mw_err err;
    mw_err_init(&err);
    lua_pushfstring(l->L, "%s%s", head, text);
    const char *source = lua_tostring(l->L, -1);
    if (luaL_loadbuffer(l->L, source, strlen(source), "=test"))
        fail_msg("%s", lua_tostring(l->L, -1));
    lua_remove(l->L, -2);
    if (mw_lua_run(l, 0, 0, &err) != MW_OK) fail_msg("%s", err.msg);
}

#endif
