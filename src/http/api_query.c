/* api_query.c - PromQL over HTTP: answers, explanations, and queries as text and tree.
 * SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "http/route.h"
#include "http/serving.h"

enum { MOST_POINTS = 11000 };

/* -- the answer, in pieces ------------------------------------------------------------------- */

typedef struct answer {
    mw_promql_result *result;
    size_t row;
    bool stats;
} answer;

static void answer_free(void *arg)
{
    answer *a = arg;
    mw_promql_result_free(a->result);
}

static void notes(mw_buf *out, const char *name, const char *const *text, size_t n)
{
    if (!n) return;
    mw_buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i) mw_buf_byte(out, ',');
        mw_buf_json(out, mw_str_of(text[i]));
    }
    mw_buf_byte(out, ']');
}

static bool next_piece(mw_call *c, mw_buf *out)
{
    answer *a = c->state;
    const mw_promql_result *r = a->result;
    if (!mw_promql_result_json(r, &a->row, out->n + MW_PIECE, out)) return false;
    notes(out, "warnings", r->warnings, r->n_warnings);
    notes(out, "infos", r->infos, r->n_infos);
    if (a->stats)
        mw_buf_printf(out, ",\"stats\":{\"samples\":{\"totalQueryableSamples\":%zu}}",
                      r->samples_read);
    mw_buf_byte(out, '}');
    return true;
}

static void answer_with(mw_call *c, mw_promql_result *r)
{
    answer *a = mw_arena_zalloc(c->arena, sizeof *a);
    a->result = r;
    a->stats = call_param(c, "stats").n > 0;
    c->state = a;
    c->free_state = answer_free;
    call_open_data(c);
    call_answer(c, 200, "application/json");
    if (!next_piece(c, &c->out)) c->more = next_piece;
}

/* -- asking ---------------------------------------------------------------------------------- */

static int common_params(const mw_call *c, mw_promql_query *q, mw_err *err)
{
    int64_t timeout = server_query_timeout_ms(c->server), asked = timeout;
    int rc = call_duration_ms(c, "timeout", &asked, err);
    if (!rc) rc = call_duration_ms(c, "lookback_delta", &q->lookback_ms, err);
    if (rc) return rc;
    if (asked > 0 && asked < timeout) timeout = asked;
    q->deadline_mono_ns = mw_mono_ns() + timeout * 1000000;
    q->expr = call_param(c, "query");
    q->histograms = true;
    q->origin = "api";
    q->cancel = &c->cancel;
    return MW_OK;
}

static int check_range(const mw_call *c, const mw_promql_query *q, mw_err *err)
{
    static const char *const required[] = {"start", "end", "step"};
    for (size_t i = 0; i < 3; i++)
        if (!call_param(c, required[i]).n)
            return mw_fail(err, MW_EARG, 0, 0,
                           "invalid parameter \"%s\": cannot parse \"\" to a valid %s", required[i],
                           i < 2 ? "timestamp" : "duration");
    if (q->end < q->start)
        return mw_fail(err, MW_EARG, 0, 0,
                       "invalid parameter \"end\": end timestamp must not be before start time");
    if (q->step <= 0)
        return mw_fail(err, MW_EARG, 0, 0,
                       "invalid parameter \"step\": zero or negative query resolution step widths "
                       "are not accepted. Try a positive integer");
    if ((q->end - q->start) / q->step > MOST_POINTS)
        return mw_fail(err, MW_EARG, 0, 0,
                       "exceeded maximum resolution of 11,000 points per timeseries. Try "
                       "decreasing the query resolution (?step=XX)");
    return MW_OK;
}

static void evaluate(mw_call *c, const mw_promql_query *q)
{
    mw_err err;
    mw_promql_result *r = NULL;
    mw_host *host = c->parts->host;
    int64_t began = mw_mono_ns();
    mw_err_init(&err);
    int rc = mw_promql_eval(host->promql, host->source, q, &r, &err);
    server_count_query(c->server, q->range, rc, mw_mono_ns() - began, r ? r->samples_read : 0);
    if (!rc)
        answer_with(c, r);
    else if (rc == MW_EPARSE || rc == MW_EMISSING)
        call_fail_param(c, "query", &err);
    else
        call_fail(c, &err);
}

void api_query(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    mw_promql_query q = {.start = mw_now_ms(c->parts->host->clock)};
    if (common_params(c, &q, &err) || call_time_ms(c, "time", &q.start, &err))
        call_fail(c, &err);
    else
        evaluate(c, &q);
}

void api_query_range(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    mw_promql_query q = {.range = true};
    bool bad = common_params(c, &q, &err) || call_time_ms(c, "start", &q.start, &err) ||
               call_time_ms(c, "end", &q.end, &err) || call_duration_ms(c, "step", &q.step, &err) ||
               check_range(c, &q, &err);
    if (bad)
        call_fail(c, &err);
    else
        evaluate(c, &q);
}

/* -- how a query is evaluated ----------------------------------------------------------------- */

static int read_asked(const mw_call *c, mw_promql_query *q, mw_err *err)
{
    q->range = call_param(c, "step").n || call_param(c, "start").n;
    int rc = common_params(c, q, err);
    q->origin = "explain";
    if (!q->range) return rc ? rc : call_time_ms(c, "time", &q->start, err);
    if (!rc) rc = call_time_ms(c, "start", &q->start, err);
    if (!rc) rc = call_time_ms(c, "end", &q->end, err);
    if (!rc) rc = call_duration_ms(c, "step", &q->step, err);
    return rc ? rc : check_range(c, q, err);
}

/* A time, or start, end and step; analyze=false: only the plan. */
void api_explain(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    mw_host *host = c->parts->host;
    mw_str analyze = call_param(c, "analyze");
    bool plan_only = mw_str_is(analyze, "false") || mw_str_is(analyze, "0");
    mw_promql_query q = {.start = mw_now_ms(host->clock)};
    int rc = read_asked(c, &q, &err);
    if (!rc && analyze.n && !plan_only && !call_flag(c, "analyze"))
        rc = mw_fail(&err, MW_EARG, 0, 0, "invalid parameter \"analyze\": true or false");
    if (!rc) rc = mw_promql_explain(host->promql, host->source, &q, !plan_only, &c->out, &err);
    if (!rc)
        call_answer(c, 200, "application/json");
    else if (rc == MW_EPARSE || rc == MW_EMISSING)
        call_fail_param(c, "query", &err);
    else
        call_fail(c, &err);
}

/* -- a query as text and as a tree ----------------------------------------------------------- */

void api_format_query(mw_call *c)
{
    mw_err err;
    mw_buf text = {0};
    mw_err_init(&err);
    if (mw_promql_format(call_param(c, "query"), true, &text, &err))
        call_fail_param(c, "query", &err);
    else {
        call_open_data(c);
        mw_buf_json(&c->out, (mw_str){text.p, text.n});
        call_close_data(c);
    }
    mw_buf_deinit(&text);
}

void api_parse_query(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    call_open_data(c);
    if (mw_promql_tree_json(call_param(c, "query"), &c->out, &err))
        call_fail_param(c, "query", &err);
    else
        call_close_data(c);
}
