/* stores.h - small stores in memory for one input to be ingested into.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_FUZZ_STORES_H
#define MW_TESTS_FUZZ_STORES_H
#include "fuzz/fuzz.h"
#include "ingest/ingest.h"

enum { FUZZ_NOW_MS = 1700000000 };

typedef struct fuzz_stores {
    mw_clock_manual clock;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
} fuzz_stores;

static inline void fuzz_stores_open(fuzz_stores *s)
{
    *s = (fuzz_stores){.in.limits = {.body = 1 << 20}};
    mw_clock_manual_init(&s->clock, FUZZ_NOW_MS * 1000LL);
    const mw_clock *clock = &s->clock.clock;
    s->in.clock = clock;
    s->in.tsdb = mw_tsdb_open(
        &(mw_tsdb_options){
            .clock = clock, .out_of_order_ms = 60000, .max_series = 1000, .shards = 1},
        NULL);
    s->in.logs = mw_logs_open(&(mw_logs_options){.clock = clock, .max_bytes = 1 << 20}, NULL);
    s->in.traces = mw_traces_open(&(mw_traces_options){.clock = clock, .max_bytes = 1 << 20}, NULL);
    MW_ASSERT(s->in.tsdb && s->in.logs && s->in.traces);
    MW_ASSERT(mw_tsdb_recover(s->in.tsdb, NULL) == MW_OK);
}

static inline void fuzz_stores_close(fuzz_stores *s)
{
    mw_traces_close(s->in.traces);
    mw_logs_close(s->in.logs);
    mw_tsdb_close(s->in.tsdb);
}

/* An answer is one that the caller can tell a client: a refusal says why. */
static inline void fuzz_stores_check(const fuzz_stores *s, int code)
{
    if (code != MW_OK) MW_ASSERT(s->err.code == code && s->err.msg[0]);
    if (s->result.rejected) MW_ASSERT(s->result.first.code != MW_OK && s->result.first.msg[0]);
}

#endif
