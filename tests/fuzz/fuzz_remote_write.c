/* fuzz_remote_write.c - remote write 1.0, after snappy.  SPDX-License-Identifier: MIT */
#include "base/pb.h"
#include "fuzz/stores.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_stores s;
    fuzz_stores_open(&s);
    mw_str body = {(const char *)data, n};
    fuzz_stores_check(&s, mw_ingest_remote_write(&s.in, body, &s.result, &s.err));
    fuzz_stores_close(&s);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static void put_sub(mw_buf *out, uint32_t field, mw_buf *sub)
{
    mw_pb_put_bytes(out, field, (mw_str){sub->p, sub->n});
    mw_buf_deinit(sub);
}

static void put_label(mw_buf *out, const char *name, const char *value)
{
    mw_buf l = {0};
    mw_pb_put_bytes(&l, 1, mw_str_of(name));
    mw_pb_put_bytes(&l, 2, mw_str_of(value));
    put_sub(out, 1, &l);
}

static void put_sample(mw_buf *out, int64_t t, double v)
{
    mw_buf s = {0};
    mw_pb_put_double(&s, 1, v);
    mw_pb_put_varint(&s, 2, (uint64_t)t);
    put_sub(out, 2, &s);
}

static void put_exemplar(mw_buf *out)
{
    mw_buf e = {0};
    put_label(&e, "trace_id", "0af7651916cd43dd8448eb211c80319c");
    mw_pb_put_double(&e, 2, 0.5);
    mw_pb_put_varint(&e, 3, 1000);
    put_sub(out, 3, &e);
}

/* An integer histogram of schema 1: two buckets, a gap of three, one bucket, one below zero. */
static void put_histogram(mw_buf *out)
{
    mw_buf h = {0}, span = {0}, deltas = {0};
    mw_pb_put_varint(&h, 1, 9);   /* count_int */
    mw_pb_put_double(&h, 3, 4.5); /* sum */
    mw_pb_put_varint(&h, 4, 2);   /* schema 1, zigzag */
    mw_pb_put_double(&h, 5, 0.001);
    mw_pb_put_varint(&h, 6, 1); /* zero_count_int */
    mw_pb_put_varint(&span, 1, 0);
    mw_pb_put_varint(&span, 2, 1);
    put_sub(&h, 8, &span);
    mw_buf_byte(&deltas, 2);
    put_sub(&h, 9, &deltas);
    mw_pb_put_varint(&span, 2, 2);
    put_sub(&h, 11, &span);
    mw_pb_put_varint(&span, 1, 6);
    mw_pb_put_varint(&span, 2, 1);
    put_sub(&h, 11, &span);
    mw_buf_add(&deltas, "\4\0\2", 3);
    put_sub(&h, 12, &deltas);
    mw_pb_put_varint(&h, 14, 3); /* gauge */
    mw_pb_put_varint(&h, 15, 2000);
    put_sub(out, 4, &h);
}

static void write_seeds(void)
{
    mw_buf body = {0}, s = {0};
    put_label(&s, "__name__", "up");
    put_label(&s, "job", "j");
    put_sample(&s, 1000, 1);
    put_sample(&s, 2000, 0);
    put_sub(&body, 1, &s);
    fuzz_seed("one", body.p, body.n);
    put_sample(&s, -5, 1e300);
    put_exemplar(&s);
    put_label(&s, "z", "1");
    put_label(&s, "__name__", "late");
    put_sub(&body, 1, &s);
    fuzz_seed("two", body.p, body.n);
    mw_buf_reset(&body);
    put_label(&s, "__name__", "h");
    put_histogram(&s);
    put_sub(&body, 1, &s);
    mw_pb_put_varint(&s, 1, 1);
    mw_pb_put_bytes(&s, 2, MW_STR("h"));
    mw_pb_put_bytes(&s, 4, MW_STR("what it is"));
    put_sub(&body, 3, &s); /* metadata */
    fuzz_seed("histogram", body.p, body.n);
    mw_buf_deinit(&body);
}

FUZZ_INITIALIZE(NULL, write_seeds)
