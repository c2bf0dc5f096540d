/* handles.h - what host_*.c know of each other's handles.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_HANDLES_H
#define MW_SCRIPT_HANDLES_H
#include <lua.h>

#include "metrics/registry.h"
#include "model/nhist.h"
#include "promql/promql.h"

/* Gives the userdata on top the metatable TYPE, made with GC when it is new. */
void mw_set_type(lua_State *L, const char *type, lua_CFunction gc);

/* What host.prepare gave, at IDX; raises a Lua error when it is something else. */
mw_promql_prepared *mw_check_query(lua_State *L, int idx);

/* The histogram behind what host.instrument gave, at IDX; NULL when it is something else. */
mw_series *mw_histogram_at(lua_State *L, int idx);

/* What host.histogram or host.samples gave, at IDX; NULL when it is something else. */
const mw_nhist *mw_test_histogram(lua_State *L, int idx);

/* What host.breaker gave, at IDX; raises a Lua error when it is something else. */
struct mw_breaker *mw_check_breaker(lua_State *L, int idx);

#endif
