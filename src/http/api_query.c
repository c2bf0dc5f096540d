/* api_query.c - PromQL over HTTP: answers, explanations, and queries as text and tree.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "http/answers.h"
#include "http/serving.h"

enum { MOST_POINTS = 11000, BRIEF = 64 };

/* What was asked beside the query itself. */
typedef struct wishes {
    mw_promql_query q;
    size_t limit; /* of series */
    int64_t waited_ns, took_ns;
} wishes;

/* -- the answer, in pieces ------------------------------------------------------------------- */

typedef struct answer {
    mw_promql_result *result;
    mw_promql_result shown; /* the same, perhaps with fewer rows */
    mw_promql_cursor at;
    mw_str stats;
    int64_t waited_ns, took_ns;
} answer;

static void answer_free(void *arg)
{
    answer *a = arg;
    mw_promql_result_free(a->result);
}

static void put_warnings(const answer *a, notes *n)
{
    const mw_promql_result *r = a->result;
    char text[200];
    for (size_t i = 0; i < r->n_warnings; i++) note(n, r->warnings[i]);
    if (a->shown.n < r->n) note(n, TRUNCATED);
    if (!a->stats.n || mw_str_is(a->stats, "true") || mw_str_is(a->stats, "all")) return;
    snprintf(
        text, sizeof text,
        "value \"%.*s\" for parameter \"stats\" is deprecated and will be rejected in the next "
        "major release, use \"true\" or \"all\"",
        (int)(a->stats.n > 40 ? 40 : a->stats.n), a->stats.p);
    note(n, text);
}

static void put_timing(mw_buf *out, const char *name, int64_t ns)
{
    mw_buf_printf(out, "\"%s\":%.9f,", name, (double)ns / 1e9);
}

/* As Prometheus has them.  Here selecting, evaluating and sorting are not told apart: all of it is
 * evaluation. */
static void put_stats(const answer *a, mw_buf *out)
{
    size_t n = a->result->samples_read;
    mw_buf_text(out, ",\"stats\":{\"timings\":{");
    put_timing(out, "evalTotalTime", a->took_ns);
    put_timing(out, "resultSortTime", 0);
    put_timing(out, "queryPreparationTime", 0);
    put_timing(out, "innerEvalTime", a->took_ns);
    put_timing(out, "execQueueTime", a->waited_ns);
    put_timing(out, "execTotalTime", a->waited_ns + a->took_ns);
    out->n--;
    mw_buf_printf(out,
                  "},\"samples\":{\"totalQueryableSamples\":%zu,\"samplesRead\":%zu,"
                  "\"peakSamples\":%zu}}",
                  n, n, n);
}

static bool next_piece(mw_call *c, mw_buf *out)
{
    answer *a = c->state;
    const mw_promql_result *r = a->result;
    if (!mw_promql_result_json(&a->shown, &a->at, out->n + MW_PIECE, out)) return false;
    if (a->stats.n) {
        out->n--; /* they stand inside of data */
        put_stats(a, out);
        mw_buf_byte(out, '}');
    }
    notes warnings = notes_begin(out, "warnings"), infos;
    put_warnings(a, &warnings);
    notes_end(&warnings);
    infos = notes_begin(out, "infos");
    for (size_t i = 0; i < r->n_infos; i++) note(&infos, r->infos[i]);
    notes_end(&infos);
    mw_buf_byte(out, '}');
    return true;
}

static void answer_with(mw_call *c, mw_promql_result *r, const wishes *w)
{
    answer *a = mw_arena_zalloc(c->arena, sizeof *a);
    a->result = r;
    a->shown = *r;
    bool rows = r->type == MW_VALUE_VECTOR || r->type == MW_VALUE_MATRIX;
    if (rows && r->n > w->limit) a->shown.n = w->limit;
    a->stats = call_param(c, "stats");
    a->waited_ns = w->waited_ns;
    a->took_ns = w->took_ns;
    c->state = a;
    c->free_state = answer_free;
    call_open_data(c);
    call_answer(c, 200, "application/json");
    if (!next_piece(c, &c->out)) c->more = next_piece;
}

/* -- asking ---------------------------------------------------------------------------------- */

static int lookback(const mw_call *c, int64_t *out, mw_err *err)
{
    mw_err why;
    mw_err_init(&why);
    if (call_duration_ms(c, "lookback_delta", out, &why) == MW_OK) return MW_OK;
    const char *inner = strstr(why.msg, "cannot parse");
    return mw_fail(err, why.code, 0, 0, "error parsing lookback delta duration: %s",
                   inner ? inner : why.msg);
}

/* Time in the queue counts. */
static int common_params(const mw_call *c, wishes *w, mw_err *err)
{
    int64_t timeout = server_query_timeout_ms(c->server), asked = timeout;
    int rc = call_duration_ms(c, "timeout", &asked, err);
    if (!rc) rc = lookback(c, &w->q.lookback_ms, err);
    if (rc) return rc;
    if (call_param(c, "timeout").n && asked < timeout) timeout = asked > 0 ? asked : 0;
    w->q.deadline_mono_ns = c->began_mono_ns + timeout * 1000000;
    w->q.expr = call_param(c, "query");
    w->q.histograms = true;
    w->q.origin = "api";
    w->q.cancel = &c->cancel;
    return MW_OK;
}

/* Both ends may be the ends of time, whose distance is no int64_t. */
static bool too_many_points(const mw_promql_query *q)
{
    return ((uint64_t)q->end - (uint64_t)q->start) / (uint64_t)q->step > MOST_POINTS;
}

static int range_params(const mw_call *c, mw_promql_query *q, mw_err *err)
{
    int rc = call_must_time_ms(c, "start", &q->start, err);
    if (!rc) rc = call_must_time_ms(c, "end", &q->end, err);
    if (!rc && q->end < q->start)
        rc = mw_fail(err, MW_EARG, 0, 0,
                     "invalid parameter \"end\": end timestamp must not be before start time");
    if (!rc) rc = call_must_duration_ms(c, "step", &q->step, err);
    if (!rc && q->step <= 0)
        rc = mw_fail(err, MW_EARG, 0, 0,
                     "invalid parameter \"step\": zero or negative query resolution step widths "
                     "are not accepted. Try a positive integer");
    if (!rc && too_many_points(q))
        rc = mw_fail(err, MW_EARG, 0, 0,
                     "exceeded maximum resolution of 11,000 points per timeseries. Try "
                     "decreasing the query resolution (?step=XX)");
    return rc;
}

static void evaluate(mw_call *c, wishes *w)
{
    mw_err err;
    mw_promql_result *r = NULL;
    mw_host *host = c->parts->host;
    int64_t began = mw_mono_ns();
    int rc = MW_OK;
    mw_err_init(&err);
    if (began > w->q.deadline_mono_ns)
        rc = mw_fail(&err, MW_ETIMEOUT, 0, 0, "query timed out in query queue");
    if (!rc) rc = mw_promql_eval(host->promql, host->source, &w->q, &r, &err);
    w->waited_ns = began - c->began_mono_ns;
    w->took_ns = mw_mono_ns() - began;
    server_count_query(c->server, w->q.range, rc, w->took_ns, r ? r->samples_read : 0);
    if (!rc)
        answer_with(c, r, w);
    else if (rc == MW_EPARSE)
        call_fail_param(c, "query", &err);
    else
        call_fail(c, &err);
}

/* One number, say, as those who only look whether we are there ask for: no series is read, and no
 * subquery can make it long. */
bool api_query_brief(const mw_call *c)
{
    mw_str expr = call_param(c, "query");
    mw_select *sel;
    size_t n;
    if (expr.n > BRIEF || memchr(expr.p, '[', expr.n)) return false;
    if (mw_promql_selectors(expr, &sel, &n, NULL)) return true; /* a mistake is told at once, too */
    mw_promql_selectors_free(sel, n);
    return n == 0;
}

void api_query(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    wishes w = {.q.start = mw_now_ms(c->parts->host->clock)};
    if (call_limit(c, &w.limit, &err) || call_time_ms(c, "time", &w.q.start, &err) ||
        common_params(c, &w, &err))
        call_fail(c, &err);
    else
        evaluate(c, &w);
}

void api_query_range(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    wishes w = {.q.range = true};
    if (call_limit(c, &w.limit, &err) || range_params(c, &w.q, &err) || common_params(c, &w, &err))
        call_fail(c, &err);
    else
        evaluate(c, &w);
}

/* -- how a query is evaluated ----------------------------------------------------------------- */

static int read_asked(const mw_call *c, wishes *w, mw_err *err)
{
    mw_promql_query *q = &w->q;
    q->range = call_param(c, "step").n || call_param(c, "start").n;
    int rc = common_params(c, w, err);
    q->origin = "explain";
    if (rc) return rc;
    return q->range ? range_params(c, q, err) : call_time_ms(c, "time", &q->start, err);
}

/* A time, or start, end and step; analyze=false: only the plan. */
void api_explain(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    mw_host *host = c->parts->host;
    mw_str analyze = call_param(c, "analyze");
    bool plan_only = mw_str_is(analyze, "false") || mw_str_is(analyze, "0");
    wishes w = {.q.start = mw_now_ms(host->clock)};
    int rc = read_asked(c, &w, &err);
    if (!rc && analyze.n && !plan_only && !call_flag(c, "analyze"))
        rc = mw_fail(&err, MW_EARG, 0, 0, "invalid parameter \"analyze\": true or false");
    if (!rc) rc = mw_promql_explain(host->promql, host->source, &w.q, !plan_only, &c->out, &err);
    if (!rc)
        call_answer(c, 200, "application/json");
    else if (rc == MW_EPARSE)
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
