/* host_series.c - samples that policy writes again and again: recording rules, whose samples never
 * leave C, and series that remember where they stand in the store.
 *
 * Handles own what they hold and know no store: the function that is called with one brings its
 * own.  References of another store are harmless, only slow.  SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "base/mem.h"
#include "script/cross.h"
#include "script/handles.h"
#include "script/recorder.h"
#include "script/signals.h"
#include "script/state.h"
#include "script/waits.h"

#define RECORDER_TYPE "moonwatch.recorder"
#define SERIES_TYPE   "moonwatch.series"

static mw_str check_text(lua_State *L, int idx)
{
    mw_str s;
    s.p = luaL_checklstring(L, idx, &s.n);
    return s;
}

/* Labels at IDX, a table; they point into *HOLD, which is freed with mw_value_free. */
static int check_labels(lua_State *L, int idx, mw_pairs *p, mw_value **hold, mw_err *err)
{
    luaL_checktype(L, idx, LUA_TTABLE);
    mw_cross_room(L, &mw_cross_trusted);
    *hold = mw_cross_get(L, idx, &mw_cross_trusted, err);
    if (!*hold) return err->code;
    return mw_pairs_init(p, *hold, err);
}

/* -- recording rules ------------------------------------------------------------------------ */

static int recorder_gc(lua_State *L)
{
    mw_recorder **r = lua_touserdata(L, 1);
    mw_recorder_free(*r);
    *r = NULL;
    return 0;
}

static mw_recorder *check_recorder(lua_State *L, int idx)
{
    return *(mw_recorder **)luaL_checkudata(L, idx, RECORDER_TYPE);
}

/* host.recorder(expr, name, labels, limit) */
static int host_recorder(lua_State *L)
{
    mw_err err;
    mw_pairs p = {0};
    mw_value *hold = NULL;
    mw_err_init(&err);
    mw_str expr = check_text(L, 1), name = check_text(L, 2);
    double limit = luaL_optnumber(L, 4, 0);
    mw_recorder **r = lua_newuserdata(L, sizeof *r);
    *r = NULL;
    mw_set_type(L, RECORDER_TYPE, recorder_gc);
    if (check_labels(L, 3, &p, &hold, &err) == MW_OK)
        *r = mw_recorder_new(expr, name, p.pair, p.n, limit > 0 ? (size_t)limit : 0, &err);
    mw_pairs_deinit(&p);
    mw_value_free(hold);
    return *r ? 1 : mw_lua_refuse_at(L, &err);
}

static void push_refused(lua_State *L, const mw_recorded *out)
{
    const struct {
        const char *reason;
        size_t n;
    } rows[] = {{"out_of_order", out->out_of_order},
                {"too_old", out->too_old},
                {"duplicate", out->duplicates},
                {"no_room", out->no_room}};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].n) continue;
        lua_pushnumber(L, (double)rows[i].n);
        lua_setfield(L, -2, rows[i].reason);
    }
}

/* What the answer R gives, written by the recorder at the top of the stack. */
static int write_record(lua_State *L, const mw_promql_result *r, int64_t t, mw_err *err)
{
    mw_recorded out;
    if (!r) return mw_lua_refuse(L, err);
    mw_face *face = mw_face_of(L);
    if (mw_meter_emit(face->lua->meter, r->n, err) != MW_OK ||
        mw_recorder_write(check_recorder(L, -1), face->host, r, t, &out, err) != MW_OK)
        return mw_lua_refuse(L, err);
    lua_pushnumber(L, (double)out.written);
    if (!(out.out_of_order + out.too_old + out.duplicates + out.no_room)) return 1;
    push_refused(L, &out);
    return 2;
}

/* host.record(recorder, t): the number of samples; and what the store refused, when it did */
static int host_record(lua_State *L)
{
    int64_t t = mw_ms_of(luaL_checknumber(L, 2));
    mw_ask a = {.prepared = mw_recorder_query(check_recorder(L, 1)),
                .query = {.start = t, .end = t, .histograms = true}};
    if (!mw_face_of(L)->host->tsdb) return mw_lua_refuse_text(L, "no store here");
    return mw_wait_ask(L, &a, 1, write_record);
}

static int host_record_end(lua_State *L)
{
    mw_err err;
    size_t markers;
    mw_err_init(&err);
    mw_recorder *r = check_recorder(L, 1);
    int64_t t = mw_ms_of(luaL_checknumber(L, 2));
    if (mw_recorder_end(r, mw_face_of(L)->host, t, &markers, &err) != MW_OK)
        return mw_lua_refuse(L, &err);
    lua_pushnumber(L, (double)markers);
    return 1;
}

static int host_record_take(lua_State *L)
{
    mw_recorder *to = check_recorder(L, 1), *from = check_recorder(L, 2);
    luaL_argcheck(L, to != from, 2, "a rule cannot take over from itself");
    mw_recorder_take(to, from);
    lua_pushnumber(L, (double)mw_recorder_series(to));
    return 1;
}

/* -- series --------------------------------------------------------------------------------- */

struct series {
    mw_labels *labels;
    uint64_t ref;
};

static int series_gc(lua_State *L)
{
    struct series *s = lua_touserdata(L, 1);
    mw_free(s->labels);
    s->labels = NULL;
    return 0;
}

static int host_series(lua_State *L)
{
    mw_err err;
    mw_pairs p = {0};
    mw_value *hold = NULL;
    mw_err_init(&err);
    struct series *s = lua_newuserdata(L, sizeof *s);
    *s = (struct series){0};
    mw_set_type(L, SERIES_TYPE, series_gc);
    if (check_labels(L, 1, &p, &hold, &err) == MW_OK) s->labels = mw_labels_new(p.pair, p.n, &err);
    mw_pairs_deinit(&p);
    mw_value_free(hold);
    return s->labels ? 1 : mw_lua_refuse(L, &err);
}

/* The value of the item at the top: a number, or "stale". */
static bool value_at_top(lua_State *L, double *v)
{
    if (lua_type(L, -1) == LUA_TSTRING && mw_str_is(check_text(L, -1), "stale")) {
        *v = mw_stale();
        return true;
    }
    *v = lua_tonumber(L, -1);
    return lua_type(L, -1) == LUA_TNUMBER;
}

/* host.write(t, {series, value, series, value, ...}): the number that the store took */
static int host_write(lua_State *L)
{
    mw_err err;
    mw_host *h = mw_face_of(L)->host;
    mw_err_init(&err);
    int64_t t = mw_ms_of(luaL_checknumber(L, 1));
    luaL_checktype(L, 2, LUA_TTABLE);
    if (!h->tsdb) return mw_lua_refuse_text(L, "no store here");
    size_t n = lua_objlen(L, 2) / 2, stored = 0;
    struct item {
        struct series *s;
        double v;
    } *items = lua_newuserdata(L, n * sizeof *items + 1);
    for (size_t i = 0; i < n; i++) { /* what is wrong is found before a lock is taken */
        lua_rawgeti(L, 2, (int)(2 * i) + 1);
        items[i].s = luaL_checkudata(L, -1, SERIES_TYPE);
        lua_rawgeti(L, 2, (int)(2 * i) + 2);
        if (!value_at_top(L, &items[i].v))
            return luaL_error(L, "item %d: a value is a number or \"stale\"", (int)(2 * i) + 2);
        lua_pop(L, 2);
    }
    mw_appender *a = mw_appender_new(h->tsdb);
    for (size_t i = 0; i < n; i++)
        stored += mw_appender_add(a, items[i].s->labels, &items[i].s->ref, t, items[i].v) == MW_OK;
    int rc = mw_appender_commit(a, &err);
    mw_appender_free(a);
    if (rc != MW_OK) return mw_lua_refuse(L, &err);
    lua_pushnumber(L, (double)stored);
    return 1;
}

void mw_host_open_series(lua_State *L)
{
    static const mw_host_fn fns[] = {{"recorder", host_recorder},
                                     {"record", host_record},
                                     {"record_end", host_record_end},
                                     {"record_take", host_record_take},
                                     {"series", host_series},
                                     {"write", host_write},
                                     {NULL, NULL}};
    mw_host_set(L, fns);
}
