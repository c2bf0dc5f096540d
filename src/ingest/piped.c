/* piped.c - log records and spans through the pipelines into their stores.
 * SPDX-License-Identifier: MIT */
#include "ingest/result.h"

static const char no_room[] = "no room to replace what must be in it";

static void count(mw_ingest_result *result, int code, const mw_err *err)
{
    if (code)
        mw_result_reject(result, 1, code, "%s", err->code ? err->msg : mw_code_text(code));
    else
        result->accepted++;
}

void mw_result_log(mw_ingest *in, const mw_pipes *pipes, mw_log_record *r, mw_arena *a,
                   mw_ingest_result *result)
{
    mw_err err;
    mw_err_init(&err);
    switch (mw_pipes_log(pipes, r, a)) {
    case MW_PASS: count(result, mw_logs_append(in->logs, r, &err), &err); break;
    case MW_PASS_DROP: result->accepted++; break;
    case MW_PASS_FULL: mw_result_reject(result, 1, MW_ELIMIT, "a record has %s", no_room); break;
    }
}

void mw_result_span(mw_ingest *in, const mw_pipes *pipes, mw_span *s, mw_arena *a,
                    mw_ingest_result *result)
{
    mw_err err;
    mw_err_init(&err);
    switch (mw_pipes_span(pipes, s, a)) {
    case MW_PASS: count(result, mw_traces_append(in->traces, s, &err), &err); break;
    case MW_PASS_DROP: result->accepted++; break;
    case MW_PASS_FULL: mw_result_reject(result, 1, MW_ELIMIT, "a span has %s", no_room); break;
    }
}

void mw_ingest_log(mw_ingest *in, const mw_log_record *r)
{
    const mw_pipes *pipes = mw_pipe_slot_hold(in->pipes);
    mw_log_record own = *r;
    mw_arena *a = pipes ? mw_arena_new(0) : NULL;
    if (mw_pipes_log(pipes, &own, a) == MW_PASS) mw_logs_append(in->logs, &own, NULL);
    mw_arena_free(a);
    mw_pipe_slot_leave(in->pipes, pipes);
}
