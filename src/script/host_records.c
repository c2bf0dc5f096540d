/* host_records.c - host.logs_search, logs_count, traces_search, traces_rates, spans_count and late.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "script/cross.h"
#include "script/signals.h"
#include "script/state.h"

enum { MAX_ROWS = 100000 };

static mw_value *check_query(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    if (lua_isnoneornil(L, 1)) return mw_map_new();
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *q = mw_cross_get(L, 1, &mw_cross_trusted, &err);
    if (!q) luaL_error(L, "%s", err.msg);
    return q;
}

typedef mw_value *search(mw_host *h, const mw_value *q, size_t max, mw_err *err);

static int answer(lua_State *L, search *fn)
{
    mw_err err;
    mw_err_init(&err);
    mw_value *q = check_query(L);
    mw_value *rows = fn(mw_face_of(L)->host, q, MAX_ROWS, &err);
    mw_value_free(q);
    if (!rows) return mw_lua_refuse(L, &err);
    mw_cross_push(L, rows);
    mw_value_free(rows);
    return 1;
}

static int host_logs_search(lua_State *L) { return answer(L, mw_signal_logs); }
static int host_traces_search(lua_State *L) { return answer(L, mw_signal_traces); }

static int host_traces_rates(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_value *q = check_query(L);
    mw_value *rows = mw_signal_rates(mw_face_of(L)->host, q, &err);
    mw_value_free(q);
    if (!rows) return mw_lua_refuse(L, &err);
    mw_cross_push(L, rows);
    mw_value_free(rows);
    return 1;
}

static int host_logs_count(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    uint64_t n = 0;
    mw_value *q = check_query(L);
    int rc = mw_signal_logs_count(mw_face_of(L)->host, q, &n, &err);
    mw_value_free(q);
    if (rc != MW_OK) return mw_lua_refuse(L, &err);
    lua_pushnumber(L, (double)n);
    return 1;
}

static int host_spans_count(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_span_count n = {0};
    mw_value *q = check_query(L);
    int rc = mw_signal_spans_count(mw_face_of(L)->host, q, &n, &err);
    mw_value_free(q);
    if (rc != MW_OK) return mw_lua_refuse(L, &err);
    lua_createtable(L, 0, 2);
    lua_pushnumber(L, (double)n.total);
    lua_setfield(L, -2, "total");
    lua_pushnumber(L, (double)n.bad);
    lua_setfield(L, -2, "bad");
    return 1;
}

typedef struct hours {
    lua_State *L;
    int n;
} hours;

static void push_hour(void *arg, int64_t hour_ms)
{
    hours *h = arg;
    lua_pushnumber(h->L, (double)(hour_ms / 1000));
    lua_rawseti(h->L, -2, ++h->n);
}

/* host.late(kind) -> hours of "metrics", "logs" or "spans" that got something late since the last
 * call.  Whoever looks at the past over stores that others fill takes nothing from them. */
static int host_late(lua_State *L)
{
    static const char *const kinds[] = {"metrics", "logs", "spans", NULL};
    mw_host *h = mw_face_of(L)->host;
    int kind = luaL_checkoption(L, 1, NULL, kinds);
    bool own = h->tsdb && h->source == mw_tsdb_source(h->tsdb);
    mw_hours *late[] = {own ? mw_tsdb_late(h->tsdb) : NULL,
                        own && h->logs ? mw_logs_late(h->logs) : NULL,
                        own && h->traces ? mw_traces_late(h->traces) : NULL};
    lua_newtable(L);
    if (late[kind]) mw_hours_take(late[kind], mw_now_ms(h->clock), push_hour, &(hours){L, 0});
    return 1;
}

void mw_host_open_records(lua_State *L)
{
    static const mw_host_fn fns[] = {{"logs_search", host_logs_search},
                                     {"logs_count", host_logs_count},
                                     {"traces_rates", host_traces_rates},
                                     {"traces_search", host_traces_search},
                                     {"traces_rates", host_traces_rates},
                                     {"spans_count", host_spans_count},
                                     {"late", host_late},
                                     {NULL, NULL}};
    mw_host_set(L, fns);
}
