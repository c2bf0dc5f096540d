/* test_breaker.c - promises of the circuit breaker, and the same told more simply: a model that
 * remembers every call and looks through all of them.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/breaker.h"
#include "mutate.h"

static mw_breaker_state state_of(mw_breaker *b, double now)
{
    mw_breaker_view v;
    mw_breaker_look(b, now, &v);
    return v.state;
}

static void fail_times(mw_breaker *b, int n, double now)
{
    for (int i = 0; i < n; i++) {
        assert_true(mw_breaker_allow(b, now));
        mw_breaker_fail(b, now, -1);
    }
}

static void failures_in_a_row_open_it_and_a_probe_closes_it(void **unused)
{
    (void)unused;
    mw_breaker_config c = mw_breaker_defaults;
    mw_breaker *b = mw_breaker_new(&c);
    double when;
    fail_times(b, 4, 100);
    mw_breaker_ok(b, 100, -1); /* the row ends */
    fail_times(b, 4, 101);
    assert_int_equal(state_of(b, 101), MW_BREAKER_CLOSED);
    fail_times(b, 1, 102);
    assert_int_equal(state_of(b, 102), MW_BREAKER_OPEN);
    assert_false(mw_breaker_allow(b, 131.9));
    assert_false(mw_breaker_ready(b, 131.9, &when));
    assert_float_equal(when, 132, 0);
    assert_int_equal(state_of(b, 132), MW_BREAKER_HALF_OPEN); /* before anybody calls */
    assert_true(mw_breaker_allow(b, 132));
    assert_false(mw_breaker_ready(b, 132, &when));
    assert_float_equal(when, -1, 0);
    mw_breaker_ok(b, 133, -1);
    assert_int_equal(state_of(b, 133), MW_BREAKER_CLOSED);
    mw_breaker_free(b);
}

static void failures_of_long_ago_do_not_count(void **unused)
{
    (void)unused;
    mw_breaker_config c = mw_breaker_defaults;
    mw_breaker *b = mw_breaker_new(&c);
    for (int i = 0; i < 20; i++) fail_times(b, 1, 100 + 8 * i); /* four within thirty seconds */
    assert_int_equal(state_of(b, 260), MW_BREAKER_CLOSED);
    mw_breaker_free(b);
}

/* resilience4j: below minimumNumberOfCalls nothing opens it, at the threshold it opens. */
static void a_share_of_failures_opens_it_once_there_are_enough_calls(void **unused)
{
    (void)unused;
    mw_breaker_config c = mw_breaker_defaults;
    c.failures = 0, c.rate = 0.5, c.calls = 10, c.min_calls = 6;
    mw_breaker *b = mw_breaker_new(&c);
    fail_times(b, 3, 100);
    mw_breaker_ok(b, 100, -1);
    mw_breaker_ok(b, 100, -1);
    assert_int_equal(state_of(b, 100), MW_BREAKER_CLOSED); /* three of five, which are too few */
    mw_breaker_ok(b, 100, -1);
    assert_int_equal(state_of(b, 100), MW_BREAKER_OPEN);
    mw_breaker_free(b);
}

static void slow_calls_open_it_and_a_slow_probe_does_not_close_it(void **unused)
{
    (void)unused;
    mw_breaker_config c = mw_breaker_defaults;
    c.slow_after = 2, c.slow_rate = 0.8, c.min_calls = 5;
    mw_breaker *b = mw_breaker_new(&c);
    mw_breaker_ok(b, 100, 1.9);
    for (int i = 0; i < 3; i++) mw_breaker_ok(b, 101, 2);
    assert_int_equal(state_of(b, 101), MW_BREAKER_CLOSED);
    mw_breaker_ok(b, 101, 5);
    assert_int_equal(state_of(b, 101), MW_BREAKER_OPEN);
    assert_true(mw_breaker_allow(b, 131));
    mw_breaker_ok(b, 134, 3);
    assert_int_equal(state_of(b, 134), MW_BREAKER_OPEN);
    mw_breaker_free(b);
}

static void each_opening_in_one_go_is_longer_up_to_a_bound(void **unused)
{
    (void)unused;
    mw_breaker_config c = mw_breaker_defaults;
    c.failures = 1, c.open = 10, c.grow = 2, c.open_max = 35;
    mw_breaker *b = mw_breaker_new(&c);
    mw_breaker_view v;
    double now = 1000;
    for (int i = 0; i < 4; i++) {
        const double lengths[] = {10, 20, 35, 35};
        fail_times(b, 1, now);
        mw_breaker_look(b, now, &v);
        assert_float_equal(v.until - now, lengths[i], 1e-9);
        assert_int_equal(v.level, i + 1);
        now = v.until;
    }
    assert_true(mw_breaker_allow(b, now));
    mw_breaker_ok(b, now, -1);
    fail_times(b, 1, now + 29); /* within the window of 30 s: it never was well */
    mw_breaker_look(b, now + 29, &v);
    assert_float_equal(v.until - now - 29, 35, 1e-9);
    now = v.until;
    assert_true(mw_breaker_allow(b, now));
    mw_breaker_ok(b, now, -1);
    mw_breaker_look(b, now + 30, &v);
    assert_int_equal(v.level, 0);
    fail_times(b, 1, now + 30);
    mw_breaker_look(b, now + 30, &v);
    assert_float_equal(v.until - now - 30, 10, 1e-9);
    mw_breaker_free(b);
}

static void it_can_be_forced_and_goes_on_underneath(void **unused)
{
    (void)unused;
    mw_breaker_config c = mw_breaker_defaults;
    mw_breaker *b = mw_breaker_new(&c);
    double when;
    mw_breaker_set_force(b, MW_BREAKER_FORCED_OPEN);
    assert_false(mw_breaker_allow(b, 100));
    assert_false(mw_breaker_ready(b, 100, &when));
    assert_float_equal(when, -1, 0);
    mw_breaker_set_force(b, MW_BREAKER_FORCED_CLOSED);
    fail_times(b, 7, 101);
    assert_int_equal(state_of(b, 101), MW_BREAKER_OPEN);
    assert_true(mw_breaker_allow(b, 102));
    mw_breaker_set_force(b, MW_BREAKER_FREE);
    assert_false(mw_breaker_allow(b, 102));
    mw_breaker_view v;
    mw_breaker_look(b, 102, &v);
    assert_int_equal(v.refused, 2);
    assert_int_equal(v.turned[MW_BREAKER_OPEN], 1);
    assert_int_equal(v.cause, MW_BREAKER_BY_FAILURES);
    mw_breaker_free(b);
}

static void another_life_goes_on_where_this_one_was(void **unused)
{
    (void)unused;
    mw_breaker_config c = mw_breaker_defaults;
    c.failures = 3, c.grow = 2;
    mw_breaker *a = mw_breaker_new(&c), *b = mw_breaker_new(&c);
    mw_breaker_saved saved;
    mw_breaker_view v;
    fail_times(a, 3, 100);
    mw_breaker_save(a, &saved);
    mw_breaker_restore(b, &saved);
    mw_breaker_look(b, 101, &v);
    assert_int_equal(v.cause, MW_BREAKER_BY_FAILURES);
    assert_false(mw_breaker_allow(b, 129));
    assert_true(mw_breaker_allow(b, 130));
    mw_breaker_save(b, &saved);
    mw_breaker_restore(a, &saved); /* the probe that is out will not come back here */
    assert_true(mw_breaker_allow(a, 131));
    mw_breaker_ok(a, 131, -1);
    for (int i = 0; i < 7; i++) {
        fail_times(a, 2, 200 + i * 40);
        mw_breaker_save(a, &saved);
        mw_breaker_restore(b, &saved);
        fail_times(b, 1, 201 + i * 40);
        assert_int_equal(state_of(b, 201 + i * 40), MW_BREAKER_OPEN);
    }
    mw_breaker_free(a);
    mw_breaker_free(b);
}

static void a_life_that_bore_more_failures_can_be_taken_up(void **unused)
{
    (void)unused;
    const double failed[] = {90, 91, 92, 93, 94, 95};
    mw_breaker_config c = mw_breaker_defaults;
    c.failures = 2;
    mw_breaker *b = mw_breaker_new(&c);
    mw_breaker_view v;
    mw_breaker_restore(b, &(mw_breaker_saved){.n_failed = 6, .failed = failed});
    mw_breaker_look(b, 100, &v);
    assert_int_equal(v.state, MW_BREAKER_CLOSED);
    assert_int_equal(v.in_row, 2);
    fail_times(b, 1, 100);
    assert_int_equal(state_of(b, 100), MW_BREAKER_OPEN);
    c.failures = 0, c.rate = 0.5;
    mw_breaker *rates = mw_breaker_new(&c);
    mw_breaker_restore(rates, &(mw_breaker_saved){.n_failed = 6, .failed = failed});
    mw_breaker_look(rates, 100, &v);
    assert_int_equal(v.in_row, 0);
    mw_breaker_free(b);
    mw_breaker_free(rates);
}

static void what_makes_no_sense_is_refused(void **unused)
{
    (void)unused;
    const mw_breaker_config d = mw_breaker_defaults;
    assert_null(mw_breaker_wrong(&d));
    mw_breaker_config bad[12];
    for (int i = 0; i < 12; i++) bad[i] = d;
    bad[0].failures = 0;
    bad[1].window = 0;
    bad[2].rate = 1.1;
    bad[3].slow_rate = NAN;
    bad[4].open = -1;
    bad[5].grow = 0.5;
    bad[6].probes = 0;
    bad[7].min_calls = 0;
    bad[8].calls = 5, bad[8].min_calls = 6;
    bad[9].failures = MW_BREAKER_MOST + 1;
    bad[10].open_max = INFINITY;
    bad[11].slow_after = 0;
    for (int i = 0; i < 12; i++)
        if (!mw_breaker_wrong(&bad[i])) fail_msg("case %d is taken", i);
}

/* -- the model ------------------------------------------------------------------------------- */

enum { LONG = 4000 };

typedef struct event {
    double t;
    bool failed, slow;
} event;

typedef struct model {
    mw_breaker_config is;
    mw_breaker_state state;
    double opened_at, closed_at, opens_for;
    uint32_t out, passed, level;
    event past[LONG]; /* since it closed */
    uint32_t n;
} model;

static void model_trip(model *m, double now)
{
    bool again = m->state == MW_BREAKER_HALF_OPEN || now < m->closed_at + m->is.window;
    m->level = again ? m->level + 1 : 1;
    m->opens_for = m->is.open;
    for (uint32_t i = 1; i < m->level; i++) m->opens_for = fmin(m->opens_for * m->is.grow, 1e300);
    m->opens_for = fmin(m->opens_for, fmax(m->is.open, m->is.open_max));
    m->state = MW_BREAKER_OPEN;
    m->opened_at = now;
    m->n = 0;
}

typedef struct counts {
    uint32_t row, calls, failed, slow;
} counts;

static counts model_counts(const model *m, double now)
{
    counts c = {0};
    for (uint32_t i = m->n; i-- && m->past[i].failed;) c.row += m->past[i].t > now - m->is.window;
    for (uint32_t i = m->n; i--;) {
        const event *e = &m->past[i];
        double age = floor(now * 10 / m->is.window) - floor(e->t * 10 / m->is.window);
        if (m->is.calls ? c.calls == m->is.calls : age >= 10) continue;
        c.calls++;
        c.failed += e->failed;
        c.slow += e->slow;
    }
    return c;
}

static bool model_is_full(const model *m, double now)
{
    counts c = model_counts(m, now);
    if (m->is.failures && c.row >= m->is.failures) return true;
    if (c.calls < m->is.min_calls) return false;
    return (m->is.rate > 0 && c.failed >= m->is.rate * c.calls) ||
           (m->is.slow_rate > 0 && c.slow >= m->is.slow_rate * c.calls);
}

static bool model_allow(model *m, double now)
{
    if (m->state == MW_BREAKER_OPEN && now >= m->opened_at + m->opens_for) {
        m->state = MW_BREAKER_HALF_OPEN;
        m->out = m->passed = 0;
    }
    if (m->state == MW_BREAKER_HALF_OPEN && m->out + m->passed < m->is.probes) return ++m->out;
    return m->state == MW_BREAKER_CLOSED;
}

static void model_end(model *m, bool failed, double now, double seconds)
{
    bool slow = m->is.slow_rate > 0 && seconds >= m->is.slow_after;
    if (m->state == MW_BREAKER_CLOSED) {
        if (m->n == LONG) memmove(m->past, m->past + LONG / 2, sizeof m->past / 2), m->n = LONG / 2;
        m->past[m->n++] = (event){now, failed, slow};
        if (model_is_full(m, now)) model_trip(m, now);
    } else if (m->state == MW_BREAKER_HALF_OPEN && m->out) {
        m->out--;
        if (failed || slow)
            model_trip(m, now);
        else if (++m->passed == m->is.probes)
            m->state = MW_BREAKER_CLOSED, m->closed_at = now, m->n = 0;
    }
}

static mw_breaker_config some_config(mutator *r)
{
    mw_breaker_config c = mw_breaker_defaults;
    c.failures = mutator_next(r) % 6;
    c.window = 1 + mutator_next(r) % 40;
    c.rate = mutator_next(r) % 3 ? (1 + mutator_next(r) % 10) / 10.0 : 0;
    c.slow_rate = mutator_next(r) % 3 ? 0 : (1 + mutator_next(r) % 10) / 10.0;
    c.slow_after = 1;
    c.calls = mutator_next(r) % 2 ? 1 + mutator_next(r) % 30 : 0;
    c.min_calls = 1 + mutator_next(r) % (c.calls ? c.calls : 20);
    c.open = 1 + mutator_next(r) % 20;
    c.grow = 1 + mutator_next(r) % 3 * 0.5;
    c.open_max = 1 + mutator_next(r) % 60;
    c.probes = 1 + mutator_next(r) % 3;
    if (!c.failures && c.rate <= 0 && c.slow_rate <= 0) c.failures = 3;
    return c;
}

static void step(mw_breaker *b, model *m, mutator *r, double now, int trouble)
{
    mw_breaker_saved saved;
    double seconds = mutator_next(r) % 4 ? 0.1 : 1.5;
    bool failed = (int)(mutator_next(r) % 100) < trouble;
    switch (mutator_next(r) % 8) {
    case 0: /* somebody else's life, unless a probe is out or calls are behind rates */
        if (m->out || m->is.rate > 0 || m->is.slow_rate > 0) return;
        mw_breaker_save(b, &saved);
        mw_breaker_restore(b, &saved);
        m->passed = m->state == MW_BREAKER_HALF_OPEN ? 0 : m->passed;
        return;
    case 1:
        mw_breaker_cancel(b);
        if (m->state == MW_BREAKER_HALF_OPEN && m->out) m->out--;
        return;
    case 2:
    case 3:
    case 4: assert_int_equal(mw_breaker_allow(b, now), model_allow(m, now)); return;
    default:
        (failed ? mw_breaker_fail : mw_breaker_ok)(b, now, seconds);
        model_end(m, failed, now, seconds);
    }
}

static bool is_as(mw_breaker *b, const model *m, double now)
{
    mw_breaker_view v;
    mw_breaker_look(b, now, &v);
    bool over = m->state == MW_BREAKER_OPEN && now >= m->opened_at + m->opens_for;
    if (v.state != (over ? MW_BREAKER_HALF_OPEN : m->state)) return false;
    counts c = model_counts(m, now);
    return v.in_row == (m->is.failures ? c.row : 0) && v.calls == c.calls && v.failed == c.failed &&
           v.slow == c.slow;
}

static void it_does_what_the_model_does(void **unused)
{
    (void)unused;
    static model m;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        mutator r = {seed};
        m = (model){.is = some_config(&r)};
        assert_null(mw_breaker_wrong(&m.is));
        mw_breaker *b = mw_breaker_new(&m.is);
        double now = 1e6;
        int trouble = 10;
        for (int i = 0; i < 2000; i++) {
            if (mutator_next(&r) % 100 == 0) trouble = (int)(mutator_next(&r) % 101);
            if (mutator_next(&r) % 3 == 0) now += (mutator_next(&r) % 13) * 0.5;
            step(b, &m, &r, now, trouble);
            if (!is_as(b, &m, now)) fail_msg("seed %u, step %d", seed, i);
        }
        mw_breaker_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_open_it_and_a_probe_closes_it),
        cmocka_unit_test(failures_of_long_ago_do_not_count),
        cmocka_unit_test(a_share_of_failures_opens_it_once_there_are_enough_calls),
        cmocka_unit_test(slow_calls_open_it_and_a_slow_probe_does_not_close_it),
        cmocka_unit_test(each_opening_in_one_go_is_longer_up_to_a_bound),
        cmocka_unit_test(it_can_be_forced_and_goes_on_underneath),
        cmocka_unit_test(another_life_goes_on_where_this_one_was),
        cmocka_unit_test(a_life_that_bore_more_failures_can_be_taken_up),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(it_does_what_the_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
