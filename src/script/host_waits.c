/* host_waits.c - host.meter and its kin, host.when, take and abandon: what turns of rules need.
 *
 * A turn of a rule is a coroutine of policy.  A host function whose query is slow yields a wait out
 * of it; policy asks to be called when the answer is there (host.when), and gives what host.take
 * makes of it to the coroutine, which goes on as if the function had just returned.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "base/mem.h"
#include "script/handles.h"
#include "script/waits.h"

#define WAIT_TYPE   "moonwatch.wait"
#define METER_TYPE  "moonwatch.meter"
#define RESULT_TYPE "moonwatch.result"

/* -- waits ----------------------------------------------------------------------------------- */

struct wait {
    mw_lane_job *job; /* NULL: taken or abandoned */
    mw_meter *meter;
    char *expr;
    /* while the answer is being pushed, so that they are freed with this should that raise */
    mw_promql_result *result;
    mw_meter *before;
    mw_wait_push *push;
    int64_t t;
    int self, then; /* references: to itself while its answer is to come; to a function */
    bool ended;
};

static void drop(struct wait *w)
{
    mw_lane_release(w->job);
    mw_meter_release(w->meter);
    mw_free(w->expr);
    mw_promql_result_free(w->result);
    mw_meter_release(w->before);
    w->result = NULL;
    w->before = NULL;
    w->job = NULL;
    w->meter = NULL;
    w->expr = NULL;
}

static int wait_gc(lua_State *L)
{
    drop(lua_touserdata(L, 1));
    return 0;
}

/* The job has ended. */
static bool then_wait(mw_lua *l, void *arg, mw_value *answer, mw_err *err)
{
    struct wait *w = arg;
    bool ok = true, closing = !answer;
    mw_value_free(answer);
    w->ended = true;
    if (!closing && w->then != LUA_NOREF) {
        lua_rawgeti(l->L, LUA_REGISTRYINDEX, w->then);
        ok = mw_lua_run(l, 0, 0, err) == MW_OK;
    }
    if (!l->L) return ok;
    luaL_unref(l->L, LUA_REGISTRYINDEX, w->then);
    luaL_unref(l->L, LUA_REGISTRYINDEX, w->self);
    return ok;
}

static void begin_wait(lua_State *L, mw_ask *a, int keep, mw_wait_push *push)
{
    mw_face *face = mw_face_of(L);
    struct wait *w = lua_newuserdata(L, sizeof *w);
    *w = (struct wait){.push = push, .t = a->query.start, .then = LUA_NOREF};
    mw_set_type(L, WAIT_TYPE, wait_gc);
    lua_createtable(L, 1, 0);
    if (keep) {
        lua_pushvalue(L, keep);
        lua_rawseti(L, -2, 1);
    }
    lua_setfenv(L, -2);
    lua_pushvalue(L, -1);
    w->self = luaL_ref(L, LUA_REGISTRYINDEX);
    w->meter = mw_meter_retain(a->meter);
    w->expr = mw_strndup(a->query.expr.p, a->query.expr.n);
    w->job = mw_ask_lane(face, a, mw_call_answer, mw_lua_expect(face->lua, then_wait, w, NULL));
}

static int result_gc(lua_State *L)
{
    mw_promql_result **r = lua_touserdata(L, 1);
    mw_promql_result_free(*r);
    *r = NULL;
    return 0;
}

/* A place for a result, which is freed with it should pushing raise. */
static mw_promql_result **hold_result(lua_State *L)
{
    mw_promql_result **r = lua_newuserdata(L, sizeof(mw_promql_result *));
    *r = NULL;
    mw_set_type(L, RESULT_TYPE, result_gc);
    return r;
}

int mw_wait_ask(lua_State *L, mw_ask *a, int keep, mw_wait_push *push)
{
    mw_err err;
    bool slow;
    mw_err_init(&err);
    mw_lua *l = mw_face_of(L)->lua;
    a->meter = l->meter;
    a->patient = l->meter && l->meter->patient && L != l->L;
    mw_promql_result **r = hold_result(L);
    *r = mw_ask_now(mw_face_of(L), a, &slow, &err);
    if (slow) {
        begin_wait(L, a, keep, push);
        return lua_yield(L, 1);
    }
    if (keep) lua_pushvalue(L, keep);
    int n = push(L, *r, a->query.start, &err);
    mw_promql_result_free(*r);
    *r = NULL;
    return n;
}

static struct wait *check_wait(lua_State *L) { return luaL_checkudata(L, 1, WAIT_TYPE); }

/* host.when(wait, fn): FN is called once, when the answer is there. */
static int host_when(lua_State *L)
{
    struct wait *w = check_wait(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (w->ended) return luaL_error(L, "the answer is there already");
    luaL_unref(L, LUA_REGISTRYINDEX, w->then);
    lua_pushvalue(L, 2);
    w->then = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* host.take(wait): what the function that was left gives. */
static int host_take(lua_State *L)
{
    struct wait *w = check_wait(L);
    mw_err err;
    mw_err_init(&err);
    if (!w->ended || !w->job) return luaL_error(L, "there is no answer to take");
    lua_settop(L, 1);
    w->result = mw_ask_take(mw_face_of(L), w->job, w->meter, mw_str_of(w->expr), &err);
    mw_lua *l = mw_face_of(L)->lua;
    w->before = l->meter;
    l->meter = mw_meter_retain(w->meter); /* what PUSH counts belongs to its rule */
    lua_getfenv(L, 1);
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
    int n = w->push(L, w->result, w->t, &err);
    mw_meter_release(l->meter);
    l->meter = w->before;
    w->before = NULL;
    drop(w);
    return n;
}

static int host_abandon(lua_State *L)
{
    struct wait *w = check_wait(L);
    drop(w);
    luaL_unref(L, LUA_REGISTRYINDEX, w->then);
    w->then = LUA_NOREF;
    return 0;
}

/* -- meters ---------------------------------------------------------------------------------- */

static int meter_gc(lua_State *L)
{
    mw_meter **m = lua_touserdata(L, 1);
    mw_meter_release(*m);
    *m = NULL;
    return 0;
}

static mw_meter *check_meter(lua_State *L, int idx)
{
    return *(mw_meter **)luaL_checkudata(L, idx, METER_TYPE);
}

static double number_field(lua_State *L, const char *key)
{
    lua_getfield(L, 1, key);
    double v = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return v > 0 ? v : 0;
}

static uint64_t count_field(lua_State *L, const char *key)
{
    double v = number_field(L, key);
    return v < 9e15 ? (uint64_t)v : 9000000000000000ULL;
}

/* host.meter{seconds=, instructions=, memory=, query_samples=, query_seconds=, emissions=} */
static int host_meter(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_usage limit = {.cpu = number_field(L, "seconds"),
                      .query_seconds = number_field(L, "query_seconds"),
                      .instructions = count_field(L, "instructions"),
                      .memory = count_field(L, "memory"),
                      .query_samples = count_field(L, "query_samples"),
                      .emissions = count_field(L, "emissions")};
    mw_meter **m = lua_newuserdata(L, sizeof(mw_meter *));
    *m = NULL;
    mw_set_type(L, METER_TYPE, meter_gc);
    *m = mw_meter_new(&limit);
    return 1;
}

/* host.metered(meter or nil, patient): what is used from now on counts there.  PATIENT: functions
 * called in a coroutine may yield waits. */
static int host_metered(lua_State *L)
{
    mw_lua *l = mw_face_of(L)->lua;
    mw_meter *m = lua_isnoneornil(L, 1) ? NULL : check_meter(L, 1);
    if (m) m->patient = lua_toboolean(L, 2);
    mw_meter_retain(m);
    mw_meter_release(l->meter);
    l->meter = m;
    return 0;
}

static int host_meter_begin(lua_State *L)
{
    mw_meter_begin(check_meter(L, 1));
    return 0;
}

static void push_usage(lua_State *L, const mw_usage *u)
{
    const struct {
        const char *name;
        double value;
    } rows[] = {{"query_seconds", u->query_seconds}, {"instructions", (double)u->instructions},
                {"memory", (double)u->memory},       {"query_samples", (double)u->query_samples},
                {"queries", (double)u->queries},     {"slow_queries", (double)u->slow},
                {"emissions", (double)u->emissions}};
    lua_createtable(L, 0, 8);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lua_pushnumber(L, rows[i].value);
        lua_setfield(L, -2, rows[i].name);
    }
}

/* host.usage(meter): of the last evaluation, of all, and whether something was refused. */
static int host_usage(lua_State *L)
{
    const mw_meter *m = check_meter(L, 1);
    push_usage(L, &m->now);
    push_usage(L, &m->total);
    lua_pushboolean(L, m->exceeded);
    return 3;
}

void mw_host_open_waits(lua_State *L)
{
    static const mw_host_fn fns[] = {{"when", host_when},       {"take", host_take},
                                     {"abandon", host_abandon}, {"meter", host_meter},
                                     {"metered", host_metered}, {"meter_begin", host_meter_begin},
                                     {"usage", host_usage},     {NULL, NULL}};
    mw_host_set(L, fns);
}
