/* otlpworld.h - a world to send OTLP to, in both of its encodings.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_OTLPWORLD_H
#define MW_TESTS_OTLPWORLD_H
#include "fakes.h"
#include "pbwrite.h"

struct world {
    mw_tsdb db;
    mw_logs logs;
    mw_traces traces;
    mw_clock_manual clock;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
};

static inline void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    mw_clock_manual_init(&w->clock, 1700000005000);
    w->in = (mw_ingest){
        .tsdb = &w->db, .logs = &w->logs, .traces = &w->traces, .clock = &w->clock.clock};
}

static inline void clear(struct world *w)
{
    fake_clear(&w->db);
    mw_buf_reset(&w->logs.text);
    mw_buf_reset(&w->traces.text);
    mw_buf_text(&w->logs.text, "");
    mw_buf_text(&w->traces.text, "");
}

static inline void close_world(struct world *w)
{
    fake_free(&w->db);
    mw_buf_deinit(&w->logs.text);
    mw_buf_deinit(&w->traces.text);
}

static inline int post(struct world *w, mw_otlp_signal signal, bool json, mw_str body)
{
    char *exact = malloc(body.n ? body.n : 1);
    if (body.n) memcpy(exact, body.p, body.n);
    mw_err_init(&w->err);
    mw_str copy = {exact, body.n};
    int code = mw_ingest_otlp(&w->in, signal, json, copy, &w->result, &w->err);
    free(exact);
    return code;
}

static inline int post_json(struct world *w, mw_otlp_signal signal, const char *text)
{
    return post(w, signal, true, mw_str_of(text));
}

static inline void to_pb(mw_otlp_signal signal, mw_str json, mw_buf *out)
{
    mw_arena *a = mw_arena_new(0);
    pbwrite(signal, json, a, out);
    mw_arena_free(a);
}

#endif
