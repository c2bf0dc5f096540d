/* fuzz_loki.c - Loki's push in JSON, and what lines say about themselves.
 * SPDX-License-Identifier: MIT */
#include "fuzz/stores.h"
#include "ingest/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_stores s;
    fuzz_stores_open(&s);
    mw_str body = {(const char *)data, n};
    fuzz_stores_check(&s, mw_ingest_loki_json(&s.in, body, &s.result, &s.err));
    fuzz_stores_close(&s);

    mw_arena *a = mw_arena_new(1 << 16);
    mw_line_facts facts = {0};
    mw_line_read(&facts, body, a);
    mw_arena_free(a);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
