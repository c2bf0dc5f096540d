/* guest_lib.h - the libraries as a guest file sees them: bounded, charged, without ways out.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_GUEST_LIB_H
#define MW_SCRIPT_GUEST_LIB_H
#include <lua.h>

enum { MW_GUEST_TEXT = 1 << 20 }; /* longest text that one library call makes */

/* Opens what is needed of the base, string, table, math and bit libraries and leaves on the stack
 * a table of everything that a guest file may name.  Runs in a protected call. */
void mw_guest_lib_open(lua_State *L);
void mw_guest_lib_string(lua_State *L); /* pushes the string library */

/* guest_leave.c: in the place of those in the table at LIB, with the plain words at BASE. */
void mw_guest_leave_coroutines(lua_State *L, int base, int lib);
void mw_guest_leave_sort(lua_State *L, int base, int lib);
/* STEP(s, pattern, at) gives where the next match from AT on begins, where it has ended, and its
 * captures; JOIN(list) puts texts together. */
void mw_guest_leave_gsub(lua_State *L, int lib, lua_CFunction step, lua_CFunction join);

#endif
