/* guest_ask.c - what a call asks of the world outside its state, and what is noted of it: the
 * permit of a circuit breaker, the steps of a session.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"
#include "script/http_breaker.h"

enum { MAX_STEPS = 50 };

/* A request that names a breaker goes through it; what comes back in its place, or NULL. */
static mw_value *pass_breaker(mw_guest_run *r, const char *op, const mw_value *arg)
{
    mw_str name = mw_map_text(arg, "breaker");
    if (!name.n || strcmp(op, "http") != 0) return NULL;
    mw_value *refused = mw_http_breaker_ask(r->guest->face, name.p, r->now);
    if (!refused) r->breaker = mw_strndup(name.p, name.n);
    return refused;
}

void mw_guest_leave_breaker(mw_guest_run *r, const mw_value *answer)
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

static mw_value *step_of(const char *name, const mw_value *answer)
{
    mw_value *step = mw_map_new();
    const mw_value *status = mw_map_find(answer, "status");
    mw_map_set_text(step, "name", name);
    mw_map_set_number(step, "seconds", mw_map_number(answer, "seconds", 0));
    if (status) mw_map_set(step, "status", mw_value_copy(status));
    if (mw_map_find(answer, "error"))
        mw_map_set(step, "error", mw_text_new(mw_map_text(answer, "error")));
    return step;
}

static void end_step(mw_guest_run *r, mw_value *answer)
{
    if (r->step && answer) {
        if (!r->steps) r->steps = mw_list_new();
        if (r->steps->list.n < MAX_STEPS) mw_list_add(r->steps, step_of(r->step, answer));
        mw_map_set_text(answer, "step", r->step);
    }
    mw_free(r->step);
    r->step = NULL;
}

void mw_guest_answered(mw_guest_run *r, mw_value *answer)
{
    mw_guest_leave_breaker(r, answer);
    end_step(r, answer);
}

void mw_guest_ask(mw_guest_run *r, mw_then *then)
{
    mw_value *arg = r->op_arg;
    const char *op = r->op;
    r->op_arg = NULL;
    if (!strcmp(op, MW_CTX_ASK)) {
        r->job = mw_ask_lane(r->guest->face, &r->ask, mw_call_answer,
                             mw_lua_expect(r->lua, then, r, NULL));
        return;
    }
    if (r->paused) {
        mw_lua_leave(r->lua, then, r);
        return;
    }
    begin_step(r, arg);
    mw_call_ticket *ticket = mw_lua_expect(r->lua, then, r, NULL);
    mw_value *refused = pass_breaker(r, op, arg);
    if (!refused) {
        mw_host_op(r->guest->face->host, op, arg, mw_call_answer, ticket);
        return;
    }
    mw_value_free(arg);
    mw_call_answer(ticket, refused);
}
