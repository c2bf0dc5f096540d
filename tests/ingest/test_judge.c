/* test_judge.c - promises of series that somebody judges before they are stored.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "fakes.h"

struct world {
    mw_tsdb db;
    mw_ingest in;
    mw_promtext *p;
    mw_ingest_result result;
    mw_err err;
    bool undecided; /* the judge wants to wait for series called later_... */
    int asked;
    mw_labels *as;
};

/* By the name: drop_..., rename_... and later_... */
static mw_fate judge(void *arg, const mw_labels *ls, const mw_labels **as)
{
    struct world *w = arg;
    mw_str name = mw_labels_find(ls, MW_METRIC_NAME);
    w->asked++;
    if (mw_str_starts(name, "drop_")) return MW_FATE_DROP;
    if (mw_str_starts(name, "later_")) return w->undecided ? MW_FATE_WAIT : MW_FATE_KEEP;
    if (!mw_str_starts(name, "rename_")) return MW_FATE_KEEP;
    mw_label l[2] = {{MW_STR(MW_METRIC_NAME), {name.p + 7, name.n - 7}},
                     {MW_STR("long"), MW_STR("\n\"xyz\"")}};
    mw_free(w->as);
    w->as = mw_labels_new(l, 2, NULL);
    *as = w->as;
    return MW_FATE_AS;
}

static mw_fate judge_drops_all(void *arg, const mw_labels *ls, const mw_labels **as)
{
    return MW_FATE_DROP;
}

static void open_world(struct world *w)
{
    mw_label job = {MW_STR("job"), MW_STR("j")};
    mw_labels *ls = mw_labels_new(&job, 1, NULL);
    *w = (struct world){.in.tsdb = &w->db};
    w->p = mw_promtext_new(&w->in, ls, false);
    mw_promtext_judge(w->p, judge, w, 1);
    mw_free(ls);
}

static void close_world(struct world *w)
{
    mw_promtext_free(w->p);
    mw_free(w->as);
    fake_free(&w->db);
}

static int page(struct world *w, const char *text, int64_t t, size_t limit)
{
    fake_clear(&w->db);
    mw_err_init(&w->err);
    return mw_promtext_page(w->p, mw_str_of(text), t, limit, &w->result, &w->err);
}

static void a_series_is_judged_once_and_stored_as_was_said(void **state)
{
    struct world w;
    static const char text[] = "a 1\ndrop_b 2\nrename_c{x=\"y\"} 3\n";
    open_world(&w);
    assert_int_equal(page(&w, text, 10, 0), MW_OK);
    assert_string_equal(fake_text(&w.db), "a{job=\"j\"} @10 1\nc{long=\"\\n\\\"xyz\\\"\"} @10 3\n");
    assert_int_equal(w.result.accepted, 2);
    assert_int_equal(mw_promtext_dropped(w.p), 1);
    assert_int_equal(mw_promtext_series_added(w.p), 2);
    assert_int_equal(page(&w, text, 20, 0), MW_OK);
    assert_string_equal(fake_text(&w.db), "a{job=\"j\"} @20 1\nc{long=\"\\n\\\"xyz\\\"\"} @20 3\n");
    assert_int_equal(w.asked, 3);
    assert_int_equal(mw_promtext_dropped(w.p), 1);
    close_world(&w);
}

static void series_end_under_the_name_they_were_stored_by(void **state)
{
    struct world w;
    open_world(&w);
    page(&w, "rename_c 3\ndrop_b 1\na 1\n", 10, 0);
    page(&w, "a 1\n", 20, 0);
    assert_string_equal(fake_text(&w.db),
                        "a{job=\"j\"} @20 1\nc{long=\"\\n\\\"xyz\\\"\"} @20 stale\n");
    page(&w, "a 1\nrename_d 1\n", 30, 0);
    fake_clear(&w.db);
    mw_promtext_stale(w.p, 40);
    assert_string_equal(fake_text(&w.db),
                        "a{job=\"j\"} @40 stale\nd{long=\"\\n\\\"xyz\\\"\"} @40 stale\n");
    close_world(&w);
}

static void a_page_waits_whole_until_all_its_series_are_judged(void **state)
{
    struct world w;
    open_world(&w);
    w.undecided = true;
    assert_int_equal(page(&w, "a 1\nlater_b 2\nlater_c 3\nrename_d 4\n", 10, 0), MW_EBUSY);
    assert_int_equal(w.asked, 4); /* each of them, to ask about all at once */
    assert_int_equal(w.db.adds, 0);
    w.undecided = false;
    assert_int_equal(page(&w, "a 1\nlater_b 2\nlater_c 3\n", 10, 0), MW_OK);
    assert_string_equal(fake_text(&w.db),
                        "a{job=\"j\"} @10 1\nlater_b{job=\"j\"} @10 2\nlater_c{job=\"j\"} @10 3\n");
    close_world(&w);
}

static void limits_hold_for_what_is_left(void **state)
{
    struct world w;
    open_world(&w);
    assert_int_equal(page(&w, "a 1\ndrop_b 2\ndrop_c 3\n", 10, 1), MW_OK);
    assert_int_equal(page(&w, "a 1\ndrop_b 2\nd 3\n", 20, 1), MW_ELIMIT);
    mw_promtext_label_limits(w.p, 2, 3);
    assert_int_equal(page(&w, "a 1\ndrop_b{one=\"1\",two=\"2222\"} 2\n", 30, 0), MW_OK);
    assert_int_equal(page(&w, "a 1\nrename_d 2\n", 40, 0), MW_ELIMIT);
    assert_non_null(strstr(w.err.msg, "label_value_limit is 3"));
    close_world(&w);
}

static void another_rule_judges_all_again(void **state)
{
    struct world w;
    open_world(&w);
    page(&w, "a 1\nrename_c 3\n", 10, 0);
    mw_promtext_judge(w.p, judge_drops_all, NULL, 2);
    assert_int_equal(page(&w, "x{ 1\n", 15, 0), MW_EPARSE); /* changes nothing */
    assert_int_equal(page(&w, "a 1\nrename_c 3\n", 20, 0), MW_OK);
    assert_string_equal(fake_text(&w.db),
                        "a{job=\"j\"} @20 stale\nc{long=\"\\n\\\"xyz\\\"\"} @20 stale\n");
    mw_promtext_judge(w.p, NULL, NULL, 3);
    assert_int_equal(page(&w, "a 1\n", 30, 0), MW_OK);
    assert_string_equal(fake_text(&w.db), "a{job=\"j\"} @30 1\n");
    mw_promtext_judge(w.p, judge, &w, 4);
    assert_int_equal(page(&w, "a 1\n", 40, 0), MW_OK); /* as before: nothing ends */
    assert_string_equal(fake_text(&w.db), "a{job=\"j\"} @40 1\n");
    close_world(&w);
}

static void exemplars_of_dropped_series_are_left_out(void **state)
{
    struct world w;
    open_world(&w);
    mw_promtext_kind(w.p, MW_PAGE_OPENMETRICS);
    assert_int_equal(
        page(&w, "a_total 1 # {t=\"x\"} 1\ndrop_total 1 # {t=\"y\"} 1\n# EOF\n", 10, 0), MW_OK);
    assert_int_equal(w.result.exemplars, 1);
    assert_int_equal(w.result.exemplars_rejected, 0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_is_judged_once_and_stored_as_was_said),
        cmocka_unit_test(series_end_under_the_name_they_were_stored_by),
        cmocka_unit_test(a_page_waits_whole_until_all_its_series_are_judged),
        cmocka_unit_test(limits_hold_for_what_is_left),
        cmocka_unit_test(another_rule_judges_all_again),
        cmocka_unit_test(exemplars_of_dropped_series_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
