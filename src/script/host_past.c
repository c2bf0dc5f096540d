/* host_past.c - host.past(): a host for rules that run over stored data.
 *
 * Time is what the caller says it is.  Queries see what the store has, which is only read, and what
 * the rules wrote since into a store of their own in memory; nothing leaves: HTTP is answered with
 * "200" by nobody, and shared values are kept in the table itself.  The stores are those of the
 * host that it is made from, or a data folder.
 *
 * As in host_world.c the whole is one userdata that begins with a face, and every function carries
 * it.  SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "script/ahead.h"
#include "script/cross.h"
#include "script/handles.h"
#include "script/past.h"
#include "script/shared.h"
#include "script/signals.h"
#include "script/state.h"

#define PAST_TYPE "moonwatch.past"

static const size_t most_bytes = 1ULL << 30; /* of what rules write */

typedef struct past {
    mw_face face; /* first: mw_face_of */
    mw_host host;
    mw_clock_manual clock;
    mw_tsdb *stored; /* a folder that was opened; NULL: somebody else's */
    mw_tsdb *base;
    mw_logs *logs;
    mw_traces *traces;
    mw_promql *promql; /* likewise NULL when somebody else's */
    mw_shared *shared;
    mw_str *written, *forgotten;
    size_t n_written, n_forgotten;
    uint64_t requests;
} past;

static void free_names(mw_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) mw_free((char *)names[i].p);
    mw_free(names);
}

/* What takes room. */
static void let_go(past *p)
{
    mw_ahead_free(p->host.ahead);
    mw_past_free(p->host.source);
    mw_tsdb_close(p->host.tsdb);
    mw_tsdb_close(p->stored);
    p->host.ahead = NULL;
    p->host.source = NULL;
    p->host.tsdb = p->stored = p->base = NULL;
}

static int past_gc(lua_State *L)
{
    past *p = lua_touserdata(L, 1);
    let_go(p);
    mw_promql_free(p->promql);
    mw_logs_close(p->logs);
    mw_traces_close(p->traces);
    mw_registry_free(p->host.registry);
    mw_shared_free(p->shared);
    free_names(p->written, p->n_written);
    free_names(p->forgotten, p->n_forgotten);
    mw_free(p->host.ops);
    *p = (past){0};
    return 0;
}

static past *past_of(lua_State *L) { return (past *)mw_face_of(L); }

/* -- the options, a table at 1 ----------------------------------------------------------------- */

static double number_field(lua_State *L, const char *name, double def)
{
    lua_getfield(L, 1, name);
    double v = luaL_optnumber(L, -1, def);
    lua_pop(L, 1);
    return v;
}

static mw_str *names_field(lua_State *L, const char *name, size_t *n)
{
    lua_getfield(L, 1, name);
    size_t len = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
    mw_str *out = mw_array(len + 1, sizeof *out);
    for (*n = 0; *n < len; ++*n) {
        lua_rawgeti(L, -1, (int)*n + 1);
        mw_str s = {0};
        s.p = lua_tolstring(L, -1, &s.n);
        out[*n] = (mw_str){mw_strndup(s.p ? s.p : "", s.n), s.n};
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return out;
}

static bool flag_field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    bool v = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return v;
}

/* -- its parts --------------------------------------------------------------------------------- */

/* Logs and spans are not on disk: with a folder there are none. */
static int open_folder(past *p, const char *data, mw_err *err)
{
    char *dir = mw_sprintf("%s/metrics", data);
    struct stat st;
    if (stat(dir, &st) || !S_ISDIR(st.st_mode)) {
        mw_fail(err, MW_ENOENT, 0, 0, "%s is not the data folder of a server: there is no %s", data,
                dir);
    } else {
        p->stored = mw_tsdb_open(
            &(mw_tsdb_options){.clock = &mw_clock_system, .dir = dir, .read_only = true}, err);
        if (p->stored && mw_tsdb_recover(p->stored, err) == MW_OK) p->base = p->stored;
    }
    mw_free(dir);
    if (!p->base) return err->code;
    p->logs = mw_logs_open(&(mw_logs_options){.clock = &p->clock.clock}, err);
    p->traces = mw_traces_open(&(mw_traces_options){.clock = &p->clock.clock}, err);
    return p->logs && p->traces ? MW_OK : MW_EEXEC;
}

static int lend(past *p, const mw_host *from, mw_err *err)
{
    if (!from->tsdb || !from->logs || !from->traces)
        return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no stores here");
    p->base = from->tsdb;
    p->host.promql = from->promql;
    return MW_OK;
}

/* Somebody who always says yes. */
static void answer_http(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    past *p = self;
    p->requests++;
    mw_value_free(arg);
    mw_value *answer = mw_map_new();
    mw_map_set_number(answer, "status", 200);
    mw_map_set_number(answer, "seconds", 0.001);
    mw_map_set_text(answer, "body", "");
    mw_map_set(answer, "headers", mw_map_new());
    reply(reply_arg, answer);
}

static int open_parts(lua_State *L, past *p, const char *data, mw_err *err)
{
    mw_host *h = &p->host, *from = mw_face_of(L)->host;
    int64_t since = mw_ms_of(number_field(L, "from", 0)),
            until = mw_ms_of(number_field(L, "to", 0));
    mw_clock_manual_set(&p->clock, since);
    int rc = data ? open_folder(p, data, err) : lend(p, from, err);
    if (rc != MW_OK) return rc;
    h->logs = p->logs ? p->logs : from->logs;
    h->traces = p->traces ? p->traces : from->traces;
    h->tsdb = mw_tsdb_open(&(mw_tsdb_options){.clock = &p->clock.clock,
                                              .out_of_order_ms = -1,
                                              .max_bytes = most_bytes},
                           err);
    if (!h->tsdb) return MW_EEXEC;
    if (!h->promql) {
        bool closed = flag_field(L, "closed_ranges");
        p->promql = mw_promql_new(&(mw_promql_options){
            .lookback_ms = mw_ms_of(number_field(L, "lookback", 0)),
            .default_step_ms = mw_ms_of(number_field(L, "default_step", 0)),
            .closed_ranges = closed,
            .delayed_names = !closed && !flag_field(L, "drop_names_at_once"),
        });
        h->promql = p->promql;
    }
    h->registry = mw_registry_new(0);
    p->written = names_field(L, "written", &p->n_written);
    p->forgotten = names_field(L, "forgotten", &p->n_forgotten);
    h->source = mw_past_new(&(mw_past_options){.base = mw_tsdb_source(p->base),
                                               .over = mw_tsdb_source(h->tsdb),
                                               .written = p->written,
                                               .n_written = p->n_written,
                                               .forgotten = p->forgotten,
                                               .n_forgotten = p->n_forgotten,
                                               .since = since});
    size_t n = p->n_written + p->n_forgotten;
    mw_str *changing = mw_array(n + 1, sizeof *changing);
    for (size_t i = 0; i < n; i++)
        changing[i] = i < p->n_written ? p->written[i] : p->forgotten[i - p->n_written];
    h->time_stands = true;
    /* On a server there are others who need the second processor. */
    if (!flag_field(L, "stepwise"))
        h->ahead = mw_ahead_new(changing, n, until, p->stored ? h : NULL);
    mw_free(changing);
    return MW_OK;
}

/* -- its functions ----------------------------------------------------------------------------- */

static int set_clock(lua_State *L)
{
    mw_clock_manual_set(&past_of(L)->clock, mw_ms_of(luaL_checknumber(L, 1)));
    return 0;
}

static void set_number(lua_State *L, const char *name, double v)
{
    lua_pushnumber(L, v);
    lua_setfield(L, -2, name);
}

/* The stores are needed no more, and are gone at once: a collector may take its time. */
static int past_close(lua_State *L)
{
    let_go(past_of(L));
    return 0;
}

/* What it took, and which times the store below has: { ranges=, steps=, instants=, requests=,
 * written_bytes=, first=, last= } */
static int figures(lua_State *L)
{
    past *p = past_of(L);
    mw_ahead_stats a = {0};
    mw_tsdb_stats s;
    if (p->host.ahead) mw_ahead_stats_read(p->host.ahead, &a);
    lua_newtable(L);
    if (!p->base) return 1;
    set_number(L, "ranges", (double)a.ranges);
    set_number(L, "steps", (double)a.steps);
    set_number(L, "instants", (double)a.instants);
    set_number(L, "requests", (double)p->requests);
    mw_tsdb_stats_read(p->host.tsdb, &s);
    set_number(L, "written_bytes", (double)s.bytes);
    mw_tsdb_stats_read(p->base, &s);
    if (s.min_t || s.max_t) {
        set_number(L, "first", (double)s.min_t / 1000);
        set_number(L, "last", (double)s.max_t / 1000);
    }
    return 1;
}

/* host.past{ data=, from=, to=, written={names}, forgotten={names}, lookback=, default_step=,
 * closed_ranges=, drop_names_at_once=, stepwise= } */
static int host_past(lua_State *L)
{
    static const mw_host_fn fns[] = {
        {"set_clock", set_clock}, {"figures", figures}, {"close", past_close}, {NULL, NULL}};
    mw_face *face = mw_face_of(L);
    mw_err err;
    mw_err_init(&err);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "data"); /* stays on the stack while it is used */
    const char *data = luaL_optstring(L, 2, NULL);
    past *p = lua_newuserdata(L, sizeof *p);
    *p = (past){.face = {.lua = face->lua}};
    p->face.host = &p->host;
    mw_clock_manual_init(&p->clock, 0);
    mw_set_type(L, PAST_TYPE, past_gc);
    p->host.clock = &p->clock.clock;
    p->host.data_dir = face->host->data_dir;
    p->host.version = face->host->version;
    if (open_parts(L, p, data, &err) != MW_OK) return mw_lua_refuse(L, &err);
    p->shared = mw_shared_new();
    mw_shared_offer(p->shared, &p->host);
    mw_host_add_op(&p->host, "http", p, answer_http);
    mw_host_push_with(L, fns);
    return 1;
}

void mw_host_open_past(lua_State *L)
{
    static const mw_host_fn fns[] = {{"past", host_past}, {NULL, NULL}};
    mw_host_set(L, fns);
}
