/* host_text.c - small helpers for policy: digests, durations, times, names, regular expressions.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/human.h"
#include "base/mem.h"
#include "script/cross.h"
#include "script/signals.h"
#include "script/state.h"
#include "script/text.h"

static mw_str check_text(lua_State *L, int idx)
{
    mw_str s;
    s.p = luaL_checklstring(L, idx, &s.n);
    return s;
}

/* -- digests --------------------------------------------------------------------------------- */

static int host_sha256(lua_State *L)
{
    mw_str s = check_text(L, 1);
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned n = 0;
    EVP_Digest(s.p, s.n, digest, &n, EVP_sha256(), NULL);
    mw_hex(digest, n, hex);
    lua_pushstring(L, hex);
    return 1;
}

/* hmac_sha256(key, text, raw): hex, or the 32 bytes themselves. */
static int host_hmac_sha256(lua_State *L)
{
    mw_str key = check_text(L, 1), s = check_text(L, 2);
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned n = 0;
    luaL_argcheck(L, key.n <= 65536, 1, "longer than 64 KiB");
    if (!HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)s.p, s.n, digest, &n))
        return luaL_error(L, "no digest");
    mw_hex(digest, n, hex);
    if (lua_toboolean(L, 3))
        lua_pushlstring(L, (const char *)digest, n);
    else
        lua_pushstring(L, hex);
    return 1;
}

/* How long it takes says nothing of where two texts of one length differ. */
static int host_same(lua_State *L)
{
    mw_str a = check_text(L, 1), b = check_text(L, 2);
    lua_pushboolean(L, a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0);
    return 1;
}

static int host_base64(lua_State *L)
{
    mw_str s = check_text(L, 1);
    luaL_argcheck(L, s.n < (64u << 20), 1, "longer than 64 MiB");
    mw_buf out;
    mw_buf_init(&out);
    unsigned char *to = (unsigned char *)mw_buf_room(&out, s.n / 3 * 4 + 8);
    int n = EVP_EncodeBlock(to, (const unsigned char *)s.p, (int)s.n);
    lua_pushlstring(L, out.p, (size_t)n);
    mw_buf_deinit(&out);
    return 1;
}

static int host_random_hex(lua_State *L)
{
    unsigned char bytes[64];
    char hex[129];
    int n = luaL_checkint(L, 1);
    luaL_argcheck(L, n >= 1 && n <= 64, 1, "between 1 and 64 bytes");
    if (getrandom(bytes, (size_t)n, 0) != n) return luaL_error(L, "no random bytes");
    mw_hex(bytes, (size_t)n, hex);
    lua_pushstring(L, hex);
    return 1;
}

static int host_fingerprint(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_pairs p;
    char hex[17];
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *map = mw_cross_get(L, 1, &mw_cross_trusted, &err);
    mw_labels *ls = NULL;
    if (map && mw_pairs_init(&p, map, &err) == MW_OK) {
        ls = mw_labels_new(p.pair, p.n, &err);
        mw_pairs_deinit(&p);
    }
    mw_value_free(map);
    if (!ls) return mw_lua_refuse(L, &err);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)mw_labels_fingerprint(ls));
    mw_free(ls);
    lua_pushstring(L, hex);
    return 1;
}

/* -- durations and times --------------------------------------------------------------------- */

static int host_duration(lua_State *L)
{
    double seconds;
    if (!mw_lua_duration(L, 1, &seconds)) return 0;
    lua_pushnumber(L, seconds);
    return 1;
}

static int host_duration_text(lua_State *L)
{
    char text[40];
    lua_pushstring(L, mw_duration_format(mw_ms_of(luaL_checknumber(L, 1)), text));
    return 1;
}

static int host_rfc3339(lua_State *L)
{
    char text[32];
    lua_pushstring(L, mw_time_rfc3339(mw_ms_of(luaL_checknumber(L, 1)), text));
    return 1;
}

static int host_parse_time(lua_State *L)
{
    double seconds;
    if (lua_type(L, 1) == LUA_TNUMBER) {
        lua_settop(L, 1);
        return 1;
    }
    if (!mw_time_parse(check_text(L, 1), &seconds)) return 0;
    lua_pushnumber(L, seconds);
    return 1;
}

static int host_now(lua_State *L)
{
    lua_pushnumber(L, (double)mw_now_ms(mw_face_of(L)->host->clock) / 1000);
    return 1;
}

static int host_monotonic(lua_State *L)
{
    lua_pushnumber(L, (double)mw_mono_ns() / 1e9);
    return 1;
}

/* -- names and regular expressions ----------------------------------------------------------- */

static int host_nearest(lua_State *L)
{
    const char *word = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t n = lua_objlen(L, 2);
    luaL_checkstack(L, 3, NULL);
    const char **names = lua_newuserdata(L, (n + 1) * sizeof *names);
    size_t have = 0;
    for (size_t i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, (int)i);
        if (lua_type(L, -1) == LUA_TSTRING) names[have++] = lua_tostring(L, -1);
        lua_pop(L, 1); /* the list keeps the text alive */
    }
    lua_pushstring(L, mw_nearest(word, names, have));
    return 1;
}

#define REGEX_TYPE "moonwatch.regex"

static mw_regex **check_regex(lua_State *L) { return luaL_checkudata(L, 1, REGEX_TYPE); }

static int regex_match(lua_State *L)
{
    lua_pushboolean(L, mw_regex_matches(*check_regex(L), check_text(L, 2)));
    return 1;
}

static int regex_free(lua_State *L)
{
    mw_regex **re = check_regex(L);
    mw_regex_free(*re);
    *re = NULL;
    return 0;
}

enum { GROUPS = 32 };

/* re:find(text, from): the first place at FROM or behind it: {at=, [0]=all of it, [1]=the first
 * group, ...}, or nil. */
static int regex_find(lua_State *L)
{
    const mw_regex *re = *check_regex(L);
    mw_str s = check_text(L, 2), groups[GROUPS] = {0};
    lua_Integer from = luaL_checkinteger(L, 3);
    if (from < 1 || (size_t)from > s.n + 1) return 0;
    size_t n = mw_regex_find(re, s, (size_t)from - 1, groups, GROUPS);
    if (n == 0) return 0;
    if (n > GROUPS) n = GROUPS;
    lua_createtable(L, (int)n, 2);
    for (size_t i = 0; i < n; i++) {
        lua_pushlstring(L, groups[i].p ? groups[i].p : "", groups[i].n);
        lua_rawseti(L, -2, (int)i);
    }
    lua_pushinteger(L, groups[0].p - s.p + 1);
    lua_setfield(L, -2, "at");
    return 1;
}

/* re:group(name): its number, or nil. */
static int regex_group(lua_State *L)
{
    int at = mw_regex_group(*check_regex(L), check_text(L, 2));
    if (at < 0) return 0;
    lua_pushinteger(L, at);
    return 1;
}

static int host_regex(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_str pattern = check_text(L, 1);
    bool search = lua_type(L, 2) == LUA_TSTRING && !strcmp(lua_tostring(L, 2), "search");
    bool lines = lua_toboolean(L, 2);
    mw_regex **re = lua_newuserdata(L, sizeof *re);
    *re = search  ? mw_regex_new_search(pattern, &err)
          : lines ? mw_regex_new_of_lines(pattern, &err)
                  : mw_regex_new(pattern, &err);
    if (!*re) return mw_lua_refuse(L, &err);
    if (luaL_newmetatable(L, REGEX_TYPE)) {
        lua_pushcfunction(L, regex_free);
        lua_setfield(L, -2, "__gc");
        lua_createtable(L, 0, 3);
        lua_pushcfunction(L, regex_match);
        lua_setfield(L, -2, "match");
        lua_pushcfunction(L, regex_find);
        lua_setfield(L, -2, "find");
        lua_pushcfunction(L, regex_group);
        lua_setfield(L, -2, "group");
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
    return 1;
}

/* -- this machine ---------------------------------------------------------------------------- */

static int host_env(lua_State *L)
{
    lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
    return 1;
}

/* The environment variable, or the contents of the file, without the newline at its end. */
static int host_secret(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = getenv(name);
    if (value) {
        lua_pushstring(L, value);
        return 1;
    }
    char text[65536];
    FILE *f = fopen(name, "re");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof text, f);
    bool whole = !ferror(f) && feof(f);
    fclose(f);
    if (!whole) return 0;
    if (n && text[n - 1] == '\n') n--;
    if (n && text[n - 1] == '\r') n--;
    lua_pushlstring(L, text, n);
    return 1;
}

/* host.human(how, v): see base/human.h; nothing for a way that is not there. */
static int host_human(lua_State *L)
{
    char text[MW_HUMAN_ROOM];
    if (!mw_human(luaL_checkstring(L, 1), luaL_checknumber(L, 2), text)) return 0;
    lua_pushstring(L, text);
    return 1;
}

static int host_hostname(lua_State *L)
{
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    lua_pushstring(L, name);
    return 1;
}

static int host_version(lua_State *L)
{
    const char *v = mw_face_of(L)->host->version;
    lua_pushstring(L, v ? v : "unknown");
    return 1;
}

void mw_host_open_text(lua_State *L)
{
    static const mw_host_fn fns[] = {{"sha256", host_sha256},
                                     {"hmac_sha256", host_hmac_sha256},
                                     {"same", host_same},
                                     {"base64", host_base64},
                                     {"random_hex", host_random_hex},
                                     {"fingerprint", host_fingerprint},
                                     {"duration", host_duration},
                                     {"duration_text", host_duration_text},
                                     {"rfc3339", host_rfc3339},
                                     {"parse_time", host_parse_time},
                                     {"now", host_now},
                                     {"monotonic", host_monotonic},
                                     {"nearest", host_nearest},
                                     {"regex", host_regex},
                                     {"env", host_env},
                                     {"secret", host_secret},
                                     {"human", host_human},
                                     {"hostname", host_hostname},
                                     {"version", host_version},
                                     {NULL, NULL}};
    mw_host_set(L, fns);
}
