/* test_remote_read.c - requests of remote read, and the chunks and messages that answer them.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/pb.h"
#include "ingest/readpb.h"
#include "ingest/readreq.h"
#include "ingest/xorchunk.h"

#include "chunkread.h"

/* -- requests ------------------------------------------------------------------------------- */

static void put_sub(mw_buf *out, uint32_t field, mw_buf *sub)
{
    mw_pb_put_bytes(out, field, (mw_str){sub->p, sub->n});
    mw_buf_deinit(sub);
}

static void put_matcher(mw_buf *out, uint64_t type, const char *name, const char *value)
{
    mw_buf m = {0};
    mw_pb_put_varint(&m, 1, type);
    mw_pb_put_bytes(&m, 2, mw_str_of(name));
    mw_pb_put_bytes(&m, 3, mw_str_of(value));
    put_sub(out, 3, &m);
}

static void put_hints(mw_buf *out, const char *func, int64_t from, int64_t to)
{
    mw_buf h = {0};
    mw_pb_put_bytes(&h, 2, mw_str_of(func));
    mw_pb_put_varint(&h, 3, (uint64_t)from);
    mw_pb_put_varint(&h, 4, (uint64_t)to);
    put_sub(out, 4, &h);
}

static int parse(const mw_buf *body, const mw_labels *external, mw_read_request *r, mw_err *err)
{
    mw_err_init(err);
    return mw_read_request_parse((mw_str){body->p ? body->p : "", body->n}, external, r, err);
}

static void a_request_is_taken_apart(void **state)
{
    mw_buf body = {0}, q = {0};
    mw_read_request r;
    mw_err err;
    (void)state;
    mw_pb_put_varint(&q, 1, (uint64_t)-1000);
    mw_pb_put_varint(&q, 2, 5000);
    put_matcher(&q, 0, "__name__", "up");
    put_matcher(&q, 1, "job", "a");
    put_matcher(&q, 2, "job", "b.*");
    put_matcher(&q, 3, "x", "c|d");
    put_sub(&body, 1, &q);
    put_hints(&q, "series", 100, 200);
    put_sub(&body, 1, &q);
    mw_pb_put_bytes(&body, 2, MW_STR("\x07\x01")); /* packed: one nobody knows, then chunks */
    assert_int_equal(parse(&body, NULL, &r, &err), MW_OK);
    assert_int_equal(r.n, 2);
    assert_true(r.streamed);
    assert_int_equal(r.query[0].min_t, -1000);
    assert_int_equal(r.query[0].max_t, 5000);
    assert_int_equal(r.query[0].n, 4);
    for (size_t i = 0; i < 4; i++) assert_int_equal(r.query[0].matchers[i].op, i);
    assert_true(mw_matcher_matches(&r.query[0].matchers[2], MW_STR("bcd")));
    assert_false(mw_matcher_matches(&r.query[0].matchers[3], MW_STR("d")));
    assert_false(r.query[0].labels_only);
    assert_true(r.query[1].labels_only);
    assert_true(r.query[1].min_t > r.query[1].max_t); /* hints narrow 0 to 0 to nothing */
    mw_read_request_deinit(&r);
    mw_buf_deinit(&body);
}

static void external_labels_are_not_looked_for_in_the_store(void **state)
{
    mw_buf body = {0}, q = {0};
    mw_read_request r;
    mw_err err;
    mw_label pair = {MW_STR("region"), MW_STR("lisbon")};
    mw_labels *external = mw_labels_new(&pair, 1, NULL);
    (void)state;
    put_matcher(&q, 0, "region", "lisbon");
    put_matcher(&q, 0, "region", "porto");
    put_matcher(&q, 1, "region", "lisbon");
    put_sub(&body, 1, &q);
    assert_int_equal(parse(&body, external, &r, &err), MW_OK);
    assert_int_equal(r.query[0].matchers[0].value.n, 0);
    assert_string_equal(r.query[0].matchers[1].value.p, "porto");
    assert_string_equal(r.query[0].matchers[2].value.p, "lisbon");
    assert_false(r.streamed);
    mw_read_request_deinit(&r);
    mw_buf_deinit(&body);
    mw_free(external);
}

static void wrong_requests_are_refused_with_a_reason(void **state)
{
    static const struct {
        uint64_t type;
        const char *name, *value, *why;
    } rows[] = {{4, "a", "b", "unknown type 4"},
                {0, "", "b", "without a name"},
                {0, "\xff", "b", "not in UTF-8"},
                {2, "a", "(", "missing"}};
    mw_read_request r;
    mw_err err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_buf body = {0}, q = {0};
        put_matcher(&q, 0, "ok", "ok");
        put_matcher(&q, rows[i].type, rows[i].name, rows[i].value);
        put_sub(&body, 1, &q);
        assert_true(parse(&body, NULL, &r, &err) < 0);
        if (!strstr(err.msg, rows[i].why)) fail_msg("%s: %s", rows[i].why, err.msg);
        assert_int_equal(r.n, 0);
        mw_buf_deinit(&body);
    }
    mw_buf body = {0};
    mw_pb_put_varint(&body, 2, 9);
    assert_int_equal(parse(&body, NULL, &r, &err), MW_EARG);
    mw_buf_reset(&body);
    for (int i = 0; i <= MW_READ_QUERIES; i++) mw_pb_put_bytes(&body, 1, MW_STR(""));
    assert_int_equal(parse(&body, NULL, &r, &err), MW_ELIMIT);
    mw_buf_reset(&body);
    mw_buf_text(&body, "\x0a\x7f");
    assert_int_equal(parse(&body, NULL, &r, &err), MW_EPARSE);
    mw_buf_deinit(&body);
}

/* -- chunks --------------------------------------------------------------------------------- */

static void floats_come_back_out_of_a_chunk(void **state)
{
    enum { N = 1000 };
    int64_t t[N], t2[N], now = -5;
    double v[N];
    uint64_t v2[N], seed = 1;
    mw_buf chunk = {0};
    static const int64_t steps[] = {15000, 1, 0, 8191, 8193, 70000, 600000, INT64_C(1) << 40};
    (void)state;
    for (int i = 0; i < N; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        t[i] = now;
        now += i < N / 2 ? 15000 : steps[seed >> 61];
        v[i] = i % 7 == 0 ? NAN : i % 5 ? (double)(seed >> 60) : (double)(int64_t)seed / 3;
        if (i % 11 == 0) v[i] = mw_stale();
    }
    for (size_t n = 1; n <= N; n = n < 5 ? n + 1 : n * 3) {
        mw_buf_reset(&chunk);
        mw_xor_chunk(t, v, n, &chunk);
        assert_int_equal(read_xor_chunk(&chunk, t2, v2), n);
        assert_memory_equal(t, t2, n * sizeof *t);
        assert_memory_equal(v, v2, n * sizeof *v);
    }
    mw_buf_deinit(&chunk);
}

/* Taken from an answer of Prometheus 2.42. */
static void a_chunk_is_byte_for_byte_what_prometheus_writes(void **state)
{
    enum { BASE_S = 1795676400 };
    static const int64_t after[] = {1000, 16000, 31001, 46001, 61001, 200000};
    static const double v[] = {1, 1, 2, 2.5, -7.25, -7.25};
    static const unsigned char want[] = {0x00, 0x06, 0xd0, 0xb5, 0xbb, 0xea, 0xc2, 0x68, 0x3f,
                                         0xf0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x98, 0x75,
                                         0x40, 0x00, 0xe1, 0x2f, 0xff, 0xdf, 0xff, 0xed, 0x06,
                                         0xc0, 0x84, 0x00, 0xcf, 0x0f, 0x22, 0xf8};
    int64_t t[6];
    mw_buf chunk = {0};
    (void)state;
    for (int i = 0; i < 6; i++) t[i] = BASE_S * INT64_C(1000) + after[i];
    mw_xor_chunk(t, v, 6, &chunk);
    assert_int_equal(chunk.n, sizeof want);
    assert_memory_equal(chunk.p, want, sizeof want);
    mw_buf_deinit(&chunk);
}

static const mw_hspan spans[] = {{-2, 2}, {3, 1}};

static void histograms_come_back_out_of_a_chunk(void **state)
{
    double counts[3][3] = {{1, 2, 3}, {1, 4, 3}, {2, 4, 9}};
    int64_t t[3] = {1000, 16000, 31500};
    mw_nhist h[3];
    const mw_nhist *row[3];
    mw_buf chunk = {0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        h[i] =
            (mw_nhist){.schema = 1, .count = 7 + 3 * i, .sum = 0.5 * i, .zero_threshold = 0x1p-128};
        h[i].zero_count = 1 + i;
        h[i].pos = (mw_hside){spans, counts[i], 2, 3};
        row[i] = &h[i];
    }
    assert_int_equal(mw_histogram_chunk(t, row, 3, &chunk), 3);
    chunk_bits c = {&chunk, 0};
    assert_int_equal(take_bits(&c, 16), 3);
    assert_int_equal(take_bits(&c, 8), 0);
    assert_int_equal(take_bits(&c, 8), 243 - 127); /* 2^-128 is half of 2^-127 */
    assert_int_equal(take_varbit(&c), 1);
    assert_int_equal(take_varbit_uint(&c), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(take_varbit_uint(&c), spans[i].length);
        assert_int_equal(take_varbit(&c), spans[i].offset);
    }
    assert_int_equal(take_varbit_uint(&c), 0);
    assert_int_equal(take_varbit(&c), 1000);
    chunk_xor x[6] = {0};
    for (int k = 0; k < 6; k++) x[k].v = take_bits(&c, 64);
    for (int i = 0; i < 3; i++) {
        if (i) assert_int_equal(take_varbit(&c), i == 1 ? 15000 : 500);
        const double want[] = {h[i].count,   h[i].zero_count, h[i].sum,
                               counts[i][0], counts[i][1],    counts[i][2]};
        for (int k = 0; k < 6; k++) {
            if (i) take_xor(&c, &x[k]);
            assert_memory_equal(&x[k].v, &want[k], sizeof want[k]);
        }
    }
    mw_buf_deinit(&chunk);
}

static void a_chunk_of_histograms_ends_where_a_reader_could_not_follow(void **state)
{
    const double few[] = {1, 2, 3}, more[] = {2, 2, 3};
    const mw_nhist base = {.schema = 1, .count = 6, .sum = 1, .pos = {spans, few, 2, 3}};
    mw_nhist grown = base, fell = base, other = base, gauge = base, reset = base, stale = base;
    int64_t t[3] = {1, 2, 3};
    mw_buf chunk = {0};
    (void)state;
    grown.count = 7;
    grown.pos.counts = more;
    fell.pos.counts = (const double[]){1, 1, 3};
    other.schema = 2;
    gauge.hint = MW_RESET_GAUGE;
    reset.hint = MW_RESET_YES;
    stale.sum = mw_stale();
    const struct {
        const mw_nhist *second;
        size_t n;
        int flags;
    } rows[] = {{&grown, 3, 0}, {&fell, 1, 0},  {&other, 1, 0},
                {&gauge, 1, 0}, {&reset, 1, 0}, {&stale, 2, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const mw_nhist *h[] = {&base, rows[i].second, &grown};
        mw_buf_reset(&chunk);
        assert_int_equal(mw_histogram_chunk(t, h, 3, &chunk), rows[i].n);
        assert_int_equal(chunk.p[1], rows[i].n);
    }
    const mw_nhist *first[] = {&reset, &gauge, &stale};
    static const unsigned char flags[] = {0x80, 0xc0, 0};
    for (int i = 0; i < 3; i++) {
        mw_buf_reset(&chunk);
        assert_int_equal(mw_histogram_chunk(t, &first[i], 1, &chunk), 1);
        assert_int_equal((unsigned char)chunk.p[2], flags[i]);
    }
    mw_buf_deinit(&chunk);
}

/* -- messages ------------------------------------------------------------------------------- */

static void a_long_series_is_split_into_frames_with_checksums(void **state)
{
    enum { N = 100000, FRAME = 20000 };
    int64_t *t = mw_array(N, sizeof *t);
    double *v = mw_array(N, sizeof *v);
    mw_series_view view = {.n = N, .t = t, .v = v};
    mw_buf scratch = {0}, out = {0};
    size_t at = 0, frames = 0, seen = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        t[i] = i * 1000;
        v[i] = i * 1.1;
    }
    for (; at < N; frames++) {
        mw_buf_reset(&out);
        mw_read_frame(MW_STR("\x0a\x00"), &view, &at, FRAME, 7, &scratch, &out);
        assert_true(out.n < FRAME + 2000);
        mw_pb r, s;
        mw_pb_field f;
        uint64_t n;
        mw_err err;
        mw_err_init(&err);
        mw_pb_init(&r, (mw_str){out.p, out.n});
        assert_true(mw_pb_varint(&r, &n));
        const unsigned char *sum = (const unsigned char *)r.p;
        mw_str message = {r.p + 4, n};
        assert_ptr_equal(message.p + n, out.p + out.n);
        assert_int_equal(mw_crc32c(0, message.p, n),
                         (uint32_t)sum[0] << 24 | sum[1] << 16 | sum[2] << 8 | sum[3]);
        mw_pb_init(&r, message);
        assert_int_equal(mw_pb_next(&r, &f, &err), 1);
        mw_pb_init(&s, f.bytes);
        while (mw_pb_next(&s, &f, &err) == 1) seen += f.number == 2;
        assert_int_equal(mw_pb_next(&r, &f, &err), 1);
        assert_int_equal(f.number, 2);
        assert_int_equal(f.u, 7);
    }
    assert_true(frames > 10);
    assert_int_equal(seen, (N + MW_CHUNK_SAMPLES - 1) / MW_CHUNK_SAMPLES);
    mw_buf_deinit(&scratch);
    mw_buf_deinit(&out);
    mw_free(t);
    mw_free(v);
}

static void labels_are_merged_in_order_and_a_series_keeps_its_own(void **state)
{
    const mw_label own[] = {{MW_STR("__name__"), MW_STR("up")}, {MW_STR("job"), MW_STR("j")}};
    const mw_label other[] = {
        {MW_STR("a"), MW_STR("1")}, {MW_STR("job"), MW_STR("no")}, {MW_STR("z"), MW_STR("2")}};
    mw_labels *ls = mw_labels_new(own, 2, NULL), *external = mw_labels_new(other, 3, NULL);
    mw_buf out = {0};
    (void)state;
    mw_read_labels(ls, external, &out);
    static const char want[] = "\x0a\x0e\x0a\x08__name__\x12\x02up\x0a\x06\x0a\x01"
                               "a\x12\x01"
                               "1\x0a\x08\x0a\x03job\x12\x01j\x0a\x06\x0a\x01z\x12\x01"
                               "2";
    assert_int_equal(out.n, sizeof want - 1);
    assert_memory_equal(out.p, want, out.n);
    mw_buf_deinit(&out);
    mw_free(ls);
    mw_free(external);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(external_labels_are_not_looked_for_in_the_store),
        cmocka_unit_test(wrong_requests_are_refused_with_a_reason),
        cmocka_unit_test(floats_come_back_out_of_a_chunk),
        cmocka_unit_test(a_chunk_is_byte_for_byte_what_prometheus_writes),
        cmocka_unit_test(histograms_come_back_out_of_a_chunk),
        cmocka_unit_test(a_chunk_of_histograms_ends_where_a_reader_could_not_follow),
        cmocka_unit_test(a_long_series_is_split_into_frames_with_checksums),
        cmocka_unit_test(labels_are_merged_in_order_and_a_series_keeps_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
