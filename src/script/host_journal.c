/* host_journal.c - host.journal: a journal of policy's own (store/journal.h), frame by frame.
 *
 * A frame is text.  What was appended survives the end of the process at once and a loss of power
 * within SYNC_MS; a thread of the journal syncs, so that policy never waits for the disk, except
 * when a segment is full and when it asks to.  SPDX-License-Identifier: MIT */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "script/handles.h"
#include "script/state.h"
#include "store/journal.h"

#define JOURNAL_TYPE "moonwatch.journal"
enum { SYNC_MS = 50, SEGMENT_BYTES = 32 << 20 };

static int journal_close(lua_State *L)
{
    mw_journal **j = luaL_checkudata(L, 1, JOURNAL_TYPE);
    mw_journal_close(*j);
    *j = NULL;
    return 0;
}

static mw_journal *check_journal(lua_State *L)
{
    mw_journal *j = *(mw_journal **)luaL_checkudata(L, 1, JOURNAL_TYPE);
    if (!j) luaL_error(L, "this journal is closed");
    return j;
}

/* -- reading -------------------------------------------------------------------------------- */

typedef struct reader {
    lua_State *L;
    uint64_t frames;
} reader;

/* The visitor stands at index 2.  Its error must not jump over the journal's own frames. */
static int visit(void *arg, mw_str frame, double done, mw_err *err)
{
    reader *r = arg;
    r->frames++;
    lua_pushvalue(r->L, 2);
    lua_pushlstring(r->L, frame.p, frame.n);
    if (!lua_pcall(r->L, 1, 0, 0)) return MW_OK;
    const char *why = lua_tostring(r->L, -1);
    int code = mw_fail(err, MW_EPARSE, 0, 0, "%s", why ? why : "the visitor failed");
    lua_pop(r->L, 1);
    return code;
}

/* j:replay(fn) -> how many frames, how many damaged segments; before the first append */
static int journal_replay(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_journal *j = check_journal(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    reader r = {.L = L};
    if (mw_journal_replay(j, 0, visit, &r, &err) != MW_OK) return mw_lua_refuse(L, &err);
    mw_journal_stats stats;
    mw_journal_stats_read(j, &stats);
    lua_pushnumber(L, (double)r.frames);
    lua_pushnumber(L, (double)stats.damaged);
    return 2;
}

/* -- writing -------------------------------------------------------------------------------- */

static int answer(lua_State *L, int code, const mw_err *err)
{
    if (code != MW_OK) return mw_lua_refuse(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* j:append(text, more): one frame, which need not be one text of Lua's before. */
static int journal_append(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_journal *j = check_journal(L);
    mw_str frame, more;
    mw_buf both;
    frame.p = luaL_checklstring(L, 2, &frame.n);
    more.p = luaL_optlstring(L, 3, "", &more.n);
    mw_buf_init(&both);
    if (more.n) {
        mw_buf_str(&both, frame);
        mw_buf_str(&both, more);
        frame = (mw_str){both.p, both.n};
    }
    int code = mw_journal_append(j, frame, &err);
    mw_buf_deinit(&both);
    return answer(L, code, &err);
}

static int journal_sync(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    return answer(L, mw_journal_sync(check_journal(L), &err), &err);
}

/* j:cut() -> the segment that frames go to from now on; j:drop(segment) forgets those before it */
static int journal_cut(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    uint64_t segment;
    if (mw_journal_cut(check_journal(L), &segment, &err) != MW_OK) return mw_lua_refuse(L, &err);
    lua_pushnumber(L, (double)segment);
    return 1;
}

static int journal_drop(lua_State *L)
{
    mw_journal_drop(check_journal(L), (uint64_t)luaL_checknumber(L, 2));
    return 0;
}

static int journal_bytes(lua_State *L)
{
    mw_journal_stats stats;
    mw_journal_stats_read(check_journal(L), &stats);
    lua_pushnumber(L, (double)stats.bytes);
    return 1;
}

/* -- opening -------------------------------------------------------------------------------- */

/* host.journal(dir[, "read"]): "read" changes nothing, so another process may be using it.  The
 * folder is for its owner only. */
static int host_journal(lua_State *L)
{
    static const char *const ways[] = {"write", "read", NULL};
    mw_err err;
    mw_err_init(&err);
    const char *dir = luaL_checkstring(L, 1);
    bool read = luaL_checkoption(L, 2, "write", ways) == 1;
    mw_journal **j = lua_newuserdata(L, sizeof *j);
    *j = NULL;
    mw_set_type(L, JOURNAL_TYPE, journal_close);
    if (!read && mkdir(dir, 0700) && errno != EEXIST) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", dir, strerror(errno));
        return 2;
    }
    *j = mw_journal_open(&(mw_journal_options){.io = read ? &mw_io_dry : NULL,
                                               .dir = dir,
                                               .sync_ms = SYNC_MS,
                                               .segment_bytes = SEGMENT_BYTES},
                         &err);
    return *j ? 1 : mw_lua_refuse(L, &err);
}

void mw_host_open_journal(lua_State *L)
{
    static const luaL_Reg methods[] = {{"replay", journal_replay}, {"append", journal_append},
                                       {"sync", journal_sync},     {"cut", journal_cut},
                                       {"drop", journal_drop},     {"bytes", journal_bytes},
                                       {"close", journal_close},   {NULL, NULL}};
    static const mw_host_fn fns[] = {{"journal", host_journal}, {NULL, NULL}};
    luaL_newmetatable(L, JOURNAL_TYPE);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, journal_close);
    lua_setfield(L, -2, "__gc");
    luaL_register(L, NULL, methods);
    lua_pop(L, 1);
    mw_host_set(L, fns);
}
