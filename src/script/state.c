/* state.c - opening our Lua states, and the continuations of calls that answer later.
 *
 * LuaJIT's own loader finds a linked module by its symbol luaJIT_BC_<name>, so an actor needs no
 * path on disk.  luaopen_jit is never called for an actor: the engine then stays off.  On the
 * command line it is there but off as well, so that tests and backtests run what the server runs,
 * and because the x64 code of Debian's LuaJIT crashes: it may restore L->base by its lower half
 * only.  A program of `moonwatch lua` that wants it calls jit.on().
 * SPDX-License-Identifier: MIT */
#include "script/state.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <string.h>

#include "base/mem.h"
#include "script/asks.h"
#include "script/cross.h"
#include "script/handles.h"
#include "script/sandbox.h"

typedef struct mw_pending mw_pending;
struct mw_pending {
    mw_pending *next;
    uint64_t ticket;
    mw_then *then;
    void *arg;
};

/* -- opening --------------------------------------------------------------------------------- */

static const struct lib {
    const char *name;
    lua_CFunction open;
} actor_libs[] = {
    {"", luaopen_base},
    {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},
    {LUA_MATHLIBNAME, luaopen_math},
    {LUA_BITLIBNAME, luaopen_bit},
    {LUA_LOADLIBNAME, luaopen_package},
};

static const char *const not_for_actors[] = {"dofile", "loadfile", "newproxy", "collectgarbage"};

static void set_path(lua_State *L, const char *before, bool keep)
{
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "path");
    const char *old = keep ? lua_tostring(L, -1) : "";
    if (before)
        lua_pushfstring(L, "%s%s%s", before, *old ? ";" : "", old);
    else
        lua_pushstring(L, old);
    lua_setfield(L, -3, "path");
    if (!keep) {
        lua_pushliteral(L, "");
        lua_setfield(L, -3, "cpath");
    }
    lua_pop(L, 2);
}

static void open_array_mark(lua_State *L)
{
    luaL_newmetatable(L, MW_ARRAY_MARK);
    lua_pushlightuserdata(L, (void *)&mw_cross_trusted);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

static int load_host(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    mw_host_push(L);
    return 1;
}

static int open_all(lua_State *L)
{
    mw_lua *l = lua_touserdata(L, 1);
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    if (l->waits) {
        luaL_openlibs(L);
        luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
    } else {
        for (size_t i = 0; i < sizeof actor_libs / sizeof *actor_libs; i++) {
            lua_pushcfunction(L, actor_libs[i].open);
            lua_pushstring(L, actor_libs[i].name);
            lua_call(L, 1, 0);
        }
        for (size_t i = 0; i < sizeof not_for_actors / sizeof *not_for_actors; i++) {
            lua_pushnil(L);
            lua_setglobal(L, not_for_actors[i]);
        }
    }
    set_path(L, l->face.host->lua_path, l->waits);
    open_array_mark(L);
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "preload");
    lua_pushlightuserdata(L, &l->face);
    lua_pushcclosure(L, load_host, 1);
    lua_setfield(L, -2, "moonwatch.host");
    return 0;
}

mw_lua *mw_lua_new(mw_host *host, bool command_line, mw_err *err)
{
    mw_lua *l = mw_zalloc(sizeof *l);
    l->face = (mw_face){.host = host, .lua = l};
    l->waits = command_line;
    l->inbox = mw_mailbox_new(4096);
    l->left_end = &l->left;
    if (!command_line && host->registry)
        l->held_seconds = mw_histogram(host->registry, "moonwatch_rule_held_seconds",
                                       "Processor time for which a function of a rule held the "
                                       "thread of all rules in one go.",
                                       NULL);
    l->L = luaL_newstate();
    if (!l->L) {
        mw_fail(err, MW_ELIMIT, 0, 0, "no memory for a Lua state");
        goto fail;
    }
    if (lua_cpcall(l->L, open_all, l)) {
        mw_fail(err, MW_EEXEC, 0, 0, "Lua does not start: %s", lua_tostring(l->L, -1));
        goto fail;
    }
    return l;
fail:
    mw_lua_free(l);
    return NULL;
}

/* The state closes: nobody answers. */
static void forget(mw_lua *l, mw_pending **list)
{
    for (mw_pending *p; (p = *list);) {
        *list = p->next;
        p->then(l, p->arg, NULL, NULL);
        mw_free(p);
    }
}

void mw_lua_free(mw_lua *l)
{
    if (!l) return;
    mw_slow_free(l->slow); /* its answers lie in the inbox, unread */
    l->slow = NULL;
    forget(l, &l->pending);
    forget(l, &l->left);
    if (l->L) lua_close(l->L);
    mw_watch_free(l->watch);
    mw_meter_release(l->meter);
    mw_mailbox_close(l->inbox);
    mw_mailbox_release(l->inbox);
    mw_free(l);
}

/* -- running --------------------------------------------------------------------------------- */

int mw_lua_traceback(lua_State *L)
{
    const char *msg = lua_tostring(L, 1);
    if (!msg) msg = lua_pushfstring(L, "(an error that is a %s)", luaL_typename(L, 1));
    luaL_traceback(L, L, msg, 1);
    return 1;
}

int mw_lua_run(mw_lua *l, int nargs, int nresults, mw_err *err)
{
    lua_State *L = l->L;
    int handler = lua_gettop(L) - nargs;
    lua_pushcfunction(L, mw_lua_traceback);
    lua_insert(L, handler);
    int rc = lua_pcall(L, nargs, nresults, handler);
    lua_remove(L, handler);
    if (rc == 0) return MW_OK;
    const char *msg = lua_tostring(L, -1);
    mw_fail(err, MW_EEXEC, 0, 0, "%s", msg ? msg : "an error without a text");
    lua_pop(L, 1);
    return MW_EEXEC;
}

/* -- answers that come later ----------------------------------------------------------------- */

mw_call_ticket *mw_lua_expect(mw_lua *l, mw_then *then, void *arg, uint64_t *number)
{
    mw_pending *p = mw_alloc(sizeof *p);
    *p = (mw_pending){l->pending, ++l->last_ticket, then, arg};
    l->pending = p;
    if (number) *number = p->ticket;
    return mw_call_ticket_new(l->inbox, p->ticket);
}

static mw_pending *take_pending(mw_lua *l, uint64_t ticket)
{
    for (mw_pending **at = &l->pending; *at; at = &(*at)->next)
        if ((*at)->ticket == ticket) {
            mw_pending *p = *at;
            *at = p->next;
            return p;
        }
    return NULL;
}

bool mw_lua_answer(mw_lua *l, mw_mail *mail, mw_err *err)
{
    mw_pending *p = take_pending(l, mail->ticket);
    MW_ASSERT(p);
    mw_value *answer = mail->value ? mail->value : mw_error_new("no answer");
    mail->value = NULL;
    bool ok = p->then(l, p->arg, answer, err);
    mw_free(p);
    return ok;
}

static bool is_pending(mw_lua *l, uint64_t number)
{
    for (mw_pending *p = l->pending; p; p = p->next)
        if (p->ticket == number) return true;
    return false;
}

bool mw_lua_wait(mw_lua *l, uint64_t number, mw_err *err)
{
    mw_mail mail;
    bool ok = true;
    while (ok && is_pending(l, number) && mw_mailbox_next(l->inbox, 0, &mail))
        ok = mw_lua_answer(l, &mail, err);
    return ok;
}

/* -- work in slices -------------------------------------------------------------------------- */

void mw_lua_leave(mw_lua *l, mw_then *then, void *arg)
{
    mw_pending *p = mw_alloc(sizeof *p);
    *p = (mw_pending){.then = then, .arg = arg};
    *l->left_end = p;
    l->left_end = &p->next;
}

bool mw_lua_any_left(const mw_lua *l) { return l->left != NULL; }

bool mw_lua_proceed(mw_lua *l, mw_err *err)
{
    mw_pending *p = l->left;
    if (!p) return true;
    l->left = p->next;
    if (!l->left) l->left_end = &l->left;
    bool ok = p->then(l, p->arg, mw_map_new(), err);
    mw_free(p);
    return ok;
}

/* -- for the host functions ------------------------------------------------------------------ */

mw_face *mw_face_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

void mw_host_set(lua_State *L, const mw_host_fn *fns)
{
    for (; fns->name; fns++) {
        lua_pushvalue(L, -1);
        lua_pushcclosure(L, fns->fn, 1);
        lua_setfield(L, -3, fns->name);
    }
}

void mw_host_push(lua_State *L)
{
    static void (*const open[])(lua_State *) = {
        mw_host_open_signals, mw_host_open_queries,       mw_host_open_series,
        mw_host_open_records, mw_host_open_files,         mw_host_open_journal,
        mw_host_open_json,    mw_host_open_text,          mw_host_open_alerts,
        mw_host_open_metrics, mw_host_open_calls,         mw_host_open_guest,
        mw_host_open_world,   mw_host_open_yaml,          mw_host_open_histogram,
        mw_host_open_line,    mw_host_open_waits,         mw_host_open_past,
        mw_host_open_breaker, mw_host_open_http_breakers, mw_host_open_audit,
        mw_host_open_texts,   mw_host_open_message,
    };
    lua_newtable(L);
    lua_insert(L, -2);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) open[i](L);
    lua_pop(L, 1);
}

void mw_host_push_with(lua_State *L, const mw_host_fn *fns)
{
    lua_pushvalue(L, -1);
    mw_host_push(L);
    lua_insert(L, -2); /* the table below the face, as mw_host_set wants them */
    mw_host_set(L, fns);
    lua_pop(L, 1);
}

void mw_set_type(lua_State *L, const char *type, lua_CFunction gc)
{
    if (luaL_newmetatable(L, type)) {
        lua_pushcfunction(L, gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
}

int mw_lua_refuse_text(lua_State *L, const char *text)
{
    lua_pushnil(L);
    lua_pushstring(L, text);
    return 2;
}

int mw_lua_refuse(lua_State *L, const mw_err *err)
{
    return mw_lua_refuse_text(L, err->code == MW_OK ? "refused" : err->msg);
}

int mw_lua_refuse_at(lua_State *L, const mw_err *err)
{
    mw_lua_refuse(L, err);
    if (!err->line) return 2;
    lua_pushinteger(L, err->line);
    lua_pushinteger(L, err->col);
    return 4;
}
