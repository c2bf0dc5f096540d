/* host_message.c - host.write_message: what Alertmanager posts to a webhook, with alerts as the
 * router says them.
 *
 * A message of a storm has hundreds of alerts, so they are written here, text by text, and no table
 * is made of what a webhook calls the fields of one.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "base/clock.h"
#include "script/cross.h"
#include "script/signals.h"
#include "script/state.h"

/* Where things stand on the stack: the arguments, the names of fields, then one alert.  NEVER: no
 * such field. */
enum { NEVER, HEAD, ALERTS, EVIDENCE, NAMES };
#define FIELDS(X)                     \
    X(FP, "fp")                       \
    X(STATUS, "status")               \
    X(LABELS, "labels")               \
    X(ANNOTATIONS, "annotations")     \
    X(STARTS_AT, "starts_at")         \
    X(ENDS_AT, "ends_at")             \
    X(GENERATOR_URL, "generator_url") \
    X(PROOF, "evidence")
#define NAME(id, text) id,
enum { BEFORE_NAMES = NAMES - 1, FIELDS(NAME) ALERT };
#undef NAME

static const char unset[] = "0001-01-01T00:00:00Z";

typedef struct message {
    lua_State *L;
    mw_buf out;
    double at; /* the last time that was written, and how: many alerts began at the same moment */
    char time[32];
} message;

/* Pushes field KEY of the alert; false: there is none, and nothing is pushed. */
static bool push(message *m, int key)
{
    lua_pushvalue(m->L, key);
    lua_rawget(m->L, ALERT);
    if (!lua_isnil(m->L, -1)) return true;
    lua_pop(m->L, 1);
    return false;
}

/* Field KEY as JSON, or INSTEAD; NULL: it is left out when there is none. */
static bool write(message *m, const char *name, int key, const char *instead)
{
    bool there = push(m, key);
    if (!there && !instead) return true;
    mw_buf_text(&m->out, name);
    if (!there) return mw_buf_text(&m->out, instead), true;
    bool ok = mw_cross_json(m->L, -1, &mw_cross_trusted, &m->out);
    lua_pop(m->L, 1);
    return ok;
}

static void write_time(message *m, const char *name, int key)
{
    mw_buf_text(&m->out, name);
    if (key == NEVER || !push(m, key)) {
        mw_buf_text(&m->out, unset);
        return;
    }
    double at = lua_tonumber(m->L, -1);
    lua_pop(m->L, 1);
    if (!m->time[0] || at != m->at) mw_time_rfc3339(mw_ms_of(at), m->time);
    m->at = at;
    mw_buf_text(&m->out, m->time);
}

static bool is_resolved(message *m)
{
    bool is = push(m, STATUS) && lua_type(m->L, -1) == LUA_TSTRING &&
              mw_str_is(mw_str_of(lua_tostring(m->L, -1)), "resolved");
    lua_settop(m->L, ALERT);
    return is;
}

static bool write_alert(message *m)
{
    bool ok = write(m, "{\"status\":", STATUS, "null") && write(m, ",\"labels\":", LABELS, "{}") &&
              write(m, ",\"annotations\":", ANNOTATIONS, "{}");
    if (!ok) return false;
    write_time(m, ",\"startsAt\":\"", STARTS_AT);
    write_time(m, "\",\"endsAt\":\"", is_resolved(m) ? ENDS_AT : NEVER);
    ok = write(m, "\",\"generatorURL\":", GENERATOR_URL, "\"\"") &&
         write(m, ",\"fingerprint\":", FP, "null");
    if (ok && lua_toboolean(m->L, EVIDENCE)) ok = write(m, ",\"evidence\":", PROOF, NULL);
    mw_buf_byte(&m->out, '}');
    return ok;
}

static bool write_alerts(message *m)
{
    bool ok = true;
    int n = (int)lua_objlen(m->L, ALERTS);
    mw_buf_text(&m->out, ",\"alerts\":[");
    for (int i = 1; ok && i <= n; i++) {
        if (i > 1) mw_buf_byte(&m->out, ',');
        lua_rawgeti(m->L, ALERTS, i);
        ok = lua_istable(m->L, ALERT) && write_alert(m);
        lua_settop(m->L, ALERT - 1);
    }
    mw_buf_text(&m->out, "]}");
    return ok;
}

/* write_message(head, alerts, evidence): JSON, HEAD and the alerts as its field of that name; with
 * their evidence when that is wanted.  nil and why when something in it cannot be written. */
static int write_message(lua_State *L)
{
    luaL_checktype(L, HEAD, LUA_TTABLE);
    luaL_checktype(L, ALERTS, LUA_TTABLE);
    lua_settop(L, EVIDENCE);
    mw_cross_room(L, &mw_cross_trusted);
#define NAME(id, text) lua_pushliteral(L, text);
    FIELDS(NAME)
#undef NAME
    message m = {.L = L};
    mw_buf_init(&m.out);
    bool ok = mw_cross_json(L, HEAD, &mw_cross_trusted, &m.out) && m.out.n > 2 &&
              m.out.p[m.out.n - 1] == '}';
    if (ok) {
        m.out.n--; /* the alerts follow */
        ok = write_alerts(&m);
    }
    if (ok) lua_pushlstring(L, m.out.p, m.out.n);
    mw_buf_deinit(&m.out);
    return ok ? 1 : mw_lua_refuse_text(L, "this message cannot be written as JSON");
}

void mw_host_open_message(lua_State *L)
{
    static const mw_host_fn fns[] = {{"write_message", write_message}, {NULL, NULL}};
    mw_host_set(L, fns);
}
