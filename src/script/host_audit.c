/* host_audit.c - the chain of audit entries (store/audit.h), for policy.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "script/cross.h"
#include "script/state.h"
#include "store/audit.h"

/* -- adding --------------------------------------------------------------------------------- */

/* The text of field NAME of the table at 1, which it stays in; empty when there is none. */
static mw_str text_field(lua_State *L, const char *name)
{
    mw_str s = {"", 0};
    lua_getfield(L, 1, name);
    if (lua_type(L, -1) == LUA_TSTRING) s.p = lua_tolstring(L, -1, &s.n);
    lua_pop(L, 1);
    return s;
}

static int push_mark(lua_State *L, const mw_audit *a, const mw_audit_mark *m)
{
    lua_pushnumber(L, (double)m->seq);
    lua_pushstring(L, m->hash);
    lua_pushstring(L, mw_audit_node(a));
    return 3;
}

/* host.audit{what=, who=, from=, id=, details={}} -> number, hash, node; or nil, message */
static int host_audit(lua_State *L)
{
    mw_err err;
    mw_audit_mark mark;
    mw_err_init(&err);
    luaL_checktype(L, 1, LUA_TTABLE);
    mw_audit *a = mw_face_of(L)->host->audit;
    if (!a) return mw_lua_refuse_text(L, "nothing is audited here");
    mw_buf details;
    mw_buf_init(&details);
    mw_audit_note note = {.what = text_field(L, "what"),
                          .who = text_field(L, "who"),
                          .from = text_field(L, "from"),
                          .id = text_field(L, "id")};
    lua_getfield(L, 1, "details");
    mw_cross_room(L, &mw_cross_trusted);
    bool told = lua_istable(L, -1);
    int rc = MW_OK;
    if (told && !mw_cross_json(L, lua_gettop(L), &mw_cross_trusted, &details))
        rc = mw_fail(&err, MW_EARG, 0, 0, "the details of an audit entry are plain values");
    if (told && details.p) note.details = (mw_str){details.p, details.n};
    if (!rc) rc = mw_audit_add(a, &note, &mark, &err);
    mw_buf_deinit(&details);
    return rc ? mw_lua_refuse(L, &err) : push_mark(L, a, &mark);
}

/* -- reading -------------------------------------------------------------------------------- */

/* The visited entries go to the list at the top of the stack. */
static int keep(void *arg, const mw_audit_entry *e, mw_err *err)
{
    lua_State *L = arg;
    mw_value *v = mw_value_from_json(e->json, NULL);
    if (!v || v->type != MW_MAP) {
        mw_value_free(v);
        return MW_OK;
    }
    mw_cross_push(L, v);
    mw_value_free(v);
    lua_pushlstring(L, e->hash.p, e->hash.n);
    lua_setfield(L, -2, "hash");
    lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
    return MW_OK;
}

/* host.audit_tail(n) -> the last N entries, oldest first, and the node; none when nothing is
 * audited */
static int host_audit_tail(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    size_t n = (size_t)luaL_checkinteger(L, 1);
    mw_audit *a = mw_face_of(L)->host->audit;
    luaL_checkstack(L, 3 * 100, NULL);
    lua_newtable(L);
    if (!a) return 1;
    if (mw_audit_tail(a, n, keep, L, &err)) return mw_lua_refuse(L, &err);
    lua_pushstring(L, mw_audit_node(a));
    return 2;
}

/* The visitor stands at index 3.  Its error must not jump over the walk's own frames. */
static int visit(void *arg, const mw_audit_entry *e, mw_err *err)
{
    lua_State *L = arg;
    lua_pushvalue(L, 3);
    lua_pushlstring(L, e->json.p, e->json.n);
    lua_pushlstring(L, e->hash.p, e->hash.n);
    if (!lua_pcall(L, 2, 0, 0)) return MW_OK;
    const char *why = lua_tostring(L, -1);
    int code = mw_fail(err, MW_EARG, 0, 0, "%s", why ? why : "the visitor failed");
    lua_pop(L, 1);
    return code;
}

static void set_number(lua_State *L, const char *name, uint64_t v)
{
    lua_pushnumber(L, (double)v);
    lua_setfield(L, -2, name);
}

static int push_report(lua_State *L, const mw_audit_report *r)
{
    lua_newtable(L);
    set_number(L, "entries", r->entries);
    set_number(L, "segments", r->segments);
    set_number(L, "bytes", r->bytes);
    set_number(L, "first", r->first);
    set_number(L, "last", r->last);
    set_number(L, "torn", r->torn);
    lua_pushstring(L, r->head);
    lua_setfield(L, -2, "hash");
    lua_pushboolean(L, r->expired);
    lua_setfield(L, -2, "expired");
    lua_pushboolean(L, r->met);
    lua_setfield(L, -2, "met");
    if (!r->problem[0]) return 1;
    set_number(L, "bad", r->bad);
    lua_pushstring(L, r->problem);
    lua_setfield(L, -2, "problem");
    return 1;
}

/* host.audit_walk(place, {seq=, hash=} or nil, fn(json, hash) or nil) -> what was found */
static int host_audit_walk(lua_State *L)
{
    mw_err err;
    mw_err_init(&err);
    const char *place = luaL_checkstring(L, 1);
    mw_audit_anchor anchor = {0};
    mw_audit_report report;
    lua_settop(L, 3);
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_getfield(L, 2, "seq");
        anchor.seq = (uint64_t)luaL_checknumber(L, -1);
        lua_getfield(L, 2, "hash");
        anchor.hash.p = luaL_checklstring(L, -1, &anchor.hash.n);
    }
    bool visits = !lua_isnil(L, 3);
    if (mw_audit_walk(place, anchor.seq ? &anchor : NULL, visits ? visit : NULL, L, &report, &err))
        return mw_lua_refuse(L, &err);
    return push_report(L, &report);
}

void mw_host_open_audit(lua_State *L)
{
    static const mw_host_fn fns[] = {{"audit", host_audit},
                                     {"audit_tail", host_audit_tail},
                                     {"audit_walk", host_audit_walk},
                                     {NULL, NULL}};
    mw_host_set(L, fns);
}
