/* api_logs.c - GET /api/mw/v1/logs: records by selector, text, level, fields, trace and time.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "http/route.h"

enum { USUAL = 100, MOST = 10000, MOST_FIELDS = 20 };
static const size_t most_bytes = (size_t)64 << 20;

typedef struct asked {
    mw_logs_query q;
    mw_regex *regex;
    mw_attr fields[MOST_FIELDS];
} asked;

/* -- parameters ------------------------------------------------------------------------------ */

static int read_level(const mw_call *c, mw_logs_query *q, mw_err *err)
{
    mw_str level = call_param(c, "level");
    if (!level.n) return MW_OK;
    q->level_set = true;
    if (mw_level_parse(level.p, &q->at_least)) return MW_OK;
    return mw_fail(
        err, MW_EARG, 0, 0,
        "invalid parameter \"level\": \"%.40s\" is none of debug, info, warn, error, fatal",
        level.p);
}

static int read_trace(const mw_call *c, mw_logs_query *q, mw_err *err)
{
    mw_str trace = call_param(c, "trace");
    if (!trace.n) return MW_OK;
    q->trace_set = true;
    if (trace.n == 32 && mw_unhex(trace, q->trace_id, 16)) return MW_OK;
    return mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"trace\": not 32 hex digits");
}

/* field=name=value, any number of them. */
static int read_fields(const mw_call *c, asked *a, mw_err *err)
{
    for (const mw_pair *p = NULL; (p = call_each_param(c, "field", p));) {
        const char *eq = memchr(p->value.p, '=', p->value.n);
        if (!eq || a->q.n_fields == MOST_FIELDS)
            return mw_fail(err, MW_EARG, 0, 0,
                           "invalid parameter \"field\": give name=value, at most %d times",
                           MOST_FIELDS);
        size_t n = (size_t)(eq - p->value.p);
        a->fields[a->q.n_fields++] = (mw_attr){
            .key = {p->value.p, n}, .type = MW_ATTR_STRING, .s = {eq + 1, p->value.n - n - 1}};
    }
    a->q.fields = a->fields;
    return MW_OK;
}

static int read_selector(const mw_call *c, mw_logs_query *q, mw_err *err)
{
    mw_matcher *m = NULL;
    mw_str selector = call_param(c, "selector");
    if (!selector.n || mw_str_is(selector, "{}")) return MW_OK;
    int rc = mw_promql_selector(selector, &m, &q->n_matchers, err);
    q->matchers = m;
    return rc;
}

static int read_regex(const mw_call *c, asked *a, mw_err *err)
{
    mw_str regex = call_param(c, "regex");
    if (!regex.n) return MW_OK;
    if (!(a->regex = mw_regex_new(regex, err))) return err->code ? err->code : MW_EARG;
    a->q.regex = a->regex;
    return MW_OK;
}

static int read_query(mw_call *c, asked *a, mw_err *err)
{
    mw_logs_query *q = &a->q;
    *a = (asked){.q = {.limit = USUAL, .cancel = &c->cancel}};
    q->contains = call_param(c, "contains");
    q->oldest_first = mw_str_is(call_param(c, "order"), "oldest");
    int rc = call_time_ns(c, "from", &q->min_ns, err);
    if (!rc) rc = call_time_ns(c, "to", &q->max_ns, err);
    if (!rc) rc = call_size(c, "limit", MOST, &q->limit, err);
    if (!rc) rc = read_level(c, q, err);
    if (!rc) rc = read_trace(c, q, err);
    if (!rc) rc = read_fields(c, a, err);
    if (!rc) rc = read_selector(c, q, err);
    if (!rc) rc = read_regex(c, a, err);
    if (!rc && !q->limit)
        rc = mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"limit\": give 1 or more");
    return rc;
}

/* -- the answer ------------------------------------------------------------------------------ */

static int add_record(void *arg, const mw_log_record *r)
{
    mw_call *c = arg;
    if (c->out.p[c->out.n - 1] != '[') mw_buf_byte(&c->out, ',');
    mw_log_record_json(r, &c->out);
    return c->out.n > most_bytes;
}

static void add_stats(mw_call *c)
{
    mw_logs_stats s;
    mw_logs_stats_read(c->parts->host->logs, &s);
    mw_buf_printf(
        &c->out, "],\"stats\":{\"streams\":%llu,\"records\":%llu,\"bytes\":%llu,\"dropped\":%llu}}",
        (unsigned long long)s.streams, (unsigned long long)s.records, (unsigned long long)s.bytes,
        (unsigned long long)s.dropped);
}

void api_logs(mw_call *c)
{
    asked a;
    mw_err err;
    mw_err_init(&err);
    int rc = read_query(c, &a, &err);
    if (!rc && call_flag(c, "count")) {
        uint64_t n = 0;
        rc = mw_logs_count(c->parts->host->logs, &a.q, &n, &err);
        mw_buf_printf(&c->out, "{\"count\":%llu}", (unsigned long long)n);
    } else {
        mw_buf_text(&c->out, "{\"records\":[");
        if (!rc) rc = mw_logs_search(c->parts->host->logs, &a.q, add_record, c, &err);
        add_stats(c);
    }
    if (rc)
        call_fail(c, &err);
    else
        call_answer(c, 200, "application/json");
    if (a.regex) mw_regex_free(a.regex);
    mw_matchers_free((mw_matcher *)a.q.matchers, a.q.n_matchers);
}
