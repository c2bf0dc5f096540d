/* host_signals.c - host.query, range, check_expr, selector and append: the time series.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <math.h>

#include "base/mem.h"
#include "script/cross.h"
#include "script/handles.h"
#include "script/push.h"
#include "script/signals.h"
#include "script/state.h"
#include "script/waits.h"

/* -- pushing results ------------------------------------------------------------------------- */

void mw_push_labels(lua_State *L, const mw_labels *ls)
{
    lua_createtable(L, 0, ls ? (int)ls->n : 0);
    for (size_t i = 0; ls && i < ls->n; i++) {
        lua_pushlstring(L, ls->l[i].name.p, ls->l[i].name.n);
        lua_pushlstring(L, ls->l[i].value.p, ls->l[i].value.n);
        lua_rawset(L, -3);
    }
}

void mw_push_vector(lua_State *L, const mw_promql_result *r)
{
    lua_createtable(L, (int)r->n, 0);
    int at = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->rows[i].n == 0) continue;
        lua_createtable(L, 0, 2);
        mw_push_labels(L, r->rows[i].labels);
        lua_setfield(L, -2, "labels");
        lua_pushnumber(L, r->rows[i].v[r->rows[i].n - 1]);
        lua_setfield(L, -2, "value");
        lua_rawseti(L, -2, ++at);
    }
}

void mw_push_matrix(lua_State *L, const mw_promql_result *r)
{
    lua_createtable(L, (int)r->n, 0);
    for (size_t i = 0; i < r->n; i++) {
        const mw_promql_row *row = &r->rows[i];
        lua_createtable(L, 0, 2);
        mw_push_labels(L, row->labels);
        lua_setfield(L, -2, "labels");
        lua_createtable(L, (int)row->n, 0);
        for (size_t k = 0; k < row->n; k++) {
            lua_createtable(L, 2, 0);
            lua_pushnumber(L, (double)row->t[k] / 1000);
            lua_rawseti(L, -2, 1);
            lua_pushnumber(L, row->v[k]);
            lua_rawseti(L, -2, 2);
            lua_rawseti(L, -2, (int)k + 1);
        }
        lua_setfield(L, -2, "points");
        lua_rawseti(L, -2, (int)i + 1);
    }
}

/* -- the functions --------------------------------------------------------------------------- */

static mw_str check_text(lua_State *L, int idx)
{
    mw_str s;
    s.p = luaL_checklstring(L, idx, &s.n);
    return s;
}

static int push_vector(lua_State *L, const mw_promql_result *r, int64_t t, mw_err *err)
{
    if (!r) return mw_lua_refuse_at(L, err);
    if (r->type == MW_VALUE_STRING)
        return mw_lua_refuse_text(L, "the expression is a string, not numbers");
    mw_push_vector(L, r);
    return 1;
}

static int push_matrix(lua_State *L, const mw_promql_result *r, int64_t t, mw_err *err)
{
    if (!r) return mw_lua_refuse_at(L, err);
    mw_push_matrix(L, r);
    return 1;
}

static int host_query(lua_State *L)
{
    mw_ask a = {0};
    a.query.start = a.query.end = mw_ms_of(luaL_checknumber(L, 2));
    if (lua_isuserdata(L, 1))
        a.prepared = mw_check_query(L, 1);
    else
        a.query.expr = check_text(L, 1);
    return mw_wait_ask(L, &a, 0, push_vector);
}

static int host_range(lua_State *L)
{
    mw_ask a = {.query = {.expr = check_text(L, 1),
                          .range = true,
                          .start = mw_ms_of(luaL_checknumber(L, 2)),
                          .end = mw_ms_of(luaL_checknumber(L, 3)),
                          .step = mw_ms_of(luaL_checknumber(L, 4))}};
    luaL_argcheck(L, a.query.step > 0, 4, "a step is above 0 seconds");
    if (a.query.end < a.query.start)
        return mw_lua_refuse_text(L, "a range needs from <= to and a step above 0");
    return mw_wait_ask(L, &a, 0, push_matrix);
}

static int host_check_expr(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_str expr = check_text(L, 1);
    mw_value_type type = mw_promql_type(expr, &err);
    if (type == MW_VALUE_NONE) return mw_lua_refuse_at(L, &err);
    lua_pushboolean(L, 1);
    lua_pushstring(L, mw_value_type_name(type));
    return 2;
}

static int host_selector(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_matcher *m;
    size_t n;
    if (mw_promql_selector(check_text(L, 1), &m, &n, &err) != MW_OK)
        return mw_lua_refuse_at(L, &err);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_createtable(L, 0, 3);
        lua_pushlstring(L, m[i].name.p, m[i].name.n);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, mw_match_op_text(m[i].op));
        lua_setfield(L, -2, "op");
        lua_pushlstring(L, m[i].value.p, m[i].value.n);
        lua_setfield(L, -2, "value");
        lua_rawseti(L, -2, (int)i + 1);
    }
    mw_matchers_free(m, n);
    return 1;
}

/* One row {labels=, t=, value=}.  A sample that the store refuses (older, doubled) is not an error
 * of the caller: the count tells. */
static int append_row(mw_appender *a, const mw_value *row, size_t *stored, mw_err *err)
{
    mw_pairs p;
    const mw_value *value = mw_map_find(row, "value");
    double v = mw_map_number(row, "value", NAN);
    if (value && value->type == MW_TEXT) {
        if (!mw_str_is(value->text, "stale"))
            return mw_fail(err, MW_EARG, 0, 0, "value must be a number or \"stale\"");
        v = mw_stale();
    } else if (!value || value->type != MW_NUMBER) {
        return mw_fail(err, MW_EARG, 0, 0, "a row has no value");
    }
    if (!mw_map_find(row, "t")) return mw_fail(err, MW_EARG, 0, 0, "a row has no time t");
    int rc = mw_pairs_init(&p, mw_map_find(row, "labels"), err);
    if (rc != MW_OK) return rc;
    mw_labels *ls = mw_labels_new(p.pair, p.n, err);
    mw_pairs_deinit(&p);
    if (!ls) return MW_EARG;
    uint64_t ref = 0;
    if (mw_appender_add(a, ls, &ref, mw_ms_of(mw_map_number(row, "t", 0)), v) == MW_OK) ++*stored;
    mw_free(ls);
    return MW_OK;
}

static int host_append(lua_State *L)
{
    mw_host *h = mw_face_of(L)->host;
    mw_err err;
    mw_err_init(&err);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!h->tsdb) return mw_lua_refuse_text(L, "no store here");
    mw_cross_room(L, &mw_cross_trusted);
    mw_value *rows = mw_cross_get(L, 1, &mw_cross_trusted, &err);
    if (!rows) return luaL_error(L, "rows: %s", err.msg);
    size_t stored = 0;
    int rc = MW_OK;
    mw_appender *a = mw_appender_new(h->tsdb);
    for (size_t i = 0; rows->type == MW_LIST && i < rows->list.n && rc == MW_OK; i++)
        rc = append_row(a, rows->list.item[i], &stored, &err);
    int committed = mw_appender_commit(a, &err);
    mw_appender_free(a);
    mw_value_free(rows);
    if (rc != MW_OK || committed != MW_OK) return mw_lua_refuse(L, &err);
    lua_pushnumber(L, (double)stored);
    return 1;
}

void mw_host_open_signals(lua_State *L)
{
    static const mw_host_fn fns[] = {{"query", host_query},           {"range", host_range},
                                     {"check_expr", host_check_expr}, {"selector", host_selector},
                                     {"append", host_append},         {NULL, NULL}};
    mw_host_set(L, fns);
}
