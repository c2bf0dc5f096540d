/* test_actor.c - promises of actors: order, answers, failures, stopping.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "script/actor.h"

static const char module_text[] =
    "local host = require 'moonwatch.host'\n"
    "return function(init)\n"
    "  if init.refuse then error('refused to start') end\n"
    "  local o, sum, late, ticks = {}, 0, nil, 0\n"
    "  function o:handle(msg, now)\n"
    "    if msg.type == 'add' then sum = sum + msg.n return end\n"
    "    if msg.type == 'sum' then return {sum=sum, now=now, ticks=ticks} end\n"
    "    if msg.type == 'boom' then error('boom') end\n"
    "    if msg.type == 'bad' then return 5 end\n"
    "    if msg.type == 'later' then late = msg return host.later end\n"
    "    if msg.type == 'now' then late.reply{got=msg.n} late.reply{got='twice'} late = nil return "
    "end\n"
    "    if msg.type == 'op' then host.call('echo', {x=msg.x}, function(a) msg.reply{x=a.x} end) "
    "return host.later end\n"
    "    if msg.type == 'badop' then host.call('echo', {}, function() error('in answer') end) end\n"
    "    if msg.type == 'slow' then host.call('never', {}, function(a) end) return host.later end\n"
    "    if msg.type == 'spin' then\n"
    "      local g = assert(host.guest{name='x.lua', words={alert='named'},\n"
    "        budget={instructions=1e8, cpu=60}, source=[[\n"
    "        alert 'A' { when = function(ctx) while true do end end }]]})\n"
    "      local before, since = ticks, sum\n"
    "      g:call(g:declarations()[1].fields.when['@fn'], {}, {kind='every', now=now}, "
    "function(r)\n"
    "        msg.reply{error=r.error, ticks=ticks - before, sum=sum - since} end)\n"
    "      return host.later end\n"
    "  end\n"
    "  function o:tick(now) ticks = ticks + 1 if init.every then return now + init.every end end\n"
    "  function o:stop(now) host.call('stopped', {sum=sum}) end\n"
    "  return o\n"
    "end\n";

typedef struct box {
    pthread_mutex_t lock;
    pthread_cond_t more;
    mw_value *answer;
    int n;
} box;

static void on_answer(void *arg, mw_value *answer)
{
    box *b = arg;
    pthread_mutex_lock(&b->lock);
    mw_value_free(b->answer);
    b->answer = answer;
    b->n++;
    pthread_cond_signal(&b->more);
    pthread_mutex_unlock(&b->lock);
}

static void wait_for(box *b, int n)
{
    pthread_mutex_lock(&b->lock);
    while (b->n < n) pthread_cond_wait(&b->more, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void op_echo(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    reply(reply_arg, arg);
}

static double stopped_sum;
static void op_stopped(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    stopped_sum = mw_map_number(arg, "sum", -1);
    reply(reply_arg, arg);
}

static struct {
    mw_reply *reply;
    void *arg;
} kept;
static void op_never(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_value_free(arg);
    kept.reply = reply;
    kept.arg = reply_arg;
}

typedef struct place {
    char dir[32], path[64], pattern[64];
    mw_host host;
    box b;
} place;

static int setup(void **state)
{
    static place p;
    p = (place){.dir = "/tmp/mw-actor-XXXXXX"};
    if (!mkdtemp(p.dir)) return -1;
    snprintf(p.path, sizeof p.path, "%s/act.lua", p.dir);
    snprintf(p.pattern, sizeof p.pattern, "%s/?.lua", p.dir);
    FILE *f = fopen(p.path, "w");
    fputs(module_text, f);
    fclose(f);
    p.host = (mw_host){.clock = &mw_clock_system, .lua_path = p.pattern};
    p.host.registry = mw_registry_new(0);
    mw_host_add_op(&p.host, "echo", NULL, op_echo);
    mw_host_add_op(&p.host, "stopped", NULL, op_stopped);
    mw_host_add_op(&p.host, "never", NULL, op_never);
    pthread_mutex_init(&p.b.lock, NULL);
    pthread_cond_init(&p.b.more, NULL);
    mw_log_setup(MW_FATAL, false);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    place *p = *state;
    mw_value_free(p->b.answer);
    mw_registry_free(p->host.registry);
    free(p->host.ops);
    unlink(p->path);
    rmdir(p->dir);
    return 0;
}

static mw_value *message(const char *type, double n)
{
    mw_value *m = mw_map_new();
    mw_map_set_text(m, "type", type);
    mw_map_set_number(m, "n", n);
    mw_map_set_number(m, "x", n);
    return m;
}

static mw_actor *start(place *p)
{
    mw_err err;
    mw_err_init(&err);
    mw_actor *a = mw_actor_new(&p->host, "rules", "act", mw_map_new(), &err);
    if (!a) fail_msg("%s", err.msg);
    mw_actor_start(a);
    return a;
}

static const mw_value *ask(place *p, mw_actor *a, mw_value *msg)
{
    int n = p->b.n;
    assert_int_equal(mw_actor_ask(a, msg, on_answer, &p->b), MW_OK);
    wait_for(&p->b, n + 1);
    return p->b.answer;
}

static void messages_are_handled_in_order_and_answered(void **state)
{
    place *p = *state;
    mw_actor *a = start(p);
    for (int i = 1; i <= 100; i++) assert_int_equal(mw_actor_send(a, message("add", i)), MW_OK);
    const mw_value *r = ask(p, a, message("sum", 0));
    assert_true(mw_map_number(r, "sum", 0) == 5050);
    assert_true(mw_map_number(r, "now", 0) > 1e9);
    mw_actor_stop(a);
    assert_true(stopped_sum == 5050);
    assert_int_equal(mw_actor_send(a, message("add", 1)), MW_ECANCEL);
    mw_actor_free(a);
}

static void a_failing_handler_answers_with_its_error_and_goes_on(void **state)
{
    place *p = *state;
    mw_actor *a = start(p);
    assert_non_null(strstr(mw_map_text(ask(p, a, message("boom", 0)), "error").p, "boom"));
    assert_true(mw_map_text(ask(p, a, message("bad", 0)), "error").n > 0);
    mw_actor_send(a, message("badop", 0));
    assert_non_null(mw_map_find(ask(p, a, message("sum", 0)), "sum"));
    assert_null(mw_map_find(ask(p, a, message("unknown", 0)), "error"));
    mw_actor_free(a);
}

static void an_answer_can_come_later_and_only_once(void **state)
{
    place *p = *state;
    mw_actor *a = start(p);
    int n = p->b.n;
    mw_actor_ask(a, message("later", 0), on_answer, &p->b);
    mw_actor_send(a, message("now", 7));
    wait_for(&p->b, n + 1);
    assert_true(mw_map_number(p->b.answer, "got", 0) == 7);
    assert_true(mw_map_number(ask(p, a, message("op", 3)), "x", 0) == 3);
    mw_actor_free(a);
    assert_int_equal(p->b.n, n + 2);
}

static void stopping_answers_whoever_still_waits(void **state)
{
    place *p = *state;
    mw_actor *a = start(p);
    int n = p->b.n;
    mw_actor_ask(a, message("slow", 0), on_answer, &p->b);
    ask(p, a, message("sum", 0));
    mw_actor_stop(a);
    assert_int_equal(p->b.n, n + 2);
    assert_true(mw_map_text(p->b.answer, "error").n > 0);
    mw_actor_free(a);
    kept.reply(kept.arg, mw_map_new()); /* after the actor is gone */
}

static void a_module_that_fails_says_why(void **state)
{
    place *p = *state;
    mw_err err;
    mw_err_init(&err);
    mw_value *init = mw_map_new();
    mw_map_set_bool(init, "refuse", true);
    assert_null(mw_actor_new(&p->host, "rules", "act", init, &err));
    assert_non_null(strstr(err.msg, "refused to start"));
    mw_err_init(&err);
    assert_null(mw_actor_new(&p->host, "rules", "nothing", mw_map_new(), &err));
    assert_non_null(strstr(err.msg, "nothing"));
}

static void an_actor_that_never_started_answers_too(void **state)
{
    place *p = *state;
    int n = p->b.n;
    mw_actor *a = mw_actor_new(&p->host, "rules", "act", mw_map_new(), NULL);
    mw_actor_ask(a, message("sum", 0), on_answer, &p->b);
    mw_actor_free(a);
    assert_int_equal(p->b.n, n + 1);
}

static void ticks_come_when_they_are_due(void **state)
{
    place *p = *state;
    mw_value *init = mw_map_new();
    mw_map_set_number(init, "every", 0.01);
    mw_actor *a = mw_actor_new(&p->host, "rules", "act", init, NULL);
    mw_actor_start(a);
    while (mw_map_number(ask(p, a, message("sum", 0)), "ticks", 0) < 20) usleep(5000);
    mw_actor_free(a);
}

static void who_never_ends_holds_nobody_up(void **state)
{
    place *p = *state;
    mw_actor *a = start(p);
    int n = p->b.n;
    mw_actor_ask(a, message("spin", 0), on_answer, &p->b);
    mw_actor_send(a, message("add", 1));
    wait_for(&p->b, n + 1);
    assert_non_null(strstr(mw_map_text(p->b.answer, "error").p, "stopped"));
    assert_true(mw_map_number(p->b.answer, "sum", 0) == 1);   /* mail came before its end */
    assert_true(mw_map_number(p->b.answer, "ticks", 0) >= 2); /* and what was due */
    mw_actor_free(a);
}

static void *flood(void *arg)
{
    for (int i = 0; i < 2000; i++)
        while (mw_actor_send(arg, message("add", 1)) == MW_EBUSY) usleep(100);
    return NULL;
}

static void many_threads_may_send(void **state)
{
    place *p = *state;
    mw_actor *a = start(p);
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, flood, a);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    mw_value *m = message("sum", 0);
    assert_true(mw_map_number(ask(p, a, m), "sum", 0) == 8000);
    mw_actor_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_handled_in_order_and_answered),
        cmocka_unit_test(a_failing_handler_answers_with_its_error_and_goes_on),
        cmocka_unit_test(an_answer_can_come_later_and_only_once),
        cmocka_unit_test(stopping_answers_whoever_still_waits),
        cmocka_unit_test(a_module_that_fails_says_why),
        cmocka_unit_test(an_actor_that_never_started_answers_too),
        cmocka_unit_test(ticks_come_when_they_are_due),
        cmocka_unit_test(who_never_ends_holds_nobody_up),
        cmocka_unit_test(many_threads_may_send),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
