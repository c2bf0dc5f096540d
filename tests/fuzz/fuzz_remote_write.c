/* fuzz_remote_write.c - remote write 1.0, after snappy.  SPDX-License-Identifier: MIT */
#include "fuzz/pbseeds.h"
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

static void put_label(mw_buf *out, const char *name, const char *value)
{
    mw_buf l = {0};
    mw_pb_put_bytes(&l, 1, mw_str_of(name));
    mw_pb_put_bytes(&l, 2, mw_str_of(value));
    put_sub(out, 1, &l);
}

static void put_exemplar(mw_buf *out)
{
    mw_buf e = {0};
    put_label(&e, "trace_id", "0af7651916cd43dd8448eb211c80319c");
    mw_pb_put_double(&e, 2, 0.5);
    mw_pb_put_varint(&e, 3, 1000);
    put_sub(out, 3, &e);
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
    put_histogram(&s, 4);
    put_sub(&body, 1, &s);
    mw_pb_put_varint(&s, 1, 1);
    mw_pb_put_bytes(&s, 2, MW_STR("h"));
    mw_pb_put_bytes(&s, 4, MW_STR("what it is"));
    put_sub(&body, 3, &s); /* metadata */
    fuzz_seed("histogram", body.p, body.n);
    mw_buf_deinit(&body);
}

FUZZ_INITIALIZE(NULL, write_seeds)
