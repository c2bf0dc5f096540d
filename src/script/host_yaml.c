/* host_yaml.c - host.yaml(text): the documents of a YAML text.  SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "script/cross.h"
#include "script/state.h"
#include "script/yaml.h"

static int host_yaml(lua_State *L)
{
    mw_err err;
    mw_str text;
    text.p = luaL_checklstring(L, 1, &text.n);
    mw_value *v = mw_yaml_read(text, &err);
    if (!v) return mw_lua_refuse_at(L, &err);
    mw_cross_push(L, v);
    mw_value_free(v);
    return 1;
}

void mw_host_open_yaml(lua_State *L)
{
    static const mw_host_fn fns[] = {{"yaml", host_yaml}, {NULL, NULL}};
    mw_host_set(L, fns);
}
