/* ctx_signals.c - ctx:query, value, range, ctx.logs and ctx.traces: all as of ctx.now.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"
#include "script/push.h"
#include "script/signals.h"
#include "script/text.h"

enum { MAX_ROWS = 10000, MAX_POINTS = 200000, MAX_RECORDS = 1000, MAX_FOUND = 10 };
static const double recent = 300; /* seconds: how far back logs and traces are asked by default */

static void check_self(lua_State *L, const char *how)
{
    if (!lua_istable(L, 1)) luaL_error(L, "write %s, with a colon", how);
}

static mw_str check_expr(lua_State *L, const char *how)
{
    mw_str s;
    check_self(L, how);
    s.p = luaL_checklstring(L, 2, &s.n);
    return s;
}

/* An answer that is too large to be handled is refused; what it takes to push it is paid for. */
static void check_size(lua_State *L, const mw_promql_result *got, const char *expr)
{
    size_t points = 0;
    for (size_t i = 0; i < got->n; i++) points += got->rows[i].n;
    if (got->n > MAX_ROWS) luaL_error(L, "%s: more than %d series; sum them up", expr, MAX_ROWS);
    if (points > MAX_POINTS)
        luaL_error(L, "%s: more than %d points; ask with a longer step", expr, MAX_POINTS);
    mw_charge(L, points * 4 + got->n * 16);
}

static void push_vector(lua_State *L, const mw_promql_result *got, const char *expr)
{
    check_size(L, got, expr);
    mw_push_vector(L, got);
}

static void push_matrix(lua_State *L, const mw_promql_result *got, const char *expr)
{
    check_size(L, got, expr);
    mw_push_matrix(L, got);
}

/* The value of an expression that gives one series; nil when it gives none. */
static void push_value(lua_State *L, const mw_promql_result *got, const char *expr)
{
    check_size(L, got, expr);
    if (got->n > 1)
        luaL_error(L, "%s: gives %d series; ctx:value wants one: use sum(...) or ctx:query", expr,
                   (int)got->n);
    if (got->n == 1 && got->rows[0].n)
        lua_pushnumber(L, got->rows[0].v[got->rows[0].n - 1]);
    else
        lua_pushnil(L);
}

int mw_ctx_ask(lua_State *L, mw_guest_run *r, const mw_promql_query *q, mw_ctx_pushes *push)
{
    mw_err err;
    bool slow;
    mw_err_init(&err);
    mw_ctx_drop_held(r); /* of a question whose error was caught, or that waited */
    r->ask = (mw_ask){.query = *q, .meter = r->meter, .patient = L == r->co && mw_ctx_patient(r)};
    r->held = mw_ask_now(r->guest->face, &r->ask, &slow, &err);
    if (slow) {
        r->ask.query.expr = (mw_str){mw_strndup(q->expr.p, q->expr.n), q->expr.n};
        mw_free(r->ask_expr);
        r->ask_expr = (char *)r->ask.query.expr.p;
        r->push = push;
        r->op = MW_CTX_ASK;
        return lua_yield(L, 0);
    }
    if (!r->held) return luaL_error(L, "%s: %s", q->expr.p, err.msg);
    push(L, r->held, q->expr.p);
    mw_ctx_drop_held(r);
    return 1;
}

static int ask_now(lua_State *L, const char *how, mw_ctx_pushes *push)
{
    mw_guest_run *r = mw_ctx_run(L);
    int64_t t = mw_ms_of(r->now);
    mw_promql_query q = {.expr = check_expr(L, how), .start = t, .end = t};
    return mw_ctx_ask(L, r, &q, push);
}

static int ctx_query(lua_State *L) { return ask_now(L, "ctx:query(expr)", push_vector); }
static int ctx_value(lua_State *L) { return ask_now(L, "ctx:value(expr)", push_value); }

/* Unix seconds; a duration means that long before now; nothing means DEF.  Never after now. */
static double time_arg(lua_State *L, mw_guest_run *r, int idx, double def)
{
    double t = def;
    if (lua_type(L, idx) == LUA_TSTRING) {
        if (!mw_lua_duration(L, idx, &t)) luaL_argerror(L, idx, "a time or a duration");
        t = r->now - t;
    } else if (!lua_isnoneornil(L, idx)) {
        t = luaL_checknumber(L, idx);
    }
    return t > r->now ? r->now : t;
}

static int ctx_range(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    mw_str expr = check_expr(L, "ctx:range(expr, from, to, step)");
    double from = time_arg(L, r, 3, r->now - recent), to = time_arg(L, r, 4, r->now), step = 15;
    if (!lua_isnoneornil(L, 5) && (!mw_lua_duration(L, 5, &step) || !(step >= 0.001)))
        return luaL_argerror(L, 5, "a step above zero, in seconds or as \"1m\"");
    if (to < from) return luaL_error(L, "%s: a range needs from <= to", expr.p);
    mw_promql_query q = {.expr = expr,
                         .range = true,
                         .start = mw_ms_of(from),
                         .end = mw_ms_of(to),
                         .step = mw_ms_of(step)};
    return mw_ctx_ask(L, r, &q, push_matrix);
}

/* -- records --------------------------------------------------------------------------------- */

/* The table at 2 (or nothing) as a query that looks no further than now. */
static mw_value *record_query(lua_State *L, mw_guest_run *r, const char *how)
{
    check_self(L, how);
    double since = -1;
    if (lua_isnoneornil(L, 2)) {
        r->held_value = mw_map_new();
    } else {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_getfield(L, 2, "since");
        if (!lua_isnil(L, -1) && !mw_lua_duration(L, -1, &since))
            luaL_error(L, "since: a duration such as \"5m\"");
        lua_pop(L, 1);
        r->held_value = mw_ctx_value(L, 2);
        if (r->held_value->type != MW_MAP) luaL_error(L, "write %s", how);
    }
    mw_value *q = r->held_value;
    double to = mw_map_number(q, "to", r->now);
    mw_map_set_number(q, "to", to < r->now ? to : r->now);
    if (since >= 0)
        mw_map_set_number(q, "from", r->now - since);
    else if (!mw_map_find(q, "from"))
        mw_map_set_number(q, "from", r->now - recent);
    return q;
}

/* What a rule looked at is evidence, should it fire: the first ROWS are remembered in *KEPT. */
static void remember(mw_guest_run *r, mw_value **kept, const mw_value *rows)
{
    if (r->kind != MW_CALL_WHEN || rows->type != MW_LIST) return;
    if (!*kept) *kept = mw_list_new();
    for (size_t i = 0; i < rows->list.n && (*kept)->list.n < MAX_FOUND; i++)
        mw_list_add(*kept, mw_value_copy(rows->list.item[i]));
}

typedef mw_value *search(mw_host *h, const mw_value *q, size_t max, mw_err *err);

static int answer(lua_State *L, search *fn, mw_value **kept, const char *how, const char *flag)
{
    mw_guest_run *r = mw_ctx_run(L);
    mw_value *q = record_query(L, r, how);
    mw_err err;
    mw_err_init(&err);
    if (flag) mw_map_set_bool(q, flag, true);
    mw_value *rows = fn(r->guest->face->host, q, MAX_RECORDS, &err);
    mw_ctx_drop_held(r);
    if (!rows) return luaL_error(L, "%s: %s", how, err.msg);
    r->held_value = rows;
    remember(r, kept, rows);
    mw_charge(L, rows->list.n * 100);
    mw_cross_push(L, rows);
    mw_ctx_drop_held(r);
    return 1;
}

static int logs_search(lua_State *L)
{
    return answer(L, mw_signal_logs, &mw_ctx_run(L)->found_logs, "ctx.logs:search{...}", NULL);
}

static int traces_search(lua_State *L)
{
    return answer(L, mw_signal_traces, &mw_ctx_run(L)->found_traces, "ctx.traces:search{...}",
                  NULL);
}

static int traces_slowest(lua_State *L)
{
    return answer(L, mw_signal_traces, &mw_ctx_run(L)->found_traces, "ctx.traces:slowest{...}",
                  "slowest");
}

static int logs_count(lua_State *L)
{
    mw_guest_run *r = mw_ctx_run(L);
    mw_value *q = record_query(L, r, "ctx.logs:count{...}");
    mw_err err;
    mw_err_init(&err);
    uint64_t n = 0;
    int rc = mw_signal_logs_count(r->guest->face->host, q, &n, &err);
    mw_ctx_drop_held(r);
    if (rc != MW_OK) return luaL_error(L, "ctx.logs:count{...}: %s", err.msg);
    lua_pushnumber(L, (double)n);
    return 1;
}

void mw_ctx_open_signals(lua_State *L)
{
    static const luaL_Reg own[] = {
        {"query", ctx_query}, {"value", ctx_value}, {"range", ctx_range}, {NULL, NULL}};
    static const luaL_Reg logs[] = {{"search", logs_search}, {"count", logs_count}, {NULL, NULL}};
    static const luaL_Reg traces[] = {
        {"search", traces_search}, {"slowest", traces_slowest}, {NULL, NULL}};
    luaL_register(L, NULL, own);
    lua_newtable(L);
    luaL_register(L, NULL, logs);
    lua_setfield(L, -2, "logs");
    lua_newtable(L);
    luaL_register(L, NULL, traces);
    lua_setfield(L, -2, "traces");
}
