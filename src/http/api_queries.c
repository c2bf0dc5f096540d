/* api_queries.c - queries that run, how to end one, and which ones cost most since the start.
 *
 * Answered on the loop: when slow queries fill the pool is when somebody wants to know.
 * SPDX-License-Identifier: MIT */
#include "base/num.h"
#include "http/route.h"
#include "promql/querylog.h"

enum { USUAL = 20 };

static void comma(mw_buf *out)
{
    if (out->p[out->n - 1] != '[') mw_buf_byte(out, ',');
}

static void seconds(mw_buf *out, const char *member, double s)
{
    mw_buf_printf(out, ",\"%s\":", member);
    mw_buf_double(out, s);
}

static void count(mw_buf *out, const char *member, uint64_t n)
{
    mw_buf_printf(out, ",\"%s\":%llu", member, (unsigned long long)n);
}

/* -- what runs ------------------------------------------------------------------------------- */

static void add_running(void *arg, const mw_query_running *r, int64_t age_ns)
{
    mw_buf *out = arg;
    const mw_promql_query *q = r->query;
    mw_str shown = {r->expr.p, r->expr.n < MW_QUERY_TEXT ? r->expr.n : MW_QUERY_TEXT};
    comma(out);
    mw_buf_printf(out, "{\"id\":%llu,\"query\":", (unsigned long long)r->id);
    mw_buf_json(out, shown);
    mw_buf_printf(out, ",\"origin\":\"%s\"", q->origin ? q->origin : "");
    seconds(out, "started", (double)r->began_ms / 1000);
    seconds(out, "ageSeconds", (double)age_ns / 1e9);
    seconds(out, q->range ? "start" : "time", (double)q->start / 1000);
    if (q->range) {
        seconds(out, "end", (double)q->end / 1000);
        seconds(out, "step", (double)q->step / 1000);
    }
    mw_buf_printf(out, ",\"cancelled\":%s,\"cancel\":\"DELETE /api/mw/v1/queries/%llu\"}",
                  __atomic_load_n(&r->cancel, __ATOMIC_RELAXED) ? "true" : "false",
                  (unsigned long long)r->id);
}

void api_query_cancel(mw_call *c)
{
    int64_t id = 0;
    mw_str text = c->wildcard[0];
    if (!mw_int64_parse(text, &id) || id < 1)
        call_fail_text(c, MW_EARG, "the number of a query is expected, got \"%.*s\"",
                       (int)(text.n > 100 ? 100 : text.n), text.p);
    else if (mw_querylog_cancel(mw_promql_log(c->parts->host->promql), (uint64_t)id))
        call_fail_text(c, MW_ENOENT,
                       "no query %lld runs; GET /api/mw/v1/queries lists those that do",
                       (long long)id);
    else
        call_answer(c, 204, NULL);
}

/* -- what ran -------------------------------------------------------------------------------- */

static void add_cost(void *arg, const mw_query_cost *q)
{
    mw_buf *out = arg;
    comma(out);
    mw_buf_text(out, "{\"query\":");
    mw_buf_json(out, mw_str_of(q->text));
    count(out, "count", q->count);
    count(out, "ranges", q->ranges);
    count(out, "failed", q->failed);
    seconds(out, "totalSeconds", (double)q->total_ns / 1e9);
    seconds(out, "avgSeconds", (double)q->total_ns / 1e9 / (double)q->count);
    seconds(out, "maxSeconds", (double)q->max_ns / 1e9);
    count(out, "samples", q->samples);
    seconds(out, "avgSamples", (double)q->samples / (double)q->count);
    count(out, "maxSamples", q->max_samples);
    seconds(out, "first", (double)q->first_ms / 1000);
    seconds(out, "last", (double)q->last_ms / 1000);
    seconds(out, "missedSecondsAtMost", (double)q->missed_ns / 1e9);
    mw_buf_byte(out, '}');
}

static int read_order(const mw_call *c, mw_query_order *by, mw_err *err)
{
    static const char *const names[] = {
        [MW_BY_TIME] = "time", [MW_BY_SAMPLES] = "samples", [MW_BY_COUNT] = "count"};
    mw_str v = call_param(c, "by");
    *by = MW_BY_TIME;
    if (!v.n) return MW_OK;
    for (int i = 0; i < 3; i++)
        if (mw_str_is(v, names[i])) return *by = (mw_query_order)i, MW_OK;
    return mw_fail(err, MW_EARG, 0, 0,
                   "invalid parameter \"by\": one of time, samples, count is expected, got "
                   "\"%.*s\"",
                   (int)(v.n > 100 ? 100 : v.n), v.p);
}

void api_queries(mw_call *c)
{
    mw_err err;
    mw_query_order by;
    size_t limit = USUAL;
    mw_querylog *log = mw_promql_log(c->parts->host->promql);
    mw_err_init(&err);
    if (read_order(c, &by, &err) || call_size(c, "limit", MW_QUERY_TABLE, &limit, &err)) {
        call_fail(c, &err);
        return;
    }
    mw_buf_text(&c->out, "{\"running\":[");
    mw_querylog_running(log, add_running, &c->out);
    mw_buf_text(&c->out, "],\"top\":[");
    mw_querylog_top(log, by, limit, add_cost, &c->out);
    mw_buf_text(&c->out, "]}");
    call_answer(c, 200, "application/json");
}
