/* observe.c - counters and histograms of requests, queries and ingest.
 *
 * Looking a series up takes the registry's lock, so each is looked up once and remembered in a
 * table by route, method and status.  Two threads may look the same one up at once; they get the
 * same pointer.  Labels come from our own tables only, never from a client.
 * SPDX-License-Identifier: MIT */
#include "http/observe.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { METHODS = 6, STATUSES = 24, SIZES = 8, NO_ROUTE = 1 };

typedef enum size_kind { DURATION, REQUEST_SIZE, RESPONSE_SIZE, HISTOGRAMS } size_kind;

typedef struct endpoint {
    mw_series *requests[METHODS][STATUSES];
    mw_series *histograms[HISTOGRAMS][METHODS];
} endpoint;

enum { QUERY_RESULTS = 5 };

struct observe {
    mw_registry *reg;
    double sizes[SIZES];
    mw_series *connections, *client_errors, *server_errors, *query_samples;
    mw_series *in_flight, *refused[REFUSED_REASONS];
    mw_series *query_seconds[2], *queries[2][QUERY_RESULTS];
    endpoint *endpoints; /* one per route and one for requests without a route */
};

static const char *const query_types[2] = {"instant", "range"};

static const struct {
    int code;
    const char *name;
} query_results[QUERY_RESULTS] = {
    {MW_OK, "ok"},
    {MW_EPARSE, "bad_data"},
    {MW_ETIMEOUT, "timeout"},
    {MW_ECANCEL, "cancelled"},
    {MW_EEXEC, "failed"}, /* and whatever else */
};

static const char *const reasons_refused[] = {
    [REFUSED_IN_FLIGHT] = "in_flight", [REFUSED_HANDLES] = "file_handles"};

observe *observe_new(mw_registry *reg)
{
    observe *o = mw_zalloc(sizeof *o);
    o->reg = reg;
    o->endpoints = mw_array(mw_n_routes + NO_ROUTE, sizeof *o->endpoints);
    mw_buckets_exponential(100, 10, SIZES, o->sizes);
    o->connections = mw_gauge(reg, "active_connections", "Open HTTP connections.", NULL);
    const char *errors = "Requests answered with an error.";
    o->client_errors = mw_counter(reg, "errors_total", errors, "service", "moonwatch", "error_type",
                                  "client_error", NULL);
    o->server_errors = mw_counter(reg, "errors_total", errors, "service", "moonwatch", "error_type",
                                  "server_error", NULL);
    o->in_flight = mw_gauge(reg, "moonwatch_http_in_flight_bytes",
                            "Bytes of requests that are being received or handled.", NULL);
    for (int i = 0; i < REFUSED_REASONS; i++)
        o->refused[i] = mw_counter(reg, "moonwatch_http_refused_total",
                                   "Requests and connections that were refused.", "reason",
                                   reasons_refused[i], NULL);
    o->query_samples =
        mw_counter(reg, "moonwatch_query_samples_total", "Samples read by PromQL queries.", NULL);
    for (int t = 0; t < 2; t++) {
        o->query_seconds[t] =
            mw_histogram(reg, "moonwatch_query_duration_seconds", "Time to evaluate a query.",
                         "type", query_types[t], NULL);
        for (int i = 0; i < QUERY_RESULTS; i++)
            o->queries[t][i] =
                mw_counter(reg, "moonwatch_queries_total", "Queries evaluated.", "type",
                           query_types[t], "result", query_results[i].name, NULL);
    }
    return o;
}

void observe_free(observe *o)
{
    if (!o) return;
    mw_free(o->endpoints);
    mw_free(o);
}

/* -- requests -------------------------------------------------------------------------------- */

static const char *const method_names[METHODS] = {"GET",    "POST", "PUT",
                                                  "DELETE", "HEAD", "OPTIONS"};

static unsigned method_index(mw_method m)
{
    unsigned i = 0;
    while (i + 1 < METHODS && !((unsigned)m & 1u << i)) i++;
    return i;
}

/* Every status that this server answers with; 0 stands for another one and for none at all, when
 * the client left before the answer. */
static const int statuses[] = {0,   200, 204, 304, 400, 403, 404, 405, 413, 415,
                               422, 429, 431, 499, 500, 503, 504, 409, 201, 202};
_Static_assert(sizeof statuses / sizeof *statuses <= STATUSES, "room for every status");

static unsigned status_index(int status)
{
    for (unsigned i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i] == status) return i;
    return 0;
}

static const char *endpoint_name(const mw_route *r) { return r ? r->pattern : "(none)"; }

static endpoint *endpoint_of(observe *o, const mw_route *r)
{
    return &o->endpoints[r ? (size_t)(r - mw_routes) : mw_n_routes];
}

static mw_series *look_up(observe *o, mw_series **slot, const mw_family *f, const mw_label *labels,
                          size_t n)
{
    mw_series *s = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (s) return s;
    if (mw_registry_series(o->reg, f, labels, n, &s, NULL)) return NULL; /* the registry is full */
    __atomic_store_n(slot, s, __ATOMIC_RELEASE);
    return s;
}

static mw_series *counter_of(observe *o, const finished *f)
{
    static const mw_family family = {
        .kind = MW_COUNTER, .name = "http_requests_total", .help = "HTTP requests answered."};
    char status[16];
    unsigned m = method_index(f->method), i = status_index(f->status);
    snprintf(status, sizeof status, "%d", statuses[i]);
    mw_label labels[] = {{MW_STR("method"), mw_str_of(method_names[m])},
                         {MW_STR("endpoint"), mw_str_of(endpoint_name(f->route))},
                         {MW_STR("status_code"), mw_str_of(status)}};
    return look_up(o, &endpoint_of(o, f->route)->requests[m][i], &family, labels, 3);
}

static void record(observe *o, const finished *f, size_kind kind, double v)
{
    const mw_family families[HISTOGRAMS] = {
        [DURATION] = {MW_HISTOGRAM, "http_request_duration_seconds",
                      "Time from request to the end of its answer.", NULL, NULL, 0},
        [REQUEST_SIZE] = {MW_HISTOGRAM, "http_request_size_bytes", "Size of request bodies.", NULL,
                          o->sizes, SIZES},
        [RESPONSE_SIZE] = {MW_HISTOGRAM, "http_response_size_bytes",
                           "Size of response bodies before compression.", NULL, o->sizes, SIZES},
    };
    unsigned m = method_index(f->method);
    mw_label labels[] = {{MW_STR("method"), mw_str_of(method_names[m])},
                         {MW_STR("endpoint"), mw_str_of(endpoint_name(f->route))}};
    mw_series *s =
        look_up(o, &endpoint_of(o, f->route)->histograms[kind][m], &families[kind], labels, 2);
    if (s) mw_histogram_observe(s, v);
}

void observe_request(observe *o, const finished *f)
{
    mw_series *s = counter_of(o, f);
    if (s) mw_counter_add(s, 1);
    record(o, f, DURATION, (double)f->took_ns / 1e9);
    record(o, f, REQUEST_SIZE, (double)f->request_bytes);
    record(o, f, RESPONSE_SIZE, (double)f->response_bytes);
    if (f->status >= 500)
        mw_counter_add(o->server_errors, 1);
    else if (f->status >= 400)
        mw_counter_add(o->client_errors, 1);
}

void observe_connections(observe *o, int by) { mw_gauge_add(o->connections, by); }
void observe_refused(observe *o, refused why) { mw_counter_add(o->refused[why], 1); }
void observe_in_flight(observe *o, size_t bytes) { mw_gauge_set(o->in_flight, (double)bytes); }

/* -- queries and ingest ---------------------------------------------------------------------- */

void observe_query(observe *o, bool range, int code, int64_t took_ns, size_t samples)
{
    unsigned i = 0;
    while (i + 1 < QUERY_RESULTS && query_results[i].code != code) i++;
    mw_counter_add(o->queries[range][i], 1);
    mw_counter_add(o->query_samples, (double)samples);
    mw_histogram_observe(o->query_seconds[range], (double)took_ns / 1e9);
}

void observe_ingest(observe *o, mw_ingest_kind kind, const char *source, const mw_ingest_result *r)
{
    static const struct {
        const char *name, *help, *kind;
    } rows[MW_INGEST_KINDS] = {
        [MW_INGEST_SAMPLES] = {"moonwatch_ingest_samples_total", "Samples taken in.", "samples"},
        [MW_INGEST_RECORDS] = {"moonwatch_ingest_records_total", "Log records taken in.",
                               "records"},
        [MW_INGEST_SPANS] = {"moonwatch_ingest_spans_total", "Spans taken in.", "spans"},
    };
    mw_series *in = mw_counter(o->reg, rows[kind].name, rows[kind].help, "source", source, NULL);
    mw_series *out = mw_counter(o->reg, "moonwatch_ingest_rejected_total",
                                "Samples, records and spans that were refused.", "kind",
                                rows[kind].kind, "source", source, NULL);
    mw_counter_add(in, (double)r->accepted);
    mw_counter_add(out, (double)r->rejected);
}
