/* test_agenda.c - promises of the order in which targets are scraped.  SPDX-License-Identifier: MIT
 */
#include "test.h"

#include "mutate.h"
#include "net/agenda.h"

enum { MOST = 300 };

static void whoever_is_first_is_never_later_than_any_other(void **state)
{
    static mw_target all[MOST];
    mw_target *list[MOST];
    mutator m = {5};
    for (size_t n = 0; n < MOST; n += 1 + n / 7) {
        mw_targets set = {.target = list, .n = n};
        mw_agenda a = {0};
        for (size_t i = 0; i < n; i++) {
            all[i].next_ms = (int64_t)mutator_below(&m, 50);
            list[i] = &all[i];
        }
        mw_agenda_fill(&a, &set);
        mw_agenda_fill(&a, &set);
        for (int step = 0; step < 1000 && n; step++) {
            mw_target *first = mw_agenda_first(&a);
            for (size_t i = 0; i < n; i++) assert_true(first->next_ms <= all[i].next_ms);
            first->next_ms += (int64_t)mutator_below(&m, 40);
            mw_agenda_settle(&a);
        }
        assert_true(n || !mw_agenda_first(&a));
        mw_agenda_deinit(&a);
    }
}

static void nobody_is_left_out(void **state)
{
    static mw_target all[MOST];
    mw_target *list[MOST];
    mw_targets set = {.target = list, .n = MOST};
    mw_agenda a = {0};
    for (size_t i = 0; i < MOST; i++) {
        all[i].next_ms = (int64_t)(i * 7919 % 1009);
        list[i] = &all[i];
    }
    mw_agenda_fill(&a, &set);
    for (int i = 0; i < MOST; i++) {
        mw_target *first = mw_agenda_first(&a);
        assert_false(first->busy);
        first->busy = true;
        first->next_ms += 10000;
        mw_agenda_settle(&a);
    }
    for (int i = 0; i < MOST; i++) assert_true(all[i].busy);
    mw_agenda_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_first_is_never_later_than_any_other),
        cmocka_unit_test(nobody_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
