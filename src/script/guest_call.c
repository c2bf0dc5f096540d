/* guest_call.c - running one function of a guest, perhaps in several parts.
 *
 * A call is a coroutine of the guest's state.  When its code asks for something that takes time
 * (ctx.http, ctx.share) it yields; the operation is issued outside the guest (guest_ask.c), and
 * its answer resumes the coroutine.  Each part (guest_part.c) runs under what is left of the
 * call's fuel.
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"

enum { MAX_RUNS = 256 };

static bool kind_parse(mw_str name, mw_call_kind *out)
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
        kind_parse(mw_map_text(ctx, "kind"), &r->kind);
        r->now = mw_map_number(ctx, "now", 0);
        r->timeout = mw_map_number(ctx, "timeout", 0);
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

/* -- one part after the other ---------------------------------------------------------------- */

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
    int rc = lua_cpcall(L, mw_guest_run_part, r);
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
        if (r->co && !*g->box.place) lua_cpcall(L, mw_guest_find_place, r);
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
    lua_cpcall(g->box.L, mw_guest_unref, r);
    lua_settop(g->box.L, 0);
    leave_guest(r);
    return result;
}

static bool then_resume(mw_lua *l, void *arg, mw_value *answer, mw_err *err)
{
    mw_guest_run *r = arg;
    mw_guest_answered(r, answer);
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
        mw_guest_ask(r, then_resume);
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
        mw_guest_ask(r, then_resume);
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
        mw_guest_leave_breaker(r, NULL);
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
