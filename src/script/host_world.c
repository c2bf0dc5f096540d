/* host_world.c - host.world(): a private set of stores with a clock that a test moves.
 *
 * The world is one userdata that begins with a face; every function of its host table carries it
 * as an upvalue and so keeps it alive.  Operations are the ones a single node can answer itself:
 * shared values and counters, kept in the world.  Whatever else a test calls answers that it is
 * not offered, unless the test puts its own host.call in place.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/tracectx.h"
#include "script/cross.h"
#include "script/handles.h"
#include "script/mailbox.h"
#include "script/outside.h"
#include "script/pipelines.h"
#include "script/shared.h"
#include "script/signals.h"
#include "script/state.h"

#define WORLD_TYPE "moonwatch.world"

typedef struct world {
    mw_face face; /* first: mw_face_of */
    mw_host host;
    mw_clock_manual clock;
    mw_shared *shared;
    mw_outside *outside;
    mw_pipe_slot *pipes;
} world;

static int world_free(lua_State *L)
{
    world *w = lua_touserdata(L, 1);
    mw_promql_free(w->host.promql);
    mw_pipe_slot_free(w->pipes);
    mw_tsdb_close(w->host.tsdb);
    mw_logs_close(w->host.logs);
    mw_traces_close(w->host.traces);
    mw_registry_free(w->host.registry);
    mw_shared_free(w->shared);
    mw_outside_free(w->outside);
    mw_free(w->host.ops);
    w->host = (mw_host){0};
    return 0;
}

static int open_stores(world *w, mw_err *err)
{
    mw_host *h = &w->host;
    mw_tsdb_options t = {.clock = &w->clock.clock, .out_of_order_ms = -1};
    mw_logs_options l = {.clock = &w->clock.clock};
    mw_traces_options s = {.clock = &w->clock.clock};
    h->tsdb = mw_tsdb_open(&t, err);
    h->logs = mw_logs_open(&l, err);
    h->traces = mw_traces_open(&s, err);
    if (!h->tsdb || !h->logs || !h->traces) return MW_EEXEC;
    h->promql = mw_promql_new(NULL);
    h->registry = mw_registry_new(0);
    h->source = mw_tsdb_source(h->tsdb);
    w->pipes = mw_pipe_slot_new(h->registry);
    return MW_OK;
}

static world *world_of(lua_State *L) { return (world *)mw_face_of(L); }

/* -- filling it ------------------------------------------------------------------------------ */

static int set_clock(lua_State *L)
{
    mw_clock_manual_set(&world_of(L)->clock, mw_ms_of(luaL_checknumber(L, 1)));
    return 0;
}

static int64_t ns_field(const mw_value *row, const char *key, int64_t def)
{
    const mw_value *v = mw_map_find(row, key);
    return v && v->type == MW_NUMBER ? mw_ms_of(v->number) * 1000000 : def;
}

/* A map as attributes in A: texts, numbers and booleans; anything else as JSON. */
static mw_attr *attrs_in(mw_arena *a, const mw_value *map, size_t *n)
{
    *n = 0;
    if (!map || map->type != MW_MAP) return NULL;
    mw_attr *out = mw_arena_array(a, map->map.n + 1, sizeof *out);
    for (size_t i = 0; i < map->map.n; i++) {
        const mw_entry *e = &map->map.entry[i];
        mw_attr *at = &out[(*n)++];
        at->key = e->key;
        switch (e->value->type) {
        case MW_TEXT: at->s = e->value->text; break;
        case MW_NUMBER: at->type = MW_ATTR_DOUBLE, at->d = e->value->number; break;
        case MW_BOOL: at->type = MW_ATTR_BOOL, at->b = e->value->b; break;
        default: {
            mw_buf json;
            mw_buf_init(&json);
            mw_value_to_json(e->value, &json);
            at->type = MW_ATTR_JSON;
            at->s = (mw_str){mw_arena_strndup(a, json.p, json.n), json.n};
            mw_buf_deinit(&json);
        }
        }
        if (at->type == MW_ATTR_DOUBLE && at->d >= -9e15 && at->d <= 9e15 &&
            at->d == (double)(int64_t)at->d) {
            int64_t whole = (int64_t)at->d;
            at->type = MW_ATTR_INT;
            at->i = whole;
        }
    }
    return out;
}

static int unhex_field(const mw_value *row, const char *key, uint8_t *id, size_t n, mw_err *err)
{
    mw_str text = mw_map_text(row, key);
    if (!text.n) return 0;
    if (text.n == 2 * n && mw_unhex(text, id, n)) return 1;
    return mw_fail(err, MW_EARG, 0, 0, "%s must be %zu hex digits", key, 2 * n);
}

/* As a server does: through the pipelines. */
static int store_log(world *w, mw_arena *a, mw_log_record *r, mw_err *err)
{
    const mw_pipes *pipes = mw_pipe_slot_hold(w->pipes);
    mw_passed how = mw_pipes_log(pipes, r, a);
    mw_pipe_slot_leave(w->pipes, pipes);
    return how == MW_PASS ? mw_logs_append(w->host.logs, r, err) : MW_OK;
}

static int store_span(world *w, mw_arena *a, mw_span *s, mw_err *err)
{
    const mw_pipes *pipes = mw_pipe_slot_hold(w->pipes);
    mw_passed how = mw_pipes_span(pipes, s, a);
    mw_pipe_slot_leave(w->pipes, pipes);
    return how == MW_PASS ? mw_traces_append(w->host.traces, s, err) : MW_OK;
}

static int append_log(world *w, mw_arena *a, const mw_value *row, mw_err *err)
{
    mw_log_record r = {.t_ns = ns_field(row, "time", mw_now_ms(&w->clock.clock) * 1000000),
                       .level = MW_INFO,
                       .message = mw_map_text(row, "message")};
    mw_str level = mw_map_text(row, "level");
    if (level.n && !mw_level_parse(level.p, &r.level))
        return mw_fail(err, MW_EARG, 0, 0, "no level is called \"%.32s\"", level.p);
    int trace = unhex_field(row, "trace", r.trace_id, 16, err),
        span = unhex_field(row, "span", r.span_id, 8, err);
    if (trace < 0 || span < 0) return MW_EARG;
    r.has_trace = trace;
    r.has_span = span;
    r.fields = attrs_in(a, mw_map_find(row, "fields"), &r.n_fields);
    mw_pairs p;
    int rc = mw_pairs_init(&p, mw_map_find(row, "stream"), err);
    if (rc != MW_OK) return rc;
    mw_labels *ls = mw_labels_new_in(a, p.pair, p.n, err);
    mw_pairs_deinit(&p);
    if (!ls) return MW_EARG;
    r.stream = ls;
    return store_log(w, a, &r, err);
}

static int append_span(world *w, mw_arena *a, const mw_value *row, mw_err *err)
{
    mw_span s = {.name = mw_map_text(row, "name"),
                 .service = mw_map_text(row, "service"),
                 .status_message = mw_map_text(row, "message"),
                 .kind = MW_SPAN_SERVER};
    if (unhex_field(row, "trace", s.trace_id, 16, err) < 0 ||
        unhex_field(row, "span", s.span_id, 8, err) < 0 ||
        unhex_field(row, "parent", s.parent_id, 8, err) < 0)
        return MW_EARG;
    if (!mw_map_find(row, "trace")) mw_trace_id_new(s.trace_id);
    if (!mw_map_find(row, "span")) mw_span_id_new(s.span_id);
    s.status = mw_map_bool(row, "error", false) ? MW_SPAN_ERROR : MW_SPAN_UNSET;
    s.start_ns = ns_field(row, "start", mw_now_ms(&w->clock.clock) * 1000000);
    s.end_ns = s.start_ns + (int64_t)(mw_map_number(row, "duration", 0) * 1e9);
    s.attrs = attrs_in(a, mw_map_find(row, "tags"), &s.n_attrs);
    return store_span(w, a, &s, err);
}

typedef int append_row(world *w, mw_arena *a, const mw_value *row, mw_err *err);

/* One row or a list of them, each with FN; the number. */
static int append_rows(lua_State *L, append_row *fn)
{
    mw_err err;
    mw_err_init(&err);
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *rows = mw_cross_get(L, 1, &mw_cross_trusted, &err);
    if (!rows) return luaL_error(L, "%s", err.msg);
    mw_arena *a = mw_arena_new(0);
    size_t n = 0;
    int rc = MW_OK;
    if (rows->type == MW_MAP) {
        rc = fn(world_of(L), a, rows, &err);
        n = rc == MW_OK;
    } else {
        while (n < rows->list.n && (rc = fn(world_of(L), a, rows->list.item[n], &err)) == MW_OK)
            n++;
    }
    mw_arena_free(a);
    mw_value_free(rows);
    if (rc != MW_OK) {
        mw_fail(&err, rc, 0, 0, "%s", mw_code_text(rc));
        return luaL_error(L, "%s", err.msg);
    }
    lua_pushnumber(L, (double)n);
    return 1;
}

static int logs_append(lua_State *L) { return append_rows(L, append_log); }
static int traces_append(lua_State *L) { return append_rows(L, append_span); }

/* world.pipelines(rows): what records and spans pass from now on */
static int set_pipelines(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *rows = mw_cross_get(L, 1, &mw_cross_trusted, &err);
    int rc = rows ? mw_pipelines_put(world_of(L)->pipes, rows, &err) : err.code;
    mw_value_free(rows);
    return rc ? luaL_error(L, "%s", err.msg) : 0;
}

static void push_series(void *arg, const mw_labels *ls, double v)
{
    lua_State *L = arg;
    mw_buf name;
    mw_buf_init(&name);
    mw_labels_text(ls, &name);
    lua_pushnumber(L, v);
    lua_setfield(L, -2, name.p);
    mw_buf_deinit(&name);
}

/* Every own instrument as {["name{label=\"x\"}"]=value}. */
static int instruments(lua_State *L)
{
    lua_newtable(L);
    mw_registry_each(world_of(L)->host.registry, NULL, 0, push_series, L);
    return 1;
}

/* The value at the top of the stack as a sample of LS at T.  False: it is none. */
static bool append_sample(lua_State *L, mw_appender *a, const mw_labels *ls, uint64_t *ref,
                          int64_t t, int *rc)
{
    const mw_nhist *h = mw_test_histogram(L, -1);
    if (h) {
        *rc = mw_appender_add_histogram(a, ls, ref, t, h);
    } else if (lua_type(L, -1) == LUA_TNUMBER) {
        *rc = mw_appender_add(a, ls, ref, t, lua_tonumber(L, -1));
    } else if (lua_type(L, -1) == LUA_TSTRING && !strcmp(lua_tostring(L, -1), "stale")) {
        *rc = mw_appender_add(a, ls, ref, t, mw_stale());
    } else {
        return lua_isboolean(L, -1); /* false: no sample there */
    }
    return true;
}

/* world.series_append(labels, t, step, values, from, to): values[i], from FROM to TO, at
 * t + (i - 1) * step; a number, "stale", a histogram, or false for none.  The number stored. */
static int series_append(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    double t = luaL_checknumber(L, 2), step = luaL_checknumber(L, 3);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 4, LUA_TTABLE);
    int from = (int)luaL_checkinteger(L, 5), to = (int)luaL_checkinteger(L, 6), bad = 0;
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *labels = mw_cross_get(L, 1, &mw_cross_trusted, &err);
    mw_pairs p = {0};
    mw_labels *ls = NULL;
    if (labels && mw_pairs_init(&p, labels, &err) == MW_OK) ls = mw_labels_new(p.pair, p.n, &err);
    mw_pairs_deinit(&p);
    mw_value_free(labels);
    if (!ls) return luaL_error(L, "%s", err.msg);
    uint64_t ref = 0;
    lua_Integer stored = 0;
    mw_appender *a = mw_appender_new(world_of(L)->host.tsdb);
    for (int i = from; i <= to && !bad; i++) {
        int rc = MW_EARG;
        lua_rawgeti(L, 4, i);
        if (!append_sample(L, a, ls, &ref, mw_ms_of(t + (i - 1) * step), &rc)) bad = i;
        stored += rc == MW_OK;
        lua_pop(L, 1);
    }
    int rc = mw_appender_commit(a, &err);
    mw_appender_free(a);
    mw_free(ls);
    if (bad) return luaL_error(L, "value %d is none", bad);
    if (rc != MW_OK) return luaL_error(L, "%s", err.msg);
    lua_pushinteger(L, stored);
    return 1;
}

/* world.promql{closed=, lookback=seconds, default_step=seconds}: how expressions are read from now
 * on */
static int set_promql(lua_State *L)
{
    world *w = world_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_promql_options o = {0};
    lua_getfield(L, 1, "closed");
    o.closed_ranges = lua_toboolean(L, -1);
    lua_getfield(L, 1, "lookback");
    o.lookback_ms = mw_ms_of(luaL_optnumber(L, -1, 0));
    lua_getfield(L, 1, "default_step");
    o.default_step_ms = mw_ms_of(luaL_optnumber(L, -1, 0));
    mw_promql_free(w->host.promql);
    w->host.promql = mw_promql_new(&o);
    return 0;
}

/* -- functions that wait ---------------------------------------------------------------------- */

/* world.take_call(): the oldest request of a function that waits, see outside.h; or nil */
static int take_call(lua_State *L)
{
    mw_outside_push(L, world_of(L)->outside);
    return 1;
}

/* world.settle(): functions that have their answers by now go on.  How many. */
static int settle(lua_State *L)
{
    mw_err err;
    mw_mail mail;
    lua_Integer n = 0;
    mw_lua *l = mw_face_of(L)->lua;
    mw_err_init(&err);
    while (mw_mailbox_depth(l->inbox) && mw_mailbox_next(l->inbox, 0, &mail)) {
        if (!mw_lua_answer(l, &mail, &err)) return luaL_error(L, "%s", err.msg);
        n++;
    }
    lua_pushinteger(L, n);
    return 1;
}

/* -- making it ------------------------------------------------------------------------------- */

static int host_world(lua_State *L)
{
    static const mw_host_fn fns[] = {{"set_clock", set_clock},         {"logs_append", logs_append},
                                     {"traces_append", traces_append}, {"pipelines", set_pipelines},
                                     {"series_append", series_append}, {"promql", set_promql},
                                     {"take_call", take_call},         {"settle", settle},
                                     {"instruments", instruments},     {NULL, NULL}};
    mw_face *face = mw_face_of(L);
    mw_err err;
    mw_err_init(&err);
    world *w = lua_newuserdata(L, sizeof *w);
    *w = (world){.face = {.lua = face->lua}};
    w->face.host = &w->host;
    mw_clock_manual_init(&w->clock, 0);
    w->host.clock = &w->clock.clock;
    w->host.data_dir = face->host->data_dir;
    w->host.version = face->host->version;
    if (luaL_newmetatable(L, WORLD_TYPE)) {
        lua_pushcfunction(L, world_free);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    if (open_stores(w, &err) != MW_OK) return mw_lua_refuse(L, &err);
    w->shared = mw_shared_new();
    mw_shared_offer(w->shared, &w->host);
    w->outside = mw_outside_new();
    mw_outside_offer(w->outside, &w->host);
    mw_host_push_with(L, fns);
    return 1;
}

void mw_host_open_world(lua_State *L)
{
    static const mw_host_fn fns[] = {{"world", host_world}, {NULL, NULL}};
    const mw_face *face = lua_touserdata(L, -1);
    if (face->lua->waits) mw_host_set(L, fns); /* actors have the real thing */
}
