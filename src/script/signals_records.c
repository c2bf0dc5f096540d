/* signals_records.c - searching logs and traces with plain values.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "script/signals.h"

static int64_t ns_of(double seconds)
{
    if (isnan(seconds) || seconds < 0) return 0;
    return seconds > 9e9 ? INT64_MAX / 2 : (int64_t)(seconds * 1e9);
}

/* A list field of Q as attributes, pointing into Q and HOLD. */
static mw_attr *attrs_of(const mw_value *map, mw_pairs *hold, size_t *n, mw_err *err)
{
    *n = 0;
    if (mw_pairs_init(hold, map, err) != MW_OK) return NULL;
    mw_attr *a = mw_array(hold->n + 1, sizeof *a);
    for (size_t i = 0; i < hold->n; i++)
        a[i] =
            (mw_attr){.key = hold->pair[i].name, .type = MW_ATTR_STRING, .s = hold->pair[i].value};
    *n = hold->n;
    return a;
}

static void set_attrs(mw_value *row, const char *key, const mw_attr *attrs, size_t n)
{
    mw_value *map = mw_map_new();
    for (size_t i = 0; i < n; i++) {
        const mw_attr *a = &attrs[i];
        mw_value *v = NULL;
        switch (a->type) {
        case MW_ATTR_INT: v = mw_number_new((double)a->i); break;
        case MW_ATTR_DOUBLE: v = mw_number_new(a->d); break;
        case MW_ATTR_BOOL: v = mw_bool_new(a->b); break;
        case MW_ATTR_STRING: v = mw_text_new(a->s); break;
        case MW_ATTR_JSON: v = mw_value_from_json(a->s, NULL); break;
        }
        if (!v) v = mw_text_new(a->s);
        mw_map_add(map, a->key, false, v);
    }
    mw_map_set(row, key, map);
}

static void set_hex(mw_value *row, const char *key, const void *id, size_t n)
{
    char text[33];
    mw_hex(id, n, text);
    mw_map_set_text(row, key, text);
}

/* -- logs ------------------------------------------------------------------------------------ */

typedef struct log_query {
    mw_logs_query q;
    mw_matcher *matchers;
    mw_regex *regex;
    mw_pairs pairs;
    mw_attr *fields;
} log_query;

static void log_query_deinit(log_query *lq)
{
    if (lq->matchers) mw_matchers_free(lq->matchers, lq->q.n_matchers);
    if (lq->regex) mw_regex_free(lq->regex);
    mw_pairs_deinit(&lq->pairs);
    mw_free(lq->fields);
}

static int log_query_init(log_query *lq, mw_host *h, const mw_value *q, mw_err *err)
{
    *lq = (log_query){0};
    if (!h->logs) return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
    mw_str selector = mw_map_text(q, "selector"), level = mw_map_text(q, "level"),
           trace = mw_map_text(q, "trace"), regex = mw_map_text(q, "regex");
    if (selector.n && !mw_str_is(mw_str_trim(selector), "{}")) {
        int rc = mw_promql_selector(selector, &lq->matchers, &lq->q.n_matchers, err);
        if (rc != MW_OK) return mw_fail(err, rc, 0, 0, "selector: %s", mw_code_text(rc));
        lq->q.matchers = lq->matchers;
    }
    if (level.n) {
        lq->q.level_set = true;
        if (!mw_level_parse(level.p, &lq->q.at_least))
            return mw_fail(err, MW_EARG, 0, 0,
                           "level \"%.32s\" is none of debug, info, warn, error, fatal", level.p);
    }
    if (trace.n) {
        lq->q.trace_set = true;
        if (trace.n != 32 || !mw_unhex(trace, lq->q.trace_id, 16))
            return mw_fail(err, MW_EARG, 0, 0, "trace must be 32 hex digits");
    }
    if (regex.n && !(lq->regex = mw_regex_new(regex, err)))
        return mw_fail(err, MW_EPARSE, 0, 0, "regex cannot be read");
    lq->q.regex = lq->regex;
    lq->q.contains = mw_map_text(q, "contains");
    lq->fields = attrs_of(mw_map_find(q, "fields"), &lq->pairs, &lq->q.n_fields, err);
    if (!lq->fields) return MW_EARG;
    lq->q.fields = lq->fields;
    lq->q.min_ns = ns_of(mw_map_number(q, "from", 0));
    double to = mw_map_number(q, "to", 0);
    lq->q.max_ns = to > 0 ? ns_of(to) + 1 : 0; /* the moment itself belongs to the past */
    return MW_OK;
}

typedef struct rows {
    mw_value *list;
    size_t max;
} rows;

static int keep_record(void *arg, const mw_log_record *r)
{
    rows *to = arg;
    mw_value *row = mw_map_new();
    mw_map_set_number(row, "time", (double)r->t_ns / 1e9);
    mw_map_set_text(row, "level", mw_level_name(r->level));
    mw_map_set(row, "message", mw_text_new(r->message));
    mw_map_set(row, "stream", mw_labels_value(r->stream));
    set_attrs(row, "fields", r->fields, r->n_fields);
    if (r->has_trace) set_hex(row, "trace", r->trace_id, 16);
    if (r->has_span) set_hex(row, "span", r->span_id, 8);
    mw_list_add(to->list, row);
    return to->list->list.n >= to->max;
}

static size_t limit_of(const mw_value *q, size_t def, size_t max)
{
    double n = mw_map_number(q, "limit", (double)def);
    if (!(n >= 1)) return 1;
    return n > (double)max ? max : (size_t)n;
}

mw_value *mw_signal_logs(mw_host *h, const mw_value *q, size_t max, mw_err *err)
{
    log_query lq;
    rows to = {NULL, limit_of(q, max < 1000 ? max : 1000, max)};
    int rc = log_query_init(&lq, h, q, err);
    if (rc == MW_OK) {
        lq.q.limit = to.max;
        to.list = mw_list_new();
        rc = mw_logs_search(h->logs, &lq.q, keep_record, &to, err);
    }
    log_query_deinit(&lq);
    if (rc == MW_OK) return to.list;
    mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
    mw_value_free(to.list);
    return NULL;
}

int mw_signal_logs_count(mw_host *h, const mw_value *q, uint64_t *out, mw_err *err)
{
    log_query lq;
    int rc = log_query_init(&lq, h, q, err);
    if (rc == MW_OK) rc = mw_logs_count(h->logs, &lq.q, out, err);
    log_query_deinit(&lq);
    return rc == MW_OK ? rc : mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
}

/* -- traces ---------------------------------------------------------------------------------- */

static int keep_trace(void *arg, const mw_trace_summary *s)
{
    rows *to = arg;
    mw_value *row = mw_map_new();
    set_hex(row, "trace", s->trace_id, 16);
    mw_map_set(row, "service", mw_text_new(s->matched_service));
    mw_map_set(row, "name", mw_text_new(s->matched_name));
    mw_map_set_number(row, "span_duration", (double)s->matched_duration_ns / 1e9);
    mw_map_set(row, "root_service", mw_text_new(s->root_service));
    mw_map_set(row, "root_name", mw_text_new(s->root_name));
    mw_map_set_number(row, "start", (double)s->start_ns / 1e9);
    mw_map_set_number(row, "duration", (double)s->duration_ns / 1e9);
    mw_map_set_number(row, "spans", (double)s->spans);
    mw_map_set_number(row, "errors", (double)s->errors);
    mw_list_add(to->list, row);
    return to->list->list.n >= to->max;
}

/* The query Q says; its tags are in PAIRS and *TAGS, which the caller frees.  MW_OK or a refusal.
 */
static int traces_query(const mw_value *q, mw_traces_query *tq, mw_pairs *pairs, mw_attr **tags,
                        mw_err *err)
{
    *tq = (mw_traces_query){
        .service = mw_map_text(q, "service"),
        .name = mw_map_text(q, "name"),
        .min_ns = ns_of(mw_map_number(q, "from", 0)),
        .min_duration_ns = ns_of(mw_map_number(q, "min", 0)),
        .max_duration_ns = ns_of(mw_map_number(q, "max", 0)),
        .errors_only = mw_map_bool(q, "errors", false),
        .slowest = mw_map_bool(q, "slowest", false),
    };
    double until = mw_map_number(q, "to", 0);
    if (until > 0) tq->max_ns = ns_of(until) + 1;
    *tags = attrs_of(mw_map_find(q, "tags"), pairs, &tq->n_tags, err);
    tq->tags = *tags;
    return *tags ? MW_OK : MW_EARG;
}

mw_value *mw_signal_traces(mw_host *h, const mw_value *q, size_t max, mw_err *err)
{
    if (!h->traces) {
        mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
        return NULL;
    }
    mw_pairs pairs;
    mw_attr *tags;
    mw_traces_query tq;
    rows to = {NULL, limit_of(q, 20, max)};
    if (traces_query(q, &tq, &pairs, &tags, err) != MW_OK) return NULL;
    tq.limit = to.max;
    to.list = mw_list_new();
    int rc = mw_traces_search(h->traces, &tq, keep_trace, &to, err);
    mw_pairs_deinit(&pairs);
    mw_free(tags);
    if (rc == MW_OK) return to.list;
    mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
    mw_value_free(to.list);
    return NULL;
}

int mw_signal_spans_count(mw_host *h, const mw_value *q, mw_span_count *out, mw_err *err)
{
    if (!h->traces) return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
    mw_pairs pairs;
    mw_attr *tags;
    mw_traces_query tq;
    mw_span_promise promise = {.under_ns = ns_of(mw_map_number(q, "under", 0)),
                               .errors = mw_map_bool(q, "errors", false)};
    int rc = traces_query(q, &tq, &pairs, &tags, err);
    if (rc != MW_OK) return rc;
    tq.errors_only = false; /* they are what is counted, not what is looked at */
    rc = mw_traces_count(h->traces, &tq, &promise, out, err);
    mw_pairs_deinit(&pairs);
    mw_free(tags);
    return rc == MW_OK ? rc : mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
}

static int keep_step(void *arg, const mw_traces_rates_step *s)
{
    mw_value *row = mw_map_new();
    mw_map_set(row, "service", mw_text_new(s->service));
    mw_map_set_number(row, "from", (double)s->from_ns / 1e9);
    mw_map_set_number(row, "spans", (double)s->spans);
    mw_map_set_number(row, "errors", (double)s->errors);
    mw_map_set_number(row, "p50", s->p50);
    mw_map_set_number(row, "p95", s->p95);
    mw_map_set_number(row, "p99", s->p99);
    mw_list_add(arg, row);
    return 0;
}

mw_value *mw_signal_rates(mw_host *h, const mw_value *q, mw_err *err)
{
    if (!h->traces) {
        mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
        return NULL;
    }
    double from = mw_map_number(q, "from", 0), to = mw_map_number(q, "to", 0);
    mw_traces_rates_query rq = {.service = mw_map_text(q, "service"),
                                .min_ns = ns_of(from),
                                .max_ns = ns_of(to),
                                .step_ns = ns_of(mw_map_number(q, "step", to - from))};
    mw_value *out = mw_list_new();
    if (mw_traces_rates(h->traces, &rq, keep_step, out, err) == MW_OK) return out;
    mw_value_free(out);
    return NULL;
}
