/* test_postings.c - sets of ids, added in any order and sorted now and then.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "tsdb/postings.h"

enum { IDS = 5000 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void assert_holds(mw_postings *p, const bool *in)
{
    const uint32_t *v = mw_postings_ids(p);
    size_t at = 0;
    for (uint32_t id = 0; id < IDS; id++) {
        if (!in[id]) continue;
        assert_true(at < p->n);
        assert_int_equal(v[at++], id);
    }
    assert_int_equal(at, p->n);
}

static void ids_are_in_order_after_each_sort_however_many_were_added(void **state)
{
    static bool in[IDS];
    (void)state;
    for (uint64_t seed = 1; seed < 40; seed++) {
        uint64_t s = seed * 7919;
        mw_postings p = {0};
        memset(in, 0, sizeof in);
        size_t burst = (size_t)1 << seed % 12;
        for (int i = 0; i < 3000; i++) {
            uint32_t id = (uint32_t)(next_random(&s) % IDS);
            if (in[id]) continue;
            in[id] = true;
            mw_postings_add(&p, id);
            if (next_random(&s) % burst) continue;
            mw_postings_sort(&p);
            if (i % 16 == 0) assert_holds(&p, in);
        }
        mw_postings_sort(&p);
        assert_holds(&p, in);
        assert_int_equal(p.unsorted, 0);
        mw_postings_deinit(&p);
    }
}

static bool holds(const mw_ids *s, uint32_t id)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i] == id) return true;
    return false;
}

static void ids_of_a_set_are_found_in_a_list(void **state)
{
    uint64_t s = 4711;
    (void)state;
    for (int round = 0; round < 300; round++) {
        mw_ids a = {0}, b = {0};
        bool found[200] = {0};
        for (uint32_t id = 0; id < 1000 && a.n < 200; id++) {
            if (next_random(&s) % 5 == 0) mw_ids_append(&a, &id, 1);
            if (next_random(&s) % (1 + (unsigned)round % 9) == 0) mw_ids_append(&b, &id, 1);
        }
        found[0] = true; /* what is known already stays */
        mw_ids_find(&a, b.v, b.n, found);
        for (size_t i = 1; i < a.n; i++) assert_int_equal(found[i], holds(&b, a.v[i]));
        assert_true(found[0]);
        mw_ids_deinit(&a);
        mw_ids_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_in_order_after_each_sort_however_many_were_added),
        cmocka_unit_test(ids_of_a_set_are_found_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
