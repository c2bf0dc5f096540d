/* test_rules.c - prepared queries, recording rules and series handles of docs/host.md, from Lua.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "lua.h"
#include "script/recorder.h"

static int setup(void **state)
{
    static mw_host host;
    host = (mw_host){.clock = &mw_clock_system, .data_dir = "/tmp"};
    *state = mw_lua_new(&host, true, NULL);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    mw_lua_free(*state);
    return 0;
}

/* w: a world with up{job="a"} = 1 and up{job="b"} = 0 at 1000; put(job, t, value); text(expr, t):
 * "labels=value" of each row, in order. */
#define WORLD                                                                                  \
    "local w = host.world() w.set_clock(1000) "                                                \
    "local function put(job, t, v) w.append{{labels={__name__='up', job=job}, t=t, value=v}} " \
    "end put('a', 1000, 1) put('b', 1000, 0) "                                                 \
    "local function text(expr, t) local out = {} "                                             \
    "for i, row in ipairs(assert(w.query(expr, t))) do local l = {} "                          \
    "for k, v in pairs(row.labels) do l[#l + 1] = k .. ':' .. v end table.sort(l) "            \
    "out[i] = table.concat(l, ',') .. '=' .. row.value end "                                   \
    "table.sort(out) return table.concat(out, ' ') end "                                       \
    "local function is(a, b) if a ~= b then error(('%s, not %s'):format(tostring(a), "         \
    "tostring(b)), 2) end end "

static void a_prepared_query_is_asked_like_a_text(void **state)
{
    run_lua(*state, WORLD "local q = assert(w.prepare('up == 1')) "
                          "is(#w.query(q, 1000), 1) is(w.query(q, 1000)[1].labels.job, 'a') "
                          "is(#w.query(q, 900), 0) put('b', 1010, 1) is(#w.query(q, 1010), 2) "
                          "local no, why, line, col = w.prepare('up ==') "
                          "assert(no == nil and why and line == 1 and col, why) "
                          "assert(not pcall(w.query, io.stdout, 0)) "
                          "local s = assert(w.prepare('\"text\"')) no, why = w.query(s, 0) "
                          "assert(no == nil and why:find('string')) "
                          "q, s = nil, nil collectgarbage() collectgarbage()");
}

static void a_recorder_writes_what_its_expression_gives(void **state)
{
    run_lua(*state, WORLD
            "local r = assert(w.recorder('up + 1', 'x:up', {team='t', job=''})) "
            "local n, why = w.record(r, 1000) assert(n == nil and why:find('same labelset'), why) "
            "assert(why:find('x:up{team=\"t\"}', 1, true), why) is(text('x:up', 1000), '') "
            "r = assert(w.recorder('up + 1', 'x:up', {team='t'})) is(w.record(r, 1000), 2) "
            "is(text('x:up', 1000), "
            "'__name__:x:up,job:a,team:t=2 __name__:x:up,job:b,team:t=1') "
            "is(text('x:up', 999), '') "
            "r = assert(w.recorder('42', 'x:scalar', {})) is(w.record(r, 1000), 1) "
            "is(text('x:scalar', 1000), '__name__:x:scalar=42')");
}

static void what_vanishes_is_marked_stale_and_may_come_back(void **state)
{
    run_lua(*state, WORLD
            "local r = assert(w.recorder('up == 1', 'x', {})) is(w.record(r, 1000), 1) "
            "put('a', 1015, 0) put('b', 1015, 1) put('c', 1015, 1) is(w.record(r, 1015), 2) "
            "is(text('x', 1014), '__name__:x,job:a=1') "
            "is(text('x', 1015), '__name__:x,job:b=1 __name__:x,job:c=1') "
            "put('a', 1030, 1) put('b', 1030, 'stale') is(w.record(r, 1030), 2) "
            "is(text('x', 1030), '__name__:x,job:a=1 __name__:x,job:c=1') "
            "is(w.record_end(r, 1040), 2) is(text('x', 1040), '') is(w.record_end(r, 1041), 0)");
}

static void many_series_keep_their_places_while_some_come_and_go(void **state)
{
    run_lua(*state, WORLD
            "local seed = 1 local function chance() seed = (seed * 16807) % 2147483647 "
            "return seed / 2147483647 end "
            "local r, alive = assert(w.recorder('y * 2', 'y2', {k='v'})), {} "
            "for t = 1000, 1600, 15 do local rows, want = {}, 0 "
            "for i = 1, 200 do local on = chance() > 0.2 "
            "if on then rows[#rows + 1] = {labels={__name__='y', i=i .. ''}, t=t, value=i + t} "
            "elseif alive[i] then rows[#rows + 1] = {labels={__name__='y', i=i .. ''}, t=t, "
            "value='stale'} end alive[i] = on want = want + (on and 1 or 0) end "
            "w.append(rows) is(w.record(r, t), want) is(#w.query('y2', t), want) "
            "is(#w.query('y2{k=\"v\"} == on (i) y * 2', t), want) end");
}

static void a_recorder_over_its_limit_writes_nothing_and_remembers_its_series(void **state)
{
    run_lua(*state, WORLD "local r = assert(w.recorder('up', 'x', {}, 2)) is(w.record(r, 1000), 2) "
                          "put('c', 1015, 1) local n, why = w.record(r, 1015) "
                          "is(n, nil) is(why, 'exceeded limit of 2 with 3 series') "
                          "is(text('x', 1015), '__name__:x,job:a=1 __name__:x,job:b=0') "
                          "for _, job in ipairs{'a', 'b', 'c'} do put(job, 1030, 'stale') end "
                          "is(w.record(r, 1030), 0) is(text('x', 1030), '')");
}

static void a_recorder_takes_over_the_series_of_another(void **state)
{
    run_lua(*state,
            WORLD "local old = assert(w.recorder('up', 'x', {v='1'})) is(w.record(old, 1000), 2) "
                  "local new = assert(w.recorder('up{job=\"a\"}', 'x', {v='1'})) "
                  "is(w.record_take(new, old), 2) is(w.record_end(old, 1001), 0) "
                  "put('a', 1015, 5) is(w.record(new, 1015), 1) "
                  "is(text('x', 1015), '__name__:x,job:a,v:1=5') "
                  "local other = assert(w.recorder('up', 'x', {v='2'})) w.record_take(other, new) "
                  "is(w.record(other, 1030), 2) "
                  "is(text('x', 1030), '__name__:x,job:a,v:2=5 __name__:x,job:b,v:2=0') "
                  "assert(not pcall(w.record_take, other, other))");
}

static void what_the_store_refuses_is_counted_by_reason(void **state)
{
    run_lua(
        *state, WORLD
        "local one, two = assert(w.recorder('up', 'x', {})), assert(w.recorder('up + 1', 'x', {})) "
        "is(w.record(one, 1000), 2) local n, refused = w.record(two, 1000) "
        "is(n, 0) is(refused.duplicate, 2) is(text('x{job=\"a\"}', 1000), '__name__:x,job:a=1') "
        "n, refused = w.record(one, 1000) is(n, 2) is(refused, nil)");
}

static void a_failing_query_leaves_the_series_as_they_are(void **state)
{
    run_lua(*state, WORLD
            "local r = assert(w.recorder('up * on () group_left () z', 'x', {})) "
            "w.append{{labels={__name__='z'}, t=1000, value=1}} is(w.record(r, 1000), 2) "
            "w.append{{labels={__name__='z', i='2'}, t=1015, value=1}} "
            "local n, why = w.record(r, 1015) assert(n == nil and why, 'many on the one side') "
            "is(#w.query('x', 1015), 2) "
            "w.append{{labels={__name__='z', i='2'}, t=1030, value='stale'}, "
            "{labels={__name__='z'}, t=1030, value='stale'}} "
            "is(w.record(r, 1030), 0) is(text('x', 1030), '')");
}

static void series_are_written_through_handles(void **state)
{
    run_lua(
        *state, WORLD
        "local a, b = assert(w.series{__name__='s', i='1'}), assert(w.series{__name__='s', i='2'}) "
        "is(w.write(1000, {a, 1, b, 2}), 2) is(text('s', 1000), '__name__:s,i:1=1 "
        "__name__:s,i:2=2') "
        "is(w.write(1015, {a, 'stale', b, 3}), 2) is(text('s', 1015), '__name__:s,i:2=3') "
        "is(w.write(1030, {}), 0) "
        "assert(not pcall(w.write, 1030, {a, 'x'})) assert(not pcall(w.write, 1030, {1, a})) "
        "assert(not pcall(w.write, 1030, {a, {}})) "
        "local no, why = w.series{['']='x'} assert(no == nil and why)");
}

static mw_tsdb *store_with_a_histogram(mw_host *h)
{
    static mw_hspan span = {0, 1};
    static double count = 3;
    mw_nhist hist = {.count = count, .sum = 7, .pos = {&span, &count, 1, 1}};
    uint64_t ref = 0;
    mw_label l = {MW_STR(MW_METRIC_NAME), MW_STR("h")};
    mw_labels *ls = mw_labels_new(&l, 1, NULL);
    mw_tsdb *db = mw_tsdb_open(&(mw_tsdb_options){0}, NULL);
    mw_appender *a = mw_appender_new(db);
    assert_int_equal(mw_appender_add_histogram(a, ls, &ref, 1000, &hist), MW_OK);
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
    mw_free(ls);
    *h = (mw_host){.tsdb = db, .source = mw_tsdb_source(db), .promql = mw_promql_new(NULL)};
    return db;
}

static void native_histograms_are_recorded_as_such(void **state)
{
    mw_host h;
    mw_tsdb *db = store_with_a_histogram(&h);
    mw_recorded out;
    mw_recorder *r = mw_recorder_new(MW_STR("h"), MW_STR("copy"), NULL, 0, 0, NULL);
    (void)state;
    mw_promql_query q = {.start = 1500, .end = 1500, .histograms = true};
    mw_promql_result *res;
    assert_int_equal(
        mw_promql_eval_prepared(h.promql, h.source, mw_recorder_query(r), &q, &res, NULL), MW_OK);
    assert_int_equal(mw_recorder_write(r, &h, res, 1500, &out, NULL), MW_OK);
    mw_promql_result_free(res);
    assert_int_equal(out.written, 1);
    q.expr = MW_STR("copy");
    assert_int_equal(mw_promql_eval(h.promql, h.source, &q, &res, NULL), MW_OK);
    assert_int_equal(res->n, 1);
    assert_int_equal(res->rows[0].n, 0);
    assert_int_equal(res->rows[0].n_h, 1);
    assert_true(res->rows[0].h[0]->count == 3 && res->rows[0].h[0]->sum == 7);
    mw_promql_result_free(res);
    size_t markers;
    assert_int_equal(mw_recorder_end(r, &h, 2000, &markers, NULL), MW_OK);
    q.start = q.end = 2000;
    assert_int_equal(mw_promql_eval(h.promql, h.source, &q, &res, NULL), MW_OK);
    assert_int_equal(res->n, 0);
    mw_promql_result_free(res);
    mw_recorder_free(r);
    mw_promql_free(h.promql);
    mw_tsdb_close(db);
}

static void quiet_queries_are_passed_over_up_to_the_first_that_is_not(void **state)
{
    run_lua(
        *state, WORLD
        "local function p(...) return assert(w.prepare(...)) end "
        "local list = {p'up > 1', p('up', 1), p('up', nil, 0), p'none', p'up * on () up', p'up > "
        "1', "
        "p'up == 1', false, p'none', p('up', 0), p('up', nil, 1), p'\"text\"', io.stdout, p'none'} "
        "local function quiet(from, to) return w.quiet(list, from, to, 1000) end "
        "is(quiet(1, 4), 5) is(quiet(1, 3), 4) is(quiet(2, 14), 5) is(quiet(6, 14), 7) "
        "is(quiet(8, 14), 8) is(quiet(9, 14), 10) is(quiet(11, 14), 11) is(quiet(12, 14), 12) "
        "is(quiet(13, 14), 13) is(quiet(14, 14), 15) is(quiet(14, 20), 15) is(quiet(4, 3), 4) "
        "local t, seconds = w.asked(list[1]) is(t, 1000) assert(seconds > 0) "
        "is(w.asked(list[7]), nil) "
        "is(w.quiet(list, 1, 4, 1000, 0), 2) is(w.quiet(list, 1, 4, 1000, host.monotonic() + 60), "
        "5) "
        "local observe = assert(w.instrument('observe', 'seconds', {})) "
        "is(w.quiet(list, 1, 4, 1000, nil, observe), 5) "
        "is(w.quiet(list, 1, 4, 1000, nil, print), 5) "
        "assert(not pcall(w.quiet, nil, 1, 4, 1000)) assert(not pcall(w.asked, list))");
}

static void an_instrument_records_without_a_look_up(void **state)
{
    run_lua(
        *state,
        "local w = host.world() local add = assert(w.instrument('add', 'n_total', {a='b'}, 'h')) "
        "add(2) add(1) local set = assert(w.instrument('set', 'g', {})) set(4) set(3) "
        "assert(w.instruments()['n_total{a=\"b\"}'] == 3 and w.instruments().g == 3) "
        "local no, why = w.instrument('set', 'n_total', {}) assert(no == nil and why) "
        "no, why = w.instrument('sing', 'n', {}) assert(no == nil and why:find('sing')) "
        "w = nil collectgarbage() collectgarbage() add(1) "
        "no, why = host.instrument('add', 'x', {}) assert(no == nil and why)");
}

static void without_a_store_rules_are_told_so(void **state)
{
    run_lua(*state,
            "local r = assert(host.recorder('up', 'x', {})) local n, why = host.record(r, 1) "
            "assert(n == nil and why == 'no store here', why) "
            "n, why = host.query(assert(host.prepare('up')), 1) "
            "assert(n == nil and why == 'no store here', why) "
            "n, why = host.write(1, {}) assert(n == nil and why == 'no store here', why)");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_prepared_query_is_asked_like_a_text),
        TEST(a_recorder_writes_what_its_expression_gives),
        TEST(what_vanishes_is_marked_stale_and_may_come_back),
        TEST(many_series_keep_their_places_while_some_come_and_go),
        TEST(a_recorder_over_its_limit_writes_nothing_and_remembers_its_series),
        TEST(a_recorder_takes_over_the_series_of_another),
        TEST(what_the_store_refuses_is_counted_by_reason),
        TEST(a_failing_query_leaves_the_series_as_they_are),
        TEST(series_are_written_through_handles),
        cmocka_unit_test(native_histograms_are_recorded_as_such),
        TEST(quiet_queries_are_passed_over_up_to_the_first_that_is_not),
        TEST(an_instrument_records_without_a_look_up),
        TEST(without_a_store_rules_are_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
