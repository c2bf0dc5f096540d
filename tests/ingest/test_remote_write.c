/* test_remote_write.c - promises of remote write and of decoding bodies.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <snappy-c.h>

#include "base/pb.h"
#include "base/zip.h"
#include "fakes.h"
#include "mutate.h"

/* -- writing requests ----------------------------------------------------------------------- */

static void put_label(mw_buf *series, mw_str name, mw_str value)
{
    mw_buf l;
    mw_buf_init(&l);
    mw_pb_put_bytes(&l, 1, name);
    mw_pb_put_bytes(&l, 2, value);
    mw_pb_put_bytes(series, 1, (mw_str){l.p, l.n});
    mw_buf_deinit(&l);
}

static void put_sample(mw_buf *series, int64_t t, double v)
{
    mw_buf s;
    mw_buf_init(&s);
    mw_pb_put_double(&s, 1, v);
    mw_pb_put_varint(&s, 2, (uint64_t)t);
    mw_pb_put_bytes(series, 2, (mw_str){s.p, s.n});
    mw_buf_deinit(&s);
}

static void put_series(mw_buf *request, mw_buf *series)
{
    mw_pb_put_bytes(request, 1, (mw_str){series->p, series->n});
    mw_buf_deinit(series);
}

/* One series: labels as "name=value,name=value", samples at 1000, 2000, ... with values 1, 2, ...
 */
static void put_text(mw_buf *request, const char *labels, int samples)
{
    mw_buf s;
    mw_buf_init(&s);
    while (*labels) {
        size_t name = strcspn(labels, "="), value = strcspn(labels + name + 1, ",");
        put_label(&s, (mw_str){labels, name}, (mw_str){labels + name + 1, value});
        labels += name + 1 + value;
        labels += *labels == ',';
    }
    for (int i = 1; i <= samples; i++) put_sample(&s, i * 1000, i);
    put_series(request, &s);
}

struct world {
    mw_tsdb db;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
    mw_buf body;
};

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->in.tsdb = &w->db;
}

static void close_world(struct world *w)
{
    mw_buf_deinit(&w->body);
    mw_buf_deinit(&w->db.text);
}

static int write_body(struct world *w, const char *p, size_t n)
{
    char *exact = malloc(n ? n : 1);
    if (n) memcpy(exact, p, n);
    mw_err_init(&w->err);
    int code = mw_ingest_remote_write(&w->in, (mw_str){exact, n}, &w->result, &w->err);
    free(exact);
    return code;
}

static int send(struct world *w) { return write_body(w, w->body.p, w->body.n); }

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
    put_series(&w.body, &s);
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
    put_series(&w.body, &s);
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

static void native_histograms_are_refused_by_name_and_metadata_is_passed_over(void **state)
{
    struct world w;
    mw_buf s;
    open_world(&w);
    mw_buf_init(&s);
    put_label(&s, MW_STR("__name__"), MW_STR("h"));
    mw_pb_put_bytes(&s, 4, MW_STR("\x08\x01"));
    mw_pb_put_bytes(&s, 3, MW_STR("exemplar, passed over"));
    put_sample(&s, 1, 1);
    put_series(&w.body, &s);
    mw_pb_put_bytes(&w.body, 3, MW_STR("metadata, passed over"));
    assert_int_equal(send(&w), MW_OK);
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 1);
    assert_int_equal(w.result.first.code, MW_EUNSUPPORTED);
    assert_non_null(strstr(w.result.first.msg, "native histograms"));
    close_world(&w);
}

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

static void a_body_of_labels_only_cannot_take_more_memory_than_its_share(void **state)
{
    struct world w;
    mw_buf s;
    open_world(&w);
    mw_buf_init(&s);
    for (int i = 0; i < 2000000; i++) mw_buf_add(&s, "\x0a\x00", 2); /* empty labels */
    put_series(&w.body, &s);
    assert_int_equal(send(&w), MW_ETOOBIG);
    close_world(&w);
}

static void damage_is_refused_and_never_read_past(void **state)
{
    mutator m = {21};
    struct world w;
    open_world(&w);
    put_text(&w.body, "__name__=up,instance=localhost:9100,job=node", 3);
    put_text(&w.body, "__name__=down,a=b", 2);
    for (size_t n = 0; n < w.body.n; n++) write_body(&w, w.body.p, n);
    for (int i = 0; i < 20000; i++) {
        size_t n;
        char *bad = mutate(&m, w.body.p, w.body.n, &n);
        fake_clear(&w.db);
        int code = write_body(&w, bad, n);
        assert_true(code == MW_OK || code == MW_EPARSE);
        if (code) assert_non_null(strstr(w.err.msg, "at byte"));
        free(bad);
    }
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
        cmocka_unit_test(what_the_store_refuses_is_counted_with_the_first_reason),
        cmocka_unit_test(native_histograms_are_refused_by_name_and_metadata_is_passed_over),
        cmocka_unit_test(limits_on_labels_hold),
        cmocka_unit_test(a_body_of_labels_only_cannot_take_more_memory_than_its_share),
        cmocka_unit_test(damage_is_refused_and_never_read_past),
        cmocka_unit_test(encodings_are_decoded_within_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
