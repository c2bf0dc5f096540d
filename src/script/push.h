/* push.h - query results straight onto a Lua stack.  These raise Lua's memory error; whoever calls
 * them in a capped state keeps the result where it will be freed.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_PUSH_H
#define MW_SCRIPT_PUSH_H
#include <lua.h>

#include "promql/promql.h"

void mw_push_labels(lua_State *L, const mw_labels *ls);
void mw_push_vector(lua_State *L, const mw_promql_result *r); /* {{labels=, value=}, ...} */
void mw_push_matrix(lua_State *L, const mw_promql_result *r); /* {{labels=, points={{t,v}}}, ...} */

#endif
