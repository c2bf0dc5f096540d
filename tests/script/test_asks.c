/* test_asks.c - promises of slow queries: they leave their turn, others go on, they come back or
 * are called off.  The store here is a gate: selecting "slow" waits until it is opened or the query
 * is cancelled.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "lua.h"
#include "script/asks.h"
#include "script/guest.h"

/* -- a store with a gate --------------------------------------------------------------------- */

typedef struct gate {
    mw_source source; /* first */
    mw_source *store;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int inside, cancelled;
} gate;

static bool is_slow(const mw_select *sel)
{
    for (size_t i = 0; i < sel->n; i++)
        if (mw_str_is(sel->matchers[i].value, "slow")) return true;
    return false;
}

static int pass(gate *g, const mw_select *sel)
{
    int rc = MW_OK;
    pthread_mutex_lock(&g->lock);
    g->inside++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open && rc == MW_OK) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += 2000000;
        if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
        pthread_cond_timedwait(&g->changed, &g->lock, &at);
        if (sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED)) rc = MW_ECANCEL;
    }
    g->cancelled += rc != MW_OK;
    pthread_mutex_unlock(&g->lock);
    return rc;
}

static int gate_select(mw_source *self, const mw_select *sel, mw_series_set **out, mw_err *err)
{
    gate *g = (gate *)self;
    int rc = is_slow(sel) ? pass(g, sel) : MW_OK;
    return rc == MW_OK ? g->store->select(g->store, sel, out, err) : mw_fail(err, rc, 0, 0, "no");
}

static void open_gate(gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void wait_inside(gate *g, int n)
{
    pthread_mutex_lock(&g->lock);
    while (g->inside < n) pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

/* -- an actor's state over it ---------------------------------------------------------------- */

typedef struct place {
    mw_host host;
    gate gate;
    mw_lua *l;
} place;

static const char prelude[] =
    "local host = require 'moonwatch.host'\n"
    "host.append{{labels={__name__='slow'}, t=1000, value=7}, {labels={__name__='up'}, t=1000, "
    "value=1}}\n"
    "order = {}\n"
    "function note(text) order[#order + 1] = text end\n"
    "function turn(name, meter, f)\n"
    "  local co = coroutine.create(f)\n"
    "  local function go(...)\n"
    "    host.metered(meter, true)\n"
    "    local ok, wait = coroutine.resume(co, ...)\n"
    "    host.metered()\n"
    "    assert(ok, wait)\n"
    "    if coroutine.status(co) == 'dead' then return note(name .. ' ended') end\n"
    "    note(name .. ' waits')\n"
    "    host.when(wait, function() go(host.take(wait)) end)\n"
    "    return wait\n"
    "  end\n"
    "  return go()\n"
    "end\n"
    "function is(a) local b = table.concat(order, ', ') if a ~= b then error('not ' .. a .. ': ' "
    ".. b, 2) end end\n";

static int setup(void **state)
{
    place *p = mw_zalloc(sizeof *p);
    alarm(120);
    mw_tsdb *db = mw_tsdb_open(&(mw_tsdb_options){0}, NULL);
    p->gate.store = mw_tsdb_source(db);
    p->gate.source = (mw_source){.select = gate_select};
    pthread_mutex_init(&p->gate.lock, NULL);
    pthread_cond_init(&p->gate.changed, NULL);
    p->host = (mw_host){.clock = &mw_clock_system,
                        .tsdb = db,
                        .source = &p->gate.source,
                        .promql = mw_promql_new(NULL)};
    p->l = mw_lua_new(&p->host, false, NULL);
    mw_ask_slow(p->l, MW_STR("slow"));
    run_lua(p->l, prelude);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    place *p = *state;
    mw_lua_free(p->l);
    mw_promql_free(p->host.promql);
    mw_tsdb_close(p->host.tsdb);
    pthread_cond_destroy(&p->gate.changed);
    pthread_mutex_destroy(&p->gate.lock);
    mw_free(p);
    return 0;
}

/* The next N answers. */
static void answers(place *p, int n)
{
    for (mw_mail mail; n > 0; n--) {
        mw_err err;
        mw_err_init(&err);
        assert_true(mw_mailbox_next(p->l->inbox, 0, &mail));
        if (!mw_lua_answer(p->l, &mail, &err)) fail_msg("%s", err.msg);
    }
}

/* What was left in the middle, to its end. */
static void slices(place *p)
{
    mw_err err;
    mw_err_init(&err);
    while (mw_lua_any_left(p->l))
        if (!mw_lua_proceed(p->l, &err)) fail_msg("%s", err.msg);
}

/* -- turns ----------------------------------------------------------------------------------- */

static void a_slow_query_leaves_its_turn_and_comes_back_with_the_answer(void **state)
{
    place *p = *state;
    run_lua(
        p->l,
        "local m = host.meter{} turn('a', m, function() "
        "local rows = assert(host.query('slow', 1000)) note('slow ' .. rows[1].value) "
        "local a, b = host.usage(m) assert(a.queries == 1 and b.slow_queries == 1) end) "
        "turn('b', host.meter{}, function() note('up ' .. host.query('up', 1000)[1].value) end) "
        "is 'a waits, up 1, b ended'");
    wait_inside(&p->gate, 1);
    open_gate(&p->gate);
    answers(p, 1);
    run_lua(p->l, "is 'a waits, up 1, b ended, slow 7, a ended'");
}

static void ranges_and_records_leave_theirs_too(void **state)
{
    place *p = *state;
    open_gate(&p->gate);
    run_lua(p->l,
            "turn('range', host.meter{}, function() "
            "local rows = assert(host.range('slow', 1000, 1010, 10)) note(#rows[1].points) end)");
    answers(p, 1);
    mw_ask_slow(p->l, MW_STR("slow")); /* it was quick */
    run_lua(p->l, "turn('record', host.meter{emissions=1}, function() "
                  "local r = assert(host.recorder('slow', 'copy', {})) "
                  "note(host.record(r, 1000)) local n, why = host.record(r, 1001) "
                  "note(tostring(n) .. ' ' .. why) end)");
    answers(p, 1);
    run_lua(p->l, "is 'range waits, 2, range ended, record waits, 1, "
                  "nil used up its 1 emissions, record ended' "
                  "assert(host.query('copy', 1000)[1].value == 7)");
}

static void what_is_quick_in_the_lane_is_asked_at_once_again(void **state)
{
    place *p = *state;
    open_gate(&p->gate);
    run_lua(p->l, "function ask() turn('x', host.meter{}, function() host.query('slow', 1000) end) "
                  "end ask()");
    answers(p, 1);
    run_lua(p->l, "is 'x waits, x ended' ask() is 'x waits, x ended, x ended'");
}

static void a_query_that_does_not_end_in_its_slice_becomes_a_slow_one(void **state)
{
    place *p = *state;
    const char *expr =
        "sum_over_time(vector(1)[100d:1s])"; /* far more than a slice on any machine */
    assert_false(mw_ask_is_slow(p->l, mw_str_of(expr)));
    run_lua(p->l, "wait = turn('x', host.meter{}, function() "
                  "host.query('sum_over_time(vector(1)[100d:1s])', 1000) end) is 'x waits'");
    assert_true(mw_ask_is_slow(p->l, mw_str_of(expr)));
    run_lua(p->l, "host.abandon(wait) "
                  "local q = host.prepare 'sum_over_time(vector(1)[100d:1s])' "
                  "assert(host.quiet({q, q}, 1, 2, 1000) == 1) "
                  "local none, why = host.query(q, 1000) "
                  "assert(not none and why:find('cannot wait', 1, true), why)");
    answers(p, 1);
}

static void who_is_abandoned_is_called_off_and_hears_nothing(void **state)
{
    place *p = *state;
    run_lua(p->l, "wait = turn('x', host.meter{}, function() host.query('slow', 1000) end)");
    wait_inside(&p->gate, 1);
    run_lua(p->l, "host.abandon(wait) host.abandon(wait) wait = nil");
    answers(p, 1);
    assert_int_equal(p->gate.cancelled, 1);
    run_lua(p->l, "is 'x waits'");
}

static void a_state_that_closes_calls_off_what_runs_and_what_is_in_line(void **state)
{
    place *p = *state;
    run_lua(p->l, "for i = 1, 5 do turn(tostring(i), host.meter{}, function() host.query('slow', "
                  "1000) end) end");
    wait_inside(&p->gate, 2);
    mw_lua_free(p->l);
    p->l = NULL;
    assert_int_equal(p->gate.inside, 2);
    assert_int_equal(p->gate.cancelled, 2);
}

/* -- budgets --------------------------------------------------------------------------------- */

static void the_queries_of_one_evaluation_share_their_samples(void **state)
{
    place *p = *state;
    run_lua(
        p->l,
        "local m = host.meter{} host.metered(m) host.query('up', 1000) "
        "local each = host.usage(m).query_samples assert(each > 0) "
        "m = host.meter{query_samples=3 * each} local why = nil "
        "local function all() local n = 0 host.metered(m) host.meter_begin(m) "
        "for i = 1, 5 do local rows, no = host.query('up', 1000) "
        "if rows then n = n + 1 else why = no end end "
        "host.metered() return n end assert(all() == 3 and all() == 3) "
        "assert(why == ('its queries used up their %d samples'):format(3 * each), why) "
        "local now, total, exceeded = host.usage(m) "
        "assert(now.query_samples == 3 * each and total.query_samples == 6 * each and exceeded)");
}

static void the_queries_of_one_evaluation_share_their_time(void **state)
{
    place *p = *state;
    run_lua(p->l, "local m = host.meter{query_seconds=0.02} host.metered(m) host.meter_begin(m) "
                  "local rows, why = host.query('sum_over_time(vector(1)[100d:1s])', 1000) "
                  "assert(not rows and why == 'its queries used up their 0.02 seconds', why) "
                  "rows, why = host.query('up', 1000) "
                  "assert(not rows and why == 'its queries used up their 0.02 seconds', why) "
                  "host.meter_begin(m) assert(host.query('up', 1000)) host.metered()");
}

static void time_runs_from_when_the_lane_begins(void **state)
{
    place *p = *state;
    run_lua(p->l, "turn('x', host.meter{query_seconds=0.3}, function() "
                  "for _, e in ipairs{"
                  "'max_over_time(quantile_over_time(0.5, vector(1)[1d:1s])[1d:1s])', 'up'} do "
                  "local rows, why = host.query(e, 1000) note(why) end end) ");
    answers(p, 1);
    run_lua(p->l, "is 'x waits, its queries used up their 0.3 seconds, its queries used up their "
                  "0.3 seconds, x ended'");
}

/* -- functions of a file --------------------------------------------------------------------- */

#define GUEST                                                                          \
    "guest = guest or assert(host.guest{name='x.lua', words={alert='named'}, "         \
    "budget={instructions=1e8, cpu=60}, source=[[\n"                                   \
    "alert 'A' { when = function(ctx)\n"                                               \
    "  local ok, v = pcall(ctx.value, ctx, 'slow')\n"                                  \
    "  return v + #ctx:query('slow') end,\n"                                           \
    "  inside = function(ctx) return coroutine.wrap(function()\n"                      \
    "    return ctx:value('slow') end)() end,\n"                                       \
    "  sorting = function(ctx) local t = {1, 2, 3} table.sort(t, function(a, b)\n"     \
    "    return a > b and ctx:value('slow') == 7 end) return t[1] * 100 + t[3] end,\n" \
    "  format = function(ctx) return string.format('%s', setmetatable({},\n"           \
    "    {__tostring = function() return ctx:value('slow') end })) end,\n"             \
    "  text = function(alert) return value('slow') + #query('slow') end,\n"            \
    "  spins = function(alert) while true do end end,\n"                               \
    "  late = function(ctx) pcall(ctx.value, ctx, 'slow') return 1 end }]]}) "         \
    "function call(name, kind, done) local a = guest:declarations()[1].fields "        \
    "guest:call(a[name]['@fn'], {}, {kind=kind, now=1000}, done) end "

static void a_function_waits_for_its_slow_queries_and_goes_on(void **state)
{
    place *p = *state;
    run_lua(p->l, GUEST
            "host.metered(host.meter{}, true) "
            "call('when', 'when', function(r) note(r.error or r.values[1]) end) host.metered()");
    wait_inside(&p->gate, 1);
    open_gate(&p->gate);
    answers(p, 1);
    run_lua(p->l, "is '8'");
}

static void a_text_waits_within_the_turn_of_its_rule(void **state)
{
    place *p = *state;
    run_lua(p->l, GUEST
            "host.metered(host.meter{}, true) "
            "call('text', 'text', function(r) note(r.error or r.values[1]) end) host.metered()");
    wait_inside(&p->gate, 1);
    open_gate(&p->gate);
    answers(p, 1);
    run_lua(p->l, "is '8'");
}

static void a_text_that_never_ends_is_left_for_others_and_still_stopped(void **state)
{
    place *p = *state;
    run_lua(p->l, GUEST "host.metered(host.meter{}, true) "
                        "call('spins', 'text', function(r) note(tostring(r.over)) end) "
                        "host.metered() is ''");
    slices(p);
    run_lua(p->l, "is 'true'");
}

static void a_text_outside_of_a_turn_does_not_wait(void **state)
{
    place *p = *state;
    run_lua(p->l, GUEST "call('spins', 'text', function(r) note(tostring(r.over)) end) is 'true'");
    assert_false(mw_lua_any_left(p->l));
}

static void where_a_function_cannot_wait_it_is_told_so(void **state)
{
    place *p = *state;
    open_gate(&p->gate);
    run_lua(
        p->l, GUEST
        "host.metered(host.meter{}, true) "
        "call('format', 'when', function(r) assert(not r.ok) note(r.error) end) host.metered() "
        "is 'attempt to yield across C-call boundary' order = {} "
        "host.metered(host.meter{}, true) "
        "call('inside', 'when', function(r) note(r.values[1] or r.error) end) host.metered() is "
        "'7'");
}

static void a_comparison_waits_for_its_slow_queries_and_sorting_goes_on(void **state)
{
    place *p = *state;
    open_gate(&p->gate);
    run_lua(p->l, GUEST "call('sorting', 'every', function(r) note(r.error or r.values[1]) end)");
    answers(p, 1);
    run_lua(p->l, "is '301'");
}

static void a_file_that_closes_calls_its_queries_off(void **state)
{
    place *p = *state;
    run_lua(p->l, GUEST "call('when', 'every', function(r) note(r.error) end)");
    wait_inside(&p->gate, 1);
    run_lua(p->l, "guest:close() is 'its file was closed'");
    answers(p, 1);
    assert_int_equal(p->gate.cancelled, 1);
}

static void no_pcall_gets_a_query_that_failed_in_the_lane(void **state)
{
    place *p = *state;
    run_lua(p->l, GUEST "m = host.meter{query_samples=1} host.metered(m) "
                        "call('late', 'every', function(r) note(r.error) traceback = r.traceback "
                        "assert(r.over) end) host.metered()");
    mw_ask_slow(p->l, MW_STR("slow"));
    run_lua(p->l, "host.append{{labels={__name__='slow', a='b'}, t=1000, value=7}}");
    open_gate(&p->gate);
    answers(p, 1);
    run_lua(p->l, "is 'x.lua:12: slow: its queries used up their 1 samples' "
                  "assert(traceback:find('x.lua:12'), traceback)");
}

/* -- functions that take long ---------------------------------------------------------------- */

static void a_function_that_works_for_long_is_left_for_others_and_still_stopped(void **state)
{
    place *p = *state;
    run_lua(p->l,
            "local function open(name, body) return assert(host.guest{name=name, "
            "budget={instructions=1e8, cpu=60}, words={alert='named'}, source='alert \"A\" { when "
            "= function(ctx)\\n' .. body .. ' "
            "end }'}) end "
            "function call(g, name) "
            "g:call(g:declarations()[1].fields.when['@fn'], {}, {kind='every', now=1000}, "
            "function(r) note(name .. ' ' .. tostring(r.error or r.values[1])) last = r end) end "
            "long = open('long.lua', 'local n = 0 while true do n = n + 1 end') "
            "short = open('short.lua', 'return 1') call(long, 'long') call(short, 'short') "
            "is 'short 1'");
    slices(p);
    run_lua(p->l, "is 'short 1, long long.lua:2: stopped: used up its 100000000 instructions' "
                  "assert(last.over and last.instructions == 1e8) order = {} "
                  "call(long, 'long') long:close() is 'long its file was closed'");
    slices(p);
    assert_int_equal(p->l->held, 0);
}

static void what_calls_back_is_left_for_others_and_goes_on_where_it_was(void **state)
{
    place *p = *state;
    run_lua(p->l,
            "local g = assert(host.guest{name='x.lua', budget={instructions=1e9, cpu=60}, "
            "words={alert='named'}, source=[[local function work() for i = 1, 3e6 do end end\n"
            "alert 'A' { when = function(ctx)\n"
            "  local said = {}\n"
            "  local inner = coroutine.wrap(function(a)\n"
            "    local co = coroutine.create(function() work() coroutine.yield('deep') work() "
            "error('no') end)\n"
            "    for i = 1, 20 do work() a = coroutine.yield(a + 1) end\n"
            "    said[1] = select(2, coroutine.resume(co))\n"
            "    said[2] = select(2, coroutine.resume(co))\n"
            "    return coroutine.status(co)\n"
            "  end)\n"
            "  local n = 0\n"
            "  for i = 1, 20 do n = n + inner(i) end\n"
            "  said[3] = inner(0)\n"
            "  local t = {}\n"
            "  for i = 1, 30 do t[i] = i * 7 % 31 end\n"
            "  table.sort(t, function(a, b) work() return a < b end)\n"
            "  for i = 2, 30 do assert(t[i - 1] < t[i]) end\n"
            "  local s, times = ('abc'):rep(7):gsub('(b)(c)', function(b, c) work() return c .. b "
            "end)\n"
            "  return n, table.concat(said, ' '), s, times\n"
            "end }]]}) "
            "g:call(g:declarations()[1].fields.when['@fn'], {}, {kind='every', now=1}, function(r) "
            "for i = 1, 4 do note(tostring(r.error or r.values[i])) end end) is ''");
    size_t n = 0;
    mw_err err;
    mw_err_init(&err);
    for (; mw_lua_any_left(p->l); n++)
        if (!mw_lua_proceed(p->l, &err)) fail_msg("%s", err.msg);
    assert_true(n > 10); /* three hundred million instructions in all */
    run_lua(p->l, "is '230, deep x.lua:5: no dead, acbacbacbacbacbacbacb, 7'");
}

/* On its way up from the bottom it may be due again: that is no yield of the file's own. */
static void coroutines_far_inside_one_another_are_left_as_one(void **state)
{
    place *p = *state;
    run_lua(p->l, "local g = assert(host.guest{name='x.lua', budget={instructions=1e9, cpu=60}, "
                  "words={alert='named'}, source=[[local function down(n)\n"
                  "  if n > 0 then return coroutine.wrap(down)(n - 1) end\n"
                  "  for i = 1, 1e8 do end\n"
                  "  return 'the bottom'\n"
                  "end\n"
                  "alert 'A' { when = function(ctx) return down(1000) end }]]}) "
                  "g:call(g:declarations()[1].fields.when['@fn'], {}, {kind='every', now=1}, "
                  "function(r) note(tostring(r.error or r.values[1])) end) is ''");
    slices(p);
    run_lua(p->l, "is 'the bottom'");
}

/* -- memory that ends anywhere ---------------------------------------------------------------- */

typedef struct failing {
    lua_Alloc alloc;
    void *arg;
    size_t left; /* allocations until one fails; 0: none does */
    bool failed;
} failing;

static void *allocate(void *arg, void *p, size_t old, size_t size)
{
    failing *f = arg;
    if (size > (p ? old : 0) && f->left && --f->left == 0) return f->failed = true, NULL;
    return f->alloc(f->arg, p, old, size);
}

/* What would be lost is seen by AddressSanitizer. */
static void an_answer_for_which_there_is_no_memory_is_not_lost(void **state)
{
    place *p = *state;
    lua_State *L = p->l->L;
    failing f = {.failed = true};
    open_gate(&p->gate);
    f.alloc = lua_getallocf(L, &f.arg);
    for (size_t at = 1; f.failed; at++) {
        mw_ask_slow(p->l, MW_STR("slow"));
        run_lua(p->l, "host.metered(host.meter{}, true) local _ "
                      "_, wait = coroutine.resume(coroutine.create(host.query), 'slow', 1000) "
                      "host.metered() function take() rows = host.take(wait) end");
        answers(p, 1);
        lua_gc(L, LUA_GCCOLLECT, 0);
        lua_getglobal(L, "take");
        f.left = at;
        f.failed = false;
        lua_setallocf(L, allocate, &f);
        int rc = lua_pcall(L, 0, 0, 0);
        lua_setallocf(L, f.alloc, f.arg);
        assert_int_equal(rc != 0, f.failed);
        lua_settop(L, 0);
        run_lua(p->l, "host.metered() wait = nil");
        lua_gc(L, LUA_GCCOLLECT, 0);
        assert_null(p->l->meter);
    }
    run_lua(p->l, "assert(rows[1].value == 7)");
}

static const char waits_and_works[] =
    "alert 'A' { when = function(ctx)\n"
    "  local co = coroutine.wrap(function() for i = 1, 1e7 do end return 'in' end)\n"
    "  local rows = ctx:query('slow')\n"
    "  ctx.state.seen = { co(), #rows }\n"
    "  table.sort(rows, function(a, b) return a.value < b.value end)\n"
    "  return (('abc'):gsub('b', function(c) return c .. rows[1].value end))\n"
    "end }\n";

static mw_value *last;
static bool keep_last(mw_lua *l, void *arg, mw_value *result, mw_err *err)
{
    last = result;
    return true;
}

/* Until it has answered; the allocation with number FAIL_AT fails.  -1: it could not be loaded. */
static int call_with(place *p, size_t fail_at)
{
    mw_word *words = mw_array(1, sizeof *words);
    *words = (mw_word){mw_strdup("alert"), MW_WORD_NAMED};
    mw_guest_options o = {.face = &p->l->face,
                          .name = MW_STR("x.lua"),
                          .source = mw_str_of(waits_and_works),
                          .words = words,
                          .n_words = 1,
                          .budget = {.instructions = 1000000000, .cpu = 60, .fail_at = fail_at}};
    mw_value *problems = NULL;
    mw_err err;
    mw_err_init(&err);
    mw_guest *g = mw_guest_open(&o, &problems);
    mw_value_free(problems);
    if (!g) return -1;
    mw_value *ctx = mw_map_new();
    mw_map_set_text(ctx, "kind", "every");
    mw_map_set_number(ctx, "now", 1000);
    mw_ask_slow(p->l, MW_STR("slow"));
    last = mw_guest_call(g, 1, mw_list_new(), ctx, keep_last, NULL);
    while (!last)
        if (mw_lua_any_left(p->l))
            assert_true(mw_lua_proceed(p->l, &err));
        else
            answers(p, 1);
    bool ok = mw_map_bool(last, "ok", false);
    if (ok) {
        assert_string_equal(mw_map_text(mw_map_find(last, "values"), "1").p, "ab7c");
    } else {
        assert_true(mw_map_text(last, "error").n > 0);
        assert_null(mw_map_find(last, "state"));
    }
    mw_value_free(last);
    last = NULL;
    mw_guest_close(g, true);
    assert_int_equal(p->l->held, 0);
    return ok;
}

static void memory_may_end_while_a_call_waits_or_is_left(void **state)
{
    place *p = *state;
    size_t n = 1, failed = 0;
    open_gate(&p->gate);
    for (int well = 0; well < 3 && n < 20000; n++) { /* well: it is past the last one */
        int ok = call_with(p, n);
        failed += ok == 0;
        well = ok == 1 ? well + 1 : 0;
    }
    assert_true(n < 20000);
    assert_true(failed > 20);
    assert_int_equal(call_with(p, 0), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_slow_query_leaves_its_turn_and_comes_back_with_the_answer),
        T(ranges_and_records_leave_theirs_too),
        T(what_is_quick_in_the_lane_is_asked_at_once_again),
        T(a_query_that_does_not_end_in_its_slice_becomes_a_slow_one),
        T(who_is_abandoned_is_called_off_and_hears_nothing),
        T(a_state_that_closes_calls_off_what_runs_and_what_is_in_line),
        T(the_queries_of_one_evaluation_share_their_samples),
        T(the_queries_of_one_evaluation_share_their_time),
        T(time_runs_from_when_the_lane_begins),
        T(a_function_waits_for_its_slow_queries_and_goes_on),
        T(a_text_waits_within_the_turn_of_its_rule),
        T(a_text_that_never_ends_is_left_for_others_and_still_stopped),
        T(a_text_outside_of_a_turn_does_not_wait),
        T(where_a_function_cannot_wait_it_is_told_so),
        T(a_comparison_waits_for_its_slow_queries_and_sorting_goes_on),
        T(what_calls_back_is_left_for_others_and_goes_on_where_it_was),
        T(coroutines_far_inside_one_another_are_left_as_one),
        T(a_file_that_closes_calls_its_queries_off),
        T(no_pcall_gets_a_query_that_failed_in_the_lane),
        T(a_function_that_works_for_long_is_left_for_others_and_still_stopped),
        T(an_answer_for_which_there_is_no_memory_is_not_lost),
        T(memory_may_end_while_a_call_waits_or_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
