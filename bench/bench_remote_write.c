/* bench_remote_write.c - what one sample of a remote write request costs, part by part.
 *
 *     bench_remote_write [series [per request [folder]]]     a new folder; memory only without
 *
 * Requests as a Prometheus of some size sends them: one sample of each of 2000 series with 12
 * labels of about 250 bytes.  What the store takes is measured alone, by the same rows.
 * SPDX-License-Identifier: MIT */
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pb.h"
#include "ingest/ingest.h"

enum { ROUNDS = 40, STEP_MS = 15000, START_MS = 1700000000 };

static void put_label(mw_buf *series, const char *name, const char *value)
{
    mw_buf l;
    mw_buf_init(&l);
    mw_pb_put_bytes(&l, 1, mw_str_of(name));
    mw_pb_put_bytes(&l, 2, mw_str_of(value));
    mw_pb_put_bytes(series, 1, (mw_str){l.p, l.n});
    mw_buf_deinit(&l);
}

static void put_labels(mw_buf *s, size_t i)
{
    char text[64];
    snprintf(text, sizeof text, "http_server_requests_%zu_total", i / 200);
    put_label(s, "__name__", text);
    put_label(s, "cluster", "eu-central-1-production");
    put_label(s, "container", "checkout");
    snprintf(text, sizeof text, "10.11.%zu.%zu:8080", i / 250 % 250, i % 250);
    put_label(s, "instance", text);
    put_label(s, "job", "kubernetes-pods");
    put_label(s, "method", i % 2 ? "GET" : "POST");
    put_label(s, "namespace", "shop");
    snprintf(text, sizeof text, "checkout-5d8f7c9b6d-%05zu", i);
    put_label(s, "pod", text);
    put_label(s, "route", "/api/v1/orders/:id");
    put_label(s, "status", i % 3 ? "200" : "404");
    put_label(s, "team", "payments");
    put_label(s, "zone", "eu-central-1a");
}

static void put_series(mw_buf *body, size_t i, int64_t t, double v, size_t *label_bytes)
{
    mw_buf s, sample;
    mw_buf_init(&s);
    mw_buf_init(&sample);
    put_labels(&s, i);
    *label_bytes += s.n;
    mw_pb_put_double(&sample, 1, v);
    mw_pb_put_varint(&sample, 2, (uint64_t)t);
    mw_pb_put_bytes(&s, 2, (mw_str){sample.p, sample.n});
    mw_pb_put_bytes(body, 1, (mw_str){s.p, s.n});
    mw_buf_deinit(&s);
    mw_buf_deinit(&sample);
}

static mw_str packed(const mw_buf *body)
{
    size_t n = snappy_max_compressed_length(body->n);
    char *p = mw_alloc(n);
    if (snappy_compress(body->p, body->n, p, &n) != SNAPPY_OK) abort();
    return (mw_str){p, n};
}

struct spent {
    int64_t snappy, ingest, store;
};

static void fail(const mw_err *err)
{
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

/* The same rows once more at a later time, so that the store alone is seen. */
static int64_t store_alone(mw_tsdb *db, const uint64_t *refs, size_t n, int64_t t, double v)
{
    static mw_row rows[4096];
    mw_err err;
    mw_err_init(&err);
    mw_appender *a = mw_appender_new(db);
    int64_t start = mw_mono_ns();
    for (size_t at = 0; at < n; at += 4096) {
        size_t some = n - at < 4096 ? n - at : 4096;
        for (size_t i = 0; i < some; i++)
            rows[i] = (mw_row){.ref = refs[at + i], .t = t, .v = v + (double)i};
        mw_appender_rows(a, rows, some);
    }
    if (mw_appender_commit(a, &err)) fail(&err);
    int64_t ns = mw_mono_ns() - start;
    mw_appender_free(a);
    return ns;
}

static void learn(mw_tsdb *db, uint64_t *refs, size_t n, int64_t t)
{
    mw_err err;
    mw_err_init(&err);
    mw_appender *a = mw_appender_new(db);
    for (size_t i = 0; i < n; i++) {
        mw_buf s;
        mw_pb r, in;
        mw_pb_field f, g;
        mw_label l[16];
        size_t k = 0;
        mw_buf_init(&s);
        put_labels(&s, i);
        mw_pb_init(&r, (mw_str){s.p, s.n});
        while (mw_pb_next(&r, &f, NULL) == 1) {
            mw_pb_enter(&in, &r, f.bytes);
            while (mw_pb_next(&in, &g, NULL) == 1)
                *(g.number == 1 ? &l[k].name : &l[k].value) = g.bytes;
            k++;
        }
        mw_labels *ls = mw_labels_new(l, k, NULL);
        if (mw_appender_add(a, ls, &refs[i], t, 0)) abort();
        mw_free(ls);
        mw_buf_deinit(&s);
    }
    if (mw_appender_commit(a, &err)) fail(&err);
    mw_appender_free(a);
}

static void request(mw_ingest *in, mw_buf *hold, mw_str body, size_t expected, struct spent *spent)
{
    mw_ingest_result result;
    mw_err err;
    mw_str plain;
    mw_err_init(&err);
    int64_t start = mw_mono_ns();
    if (mw_ingest_decode(in, MW_STR("snappy"), body, hold, &plain, &err)) fail(&err);
    int64_t decoded = mw_mono_ns();
    if (mw_ingest_remote_write(in, plain, &result, &err)) fail(&err);
    spent->snappy += decoded - start;
    spent->ingest += mw_mono_ns() - decoded;
    if (result.accepted == expected) return;
    fprintf(stderr, "%llu of %zu taken: %s\n", (unsigned long long)result.accepted, expected,
            result.first.msg);
    exit(1);
}

static void least(int64_t *best, int64_t v)
{
    if (!*best || v < *best) *best = v;
}

int main(int argc, char **argv)
{
    size_t series = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    size_t per = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000, label_bytes = 0, bytes = 0;
    mw_err err;
    mw_err_init(&err);
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, (int64_t)START_MS * 1000 + (int64_t)ROUNDS * STEP_MS);
    mw_tsdb *db = mw_tsdb_open(&(mw_tsdb_options){.clock = &clock.clock,
                                                  .out_of_order_ms = -1,
                                                  .sync_ms = 50,
                                                  .dir = argc > 3 ? argv[3] : NULL},
                               &err);
    if (!db || mw_tsdb_recover(db, &err)) fail(&err);
    mw_ingest in = {.tsdb = db, .clock = &clock.clock};
    struct spent best = {0};
    uint64_t *refs = mw_array(series, sizeof *refs);
    mw_buf body, hold;
    mw_buf_init(&body);
    mw_buf_init(&hold);
    learn(db, refs, series, (int64_t)START_MS * 1000 - 2 * STEP_MS);
    for (int round = -1; round < ROUNDS; round++) { /* in the first one, series become known */
        struct spent spent = {0};
        int64_t t = (int64_t)START_MS * 1000 + (int64_t)round * STEP_MS;
        label_bytes = bytes = 0;
        for (size_t at = 0; at < series; at += per) {
            mw_buf_reset(&body);
            size_t n = series - at < per ? series - at : per;
            for (size_t i = 0; i < n; i++)
                put_series(&body, at + i, t, (double)(round * 10) + (double)i, &label_bytes);
            mw_str snappy = packed(&body);
            bytes += body.n;
            request(&in, &hold, snappy, n, &spent);
            mw_free((char *)snappy.p);
        }
        spent.store = store_alone(db, refs, series, t + STEP_MS / 2, round * 10);
        if (round < 0) continue;
        least(&best.snappy, spent.snappy);
        least(&best.ingest, spent.ingest);
        least(&best.store, spent.store);
    }
    double n = (double)series;
    printf("remote write: %zu series, %.0f label bytes each, %zu a request, best of %d rounds\n",
           series, (double)label_bytes / n, per, ROUNDS);
    printf("  snappy      %6.1f ns a sample (%.2f GB/s)\n", (double)best.snappy / n,
           (double)bytes / (double)best.snappy);
    printf("  ingest      %6.1f ns a sample\n", (double)best.ingest / n);
    printf("    store     %6.1f ns a sample, by reference, measured alone\n",
           (double)best.store / n);
    printf("    walk+hash %6.1f ns a sample, the rest\n", (double)(best.ingest - best.store) / n);
    printf("  all         %6.1f ns a sample, %.2f M samples/s\n",
           (double)(best.snappy + best.ingest) / n, n * 1e3 / (double)(best.snappy + best.ingest));
    mw_buf_deinit(&body);
    mw_buf_deinit(&hold);
    mw_free(refs);
    mw_tsdb_close(db);
    return 0;
}
