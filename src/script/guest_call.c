/* guest_call.c - running one function of a guest, perhaps in several parts.
 *
 * A call is a coroutine of the guest's state.  When its code asks for something that takes time
 * (ctx.http, ctx.share) it yields; the operation is issued from here, outside the guest, and its
 * answer resumes the coroutine.  Each part runs under what is left of the call's fuel.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"
#include "script/http_breaker.h"

enum { MAX_RUNS = 256, MAX_STEPS = 50 };

bool mw_call_kind_parse(mw_str name, mw_call_kind *out)
{
    static const char *const names[] = {"when", "check", "every", "receiver", "text", "relabel"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (mw_str_is(name, names[i])) return *out = (mw_call_kind)i, true;
    return false;
}

/* -- starting and ending --------------------------------------------------------------------- */

/* What the meter leaves of the budget of the file. */
static mw_budget limit_of(const mw_guest_run *r)
{
    const mw_meter *m = r->meter;
    if (!m) return (mw_budget){0};
    return (mw_budget){.instructions = (int64_t)m->limit.instructions,
                       .cpu = m->limit.cpu,
                       .memory = (size_t)m->limit.memory};
}

static mw_guest_run *run_new(mw_guest *g, int fn, mw_value *args, mw_value *ctx)
{
    mw_guest_run *r = mw_zalloc(sizeof *r);
    *r = (mw_guest_run){.guest = g,
                        .lua = g->face->lua,
                        .next = g->runs,
                        .fn = fn,
                        .co_ref = LUA_NOREF,
                        .ctx_ref = LUA_NOREF,
                        .args = args,
                        .ctx = ctx,
                        .kind = MW_CALL_TEXT,
                        .fired = mw_list_new(),
                        .left = MW_GUEST_KEPT,
                        .meter = mw_meter_retain(g->face->lua->meter),
                        .started_ns = mw_mono_ns()};
    mw_sandbox_narrow(&g->box, limit_of(r));
    r->most = r->fuel = g->box.run.instructions;
    if (ctx && ctx->type == MW_MAP) {
        mw_call_kind_parse(mw_map_text(ctx, "kind"), &r->kind);
        r->now = mw_map_number(ctx, "now", 0);
        r->has_ctx = r->kind != MW_CALL_TEXT && r->kind != MW_CALL_RELABEL;
    }
    g->runs = r;
    g->n_runs++;
    return r;
}

void mw_ctx_drop_held(mw_guest_run *r)
{
    mw_promql_result_free(r->held);
    mw_value_free(r->held_value);
    r->held = NULL;
    r->held_value = NULL;
}

static void hold(mw_guest_run *r, size_t bytes)
{
    r->lua->held += bytes - r->held_bytes;
    r->held_bytes = bytes;
}

static void run_free(mw_guest_run *r)
{
    hold(r, 0);
    mw_ctx_drop_held(r);
    mw_value_free(r->args);
    mw_value_free(r->ctx);
    mw_value_free(r->fired);
    mw_value_free(r->found_logs);
    mw_value_free(r->found_traces);
    mw_value_free(r->values);
    mw_value_free(r->state);
    mw_value_free(r->op_arg);
    mw_value_free(r->answer);
    mw_lane_release(r->job);
    mw_free(r->ask_expr);
    mw_free(r->breaker);
    mw_free(r->step);
    mw_value_free(r->steps);
    mw_meter_release(r->meter);
    mw_free(r->error);
    mw_free(r->traceback);
    mw_free(r);
}

static void leave_guest(mw_guest_run *r)
{
    mw_guest *g = r->guest;
    for (mw_guest_run **at = &g->runs; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    g->n_runs--;
    r->guest = NULL;
}

/* -- inside the guest's protection ----------------------------------------------------------- */

static void begin(lua_State *L, mw_guest_run *r)
{
    r->co = lua_newthread(L);
    r->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_State *co = r->co;
    size_t n = r->args && r->args->type == MW_LIST ? r->args->list.n : 0;
    luaL_checkstack(co, (int)n + 10, "too many arguments");
    lua_getfield(co, LUA_REGISTRYINDEX, MW_GUEST_FNS);
    lua_rawgeti(co, -1, r->fn);
    lua_remove(co, -2);
    if (!lua_isfunction(co, -1)) luaL_error(L, "this file has no function number %d", r->fn);
    for (size_t i = 0; i < n; i++) mw_cross_push(co, r->args->list.item[i]);
    if (r->has_ctx) {
        mw_ctx_push(co, r);
        lua_pushvalue(co, -1);
        r->ctx_ref = luaL_ref(co, LUA_REGISTRYINDEX);
    }
}

static mw_value *out(lua_State *L, lua_State *co, int idx, const char *what)
{
    mw_err err;
    mw_err_init(&err);
    mw_cross_room(co, &mw_guest_limits);
    mw_value *v = mw_cross_get(co, idx, &mw_guest_limits, &err);
    if (!v) luaL_error(L, "%s: %s", what, err.msg);
    return v;
}

static void collect(lua_State *L, mw_guest_run *r)
{
    int n = lua_gettop(r->co);
    r->values = mw_map_new(); /* by number: a list has no room for nil */
    for (int i = 1; i <= n && i <= 32; i++) {
        char key[16];
        mw_value *v = out(L, r->co, i, "what it returns");
        int len = snprintf(key, sizeof key, "%d", i);
        mw_map_add(r->values, (mw_str){key, (size_t)len}, true, v);
    }
    if (!r->has_ctx) return;
    lua_settop(r->co, 0);
    lua_rawgeti(r->co, LUA_REGISTRYINDEX, r->ctx_ref);
    lua_pushliteral(r->co, "state");
    lua_rawget(r->co, -2);
    if (!lua_istable(r->co, -1)) luaL_error(L, "ctx.state must be a table");
    r->state = out(L, r->co, -1, "ctx.state");
}

static void explain(lua_State *L, mw_guest_run *r)
{
    bool text = lua_type(r->co, -1) == LUA_TSTRING; /* anything else might run __tostring */
    const char *msg = text ? lua_tostring(r->co, -1) : "failed with an error that is no text";
    r->error = mw_strndup(msg, strnlen(msg, 2000));
    luaL_traceback(L, r->co, r->error, 0);
    const char *trace = lua_tostring(L, -1);
    r->traceback = mw_strndup(trace, strnlen(trace, 4000));
}

/* "file:line: " of the innermost line that waits, whatever C functions it went through. */
static void push_where(lua_State *co)
{
    lua_Debug ar;
    for (int level = 0; lua_getstack(co, level, &ar); level++) {
        if (!lua_getinfo(co, "Sl", &ar) || ar.currentline <= 0) continue;
        lua_pushfstring(co, "%s:%d: ", ar.short_src, ar.currentline);
        return;
    }
    lua_pushliteral(co, "");
}

/* The answer of the lane goes onto the stack as if the method had just returned.  One that failed
 * ends the run: no pcall gets what was refused for want of time. */
static int resume_asked(lua_State *L, mw_guest_run *r)
{
    mw_err err;
    mw_err_init(&err);
    mw_promql_result *got = mw_ask_take(r->guest->face, r->job, r->meter, r->ask.query.expr, &err);
    mw_lane_release(r->job);
    r->job = NULL;
    r->held = got;
    if (!got) {
        push_where(r->co);
        lua_pushfstring(r->co, "%s%s: %s", lua_tostring(r->co, -1), r->ask_expr, err.msg);
        explain(L, r);
        r->finished = true;
        return 0;
    }
    r->push(L, got, r->ask_expr);
    lua_xmove(L, r->co, 1);
    return 1;
}

/* Where a run that used up its memory was: its innermost function. */
static int find_place(lua_State *L)
{
    mw_guest_run *r = lua_touserdata(L, 1);
    mw_sandbox *box = mw_sandbox_of(L);
    lua_Debug ar;
    for (int level = 0; lua_getstack(r->co, level, &ar); level++) {
        if (!lua_getinfo(r->co, "S", &ar) || ar.linedefined <= 0) continue;
        snprintf(box->place, sizeof box->place, "%s:%d: ", ar.short_src, ar.linedefined);
        break;
    }
    return 0;
}

/* One part: from the start or the last answer to the next question or the end. */
static int run_part(lua_State *L)
{
    mw_guest_run *r = lua_touserdata(L, 1);
    int n = 0;
    if (!r->co) {
        begin(L, r);
        n = lua_gettop(r->co) - 1;
    } else if (r->job) {
        n = resume_asked(L, r);
        if (r->finished) return 0;
    } else if (r->answer && !r->paused) {
        mw_cross_push(r->co, r->answer);
        n = 1;
    }
    size_t held = r->lua->held, room = held < MW_GUEST_PAUSED ? MW_GUEST_PAUSED - held : 0;
    if (mw_ctx_patient(r)) mw_sandbox_pause(&r->guest->box, r->co, room);
    int rc = lua_resume(r->co, n);
    if (rc == LUA_YIELD && r->guest->box.paused) r->op = MW_CTX_PAUSE;
    if (rc == LUA_YIELD) {
        if (!r->op) return luaL_error(L, "coroutine.yield outside of a coroutine");
        return 0;
    }
    r->finished = true;
    if (rc == 0)
        collect(L, r);
    else
        explain(L, r);
    return 0;
}

static int unref_run(lua_State *L)
{
    mw_guest_run *r = lua_touserdata(L, 1);
    luaL_unref(L, LUA_REGISTRYINDEX, r->co_ref);
    luaL_unref(L, LUA_REGISTRYINDEX, r->ctx_ref);
    if (mw_sandbox_of(L)->used > mw_sandbox_of(L)->budget.memory / 2)
        lua_gc(L, LUA_GCCOLLECT, 0); /* the next call should not pay for this one's garbage */
    return 0;
}

/* -- outside --------------------------------------------------------------------------------- */

static void set_error(mw_guest_run *r, const char *text)
{
    mw_free(r->error);
    r->error = mw_strdup(text);
    r->finished = true;
}

static void set_stop(mw_guest_run *r, const char *text)
{
    const mw_sandbox *box = &r->guest->box;
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_text(&b, box->place);
    mw_buf_text(&b, text);
    mw_buf_byte(&b, 0);
    set_error(r, b.p);
    b.n--;
    mw_buf_text(&b, "\nstack traceback:");
    mw_buf_text(&b, *box->stack ? box->stack : "\n\t(not known)");
    mw_buf_byte(&b, 0);
    mw_free(r->traceback);
    r->traceback = mw_buf_take(&b);
    r->over = true;
}

static void play(mw_guest_run *r)
{
    mw_guest *g = r->guest;
    lua_State *L = g->box.L;
    mw_guest_run *outer = g->running;
    char text[MW_TRIP_TEXT];
    g->running = r;
    r->op = NULL;
    int64_t before = r->fuel;
    hold(r, 0);
    mw_sandbox_narrow(&g->box, limit_of(r));
    bool slices = !r->lua->waits && !g->face->host->time_stands;
    double cpu = r->paused ? r->cpu : g->box.run.cpu;
    mw_sandbox_arm(&g->box, r->fuel, cpu, slices, &r->lua->watch);
    int rc = lua_cpcall(L, run_part, r);
    r->fuel = mw_sandbox_disarm(&g->box, r->lua->watch);
    if (slices && r->lua->held_seconds)
        mw_histogram_observe(r->lua->held_seconds, cpu - g->box.cpu_left);
    r->paused = g->box.paused;
    hold(r, r->paused ? g->box.used : 0);
    r->cpu = g->box.cpu_left > 0.001 ? g->box.cpu_left : 0.001;
    mw_meter_ran(r->meter, (uint64_t)(before - r->fuel), g->box.peak);
    g->running = outer;
    mw_value_free(r->answer);
    r->answer = NULL;
    mw_ctx_drop_held(r);
    if (g->box.tripped) {
        if (r->co && !*g->box.place) lua_cpcall(L, find_place, r);
        set_stop(r, mw_trip_text(&g->box, text));
    } else if (rc) {
        const char *msg = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "failed";
        set_error(r, msg);
    }
    lua_settop(L, 0);
}

static void set_found(mw_value *result, mw_guest_run *r)
{
    if (!r->found_logs && !r->found_traces) return;
    mw_value *found = mw_map_new();
    if (r->found_logs) mw_map_set(found, "logs", r->found_logs);
    if (r->found_traces) mw_map_set(found, "traces", r->found_traces);
    r->found_logs = r->found_traces = NULL;
    mw_map_set(result, "found", found);
}

static mw_value *result_of(mw_guest_run *r)
{
    mw_value *out_ = mw_map_new();
    mw_map_set_bool(out_, "ok", !r->error);
    mw_map_set_text(out_, "error", r->error);
    mw_map_set_text(out_, "traceback", r->traceback);
    mw_map_set_bool(out_, "over", r->error && (r->over || (r->meter && r->meter->exceeded)));
    mw_map_set(out_, "values", r->values ? r->values : mw_map_new());
    r->values = NULL;
    if (r->state && !r->error) {
        mw_map_set(out_, "state", r->state);
        r->state = NULL;
    }
    mw_map_set(out_, "fired", r->fired);
    r->fired = NULL;
    set_found(out_, r);
    if (r->steps) mw_map_set(out_, "steps", r->steps);
    r->steps = NULL;
    mw_map_set_number(out_, "instructions", (double)(r->most - r->fuel));
    mw_map_set_number(out_, "seconds", (double)(mw_mono_ns() - r->started_ns) / 1e9);
    return out_;
}

static mw_value *finish(mw_guest_run *r)
{
    mw_guest *g = r->guest;
    mw_value *result = result_of(r);
    lua_cpcall(g->box.L, unref_run, r);
    lua_settop(g->box.L, 0);
    leave_guest(r);
    return result;
}

static bool then_resume(mw_lua *l, void *arg, mw_value *answer, mw_err *err);

/* A request that names a breaker goes through it; what comes back in its place, or NULL. */
static mw_value *pass_breaker(mw_guest_run *r, const char *op, const mw_value *arg)
{
    mw_str name = mw_map_text(arg, "breaker");
    if (!name.n || strcmp(op, "http") != 0) return NULL;
    mw_value *refused = mw_http_breaker_ask(r->guest->face, name.p, r->now);
    if (!refused) r->breaker = mw_strndup(name.p, name.n);
    return refused;
}

/* ANSWER NULL: the call ends before it comes. */
static void leave_breaker(mw_guest_run *r, const mw_value *answer)
{
    if (!r->breaker) return;
    if (r->guest) mw_http_breaker_judge(r->guest->face, r->breaker, r->now, answer);
    mw_free(r->breaker);
    r->breaker = NULL;
}

/* Requests of a session have a name; the first of them are noted. */
static void begin_step(mw_guest_run *r, const mw_value *arg)
{
    mw_str name = mw_map_text(arg, "step");
    if (name.n) r->step = mw_strndup(name.p, name.n);
}

static void end_step(mw_guest_run *r, mw_value *answer)
{
    if (r->step && answer) {
        mw_value *one = mw_map_new();
        const mw_value *status = mw_map_find(answer, "status");
        if (!r->steps) r->steps = mw_list_new();
        mw_map_set_text(one, "name", r->step);
        mw_map_set_number(one, "seconds", mw_map_number(answer, "seconds", 0));
        if (status) mw_map_set(one, "status", mw_value_copy(status));
        if (mw_map_find(answer, "error"))
            mw_map_set(one, "error", mw_text_new(mw_map_text(answer, "error")));
        if (r->steps->list.n < MAX_STEPS)
            mw_list_add(r->steps, one);
        else
            mw_value_free(one);
        mw_map_set_text(answer, "step", r->step);
    }
    mw_free(r->step);
    r->step = NULL;
}

static void ask(mw_guest_run *r)
{
    mw_value *arg = r->op_arg;
    const char *op = r->op;
    r->op_arg = NULL;
    if (!strcmp(op, MW_CTX_ASK)) {
        r->job = mw_ask_lane(r->guest->face, &r->ask, mw_call_answer,
                             mw_lua_expect(r->lua, then_resume, r, NULL));
        return;
    }
    if (r->paused) {
        mw_lua_leave(r->lua, then_resume, r);
        return;
    }
    begin_step(r, arg);
    mw_call_ticket *ticket = mw_lua_expect(r->lua, then_resume, r, NULL);
    mw_value *refused = pass_breaker(r, op, arg);
    if (!refused) {
        mw_host_op(r->guest->face->host, op, arg, mw_call_answer, ticket);
        return;
    }
    mw_value_free(arg);
    mw_call_answer(ticket, refused);
}

static bool then_resume(mw_lua *l, void *arg, mw_value *answer, mw_err *err)
{
    mw_guest_run *r = arg;
    leave_breaker(r, answer);
    end_step(r, answer);
    if (!answer || !r->guest) { /* closing, or its file was closed: DONE has been told */
        mw_value_free(answer);
        if (!answer && r->guest) {
            r->done(l, r->done_arg, NULL, NULL);
            leave_guest(r);
        }
        run_free(r);
        return true;
    }
    r->answer = answer;
    play(r);
    if (!r->finished) {
        ask(r);
        return true;
    }
    mw_value *result = finish(r);
    bool ok = r->done(l, r->done_arg, result, err);
    run_free(r);
    return ok;
}

mw_value *mw_guest_call(mw_guest *g, int fn, mw_value *args, mw_value *ctx, mw_guest_done *done,
                        void *done_arg)
{
    mw_guest_run *r = run_new(g, fn, args, ctx);
    r->done = done;
    r->done_arg = done_arg;
    if (g->running)
        set_error(r, "a file cannot be called while it runs");
    else if (g->n_runs > MAX_RUNS)
        set_error(r, "too many calls of this file wait at once");
    else
        play(r);
    if (!r->finished) {
        ask(r);
        return NULL;
    }
    mw_value *result = finish(r);
    run_free(r);
    return result;
}

void mw_guest_close(mw_guest *g, bool quiet)
{
    if (!g) return;
    while (g->runs) { /* each is still owned by its ticket: then_resume frees it */
        mw_guest_run *r = g->runs;
        mw_value *result = NULL;
        if (!quiet) {
            set_error(r, "its file was closed");
            result = result_of(r);
        }
        leave_breaker(r, NULL);
        leave_guest(r);
        mw_lane_release(r->job); /* nobody waits for it any more */
        r->job = NULL;
        r->done(r->lua, r->done_arg, result, NULL);
    }
    mw_sandbox_deinit(&g->box);
    for (size_t i = 0; i < g->n_words; i++) mw_free(g->words[i].name);
    for (size_t i = 0; i < g->n_kinds; i++) mw_free(g->kinds[i]);
    mw_free(g->words);
    mw_free(g->kinds);
    mw_free(g->name);
    mw_free(g->source);
    mw_free(g->env);
    mw_buf_deinit(&g->module_source);
    mw_buf_deinit(&g->module_path);
    mw_value_free(g->declarations);
    mw_value_free(g->problems);
    mw_value_free(g->unfinished);
    mw_free(g);
}
