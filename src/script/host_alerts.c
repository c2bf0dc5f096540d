/* host_alerts.c - host.read_alerts: a body of POST /api/v2/alerts as the tables that the router
 * keeps, its labels and annotations as texts.h has them.
 *
 * An alert that is known brings no new texts when it says the same: it shares the sets of the one
 * that is known.  Names of fields stand on the stack, so none is looked up for each alert.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "script/alerts_in.h"
#include "script/state.h"
#include "script/texts.h"

/* Where things stand on the stack: the arguments, the answer, then the names. */
enum { BODY = 1, KNOWN, NOW, NARROW, ANSWER, NAMES };
#define FIELDS(X)                     \
    X(FP, "fp")                       \
    X(LABELS, "labels")               \
    X(ANNOTATIONS, "annotations")     \
    X(STARTS_AT, "starts_at")         \
    X(ENDS_AT, "ends_at")             \
    X(UPDATED_AT, "updated_at")       \
    X(GENERATOR_URL, "generator_url") \
    X(SEVERITY, "severity")
#define NAME(id, text) id,
enum { BEFORE_NAMES = NAMES - 1, FIELDS(NAME) END };
#undef NAME

enum { ROOM = 12 }; /* fields of an alert as the router keeps most of them */

static void push_str(lua_State *L, mw_str s) { lua_pushlstring(L, s.p, s.n); }

/* The value at the top of the stack, which goes, is the field KEY of the table at TO. */
static void set(lua_State *L, int to, int key)
{
    lua_pushvalue(L, key);
    lua_insert(L, -2);
    lua_rawset(L, to);
}

static void set_number(lua_State *L, int to, int key, double v)
{
    lua_pushvalue(L, key);
    lua_pushnumber(L, v);
    lua_rawset(L, to);
}

/* Pushes the texts in field KEY of what is known of the alert, which is at OLD; or nothing: NULL.
 */
static const mw_texts *push_known(lua_State *L, int old, int key)
{
    if (!lua_istable(L, old)) return NULL;
    lua_pushvalue(L, key);
    lua_rawget(L, old);
    const mw_texts *t = mw_texts_make(L, lua_gettop(L));
    if (!t) lua_pop(L, 1);
    return t;
}

/* Equal fingerprints are one alert, as everywhere. */
static void push_labels(lua_State *L, const mw_alert_in *a, int old)
{
    if (!push_known(L, old, LABELS)) mw_texts_push(L, a->label, a->n_labels);
}

static void push_annotations(lua_State *L, const mw_alert_in *a, int old)
{
    const mw_texts *t = push_known(L, old, ANNOTATIONS);
    if (t && mw_texts_eq(t, a->annotation, a->n_annotations)) return;
    if (t) lua_pop(L, 1);
    mw_texts_push(L, a->annotation, a->n_annotations);
}

static void push_fingerprint(lua_State *L, uint64_t fp)
{
    static const char digits[] = "0123456789abcdef";
    char hex[16];
    for (int i = 15; i >= 0; i--, fp >>= 4) hex[i] = digits[fp & 15];
    lua_pushlstring(L, hex, sizeof hex);
}

static void set_severity(lua_State *L, int to, const mw_alert_in *a)
{
    for (size_t i = 0; i < a->n_labels; i++) {
        if (!mw_str_is(a->label[i].name, "severity")) continue;
        push_str(L, a->label[i].value);
        set(L, to, SEVERITY);
        return;
    }
}

static void set_times(lua_State *L, int to, const mw_alert_in *a)
{
    double now = lua_tonumber(L, NOW);
    set_number(L, to, STARTS_AT, a->starts ? a->starts_at : a->ends ? a->ends_at : now);
    if (a->ends) set_number(L, to, ENDS_AT, a->ends_at);
    set_number(L, to, UPDATED_AT, now);
}

static void push_alert(lua_State *L, const mw_alert_in *a)
{
    int fp = lua_gettop(L) + 1, old = fp + 1, to = fp + 2;
    push_fingerprint(L, a->fingerprint);
    lua_pushvalue(L, fp);
    lua_rawget(L, KNOWN);
    lua_createtable(L, 0, ROOM);
    lua_pushvalue(L, fp);
    set(L, to, FP);
    push_labels(L, a, old);
    set(L, to, LABELS);
    set_severity(L, to, a);
    push_annotations(L, a, old);
    set(L, to, ANNOTATIONS);
    set_times(L, to, a);
    if (a->url.p) {
        push_str(L, a->url);
        set(L, to, GENERATOR_URL);
    }
    lua_replace(L, fp);
    lua_settop(L, fp);
}

typedef struct reading {
    mw_alerts_in in;
    mw_alert_in alert;
    bool whole;
} reading;

/* Would its end, which is guessed, come first? */
static bool begins_later(const mw_alert_in *a, double now)
{
    return a->starts && !a->ends && a->starts_at > now;
}

/* All that may fail for want of memory: the arena is the caller's. */
static int read_all(lua_State *L)
{
    reading *r = lua_touserdata(L, -1);
    lua_settop(L, NARROW);
    luaL_checkstack(L, END + 12, NULL);
    lua_newtable(L);
#define NAME(id, text) lua_pushliteral(L, text);
    FIELDS(NAME)
#undef NAME
    for (int i = 1; mw_alerts_in_next(&r->in, &r->alert); i++) {
        if (begins_later(&r->alert, lua_tonumber(L, NOW))) r->in.odd = true;
        push_alert(L, &r->alert);
        lua_rawseti(L, ANSWER, i);
    }
    r->whole = mw_alerts_in_end(&r->in);
    lua_settop(L, ANSWER);
    return 1;
}

/* read_alerts(body, known, now, narrow): a list of alerts, or nil when the body must be read by
 * those who know what may be wrong with it. */
static int read_alerts(lua_State *L)
{
    mw_str body;
    body.p = luaL_checklstring(L, BODY, &body.n);
    luaL_checktype(L, KNOWN, LUA_TTABLE);
    luaL_checknumber(L, NOW);
    lua_settop(L, NARROW);
    reading r = {0};
    mw_arena *arena = mw_arena_new(0);
    mw_alerts_in_init(&r.in, body, arena, lua_toboolean(L, NARROW));
    lua_pushcfunction(L, read_all);
    lua_insert(L, 1);
    lua_pushlightuserdata(L, &r);
    int failed = lua_pcall(L, NARROW + 1, 1, 0);
    mw_arena_free(arena);
    if (failed) return lua_error(L);
    return r.whole;
}

void mw_host_open_alerts(lua_State *L)
{
    static const mw_host_fn fns[] = {{"read_alerts", read_alerts}, {NULL, NULL}};
    mw_host_set(L, fns);
}
