/* own_text.h - Lua of ours that runs in every guest, compiled once.  Any thread.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_OWN_TEXT_H
#define MW_SCRIPT_OWN_TEXT_H
#include <lua.h>

/* Pushes the function that TEXT, a constant of the program, is; NAME is as of luaL_loadbuffer.
 * Raises when there is no memory. */
void mw_push_own_text(lua_State *L, const char *text, const char *name);

#endif
