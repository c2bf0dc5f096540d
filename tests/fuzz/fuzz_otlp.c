/* fuzz_otlp.c - OTLP.  Bit 0 of the first byte: JSON; the bits above: traces, metrics, logs.
 * SPDX-License-Identifier: MIT */
#include "fuzz/stores.h"
#include "ingest/pbwrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!n) return 0;
    fuzz_stores s;
    fuzz_stores_open(&s);
    mw_str body = {(const char *)data + 1, n - 1};
    mw_otlp_signal signal = (mw_otlp_signal)((data[0] >> 1 & 0x7f) % 3);
    fuzz_stores_check(&s, mw_ingest_otlp(&s.in, signal, data[0] & 1, body, &s.result, &s.err));
    fuzz_stores_close(&s);
    return 0;
}

/* -- seeds: the fixtures of the tests, in both encodings ------------------------------------- */

static void write_seeds(void)
{
    static const char *const names[] = {"traces", "metrics", "logs"};
    for (int i = 0; i < 3; i++) {
        char json[1 << 14], path[128];
        json[0] = (char)('0' + 2 * i + 1);
        snprintf(path, sizeof path, "tests/ingest/data/otlp_%s.json", names[i]);
        FILE *f = fopen(path, "rb");
        MW_ASSERT(f);
        size_t n = 1 + fread(json + 1, 1, sizeof json - 1, f);
        fclose(f);
        snprintf(path, sizeof path, "%s_json", names[i]);
        fuzz_seed(path, json, n);
        mw_buf pb = {0};
        mw_arena *a = mw_arena_new(0);
        mw_buf_byte(&pb, (char)('0' + 2 * i));
        pbwrite((mw_otlp_signal)i, (mw_str){json + 1, n - 1}, a, &pb);
        snprintf(path, sizeof path, "%s_pb", names[i]);
        fuzz_seed(path, pb.p, pb.n);
        mw_arena_free(a);
        mw_buf_deinit(&pb);
    }
}

FUZZ_INITIALIZE(NULL, write_seeds)
