/* fuzz_remote_write2.c - remote write 2.0, after snappy.  SPDX-License-Identifier: MIT */
#include "fuzz/pbseeds.h"
#include "fuzz/stores.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_stores s;
    fuzz_stores_open(&s);
    mw_str body = {(const char *)data, n};
    fuzz_stores_check(&s, mw_ingest_remote_write2(&s.in, body, &s.result, &s.err));
    fuzz_stores_close(&s);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static void put_symbols(mw_buf *body)
{
    static const char *const symbols[] = {"",  "__name__",   "up", "job",     "j",
                                          "h", "what it is", "s",  "trace_id"};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        mw_pb_put_bytes(body, 4, mw_str_of(symbols[i]));
}

static void write_seeds(void)
{
    mw_buf body = {0}, s = {0}, sub = {0};
    put_symbols(&body);
    mw_pb_put_bytes(&s, 1, MW_STR("\1\2\3\4"));
    put_sample(&s, 1000, 1);
    put_sample(&s, 2000, 0);
    put_sub(&body, 5, &s);
    fuzz_seed("one", body.p, body.n);

    mw_pb_put_bytes(&s, 1, MW_STR("\1\5\3\4"));
    put_histogram(&s, 3);
    mw_pb_put_bytes(&sub, 1, MW_STR("\x8\4"));
    mw_pb_put_double(&sub, 2, 0.5);
    mw_pb_put_varint(&sub, 3, 1000);
    put_sub(&s, 4, &sub); /* exemplar */
    mw_pb_put_varint(&sub, 1, 3);
    mw_pb_put_varint(&sub, 3, 6);
    mw_pb_put_varint(&sub, 4, 7);
    put_sub(&s, 5, &sub); /* metadata */
    mw_pb_put_varint(&s, 6, 500);
    put_sub(&body, 5, &s);
    fuzz_seed("histogram", body.p, body.n);

    mw_buf_reset(&body);
    mw_pb_put_bytes(&s, 1, MW_STR("\1\2\3\x63"));
    put_sample(&s, 1000, 1);
    put_sub(&body, 5, &s);
    put_symbols(&body);
    fuzz_seed("symbols_last", body.p, body.n);
    mw_buf_deinit(&body);
}

FUZZ_INITIALIZE(NULL, write_seeds)
