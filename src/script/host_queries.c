/* host_queries.c - expressions parsed once and asked at every turn: host.prepare, quiet and asked.
 *
 * Most rules give nothing most of the time.  host.quiet asks many of them in one call, so that
 * nothing of them is touched in Lua, and stops at the first that needs a closer look.
 *
 * A handle owns the tree and knows no store: the function that is called with one brings its own.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <math.h>

#include "base/clock.h"
#include "script/ahead.h"
#include "script/asks.h"
#include "script/handles.h"
#include "script/signals.h"
#include "script/state.h"

#define QUERY_TYPE "moonwatch.query"

/* -- prepared queries ----------------------------------------------------------------------- */

struct query {
    mw_promql_prepared *prepared;
    double above, below; /* what host.quiet looks for; NaN when not given */
    double seconds;      /* that its last evaluation in host.quiet took */
    int64_t t;           /* and the time it looked at */
    size_t samples;      /* that it read */
    bool asked;
    mw_ahead_item *ahead; /* of the AHEAD whose id is AHEAD_ID */
    uint64_t ahead_id;
};

static int query_gc(lua_State *L)
{
    struct query *q = lua_touserdata(L, 1);
    mw_promql_prepared_free(q->prepared);
    q->prepared = NULL;
    return 0;
}

static struct query *check_query(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, QUERY_TYPE);
}

/* What H's ahead.h knows of Q; NULL when there is none, or it has no room. */
static mw_ahead_item *ahead_of(mw_host *h, struct query *q)
{
    if (!h->ahead) return NULL;
    uint64_t id = mw_ahead_id(h->ahead);
    if (q->ahead_id != id) {
        q->ahead_id = id;
        q->ahead = mw_ahead_find(h->ahead, mw_promql_prepared_text(q->prepared), false, q->above,
                                 q->below);
    }
    return q->ahead;
}

mw_promql_prepared *mw_check_query(lua_State *L, int idx) { return check_query(L, idx)->prepared; }

/* host.prepare(expr, above, below) */
static int host_prepare(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    mw_str expr;
    expr.p = luaL_checklstring(L, 1, &expr.n);
    struct query made = {.above = luaL_optnumber(L, 2, NAN), .below = luaL_optnumber(L, 3, NAN)};
    struct query *q = lua_newuserdata(L, sizeof *q);
    *q = made;
    mw_set_type(L, QUERY_TYPE, query_gc);
    q->prepared = mw_promql_prepare(expr, &err);
    return q->prepared ? 1 : mw_lua_refuse_at(L, &err);
}

/* -- rules that say nothing ----------------------------------------------------------------- */

static bool says_something(const struct query *q, const mw_promql_result *r)
{
    if (r->type == MW_VALUE_STRING) return true; /* an error, for whoever asks in full */
    bool any = isnan(q->above) && isnan(q->below);
    for (size_t i = 0; i < r->n; i++) {
        const mw_promql_row *row = &r->rows[i];
        if (!row->n) continue;
        double v = row->v[row->n - 1];
        if (any || v > q->above || v < q->below) return true;
    }
    return false;
}

/* One that takes longer than a moment is for whoever asks in full, who can wait. */
static bool is_quiet(mw_face *face, struct query *q, int64_t t)
{
    mw_host *h = face->host;
    mw_ahead_item *known = ahead_of(h, q);
    if (known) return mw_ahead_is_quiet(h->ahead, known, h, t);
    mw_err err;
    mw_ask a = {.prepared = q->prepared, .query = {.start = t, .end = t}, .patient = true};
    bool slow;
    mw_err_init(&err);
    a.meter = face->lua->meter;
    if (a.meter) mw_meter_begin(a.meter);
    mw_promql_result *r = mw_ask_now(face, &a, &slow, &err);
    bool quiet = r && !says_something(q, r);
    q->samples = r ? r->samples_read : 0;
    mw_promql_result_free(r);
    return quiet;
}

/* The query that item AT of the list at 1 is, or NULL; the metatable of queries is at 2. */
static struct query *query_at(lua_State *L, int at)
{
    lua_rawgeti(L, 1, at);
    bool is_query = lua_isuserdata(L, 3) && lua_getmetatable(L, 3) && lua_rawequal(L, 2, 4);
    struct query *q = is_query ? lua_touserdata(L, 3) : NULL;
    lua_settop(L, 2);
    return q;
}

/* host.quiet(queries, from, to, t, until, observe): evaluates queries[from] to queries[to] at T as
 * long as they give nothing, and gives the place where that ended: at an item that is no query, one
 * that gives something or fails, once the clock passes UNTIL (after at least one), or behind TO. */
static int host_quiet(lua_State *L)
{
    mw_face *face = mw_face_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    int at = (int)luaL_checkinteger(L, 2), to = (int)luaL_checkinteger(L, 3);
    int64_t t = mw_ms_of(luaL_checknumber(L, 4));
    double until = luaL_optnumber(L, 5, INFINITY);
    mw_series *seconds = mw_histogram_at(L, 6);
    lua_settop(L, 1);
    luaL_getmetatable(L, QUERY_TYPE); /* once, not for each of thousands */
    for (int64_t before = mw_mono_ns(), now; at <= to; before = now) {
        struct query *q = query_at(L, at);
        if (!q) break;
        if (!is_quiet(face, q, t)) break;
        now = mw_mono_ns();
        q->seconds = (double)(now - before) / 1e9;
        q->t = t;
        q->asked = true;
        if (seconds) mw_histogram_observe(seconds, q->seconds);
        at++;
        if ((double)now / 1e9 >= until) break;
    }
    lua_pushinteger(L, at);
    return 1;
}

/* host.asked(query): when host.quiet last found that it gave nothing, how long that took, and how
 * many samples it read */
static int host_asked(lua_State *L)
{
    const struct query *q = check_query(L, 1);
    if (!q->asked) return 0;
    lua_pushnumber(L, (double)q->t / 1000);
    lua_pushnumber(L, q->seconds);
    lua_pushnumber(L, (double)q->samples);
    return 3;
}

/* host.promql_functions(): their names, for whoever completes what a person types */
static int host_promql_functions(lua_State *L)
{
    const char *name;
    lua_newtable(L);
    for (size_t i = 0; (name = mw_promql_function(i)); i++) {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

void mw_host_open_queries(lua_State *L)
{
    static const mw_host_fn fns[] = {{"prepare", host_prepare},
                                     {"quiet", host_quiet},
                                     {"asked", host_asked},
                                     {"promql_functions", host_promql_functions},
                                     {NULL, NULL}};
    mw_host_set(L, fns);
}
