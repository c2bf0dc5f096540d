/* test_promtext.c - promises of the text exposition parser.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "fakes.h"
#include "mutate.h"

struct world {
    mw_tsdb db;
    mw_ingest in;
    mw_promtext *p;
    mw_ingest_result result;
    mw_err err;
};

static void open_world(struct world *w, const mw_label *extra, size_t n, bool honor)
{
    memset(w, 0, sizeof *w);
    w->in.tsdb = &w->db;
    mw_labels *ls = mw_labels_new(extra, n, NULL);
    w->p = mw_promtext_new(&w->in, ls, honor);
    mw_free(ls);
}

static void close_world(struct world *w)
{
    mw_promtext_free(w->p);
    fake_free(&w->db);
}

/* From memory of exactly its size, so that reading on is seen. */
static int page_bytes(struct world *w, const char *text, size_t n, int64_t t, size_t limit)
{
    char *exact = malloc(n ? n : 1);
    memcpy(exact, text, n);
    mw_err_init(&w->err);
    int code = mw_promtext_page(w->p, (mw_str){exact, n}, t, limit, &w->result, &w->err);
    free(exact);
    return code;
}

static int page(struct world *w, const char *text, int64_t t)
{
    return page_bytes(w, text, strlen(text), t, 0);
}

static void every_valid_form_of_a_line_is_understood(void **state)
{
    static const struct {
        const char *page, *stored;
    } rows[] = {
        {"a 1\n", "a @5 1\n"},
        {"a 1", "a @5 1\n"},
        {"  a   1  \n", "a @5 1\n"},
        {"a\t1\r\nb 2\r\n", "a @5 1\nb @5 2\n"},
        {"a{} 1\n", "a @5 1\n"},
        {"a{b=\"c\"} 1\n", "a{b=\"c\"} @5 1\n"},
        {"a{b=\"c\"}1\n", "a{b=\"c\"} @5 1\n"},
        {"a {b=\"c\"} 1\n", "a{b=\"c\"} @5 1\n"},
        {"a{ b = \"c\" , d=\"e\" , } 1\n", "a{b=\"c\", d=\"e\"} @5 1\n"},
        {"a{z=\"1\",b=\"2\"} 1\n", "a{b=\"2\", z=\"1\"} @5 1\n"},
        {"a{b=\"\"} 1\n", "a @5 1\n"},
        {"a{b=\"x\\\\y\\\"z\\n\"} 1\n", "a{b=\"x\\\\y\\\"z\\n\"} @5 1\n"},
        {"a{b=\"\\q\"} 1\n", "a{b=\"\\\\q\"} @5 1\n"},
        {"a{b=\"}{,= #\"} 1\n", "a{b=\"}{,= #\"} @5 1\n"},
        {"a{b=\"h\xc3\xb6st\"} 1\n", "a{b=\"h\xc3\xb6st\"} @5 1\n"},
        {"ns:a_1 1 1234\n", "ns:a_1 @1234 1\n"},
        {"a 1 -1\n", "a @-1 1\n"},
        {"{\"a.b\"} 1\n", "{\"a.b\"} @5 1\n"},
        {"{\"a.b\",\"c.d\"=\"e\",f=\"g\"} 1\n", "{\"a.b\", \"c.d\"=\"e\", f=\"g\"} @5 1\n"},
        {"a NaN\nb +Inf\nc -Inf\nd 1e3\ne -0.5\nf 1.5E-3\ng 0x10\n",
         "a @5 NaN\nb @5 +Inf\nc @5 -Inf\nd @5 1000\ne @5 -0.5\nf @5 0.0015\ng @5 16\n"},
        {"a 12345678901234567890\nb 0.1234567890123456789\nc 1e30\nd 9007199254740993\n",
         "a @5 12345678901234567000\nb @5 0.12345678901234568\n"
         "c @5 1000000000000000000000000000000\nd @5 9007199254740992\n"},
        {"# HELP a text\n# TYPE a counter\n#\n# a comment\na 1\n", "a @5 1\n"},
        {"\n\n", ""},
        {"", ""},
        {"# EOF\n", ""},
        {"a_total 1 1.5\na_created 2\n# EOF\n", "a_total @1500 1\na_created @5 2\n"},
        {"a_bucket{le=\"1\"} 3 # {trace_id=\"x\"} 0.5 1.1\n# EOF\n", "a_bucket{le=\"1\"} @5 3\n"},
        {"a 1 2 # {trace_id=\"x\"} 0.5\n# EOF", "a @2000 1\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        open_world(&w, NULL, 0, false);
        if (page(&w, rows[i].page, 5) != MW_OK) fail_msg("%s: %s", rows[i].page, w.err.msg);
        assert_string_equal(fake_text(&w.db), rows[i].stored);
        fake_clear(&w.db);
        assert_int_equal(page(&w, rows[i].page, 5), MW_OK); /* from memory now */
        assert_string_equal(fake_text(&w.db), rows[i].stored);
        assert_int_equal(w.db.parsed, 0);
        close_world(&w);
    }
}

static void a_bad_line_refuses_the_page_and_names_the_line(void **state)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"a", "expected a value"},
        {"a ", "expected a value"},
        {"a x", "the value is not a number"},
        {"a 1x", "the value is not a number"},
        {"a 1_0", "the value is not a number"},
        {"a 1 x", "the time is not a number"},
        {"a 1 1.5", "the time is not a number"},
        {"a 1 2 3", "unexpected text behind the value"},
        {"a{", "labels without closing '}'"},
        {"a{b=\"c\"", "labels without closing '}'"},
        {"a{b=\"c} 1", "without its closing quote"},
        {"a{b} 1", "expected '='"},
        {"a{b=c} 1", "expected a text in quotes"},
        {"a{=\"c\"} 1", "not a label name"},
        {"a{1b=\"c\"} 1", "not a label name"},
        {"a{b=\"c\" d=\"e\"} 1", "expected ',' or '}'"},
        {"a{,} 1", "not a label name"},
        {"a{b=\"1\",b=\"2\"} 1", "given twice"},
        {"1a 1", "not a metric name"},
        {"a-b 1", "not a metric name"},
        {"{a=\"b\"} 1", "no metric name"},
        {"a{\"b\"} 1", "more than one metric name"},
        {"a{b=\"\xff\"} 1", "not UTF-8"},
        {"a{\"\"=\"x\"} 1", "an empty label name"},
        {"<html>", "not a metric name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char text[200];
        open_world(&w, NULL, 0, false);
        snprintf(text, sizeof text, "# TYPE g gauge\ngood 1\n%s\nlater 2\n", rows[i].line);
        if (page(&w, text, 5) != MW_EPARSE) fail_msg("%s was taken", rows[i].line);
        assert_int_equal(w.err.line, 3);
        assert_non_null(strstr(w.err.msg, "line 3: "));
        if (!strstr(w.err.msg, rows[i].says)) fail_msg("%s gave %s", rows[i].line, w.err.msg);
        assert_int_equal(w.db.adds, 0);
        close_world(&w);
    }
}

static void a_series_that_vanished_gets_one_stale_marker(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    page(&w, "a 1\nb 2\nc 3 77\n", 10);
    fake_clear(&w.db);
    assert_int_equal(page(&w, "a 1\n", 20), MW_OK);
    assert_string_equal(fake_text(&w.db), "a @20 1\nb @20 stale\n"); /* c had its own time */
    fake_clear(&w.db);
    page(&w, "a 1\n", 30);
    assert_string_equal(fake_text(&w.db), "a @30 1\n");
    fake_clear(&w.db);
    page(&w, "b 5\na 1\n", 40);
    assert_string_equal(fake_text(&w.db), "b @40 5\na @40 1\n");
    assert_int_equal(mw_promtext_series_added(w.p), 1);
    close_world(&w);
}

static void times_of_a_page_count_when_they_are_honoured(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, NULL, 0, false);
    mw_promtext_times(w.p, false, false);
    assert_int_equal(page(&w, "a 1 7\nb 2\n", 10), MW_OK);
    assert_string_equal(fake_text(&w.db), "a @10 1\nb @10 2\n");
    mw_buf_reset(&w.db.text);
    assert_int_equal(page(&w, "b 3 99999999999\n", 20), MW_OK);
    assert_string_equal(fake_text(&w.db), "b @20 3\na @20 stale\n");
    mw_buf_reset(&w.db.text);
    mw_promtext_times(w.p, true, false);
    assert_int_equal(page(&w, "b 4 25\n", 30), MW_OK);
    assert_string_equal(fake_text(&w.db), "b @25 4\n");
    mw_buf_reset(&w.db.text);
    assert_int_equal(page(&w, "c 5\n", 40), MW_OK);
    assert_string_equal(fake_text(&w.db), "c @40 5\n");
    mw_promtext_times(w.p, true, true);
    assert_int_equal(page(&w, "c 6 45\n", 50), MW_OK);
    mw_buf_reset(&w.db.text);
    assert_int_equal(page(&w, "", 60), MW_OK);
    assert_string_equal(fake_text(&w.db), "c @60 stale\n");
    close_world(&w);
}

static void a_series_written_in_another_order_is_not_ended(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    page(&w, "a{x=\"1\",y=\"2\"} 1\n", 10);
    fake_clear(&w.db);
    page(&w, "a{y=\"2\",x=\"1\"} 2\n", 20);
    assert_string_equal(fake_text(&w.db), "a{x=\"1\", y=\"2\"} @20 2\n");
    close_world(&w);
}

static void a_target_that_failed_is_ended_once_and_comes_back(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    page(&w, "a 1\nb 2 7\n", 10);
    fake_clear(&w.db);
    mw_promtext_stale(w.p, 20);
    assert_string_equal(fake_text(&w.db), "a @20 stale\n");
    mw_promtext_stale(w.p, 30);
    assert_string_equal(fake_text(&w.db), "a @20 stale\n");
    fake_clear(&w.db);
    page(&w, "a 3\n", 40);
    assert_string_equal(fake_text(&w.db), "a @40 3\n");
    close_world(&w);
}

static void a_bad_page_leaves_the_memory_of_the_good_one(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    page(&w, "a 1\nb 2\n", 10);
    assert_int_equal(page(&w, "c 1\nd 1\na 1\nx\n", 20), MW_EPARSE);
    fake_clear(&w.db);
    assert_int_equal(page(&w, "a 1\nb 2\n", 30), MW_OK);
    assert_string_equal(fake_text(&w.db), "a @30 1\nb @30 2\n");
    assert_int_equal(w.db.parsed, 0);
    close_world(&w);
}

static void pages_may_shuffle_grow_and_shrink(void **state)
{
    mutator m = {99};
    struct world w;
    bool was[60] = {0};
    open_world(&w, NULL, 0, false);
    for (int round = 0; round < 400; round++) {
        mw_buf text, expected;
        bool now[60] = {0};
        int order[60];
        mw_buf_init(&text);
        mw_buf_init(&expected);
        for (int i = 0; i < 60; i++) order[i] = i;
        for (int swaps = (int)mutator_below(&m, 3) * 20; swaps; swaps--) {
            size_t x = mutator_below(&m, 60), y = mutator_below(&m, 60);
            int keep = order[x];
            order[x] = order[y], order[y] = keep;
        }
        for (int k = 0; k < 60; k++) {
            int i = order[k];
            if (mutator_below(&m, 10) == 0) continue;
            now[i] = true;
            mw_buf_printf(&text, "m{i=\"%d\"} %d\n", i, round);
            mw_buf_printf(&expected, "m{i=\"%d\"} @%d %d\n", i, round, round);
        }
        fake_clear(&w.db);
        assert_int_equal(page(&w, text.p, round), MW_OK);
        assert_memory_equal(w.db.text.p, expected.p, expected.n);
        for (int i = 0; i < 60; i++) {
            char marker[60];
            snprintf(marker, sizeof marker, "m{i=\"%d\"} @%d stale\n", i, round);
            bool marked = strstr(w.db.text.p + expected.n, marker) != NULL;
            assert_int_equal(marked, was[i] && !now[i]);
        }
        memcpy(was, now, sizeof was);
        mw_buf_deinit(&text);
        mw_buf_deinit(&expected);
    }
    close_world(&w);
}

static void labels_of_the_target_win_unless_the_page_is_honoured(void **state)
{
    static const mw_label extra[] = {{MW_STR("job"), MW_STR("j")},
                                     {MW_STR("instance"), MW_STR("i")}};
    static const struct {
        const char *page;
        bool honor;
        const char *stored;
    } rows[] = {
        {"a 1\n", false, "a{instance=\"i\", job=\"j\"} @1 1\n"},
        {"a{job=\"x\"} 1\n", false, "a{exported_job=\"x\", instance=\"i\", job=\"j\"} @1 1\n"},
        {"a{job=\"\"} 1\n", false, "a{instance=\"i\", job=\"j\"} @1 1\n"},
        {"a{job=\"x\",exported_job=\"y\"} 1\n", false,
         "a{exported_exported_job=\"x\", exported_job=\"y\", instance=\"i\", job=\"j\"} @1 1\n"},
        {"a{job=\"x\"} 1\n", true, "a{instance=\"i\", job=\"x\"} @1 1\n"},
        {"a{instance=\"\"} 1\n", true, "a{job=\"j\"} @1 1\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        open_world(&w, extra, 2, rows[i].honor);
        assert_int_equal(page(&w, rows[i].page, 1), MW_OK);
        assert_string_equal(fake_text(&w.db), rows[i].stored);
        close_world(&w);
    }
}

static void refused_samples_are_counted_and_the_first_is_explained(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    w.db.refuse = MW_EORDER;
    assert_int_equal(page(&w, "a{b=\"c\"} 1\nb 2\n", 5), MW_OK);
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 1);
    assert_int_equal(w.result.first.code, MW_EORDER);
    assert_string_equal(w.result.first.msg, "out of order sample: a{b=\"c\"} at 5 ms");
    close_world(&w);
}

static void limits_refuse_the_page(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    assert_int_equal(page_bytes(&w, "a 1\nb 2\n", 8, 1, 2), MW_OK);
    assert_int_equal(page_bytes(&w, "a 1\nb 2\nc 3\n", 12, 1, 2), MW_ELIMIT);
    close_world(&w);

    memset(&w, 0, sizeof w);
    w.in.tsdb = &w.db;
    w.in.limits = (mw_ingest_limits){.labels = 2, .label_bytes = 10};
    w.p = mw_promtext_new(&w.in, NULL, false);
    assert_int_equal(page(&w, "a{b=\"1\"} 1\n", 1), MW_OK);
    assert_int_equal(page(&w, "a{b=\"1\",c=\"2\"} 1\n", 1), MW_ELIMIT);
    assert_int_equal(w.err.line, 1);
    assert_string_equal(w.err.msg, "line 1: 3 labels, at most 2 are allowed");
    assert_int_equal(page(&w, "a{b=\"12345678901\"} 1\n", 1), MW_ELIMIT);
    assert_string_equal(w.err.msg, "line 1: a label longer than allowed: \"b\" has 11 bytes, its "
                                   "limit is 10");
    close_world(&w);
}

static void limits_of_a_target_hold_for_series_that_are_known(void **state)
{
    static const mw_label job[] = {{MW_STR("job"), MW_STR("j")}};
    struct world w;
    open_world(&w, job, 1, false);
    mw_promtext_label_limits(w.p, 3, 5);
    assert_int_equal(page(&w, "a{b=\"1\"} 1\nc{d=\"12345\"} 1\n", 1), MW_OK);
    assert_int_equal(page(&w, "a{b=\"1\",c=\"2\"} 2\n", 2), MW_ELIMIT);
    assert_string_equal(w.err.msg, "line 1: 4 labels with those of the target, label_limit is 3");
    assert_int_equal(page(&w, "a 1\na{b=\"123456\"} 2\n", 2), MW_ELIMIT);
    assert_string_equal(w.err.msg, "line 2: label \"b\" has 6 bytes, label_value_limit is 5");
    for (int i = 2; i < 4; i++) { /* a limit that is new is held against what was there before */
        mw_promtext_label_limits(w.p, 0, 4);
        assert_int_equal(page(&w, "a{b=\"1\"} 1\nc{d=\"12345\"} 1\n", i), MW_ELIMIT);
        assert_string_equal(w.err.msg, "label \"d\" has 5 bytes, label_value_limit is 4");
    }
    assert_int_equal(page(&w, "a{b=\"1\"} 1\n", 4), MW_OK);
    mw_promtext_label_limits(w.p, 0, 0);
    assert_int_equal(page(&w, "a{b=\"1\"} 1\nc{d=\"12345678\"} 1\n", 5), MW_OK);
    close_world(&w);
}

/* -- rows ----------------------------------------------------------------------------------- */

static void a_repeated_page_goes_to_the_store_in_rows(void **state)
{
    struct world w;
    mw_buf text;
    open_world(&w, NULL, 0, false);
    mw_buf_init(&text);
    for (int i = 0; i < 5000; i++) mw_buf_printf(&text, "m{i=\"%d\"} %d\n", i % 50, i);
    page_bytes(&w, text.p, text.n, 1, 0);
    fake_clear(&w.db);
    assert_int_equal(page_bytes(&w, text.p, text.n, 2, 0), MW_OK);
    assert_int_equal(w.result.accepted, 5000);
    assert_int_equal(w.db.rows, 5000);
    assert_int_equal(w.db.batches, 2);
    mw_buf_deinit(&text);
    close_world(&w);
}

static void series_that_left_memory_are_added_again_in_order(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    page(&w, "a 1 10\nb 1\na 2 20\n", 5);
    fake_forget(&w.db);
    fake_clear(&w.db);
    assert_int_equal(page(&w, "a 3 30\nnew 1\nb 1\na 4 40\n", 6), MW_OK);
    assert_string_equal(fake_text(&w.db), "a @30 3\nnew @6 1\na @40 4\nb @6 1\n");
    assert_int_equal(w.result.accepted, 4);
    close_world(&w);
}

static void what_the_disk_did_not_take_is_not_accepted(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    w.db.refuse_commit = MW_EFULL;
    assert_int_equal(page(&w, "a 1\n", 5), MW_EFULL);
    assert_int_equal(w.result.accepted, 0);
    assert_int_equal(w.err.code, MW_EFULL);
    close_world(&w);
}

static void times_far_ahead_are_refused_when_scraped(void **state)
{
    static const char text[] = "a 1 600001\nb 2 600000\nc 3\n";
    struct world w;
    open_world(&w, NULL, 0, false);
    assert_int_equal(page(&w, text, 0), MW_OK);
    assert_int_equal(w.result.accepted, 2);
    assert_int_equal(w.result.rejected, 1);
    assert_string_equal(w.result.first.msg,
                        "more than 10 minutes ahead of the scrape: a at 600001 ms");
    assert_int_equal(
        mw_ingest_promtext(&w.in, MW_PAGE_UNKNOWN, mw_str_of(text), 0, &w.result, &w.err), MW_OK);
    assert_int_equal(w.result.accepted, 3); /* who pushes knows the time */
    close_world(&w);
}

/* -- what comes with samples ---------------------------------------------------------------- */

static void exemplars_are_kept(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    assert_int_equal(page(&w,
                          "a_total 1 # {trace_id=\"x\"} 0.5 1.25\n"
                          "b_total{c=\"d\"} 2 3 # { span_id = \"y\\n\" , } 7\n"
                          "c_total 3 # {} 1\n"
                          "d_total 4\n"
                          "# EOF\n",
                          5),
                     MW_OK);
    assert_int_equal(w.result.accepted, 4);
    assert_int_equal(w.result.exemplars, 3);
    assert_int_equal(w.result.exemplars_rejected, 0);
    assert_string_equal(fake_extras(&w.db), "a_total # {trace_id=\"x\"} 0.5 @1250\n"
                                            "b_total{c=\"d\"} # {span_id=\"y\\n\"} 7 @3000\n"
                                            "c_total # {} 1 @5\n");
    close_world(&w);
}

static void a_wrong_exemplar_is_counted_and_the_sample_kept(void **state)
{
    static const char *const exemplars[] = {"",
                                            " ",
                                            "x",
                                            "{",
                                            "{a}",
                                            "{a=\"b\"}",
                                            "{a=\"b\"} x",
                                            "{a=\"b\"} 1 x",
                                            "{a=\"b\"} 1 2 3",
                                            "{a=\"b\"} 1 # {} 1",
                                            "{a=\"b\",a=\"c\"} 1",
                                            "{a=\"\xff\"} 1"};
    struct world w;
    char line[500], wide[200] = {0};
    open_world(&w, NULL, 0, false);
    memset(wide, 'x', 129);
    for (size_t i = 0; i <= sizeof exemplars / sizeof *exemplars; i++) {
        if (i)
            snprintf(line, sizeof line, "a 1 # %s\nb 2\n# EOF\n", exemplars[i - 1]);
        else
            snprintf(line, sizeof line, "a 1 # {x=\"%s\"} 1\nb 2\n# EOF\n", wide);
        if (page(&w, line, 5)) fail_msg("%s: %s", line, w.err.msg);
        assert_int_equal(w.result.accepted, 2);
        assert_int_equal(w.result.exemplars, 0);
        assert_int_equal(w.result.exemplars_rejected, 1);
    }
    close_world(&w);
}

static void metadata_is_told_when_it_changes(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    page(&w,
         "# HELP a How \\\\ many\\nlines \\x\n# TYPE a counter\na 1\n"
         "# TYPE b untyped\r\n#TYPE c gauge\n#  TYPE\td  \t histogram \n# UNIT d seconds\n"
         "# TYPE \"e.f\" info\n# just words\n#\n# TYPE\n# TYPE g\n# TYPE g nonsense\n# HELP g\n"
         "# HELP g \xff\n",
         5);
    assert_string_equal(fake_extras(&w.db), "a is  in : How \\ many\nlines \\x\n"
                                            "a is counter in : \n"
                                            "b is unknown in : \n"
                                            "c is gauge in : \n"
                                            "d is histogram in : \n"
                                            "d is  in seconds: \n"
                                            "e.f is info in : \n");
    page(&w, "# TYPE a counter\na 1\n# TYPE b gauge\n", 6);
    fake_clear(&w.db);
    page(&w, "# TYPE a counter\na 1\n# TYPE b gauge\n", 7);
    assert_string_equal(fake_extras(&w.db), "");
    page(&w, "# TYPE a counter\na 1\n# TYPE b counter\nwrong\n", 8);
    assert_string_equal(fake_extras(&w.db), ""); /* nothing of a bad page */
    page(&w, "# TYPE a counter\na 1\n# TYPE b counter\n", 9);
    assert_string_equal(fake_extras(&w.db), "b is counter in : \n");
    close_world(&w);
}

static void a_page_of_plain_text_may_end_with_any_comment(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    mw_promtext_kind(w.p, MW_PAGE_TEXT);
    assert_int_equal(page(&w, "a 1 1500\n# EOF\n", 5), MW_OK);
    assert_string_equal(fake_text(&w.db), "a @1500 1\n");
    close_world(&w);
}

static void the_kind_of_a_page_is_its_media_type(void **state)
{
    static const struct {
        const char *type;
        mw_page_kind kind;
    } c[] = {{"text/plain", MW_PAGE_TEXT},
             {"Text/Plain; version=0.0.4", MW_PAGE_TEXT},
             {"application/openmetrics-text;version=1.0.0", MW_PAGE_OPENMETRICS},
             {"application/openmetrics-textual", MW_PAGE_UNKNOWN},
             {"application/x-www-form-urlencoded", MW_PAGE_UNKNOWN},
             {"", MW_PAGE_UNKNOWN}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        assert_int_equal(mw_page_kind_of(mw_str_of(c[i].type)), c[i].kind);
    assert_int_equal(mw_page_kind_of((mw_str){NULL, 0}), MW_PAGE_UNKNOWN);
}

static void a_page_that_must_be_openmetrics_must_be_whole(void **state)
{
    struct world w;
    open_world(&w, NULL, 0, false);
    mw_promtext_kind(w.p, MW_PAGE_OPENMETRICS);
    assert_int_equal(page(&w, "a 1 1.5\n", 5), MW_EPARSE);
    assert_int_equal(w.err.line, 2);
    assert_non_null(strstr(w.err.msg, "# EOF"));
    assert_int_equal(page(&w, "a 1 1.5\n# EOF\nb 2\n", 5), MW_EPARSE);
    assert_non_null(strstr(w.err.msg, "line 3: there is more behind \"# EOF\""));
    assert_int_equal(page(&w, "a 1 1.5\n# EOF\n", 5), MW_OK);
    assert_string_equal(fake_text(&w.db), "a @1500 1\n");
    mw_str body = MW_STR("a 1\n");
    mw_err_init(&w.err);
    assert_int_equal(mw_ingest_promtext(&w.in, MW_PAGE_OPENMETRICS, body, 1, &w.result, &w.err),
                     MW_EPARSE);
    assert_int_equal(mw_ingest_promtext(&w.in, MW_PAGE_UNKNOWN, body, 1, &w.result, &w.err), MW_OK);
    close_world(&w);
}

static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *p = malloc(1 << 20);
    *n = fread(p, 1, 1 << 20, f);
    fclose(f);
    return p;
}

static void a_page_of_a_real_exporter_is_taken_whole(void **state)
{
    size_t n, lines = 0;
    char *text = slurp("tests/ingest/data/node_exporter.prom", &n);
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n' && i + 1 < n && text[i + 1] != '#';
    lines += text[0] != '#';
    struct world w;
    open_world(&w, NULL, 0, false);
    assert_int_equal(page_bytes(&w, text, n, 1, 0), MW_OK);
    assert_int_equal(w.result.accepted, lines);
    assert_int_equal(w.result.rejected, 0);
    close_world(&w);
    free(text);
}

static void damage_never_reads_past_the_page_nor_stores_half_of_it(void **state)
{
    static const char good[] =
        "# HELP a b\n# TYPE a counter\na{b=\"c\",d=\"e\\\\ \\\"f\\n\"} 1.5e3 1234\nplain 7\n"
        "h_bucket{le=\"+Inf\"} 3 # {t=\"x\"} 1\n{\"q.r\",\"s t\"=\"u\"} -Inf\nlast NaN\n";
    mutator m = {5};
    struct world w;
    open_world(&w, NULL, 0, false);
    for (int i = 0; i < 20000; i++) {
        size_t n;
        char *bad = mutate(&m, good, sizeof good - 1, &n);
        fake_clear(&w.db);
        mw_err_init(&w.err);
        int code = mw_promtext_page(w.p, (mw_str){bad, n}, i, 0, &w.result, &w.err);
        if (code != MW_OK) {
            assert_int_equal(w.db.adds, 0);
            assert_true(w.err.line > 0);
        }
        if (i % 3 == 0) page(&w, good, i);
        free(bad);
    }
    for (size_t n = 0; n < sizeof good; n++) page_bytes(&w, good, n, 1, 0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_valid_form_of_a_line_is_understood),
        cmocka_unit_test(a_bad_line_refuses_the_page_and_names_the_line),
        cmocka_unit_test(a_series_that_vanished_gets_one_stale_marker),
        cmocka_unit_test(times_of_a_page_count_when_they_are_honoured),
        cmocka_unit_test(a_series_written_in_another_order_is_not_ended),
        cmocka_unit_test(a_target_that_failed_is_ended_once_and_comes_back),
        cmocka_unit_test(a_bad_page_leaves_the_memory_of_the_good_one),
        cmocka_unit_test(pages_may_shuffle_grow_and_shrink),
        cmocka_unit_test(labels_of_the_target_win_unless_the_page_is_honoured),
        cmocka_unit_test(refused_samples_are_counted_and_the_first_is_explained),
        cmocka_unit_test(limits_refuse_the_page),
        cmocka_unit_test(limits_of_a_target_hold_for_series_that_are_known),
        cmocka_unit_test(a_repeated_page_goes_to_the_store_in_rows),
        cmocka_unit_test(series_that_left_memory_are_added_again_in_order),
        cmocka_unit_test(what_the_disk_did_not_take_is_not_accepted),
        cmocka_unit_test(times_far_ahead_are_refused_when_scraped),
        cmocka_unit_test(exemplars_are_kept),
        cmocka_unit_test(a_wrong_exemplar_is_counted_and_the_sample_kept),
        cmocka_unit_test(metadata_is_told_when_it_changes),
        cmocka_unit_test(a_page_of_plain_text_may_end_with_any_comment),
        cmocka_unit_test(the_kind_of_a_page_is_its_media_type),
        cmocka_unit_test(a_page_that_must_be_openmetrics_must_be_whole),
        cmocka_unit_test(a_page_of_a_real_exporter_is_taken_whole),
        cmocka_unit_test(damage_never_reads_past_the_page_nor_stores_half_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
