/* test_remote_write2.c - promises of remote write 2.0.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "rwbody2.h"
#include "rwrite.h"

static int send(struct world *w)
{
    return write_bytes(w, mw_ingest_remote_write2, w->body.p, w->body.n);
}

/* -- promises ------------------------------------------------------------------------------- */

static void samples_are_stored_under_the_labels_that_symbols_make(void **state)
{
    struct world w;
    struct writer q;
    open_world(&w);
    begin(&q);
    put_text2(&q, "__name__=up,instance=i,job=j", 2);
    put_text2(&q, "__name__=up,instance=j", 1);
    put_text2(&q, "z=1,__name__=down,empty=", 1); /* neither sorted nor without empty values */
    end(&q, &w.body);
    for (int round = 0; round < 2; round++) {
        fake_clear(&w.db);
        if (send(&w)) fail_msg("%s", w.err.msg);
        assert_int_equal(w.result.accepted, 4);
        assert_int_equal(w.db.commits, 1);
        assert_int_equal(w.db.rows, round ? 4 : 0);
        assert_string_equal(fake_text(&w.db), "up{instance=\"i\", job=\"j\"} @1000 1\n"
                                              "up{instance=\"i\", job=\"j\"} @2000 2\n"
                                              "up{instance=\"j\"} @1000 1\n"
                                              "down{z=\"1\"} @1000 1\n");
    }
    close_world(&w);
}

static void both_versions_know_a_series_by_the_same_key(void **state)
{
    struct world w;
    struct writer q;
    char big[200];
    open_world(&w);
    memset(big, 'x', sizeof big); /* lengths of two bytes */
    memcpy(big, "__name__=a,b=", 13);
    big[199] = 0;
    put_text(&w.body, big, 1);
    write_bytes(&w, mw_ingest_remote_write, w.body.p, w.body.n);
    begin(&q);
    put_text2(&q, big, 1);
    end(&q, &w.body);
    fake_clear(&w.db);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.db.rows, 1);
    assert_int_equal(w.db.parsed, 0);
    close_world(&w);
}

static void symbols_may_come_last_and_references_one_by_one(void **state)
{
    static const char body[] = "\x2a\x11\x08\x01\x08\x02\x12\x0b\x09\0\0\0\0\0\0\xf0\x3f\x10\x05"
                               "\x22\x00\x22\x08__name__\x22\x01"
                               "a";
    struct world w;
    open_world(&w);
    int code = write_bytes(&w, mw_ingest_remote_write2, body, sizeof body - 1);
    if (code) fail_msg("%s", w.err.msg);
    assert_string_equal(fake_text(&w.db), "a @5 1\n");
    close_world(&w);
}

static void histograms_exemplars_and_metadata_are_kept(void **state)
{
    struct world w;
    struct writer q;
    mw_buf s;
    open_world(&w);
    begin(&q);
    mw_buf_init(&s);
    put_refs(&q, &s, "__name__=h,b=c");
    put_whole(&s, 3, 77);
    put_exemplar2(&q, &s, "trace_id=abc", 1.5, 0); /* at the time of the histogram */
    put_exemplar2(&q, &s, "trace_id=abd", 2.5, 99);
    put_exemplar2(&q, &s, "trace_id=old", 3.5, 50);
    put_metadata2(&q, &s, 3, "How long.", "seconds");
    put_sub(&q.series, 5, &s);
    for (int i = 0; i < 2; i++) {
        mw_buf_init(&s);
        put_refs(&q, &s, i ? "__name__=x_bucket,le=1" : "__name__=x_bucket,le=2");
        put_sample(&s, 5, 1);
        put_exemplar2(&q, &s, "", 1, 0);
        put_metadata2(&q, &s, 3, "Classic.", "");
        put_sub(&q.series, 5, &s);
    }
    mw_buf_init(&s);
    put_refs(&q, &s, "__name__=plain");
    put_sample(&s, 5, 1);
    put_metadata2(&q, &s, 0, "", "");
    put_sub(&q.series, 5, &s);
    end(&q, &w.body);
    if (send(&w)) fail_msg("%s", w.err.msg);
    assert_int_equal(w.result.accepted, 4);
    assert_int_equal(w.result.histograms, 1);
    assert_int_equal(w.result.exemplars, 4);
    assert_int_equal(w.result.exemplars_rejected, 1);
    assert_non_null(strstr(fake_text(&w.db), "h{b=\"c\"} @77 " WHOLE "\n"));
    assert_string_equal(fake_extras(&w.db), "h is histogram in seconds: How long.\n"
                                            "x is histogram in : Classic.\n"
                                            "h{b=\"c\"} # {trace_id=\"abc\"} 1.5 @77\n"
                                            "h{b=\"c\"} # {trace_id=\"abd\"} 2.5 @99\n"
                                            "x_bucket{le=\"2\"} # {} 1 @5\n"
                                            "x_bucket{le=\"1\"} # {} 1 @5\n");
    close_world(&w);
}

static void a_wrong_series_loses_only_its_own_samples(void **state)
{
    static const struct {
        mw_str refs;
        const char *says;
    } rows[] = {
        {MW_STR("\x01"), "an odd number of label references"},
        {MW_STR("\x01\x02\x03"), "an odd number of label references"},
        {MW_STR("\x01\x63"), "a reference to a symbol that is not there"},
        {MW_STR("\x01\xff\xff\xff\xff\x0f"), "a reference to a symbol that is not there"},
        {MW_STR("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         "a reference to a symbol that is not there"},
        {MW_STR(""), "a series has no __name__"},
        {MW_STR("\x02\x01"), "a series has no __name__"},
        {MW_STR("\x01\x02\x00\x02"), "a label without a name"},
        {MW_STR("\x01\x02\x02\x02\x02\x01"), "given twice"},
        {MW_STR("\x01\x02\x02\x02\x03\x02\x04\x02\x05\x02"),
         "a series has 5 labels, at most 4 are allowed"},
        {MW_STR("\x01\x03"), "\"__name__\" has 19 bytes, its limit is 10"},
        {MW_STR("\x01\x04"), "a label that is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        mw_buf s, e;
        open_world(&w);
        w.in.limits = (mw_ingest_limits){.labels = 4, .label_bytes = 10};
        static const char *const symbols[] = {"", "__name__", "a", "longer than allowed", "\xff"};
        for (size_t k = 0; k < 5; k++) mw_pb_put_bytes(&w.body, 4, mw_str_of(symbols[k]));
        mw_buf_init(&s);
        mw_pb_put_bytes(&s, 1, rows[i].refs);
        put_sample(&s, 1, 1);
        put_sample(&s, 2, 1);
        put_whole(&s, 3, 3);
        mw_buf_init(&e);
        mw_pb_put_double(&e, 2, 1);
        put_sub(&s, 4, &e);
        put_sub(&w.body, 5, &s);
        mw_buf_init(&s);
        mw_pb_put_bytes(&s, 1, MW_STR("\x01\x02"));
        put_sample(&s, 1, 1);
        put_sub(&w.body, 5, &s);
        if (send(&w)) fail_msg("%s", w.err.msg);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 3);
        assert_int_equal(w.result.exemplars_rejected, 1);
        if (!strstr(w.result.first.msg, rows[i].says)) fail_msg("%s", w.result.first.msg);
        close_world(&w);
    }
}

static void a_wrong_exemplar_is_only_counted(void **state)
{
    static const mw_str refs[] = {MW_STR("\x01"), MW_STR("\x01\x09"), MW_STR("\x01\x02\x01\x02"),
                                  MW_STR("\x00\x02")};
    struct world w;
    mw_buf s, e;
    open_world(&w);
    mw_pb_put_bytes(&w.body, 4, MW_STR(""));
    mw_pb_put_bytes(&w.body, 4, MW_STR("__name__"));
    mw_pb_put_bytes(&w.body, 4, MW_STR("a"));
    mw_buf_init(&s);
    mw_pb_put_bytes(&s, 1, MW_STR("\x01\x02"));
    put_sample(&s, 1, 1);
    for (size_t i = 0; i < 4; i++) {
        mw_buf_init(&e);
        mw_pb_put_bytes(&e, 1, refs[i]);
        put_sub(&s, 4, &e);
    }
    put_sub(&w.body, 5, &s);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 0);
    assert_int_equal(w.result.exemplars_rejected, 4);
    close_world(&w);
}

static void the_first_symbol_must_be_empty(void **state)
{
    struct world w;
    open_world(&w);
    mw_pb_put_bytes(&w.body, 4, MW_STR("__name__"));
    assert_int_equal(send(&w), MW_EPARSE);
    assert_string_equal(w.err.msg, "the first symbol is not the empty string");
    close_world(&w);
}

static void an_empty_request_is_fine(void **state)
{
    struct world w;
    open_world(&w);
    assert_int_equal(send(&w), MW_OK);
    mw_pb_put_bytes(&w.body, 5, MW_STR("")); /* a series of nothing, without symbols */
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted + w.result.rejected, 0);
    close_world(&w);
}

static void what_the_disk_did_not_take_is_not_accepted(void **state)
{
    struct world w;
    struct writer q;
    open_world(&w);
    begin(&q);
    put_text2(&q, "__name__=a", 3);
    end(&q, &w.body);
    w.db.refuse_commit = MW_EIO;
    assert_int_equal(send(&w), MW_EIO);
    assert_int_equal(w.result.accepted, 0);
    close_world(&w);
}

/* -- size and damage ------------------------------------------------------------------------ */

static void a_million_references_reject_the_series(void **state)
{
    struct world w;
    mw_buf refs, s;
    open_world(&w);
    mw_buf_init(&refs);
    mw_buf_init(&s);
    mw_pb_put_bytes(&w.body, 4, MW_STR(""));
    for (int i = 0; i < 1000000; i++) mw_buf_byte(&refs, 0);
    put_sub(&s, 1, &refs);
    put_sample(&s, 1, 1);
    put_sub(&w.body, 5, &s);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.rejected, 1);
    assert_non_null(strstr(w.result.first.msg, "has 500000 labels, at most 64 are allowed"));
    close_world(&w);
}

static void labels_cannot_unfold_without_end(void **state)
{
    struct world w;
    mw_buf series;
    char *big = malloc(4001);
    open_world(&w);
    memset(big, 'x', 4000);
    big[4000] = 0;
    mw_buf_init(&series);
    mw_pb_put_bytes(&w.body, 4, MW_STR(""));
    mw_pb_put_bytes(&w.body, 4, mw_str_of(big));
    for (int i = 0; i < 128; i++) mw_buf_byte(&series, 1);
    mw_buf s;
    mw_buf_init(&s);
    put_sub(&s, 1, &series);
    put_sample(&s, 1, 1);
    for (int i = 0; i < 1000; i++) mw_pb_put_bytes(&w.body, 5, (mw_str){s.p, s.n});
    assert_int_equal(send(&w), MW_ETOOBIG);
    assert_non_null(strstr(w.err.msg, "unfold"));
    mw_buf_deinit(&s);
    free(big);
    close_world(&w);
}

static void many_series_go_through_several_batches_of_labels(void **state)
{
    struct world w;
    struct writer q;
    mw_buf s;
    char labels[300] = "__name__=a,b=";
    open_world(&w);
    begin(&q);
    memset(labels + 13, 'y', 280);
    for (int i = 0; i < 3000; i++) {
        mw_buf_init(&s);
        put_refs(&q, &s, labels);
        put_sample(&s, i + 1, i);
        put_exemplar2(&q, &s, "t=x,u=v", 1, 0);
        put_sub(&q.series, 5, &s);
    }
    end(&q, &w.body);
    for (int round = 0; round < 2; round++) {
        fake_clear(&w.db);
        assert_int_equal(send(&w), MW_OK);
        assert_int_equal(w.result.accepted, 3000);
        assert_int_equal(w.result.exemplars, round ? 1 : 3000);
        assert_int_equal(fake_lines(&w.db), 3000);
        assert_true(w.db.batches > 2);
    }
    close_world(&w);
}

static void put_everything(struct writer *q)
{
    mw_buf s;
    put_text2(q, "__name__=up,instance=localhost:9100,job=node", 3);
    put_text2(q, "z=1,__name__=down,a=b", 2);
    mw_buf_init(&s);
    put_refs(q, &s, "__name__=h,q=r");
    put_whole(&s, 3, 5);
    put_exemplar2(q, &s, "trace_id=abc", 1.5, 900);
    put_metadata2(q, &s, 3, "How long.", "seconds");
    put_sub(&q->series, 5, &s);
}

static void damage_is_refused_and_never_read_past(void **state)
{
    struct world w;
    struct writer q;
    open_world(&w);
    begin(&q);
    put_everything(&q);
    end(&q, &w.body);
    send_all_damage(&w, mw_ingest_remote_write2, NULL);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_stored_under_the_labels_that_symbols_make),
        cmocka_unit_test(both_versions_know_a_series_by_the_same_key),
        cmocka_unit_test(symbols_may_come_last_and_references_one_by_one),
        cmocka_unit_test(histograms_exemplars_and_metadata_are_kept),
        cmocka_unit_test(a_wrong_series_loses_only_its_own_samples),
        cmocka_unit_test(a_wrong_exemplar_is_only_counted),
        cmocka_unit_test(the_first_symbol_must_be_empty),
        cmocka_unit_test(an_empty_request_is_fine),
        cmocka_unit_test(what_the_disk_did_not_take_is_not_accepted),
        cmocka_unit_test(a_million_references_reject_the_series),
        cmocka_unit_test(labels_cannot_unfold_without_end),
        cmocka_unit_test(many_series_go_through_several_batches_of_labels),
        cmocka_unit_test(damage_is_refused_and_never_read_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
