/* test_remote_write.c - promises of remote write and of decoding bodies.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <snappy-c.h>
#include <stdio.h>

#include "base/zip.h"
#include "rwrite.h"

static int send(struct world *w)
{
    return write_bytes(w, mw_ingest_remote_write, w->body.p, w->body.n);
}

/* -- promises ------------------------------------------------------------------------------- */

static void samples_are_stored_under_their_sorted_labels(void **state)
{
    struct world w;
    open_world(&w);
    put_text(&w.body, "__name__=up,instance=i,job=j", 2);
    put_text(&w.body, "z=1,__name__=down,a=2,empty=", 1);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 3);
    assert_int_equal(w.db.commits, 1);
    assert_string_equal(fake_text(&w.db), "up{instance=\"i\", job=\"j\"} @1000 1\n"
                                          "up{instance=\"i\", job=\"j\"} @2000 2\n"
                                          "down{a=\"2\", z=\"1\"} @1000 1\n");
    close_world(&w);
}

static void samples_may_come_before_labels(void **state)
{
    struct world w;
    mw_buf s;
    open_world(&w);
    mw_buf_init(&s);
    put_sample(&s, 5, 7);
    put_label(&s, MW_STR("__name__"), MW_STR("late"));
    put_sub(&w.body, 1, &s);
    assert_int_equal(send(&w), MW_OK);
    assert_string_equal(fake_text(&w.db), "late @5 7\n");
    close_world(&w);
}

static void a_stale_marker_keeps_its_bits(void **state)
{
    struct world w;
    mw_buf s;
    open_world(&w);
    mw_buf_init(&s);
    put_label(&s, MW_STR("__name__"), MW_STR("gone"));
    put_sample(&s, -5, mw_stale());
    put_sub(&w.body, 1, &s);
    assert_int_equal(send(&w), MW_OK);
    assert_string_equal(fake_text(&w.db), "gone @-5 stale\n");
    close_world(&w);
}

static void a_wrong_series_loses_only_its_own_samples(void **state)
{
    static const struct {
        const char *labels, *says;
    } rows[] = {
        {"job=j", "a series has no __name__"},       {"__name__=", "a series has no __name__"},
        {"__name__=a,=x", "a label without a name"}, {"__name__=a,b=1,b=2", "given twice"},
        {"__name__=a,b=\xff", "not UTF-8"},          {"", "no __name__"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        open_world(&w);
        put_text(&w.body, rows[i].labels, 2);
        put_text(&w.body, "__name__=fine", 1);
        assert_int_equal(send(&w), MW_OK);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 2);
        if (!strstr(w.result.first.msg, rows[i].says)) fail_msg("%s", w.result.first.msg);
        close_world(&w);
    }
}

static void a_series_beyond_a_limit_says_which(void **state)
{
    static const struct {
        const char *labels, *says;
    } rows[] = {
        {"__name__=a,b=1,c=2,d=3,e=4", "a series has 5 labels, at most 4 are allowed"},
        {"__name__=a,b=12345678901",
         "a series has a label longer than allowed: \"b\" has 11 bytes, its limit is 10"},
        {"__name__=a,bbbbbbbbbbbb=1", "\"bbbbbbbbbbbb\" has 12 bytes, its limit is 10"},
        {"__name__=a,"
         "123456789 123456789 123456789 123456789 123456789 123456789\xc3\xb6\xc3\xb6=1",
         ": \"123456789 123456789 123456789 123456789 123456789 123456789\" has 63 bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        open_world(&w);
        w.in.limits = (mw_ingest_limits){.labels = 4, .label_bytes = 10};
        put_text(&w.body, rows[i].labels, 3);
        put_text(&w.body, "__name__=a,b=1,c=2,d=3", 1);
        assert_int_equal(send(&w), MW_OK);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 3);
        if (!strstr(w.result.first.msg, rows[i].says)) fail_msg("%s", w.result.first.msg);
        close_world(&w);
    }
}

static void what_the_store_refuses_is_counted_with_the_first_reason(void **state)
{
    struct world w;
    open_world(&w);
    w.db.refuse = MW_EDUP;
    put_text(&w.body, "__name__=a", 3);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 2);
    assert_int_equal(w.result.rejected, 1);
    assert_int_equal(w.result.first.code, MW_EDUP);
    close_world(&w);
}

/* -- identity ------------------------------------------------------------------------------- */

static void a_known_series_needs_no_labels_taken_apart(void **state)
{
    struct world w;
    open_world(&w);
    put_text(&w.body, "__name__=up,job=a", 2);
    put_text(&w.body, "__name__=up,job=b", 1);
    send(&w);
    assert_int_equal(w.db.rows, 0);
    assert_int_equal(w.db.aliases, 0); /* these bytes are the canonical ones */
    fake_clear(&w.db);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 3);
    assert_int_equal(w.db.rows, 3);
    assert_int_equal(w.db.batches, 1);
    close_world(&w);
}

static void another_spelling_of_a_series_is_learnt_once(void **state)
{
    static const char *const spellings[] = {"z=1,__name__=a",
                                            "__name__=a,z=1,empty=", "__name__=a,z=1"};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        open_world(&w);
        put_text(&w.body, spellings[i], 2);
        assert_int_equal(send(&w), MW_OK);
        assert_int_equal(w.db.aliases, i < 2);
        fake_clear(&w.db);
        assert_int_equal(send(&w), MW_OK);
        assert_int_equal(w.db.rows, 2);
        assert_int_equal(w.db.parsed + w.db.aliases, 0);
        assert_string_equal(fake_text(&w.db), "a{z=\"1\"} @1000 1\na{z=\"1\"} @2000 2\n");
        close_world(&w);
    }
}

static void labels_in_pieces_are_the_same_series(void **state)
{
    struct world w;
    mw_buf s;
    open_world(&w);
    put_text(&w.body, "__name__=a,z=1", 1);
    mw_buf_init(&s);
    put_sample(&s, 2000, 2);
    put_label(&s, MW_STR("__name__"), MW_STR("a"));
    put_sample(&s, 3000, 3);
    mw_pb_put_varint(&s, 99, 7); /* unknown */
    put_label(&s, MW_STR("z"), MW_STR("1"));
    put_sample(&s, 4000, 4);
    put_sub(&w.body, 1, &s);
    for (int round = 0; round < 2; round++) {
        fake_clear(&w.db);
        assert_int_equal(send(&w), MW_OK);
        assert_string_equal(fake_text(&w.db),
                            "a{z=\"1\"} @1000 1\na{z=\"1\"} @2000 2\na{z=\"1\"} @3000 3\n"
                            "a{z=\"1\"} @4000 4\n");
        assert_int_equal(w.db.rows, round ? 4 : 0);
    }
    close_world(&w);
}

static void samples_of_one_series_keep_their_order_over_batches(void **state)
{
    struct world w;
    char line[60];
    open_world(&w);
    put_text(&w.body, "__name__=known", 1);
    send(&w);
    put_text(&w.body, "__name__=new", 10000);
    put_text(&w.body, "__name__=known", 2);
    fake_clear(&w.db);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 10003);
    assert_int_equal(w.db.batches, 3);
    const char *at = w.db.text.p;
    for (int i = 1; i <= 10000; i++) {
        snprintf(line, sizeof line, "new @%d %d\n", i * 1000, i);
        at = strstr(at, line);
        assert_non_null(at);
    }
    close_world(&w);
}

static void a_series_that_left_memory_is_added_again(void **state)
{
    struct world w;
    open_world(&w);
    put_text(&w.body, "b=1,__name__=a", 2);
    send(&w);
    fake_forget(&w.db);
    fake_clear(&w.db);
    assert_int_equal(send(&w), MW_OK);
    assert_string_equal(fake_text(&w.db), "a{b=\"1\"} @1000 1\na{b=\"1\"} @2000 2\n");
    close_world(&w);
}

static void samples_may_be_written_in_any_form(void **state)
{
    static const struct {
        mw_str sample;
        const char *stored;
    } rows[] = {
        {MW_STR(""), "a @0 0\n"},
        {MW_STR("\x10\x05"), "a @5 0\n"},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f"), "a @0 1\n"},
        {MW_STR("\x10\x05\x09\0\0\0\0\0\0\xf0\x3f"), "a @5 1\n"},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f\x10\x05\x18\x07"), "a @5 1\n"},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f\x10\x05\x10\x06"), "a @6 1\n"},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f\x10\x85\x80\x00"), "a @5 1\n"},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         "a @-1 1\n"},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), NULL},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f\x10\x85"), NULL},
        {MW_STR("\x09\0\0\0\0\0\0\xf0\x3f\x10"), NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        mw_buf s;
        open_world(&w);
        mw_buf_init(&s);
        put_labels(&s, "__name__=a");
        mw_pb_put_bytes(&s, 2, rows[i].sample);
        put_sub(&w.body, 1, &s);
        assert_int_equal(send(&w), rows[i].stored ? MW_OK : MW_EPARSE);
        assert_string_equal(fake_text(&w.db), rows[i].stored ? rows[i].stored : "");
        close_world(&w);
    }
}

static void a_refusal_of_a_known_series_names_it(void **state)
{
    struct world w;
    open_world(&w);
    put_text(&w.body, "__name__=a,b=c", 2);
    send(&w);
    w.db.refuse = MW_EOLD;
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 1);
    assert_string_equal(w.result.first.msg, "too old sample: a{b=\"c\"} at 1000 ms");
    close_world(&w);
}

static void what_the_disk_did_not_take_is_not_accepted(void **state)
{
    struct world w;
    mw_buf s;
    open_world(&w);
    mw_buf_init(&s);
    put_labels(&s, "__name__=h");
    put_whole(&s, 4, 5);
    put_sub(&w.body, 1, &s);
    put_text(&w.body, "__name__=a", 2);
    w.db.refuse_commit = MW_EFULL;
    assert_int_equal(send(&w), MW_EFULL);
    assert_int_equal(w.err.code, MW_EFULL);
    assert_int_equal(w.result.accepted + w.result.rejected + w.result.histograms, 0);
    close_world(&w);
}

/* -- histograms, exemplars, metadata -------------------------------------------------------- */

static void histograms_of_every_kind_are_stored(void **state)
{
    struct world w;
    mw_buf s, h;
    open_world(&w);
    mw_buf_init(&s);
    put_labels(&s, "__name__=h");
    put_whole(&s, 4, 5);
    put_floats(&s, 4, 6);
    put_custom(&s, 4, 7);
    mw_buf_init(&h); /* the end of it */
    mw_pb_put_double(&h, 3, mw_stale());
    mw_pb_put_varint(&h, 15, 8);
    put_sub(&s, 4, &h);
    put_sub(&w.body, 1, &s);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 4);
    assert_int_equal(w.result.histograms, 4);
    assert_string_equal(fake_text(&w.db), "h @5 " WHOLE "\n"
                                          "h @6 " FLOATS "\n"
                                          "h @7 " CUSTOM "\n"
                                          "h @8 stale histogram\n");
    close_world(&w);
}

static void a_wrong_histogram_is_rejected_alone(void **state)
{
    static const struct {
        int64_t schema, offset, length;
        int64_t deltas[3];
        int n;
    } rows[] = {
        {9, 0, 1, {1}, 1},          /* schema */
        {300, 0, 1, {1}, 1},        /* likewise, and more than a byte */
        {0, 0, 2, {1}, 1},          /* a bucket is missing */
        {0, 0, 1, {1, 1}, 2},       /* one too many */
        {0, 0, 4294967295, {1}, 1}, /* very many are missing */
        {0, 0, 2, {1, -2}, 2},      /* a negative one */
        {0, 0, 1, {1000}, 1},       /* more than the count */
        {0, 0, 2, {INT64_MAX, 1}, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        mw_buf s, h;
        open_world(&w);
        mw_buf_init(&s);
        put_labels(&s, "__name__=h");
        mw_buf_init(&h);
        mw_pb_put_varint(&h, 1, 10);
        mw_pb_put_varint(&h, 4, zigzag(rows[i].schema));
        put_span(&h, 11, rows[i].offset, (uint64_t)rows[i].length);
        put_deltas(&h, 12, rows[i].deltas, (size_t)rows[i].n);
        mw_pb_put_varint(&h, 15, 6);
        put_sub(&s, 4, &h);
        put_whole(&s, 4, 7);
        put_sub(&w.body, 1, &s);
        assert_int_equal(send(&w), MW_OK);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 1);
        if (!strstr(w.result.first.msg, "wrong histogram: ") ||
            !strstr(w.result.first.msg, ": h at 6 ms"))
            fail_msg("%s", w.result.first.msg);
        assert_string_equal(fake_text(&w.db), "h @7 " WHOLE "\n");
        close_world(&w);
    }
}

static void exemplars_are_kept_and_never_make_a_request_fail(void **state)
{
    struct world w;
    mw_buf s;
    char wide[300] = "a=";
    for (int i = 0; i < 127; i++) strcat(wide, "\xc3\xb6"); /* 127 characters in 254 bytes */
    open_world(&w);
    mw_buf_init(&s);
    put_exemplar(&s, "trace_id=abc", 1.5, 900); /* before the labels of its series */
    put_labels(&s, "__name__=a,b=c");
    put_sample(&s, 1000, 1);
    put_exemplar(&s, "", 2.5, 901);
    put_exemplar(&s, wide, 3.5, 902);
    put_exemplar(&s, strcat(wide, "x"), 4.5, 903); /* one more */
    put_exemplar(&s, "trace_id=x", 5.5, 100);      /* older */
    put_exemplar(&s, "t=\xff", 6.5, 904);
    put_exemplar(&s, "t=1,t=2", 7.5, 904);
    put_sub(&w.body, 1, &s);
    mw_buf_init(&s);
    put_labels(&s, "__name__=nobody");
    put_exemplar(&s, "", 8.5, 905);
    put_sub(&w.body, 1, &s);
    mw_buf_init(&s);
    put_labels(&s, "no=name");
    put_exemplar(&s, "", 8.5, 905);
    put_sub(&w.body, 1, &s);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 0);
    assert_int_equal(w.result.exemplars, 3);
    assert_int_equal(w.result.exemplars_rejected, 6);
    const char *text = fake_extras(&w.db);
    assert_non_null(strstr(text, "a{b=\"c\"} # {trace_id=\"abc\"} 1.5 @900\n"));
    assert_non_null(strstr(text, "a{b=\"c\"} # {} 2.5 @901\n"));
    assert_non_null(strstr(text, " 3.5 @902\n"));
    assert_null(strstr(text, " 4.5 "));
    close_world(&w);
}

static void metadata_is_kept_by_the_name_of_the_family(void **state)
{
    struct world w;
    open_world(&w);
    w.in.limits.label_bytes = 30;
    put_metadata(&w.body, 1, "a_total", "How many.", "");
    put_metadata(&w.body, 3, "h", "", "seconds");
    put_metadata(&w.body, 5, "s_count", "", "");
    put_metadata(&w.body, 77, "x", "", "");
    put_metadata(&w.body, 2, "", "nameless", "");
    put_metadata(&w.body, 2, "bad\xff", "", "");
    put_metadata(&w.body, 2, "g", "a help that is longer than allowed", "");
    assert_int_equal(send(&w), MW_OK);
    assert_string_equal(fake_extras(&w.db), "a_total is counter in : How many.\n"
                                            "h is histogram in seconds: \n"
                                            "s_count is summary in : \n"
                                            "x is  in : \n"
                                            "g is gauge in : \n");
    close_world(&w);
}

/* -- limits and damage ---------------------------------------------------------------------- */

static void limits_on_labels_hold(void **state)
{
    struct world w;
    open_world(&w);
    w.in.limits = (mw_ingest_limits){.labels = 2, .label_bytes = 8};
    put_text(&w.body, "__name__=a,b=1", 1);
    put_text(&w.body, "__name__=a,b=1,c=2", 1);
    put_text(&w.body, "__name__=a,b=123456789", 1);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 2);
    close_world(&w);
}

static void a_million_labels_reject_the_series_and_nothing_else(void **state)
{
    struct world w;
    mw_buf s;
    open_world(&w);
    mw_buf_init(&s);
    for (int i = 0; i < 1000000; i++) mw_buf_add(&s, "\x0a\x00", 2); /* empty labels */
    put_sample(&s, 1, 1);
    put_sub(&w.body, 1, &s);
    put_text(&w.body, "__name__=a", 1);
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 1);
    close_world(&w);
}

static void a_histogram_that_unfolds_into_too_much_memory_is_refused(void **state)
{
    struct world w;
    mw_buf s, h, deltas;
    open_world(&w);
    mw_buf_init(&s);
    mw_buf_init(&h);
    mw_buf_init(&deltas);
    put_labels(&s, "__name__=h");
    for (int i = 0; i < 3000000; i++) mw_buf_byte(&deltas, 0);
    put_sub(&h, 12, &deltas);
    put_sub(&s, 4, &h);
    put_sub(&w.body, 1, &s);
    int code = send(&w);
    if (code == MW_OK)
        assert_int_equal(w.result.rejected, 1);
    else
        assert_int_equal(code, MW_ETOOBIG);
    close_world(&w);
}

static void put_everything(mw_buf *body)
{
    mw_buf s;
    put_text(body, "__name__=up,instance=localhost:9100,job=node", 3);
    put_text(body, "z=1,__name__=down,a=b", 2);
    mw_buf_init(&s);
    put_sample(&s, 5, 5);
    put_labels(&s, "__name__=h");
    put_exemplar(&s, "trace_id=abc", 1.5, 900);
    put_whole(&s, 4, 5);
    put_labels(&s, "q=r");
    put_sub(body, 1, &s);
    put_metadata(body, 1, "up", "Is it?", "bool");
}

static void damage_is_refused_and_never_read_past(void **state)
{
    struct world w;
    open_world(&w);
    put_everything(&w.body);
    send_all_damage(&w, mw_ingest_remote_write, "at byte");
    close_world(&w);
}

static void encodings_are_decoded_within_the_limits(void **state)
{
    mw_ingest in = {.limits = {.body = 1000}};
    mw_buf hold, packed;
    mw_err err;
    mw_str out;
    mw_buf_init(&hold);
    mw_buf_init(&packed);
    mw_err_init(&err);
    mw_str text = MW_STR("hello");
    assert_int_equal(mw_ingest_decode(&in, MW_STR(""), text, &hold, &out, &err), MW_OK);
    assert_ptr_equal(out.p, text.p);
    assert_int_equal(mw_ingest_decode(&in, MW_STR(" Identity "), text, &hold, &out, &err), MW_OK);
    mw_gzip(text, 6, &packed);
    mw_str bytes = {packed.p, packed.n};
    assert_int_equal(mw_ingest_decode(&in, MW_STR("GZIP"), bytes, &hold, &out, &err), MW_OK);
    assert_true(mw_str_eq(out, text));
    char snappy[64];
    size_t n = sizeof snappy;
    snappy_compress(text.p, text.n, snappy, &n);
    bytes = (mw_str){snappy, n};
    assert_int_equal(mw_ingest_decode(&in, MW_STR("snappy"), bytes, &hold, &out, &err), MW_OK);
    assert_true(mw_str_eq(out, text));
    assert_int_equal(mw_ingest_decode(&in, MW_STR("deflate"), text, &hold, &out, &err),
                     MW_EUNSUPPORTED);
    mw_err_init(&err);
    assert_int_equal(mw_ingest_decode(&in, MW_STR("zstd"), text, &hold, &out, &err), MW_EPARSE);
    char big[1001] = {0};
    assert_int_equal(mw_ingest_decode(&in, MW_STR(""), (mw_str){big, 1001}, &hold, &out, NULL),
                     MW_ETOOBIG);
    mw_buf_reset(&packed);
    mw_gzip((mw_str){big, 1001}, 6, &packed);
    bytes = (mw_str){packed.p, packed.n};
    assert_int_equal(mw_ingest_decode(&in, MW_STR("gzip"), bytes, &hold, &out, NULL), MW_ETOOBIG);
    mw_buf_deinit(&hold);
    mw_buf_deinit(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_stored_under_their_sorted_labels),
        cmocka_unit_test(samples_may_come_before_labels),
        cmocka_unit_test(a_stale_marker_keeps_its_bits),
        cmocka_unit_test(a_wrong_series_loses_only_its_own_samples),
        cmocka_unit_test(a_series_beyond_a_limit_says_which),
        cmocka_unit_test(what_the_store_refuses_is_counted_with_the_first_reason),
        cmocka_unit_test(a_known_series_needs_no_labels_taken_apart),
        cmocka_unit_test(another_spelling_of_a_series_is_learnt_once),
        cmocka_unit_test(labels_in_pieces_are_the_same_series),
        cmocka_unit_test(samples_of_one_series_keep_their_order_over_batches),
        cmocka_unit_test(a_series_that_left_memory_is_added_again),
        cmocka_unit_test(samples_may_be_written_in_any_form),
        cmocka_unit_test(a_refusal_of_a_known_series_names_it),
        cmocka_unit_test(what_the_disk_did_not_take_is_not_accepted),
        cmocka_unit_test(histograms_of_every_kind_are_stored),
        cmocka_unit_test(a_wrong_histogram_is_rejected_alone),
        cmocka_unit_test(exemplars_are_kept_and_never_make_a_request_fail),
        cmocka_unit_test(metadata_is_kept_by_the_name_of_the_family),
        cmocka_unit_test(limits_on_labels_hold),
        cmocka_unit_test(a_million_labels_reject_the_series_and_nothing_else),
        cmocka_unit_test(a_histogram_that_unfolds_into_too_much_memory_is_refused),
        cmocka_unit_test(damage_is_refused_and_never_read_past),
        cmocka_unit_test(encodings_are_decoded_within_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
