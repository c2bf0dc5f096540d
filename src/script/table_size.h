/* table_size.h - how many places a table has, filled or not.
 *
 * Walking over a table takes as long as it has places, and Lua tells nobody how many those are.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_TABLE_SIZE_H
#define MW_SCRIPT_TABLE_SIZE_H
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Are tables of this LuaJIT laid out as we know them?  Makes tables: may raise. */
bool mw_table_known(lua_State *L);
/* The places of the table at IDX, when they are KNOWN; what # gives when not. */
size_t mw_table_places(lua_State *L, int idx, bool known);

#endif
