/* guest_regex.c - regular expressions for rule files: RE2's language, as in PromQL.
 *
 *   regex.match(pattern, text)           the captures of the whole text, or nil: [0] is all of it,
 *                                        [1] the first group
 *   regex.find(pattern, text)            the same of the first place in the text where it fits
 *   regex.replace(pattern, text, with)   every such place replaced; $1, ${1} and ${name} in WITH
 *                                        are groups, $$ is a dollar
 *   regex.expand(pattern, text, with)    WITH with the groups of the whole text, or nil
 *
 * Compiled ones are kept with the guest until they are too many; then all are dropped.  Matching is
 * bounded by the match limits of model/matcher.c.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/matcher.h"
#include "script/guest_inside.h"
#include "script/guest_lib.h"
#include "script/sandbox.h"

enum { MOST = 200, KEPT = 4 << 20, GROUPS = 32, SEARCH = 1, NAME = 64 };

typedef struct compiled {
    char *pattern;
    size_t length;
    int search;
    mw_regex *re;
} compiled;

typedef struct kept {
    compiled *row;
    size_t n, cap, bytes;
} kept;

static void drop_all(kept *k)
{
    for (size_t i = 0; i < k->n; i++) {
        mw_regex_free(k->row[i].re);
        mw_free(k->row[i].pattern);
    }
    mw_free(k->row);
    *k = (kept){0};
}

static int kept_free(lua_State *L)
{
    drop_all(lua_touserdata(L, 1));
    return 0;
}

static mw_str check_text(lua_State *L, int idx)
{
    mw_str s;
    s.p = luaL_checklstring(L, idx, &s.n);
    return s;
}

/* The pattern at 1, from what is kept (upvalue 1) if it is there. */
static const mw_regex *check_regex(lua_State *L, int search)
{
    kept *k = lua_touserdata(L, lua_upvalueindex(1));
    mw_str p = check_text(L, 1);
    for (size_t i = 0; i < k->n; i++)
        if (k->row[i].search == search && k->row[i].length == p.n &&
            memcmp(k->row[i].pattern, p.p, p.n) == 0)
            return k->row[i].re;
    mw_err err;
    mw_err_init(&err);
    mw_charge(L, p.n * 100 + 1000);
    mw_regex *re = search ? mw_regex_new_search(p, &err) : mw_regex_new(p, &err);
    if (!re) luaL_error(L, "bad regular expression: %s", err.msg);
    if (k->n == MOST || k->bytes > KEPT) drop_all(k);
    compiled row = {.pattern = mw_strndup(p.p, p.n), .length = p.n, .search = search, .re = re};
    MW_PUSH(k->row, k->n, k->cap, row);
    k->bytes += mw_regex_bytes(re) + p.n;
    return re;
}

/* -- captures -------------------------------------------------------------------------------- */

static size_t run(lua_State *L, const mw_regex *re, int search, mw_str s, size_t from,
                  mw_str groups[GROUPS])
{
    mw_charge(L, s.n - from + 50);
    memset(groups, 0, GROUPS * sizeof *groups);
    size_t n = search ? mw_regex_find(re, s, from, groups, GROUPS)
                      : mw_regex_capture(re, s, groups, GROUPS);
    return n > GROUPS ? GROUPS : n;
}

static int captures(lua_State *L)
{
    int search = (int)lua_tointeger(L, lua_upvalueindex(2));
    const mw_regex *re = check_regex(L, search);
    mw_str groups[GROUPS];
    size_t n = run(L, re, search, check_text(L, 2), 0, groups);
    if (n == 0) return lua_pushnil(L), 1;
    n = mw_regex_groups(re) + 1; /* those that took no part are empty */
    if (n > GROUPS) n = GROUPS;
    lua_createtable(L, (int)n, 1);
    for (size_t i = 0; i < n; i++) {
        lua_pushlstring(L, groups[i].p ? groups[i].p : "", groups[i].n);
        lua_rawseti(L, -2, (int)i);
    }
    return 1;
}

/* -- replacing ------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The group called NAME; what there is no group of is empty, as in Go. */
static mw_str group_of(const mw_regex *re, mw_str name, const mw_str groups[GROUPS])
{
    int at = 0;
    bool number = name.n > 0 && name.n < 4;
    for (size_t i = 0; i < name.n && number; i++) {
        number = name.p[i] >= '0' && name.p[i] <= '9';
        at = at * 10 + (name.p[i] - '0');
    }
    if (!number) at = name.n < NAME ? mw_regex_group(re, name) : -1;
    return at >= 0 && at < GROUPS ? groups[at] : (mw_str){NULL, 0};
}

/* Adds WITH, its groups filled in. */
static void expand(luaL_Buffer *b, const mw_regex *re, mw_str with, const mw_str groups[GROUPS])
{
    const char *p = with.p, *end = with.p + with.n;
    while (p < end) {
        if (*p != '$' || p + 1 == end) {
            luaL_addchar(b, *p++);
        } else if (p[1] == '$') {
            luaL_addchar(b, '$');
            p += 2;
        } else {
            bool braced = p[1] == '{';
            const char *name = p + 1 + braced, *q = name;
            while (q < end && is_word(*q)) q++;
            bool good = q > name && (!braced || (q < end && *q == '}'));
            if (!good) {
                luaL_addchar(b, *p++);
                continue;
            }
            mw_str group = group_of(re, (mw_str){name, (size_t)(q - name)}, groups);
            if (group.n) luaL_addlstring(b, group.p, group.n);
            p = q + braced;
        }
    }
}

static int expand_whole(lua_State *L)
{
    const mw_regex *re = check_regex(L, 0);
    mw_str s = check_text(L, 2), with = check_text(L, 3), groups[GROUPS];
    if (run(L, re, 0, s, 0, groups) == 0) return lua_pushnil(L), 1;
    mw_charge(L, with.n + s.n);
    if (with.n > 0 && s.n > MW_GUEST_TEXT / with.n) return luaL_error(L, "the result is too long");
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    expand(&b, re, with, groups);
    luaL_pushresult(&b);
    return 1;
}

static size_t next_char(mw_str s, size_t at)
{
    do at++;
    while (at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80);
    return at;
}

/* Each match behind the one before; an empty one right behind a match does not count, as in Go. */
static int replace(lua_State *L)
{
    const mw_regex *re = check_regex(L, SEARCH);
    mw_str s = check_text(L, 2), with = check_text(L, 3), groups[GROUPS];
    size_t at = 0, copied = 0, made = 0;
    bool any = false;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    while (at <= s.n && run(L, re, SEARCH, s, at, groups) > 0) {
        size_t from = (size_t)(groups[0].p - s.p), to = from + groups[0].n;
        if (to > from || !any || from > copied) {
            luaL_addlstring(&b, s.p + copied, from - copied);
            expand(&b, re, with, groups);
            made += from - copied + with.n + s.n;
            if (made > MW_GUEST_TEXT * 16)
                return luaL_error(L, "regex.replace: the result is too long");
            mw_charge(L, with.n + 20);
            copied = to;
            any = true;
        }
        at = to > from ? to : next_char(s, to);
    }
    luaL_addlstring(&b, s.p + copied, s.n - copied);
    luaL_pushresult(&b);
    return 1;
}

/* -- opening --------------------------------------------------------------------------------- */

static void add(lua_State *L, const char *name, lua_CFunction fn, int search)
{
    lua_pushvalue(L, -2);
    lua_pushinteger(L, search);
    lua_pushcclosure(L, fn, 2);
    lua_setfield(L, -2, name);
}

void mw_guest_regex_open(lua_State *L, int to)
{
    kept *k = lua_newuserdata(L, sizeof *k);
    *k = (kept){0};
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, kept_free);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_createtable(L, 0, 4);
    add(L, "match", captures, 0);
    add(L, "find", captures, SEARCH);
    add(L, "replace", replace, SEARCH);
    add(L, "expand", expand_whole, 0);
    lua_setfield(L, to, "regex");
    lua_pop(L, 1);
}
