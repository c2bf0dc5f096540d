/* table_size.c - two numbers in LuaJIT's own table, which are looked at only after tables of known
 * sizes had them where we look.  (In GC64, as everywhere that we run: 8 bytes of list, 4 of marks,
 * 4 of filling, then five pointers.)  Should another LuaJIT have them elsewhere, hollow tables are
 * walked on the clock alone.
 * SPDX-License-Identifier: MIT */
#include "script/table_size.h"

#include <stdint.h>
#include <string.h>

struct sizes {
    uint32_t list, mask; /* places of the list with that of 0; of the hash, less one */
};

enum { AT = 48 }; /* where they stand in a table */

static struct sizes sizes_of(lua_State *L, int idx)
{
    struct sizes s;
    memcpy(&s, (const char *)lua_topointer(L, idx) + AT, sizeof s);
    return s;
}

static bool is(lua_State *L, int list, int hash, uint32_t want_list, uint32_t want_mask)
{
    lua_createtable(L, list, hash);
    struct sizes s = sizes_of(L, -1);
    lua_pop(L, 1);
    return s.list == want_list && s.mask == want_mask;
}

bool mw_table_known(lua_State *L)
{
    return sizeof(void *) == 8 && is(L, 0, 0, 0, 0) && is(L, 1000, 0, 1001, 0) &&
           is(L, 0, 500, 0, 511) && is(L, 77, 64, 78, 63);
}

size_t mw_table_places(lua_State *L, int idx, bool known)
{
    if (!known) return lua_objlen(L, idx);
    struct sizes s = sizes_of(L, idx);
    return (size_t)s.list + s.mask;
}
