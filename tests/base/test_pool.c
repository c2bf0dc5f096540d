/* test_pool.c - promises of the pool of threads.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"

enum { MANY = 200 };

struct gate {
    atomic_int inside, passed;
    atomic_bool open;
};

static void wait_at_gate(void *arg)
{
    struct gate *g = arg;
    atomic_fetch_add(&g->inside, 1);
    while (!atomic_load(&g->open)) usleep(500);
    atomic_fetch_add(&g->passed, 1);
}

static void pass(void *arg) { atomic_fetch_add(&((struct gate *)arg)->passed, 1); }

/* Whether *V is N within five seconds. */
static bool becomes(atomic_int *v, int n)
{
    for (int i = 0; i < 5000 && atomic_load(v) != n; i++) usleep(1000);
    return atomic_load(v) == n;
}

static void add_times(mw_pool *p, mw_job *job, struct gate *g, int n)
{
    for (int i = 0; i < n; i++) assert_int_equal(mw_pool_add(p, job, g), MW_OK);
}

static void a_pool_has_as_many_threads_as_it_was_given(void **unused)
{
    (void)unused;
    struct gate g = {0};
    mw_pool *p = mw_pool_new("test", 3, 10);
    add_times(p, wait_at_gate, &g, 8);
    assert_true(becomes(&g.inside, 3));
    assert_int_equal(mw_pool_threads(p), 3);
    assert_int_equal(mw_pool_waiting(p), 5);
    add_times(p, pass, &g, 5);
    assert_int_equal(mw_pool_add(p, pass, &g), MW_EBUSY);
    atomic_store(&g.open, true);
    mw_pool_free(p); /* runs what is queued */
    assert_int_equal(atomic_load(&g.passed), 13);
}

static void an_elastic_pool_grows_so_that_those_who_wait_hold_up_nobody(void **unused)
{
    (void)unused;
    struct gate hanging = {0}, quick = {0};
    mw_pool *p = mw_pool_elastic("test", 2, MANY + 20, 1000, 10000);
    assert_int_equal(mw_pool_threads(p), 2);
    add_times(p, wait_at_gate, &hanging, MANY);
    assert_true(becomes(&hanging.inside, MANY));
    add_times(p, pass, &quick, 500);
    assert_true(becomes(&quick.passed, 500));
    assert_true(mw_pool_threads(p) <= MANY + 20);
    atomic_store(&hanging.open, true);
    mw_pool_free(p);
    assert_int_equal(atomic_load(&hanging.passed), MANY);
}

static void an_elastic_pool_has_its_limit(void **unused)
{
    (void)unused;
    struct gate g = {0};
    mw_pool *p = mw_pool_elastic("test", 1, 4, 10, 10000);
    add_times(p, wait_at_gate, &g, 8);
    assert_true(becomes(&g.inside, 4));
    usleep(20000);
    assert_int_equal(atomic_load(&g.inside), 4);
    assert_int_equal(mw_pool_threads(p), 4);
    atomic_store(&g.open, true);
    mw_pool_free(p);
    assert_int_equal(atomic_load(&g.passed), 8);
}

static bool shrinks_to(mw_pool *p, size_t n, struct gate *work)
{
    for (int i = 0; i < 3000 && mw_pool_threads(p) > n; i++) {
        if (work) assert_int_equal(mw_pool_add(p, pass, work), MW_OK);
        usleep(1000);
    }
    return mw_pool_threads(p) <= n;
}

static void an_elastic_pool_shrinks_when_nothing_comes(void **unused)
{
    (void)unused;
    struct gate g = {0};
    mw_pool *p = mw_pool_elastic("test", 2, 100, 1000, 30);
    add_times(p, wait_at_gate, &g, 60);
    assert_true(becomes(&g.inside, 60));
    atomic_store(&g.open, true);
    assert_true(shrinks_to(p, 2, NULL));
    add_times(p, pass, &g, 100); /* and it still works */
    assert_true(becomes(&g.passed, 160));
    mw_pool_free(p);
}

static void and_when_there_is_some_work_all_the_time(void **unused)
{
    (void)unused;
    struct gate g = {0}, work = {0};
    mw_pool *p = mw_pool_elastic("test", 2, 100, 1000, 30);
    add_times(p, wait_at_gate, &g, 60);
    assert_true(becomes(&g.inside, 60));
    atomic_store(&g.open, true);
    assert_true(shrinks_to(p, 10, &work));
    mw_pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_has_as_many_threads_as_it_was_given),
        cmocka_unit_test(an_elastic_pool_grows_so_that_those_who_wait_hold_up_nobody),
        cmocka_unit_test(an_elastic_pool_has_its_limit),
        cmocka_unit_test(an_elastic_pool_shrinks_when_nothing_comes),
        cmocka_unit_test(and_when_there_is_some_work_all_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
