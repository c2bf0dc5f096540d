/* otlp_schema.c - the tables of OTLP, from opentelemetry-proto 1.x.
 *
 * Fields that are not stored (dropped counts, schema urls, minima and maxima) are left out and
 * thereby passed over.  SPDX-License-Identifier: MIT */
#include "ingest/otlp_schema.h"

#include <stddef.h>

#define COUNT(a)          (sizeof(a) / sizeof *(a))
#define AT(T, member)     .at = offsetof(T, member)
#define LIST(T, items, n) .at = offsetof(T, items), .n_at = offsetof(T, n)
#define MESSAGE(T, has, members)                \
    {                                           \
        sizeof(T), has, members, COUNT(members) \
    }
#define NO_HAS (-1)

/* -- names of enumerations ------------------------------------------------------------------ */

static const char *const span_kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                         "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                         "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
static const char *const status_codes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                           "STATUS_CODE_ERROR"};
static const char *const temporalities[] = {"AGGREGATION_TEMPORALITY_UNSPECIFIED",
                                            "AGGREGATION_TEMPORALITY_DELTA",
                                            "AGGREGATION_TEMPORALITY_CUMULATIVE"};
#define FOUR(s)                                                               \
    "SEVERITY_NUMBER_" s, "SEVERITY_NUMBER_" s "2", "SEVERITY_NUMBER_" s "3", \
        "SEVERITY_NUMBER_" s "4"
static const char *const severities[] = {"SEVERITY_NUMBER_UNSPECIFIED",
                                         FOUR("TRACE"),
                                         FOUR("DEBUG"),
                                         FOUR("INFO"),
                                         FOUR("WARN"),
                                         FOUR("ERROR"),
                                         FOUR("FATAL")};

/* -- shared --------------------------------------------------------------------------------- */

static const mw_otlp_field resource_fields[] = {
    {"attributes", 1, MW_OTLP_ATTRS, LIST(mw_otlp_resource, attrs, n_attrs)},
};
/* Read in place of its field: the attributes land in the resource that holds it. */
static const mw_otlp_message resource = MESSAGE(mw_otlp_resource, NO_HAS, resource_fields);

static const mw_otlp_field scope_fields[] = {
    {"name", 1, MW_OTLP_TEXT, AT(mw_otlp_scope, name)},
    {"version", 2, MW_OTLP_TEXT, AT(mw_otlp_scope, version)},
};
static const mw_otlp_message scope = MESSAGE(mw_otlp_scope, NO_HAS, scope_fields);

/* -- traces --------------------------------------------------------------------------------- */

static const mw_otlp_field event_fields[] = {
    {"timeUnixNano", 1, MW_OTLP_INT64, AT(mw_span_event, t_ns)},
    {"name", 2, MW_OTLP_TEXT, AT(mw_span_event, name)},
    {"attributes", 3, MW_OTLP_ATTRS, LIST(mw_span_event, attrs, n_attrs)},
};
static const mw_otlp_message event = MESSAGE(mw_span_event, NO_HAS, event_fields);

static const mw_otlp_field link_fields[] = {
    {"traceId", 1, MW_OTLP_ID, AT(mw_span_link, trace_id), .limit = 16},
    {"spanId", 2, MW_OTLP_ID, AT(mw_span_link, span_id), .limit = 8},
    {"attributes", 4, MW_OTLP_ATTRS, LIST(mw_span_link, attrs, n_attrs)},
};
static const mw_otlp_message link = MESSAGE(mw_span_link, NO_HAS, link_fields);

static const mw_otlp_field status_fields[] = {
    {"message", 2, MW_OTLP_TEXT, AT(mw_otlp_span, span.status_message)},
    {"code", 3, MW_OTLP_ENUM, AT(mw_otlp_span, span.status), .names = status_codes,
     .limit = COUNT(status_codes)},
};
static const mw_otlp_message status = MESSAGE(mw_otlp_span, NO_HAS, status_fields);

static const mw_otlp_field span_fields[] = {
    {"traceId", 1, MW_OTLP_ID, AT(mw_otlp_span, span.trace_id), .limit = 16,
     .has = MW_OTLP_BAD_TRACE_ID},
    {"spanId", 2, MW_OTLP_ID, AT(mw_otlp_span, span.span_id), .limit = 8,
     .has = MW_OTLP_BAD_SPAN_ID},
    {"traceState", 3, MW_OTLP_TEXT, AT(mw_otlp_span, span.trace_state)},
    {"parentSpanId", 4, MW_OTLP_ID, AT(mw_otlp_span, span.parent_id), .limit = 8,
     .has = MW_OTLP_BAD_PARENT_ID},
    {"name", 5, MW_OTLP_TEXT, AT(mw_otlp_span, span.name)},
    {"kind", 6, MW_OTLP_ENUM, AT(mw_otlp_span, span.kind), .names = span_kinds,
     .limit = COUNT(span_kinds)},
    {"startTimeUnixNano", 7, MW_OTLP_INT64, AT(mw_otlp_span, span.start_ns)},
    {"endTimeUnixNano", 8, MW_OTLP_INT64, AT(mw_otlp_span, span.end_ns)},
    {"attributes", 9, MW_OTLP_ATTRS, LIST(mw_otlp_span, span.attrs, span.n_attrs)},
    {"events", 11, MW_OTLP_MESSAGES, LIST(mw_otlp_span, span.events, span.n_events),
     .message = &event},
    {"links", 13, MW_OTLP_MESSAGES, LIST(mw_otlp_span, span.links, span.n_links), .message = &link},
    {"status", 15, MW_OTLP_MESSAGE, .message = &status},
};
static const mw_otlp_message span = MESSAGE(mw_otlp_span, offsetof(mw_otlp_span, has), span_fields);

/* -- logs ----------------------------------------------------------------------------------- */

static const mw_otlp_field log_fields[] = {
    {"timeUnixNano", 1, MW_OTLP_INT64, AT(mw_otlp_log, t_ns)},
    {"severityNumber", 2, MW_OTLP_ENUM, AT(mw_otlp_log, severity), .names = severities,
     .limit = COUNT(severities)},
    {"severityText", 3, MW_OTLP_TEXT, AT(mw_otlp_log, severity_text)},
    {"body", 5, MW_OTLP_ANY, AT(mw_otlp_log, body), .has = MW_OTLP_BODY},
    {"attributes", 6, MW_OTLP_ATTRS, LIST(mw_otlp_log, attrs, n_attrs)},
    {"traceId", 9, MW_OTLP_ID, AT(mw_otlp_log, trace_id), .limit = 16},
    {"spanId", 10, MW_OTLP_ID, AT(mw_otlp_log, span_id), .limit = 8},
    {"observedTimeUnixNano", 11, MW_OTLP_INT64, AT(mw_otlp_log, observed_ns)},
};
static const mw_otlp_message logrec = MESSAGE(mw_otlp_log, offsetof(mw_otlp_log, has), log_fields);

/* -- metrics -------------------------------------------------------------------------------- */

static const mw_otlp_field exemplar_fields[] = {
    {"timeUnixNano", 2, MW_OTLP_INT64, AT(mw_otlp_exemplar, t_ns)},
    {"asDouble", 3, MW_OTLP_DOUBLE, AT(mw_otlp_exemplar, value), .has = MW_OTLP_VALUE},
    {"spanId", 4, MW_OTLP_ID, AT(mw_otlp_exemplar, span_id), .limit = 8},
    {"traceId", 5, MW_OTLP_ID, AT(mw_otlp_exemplar, trace_id), .limit = 16},
    {"asInt", 6, MW_OTLP_INT_DOUBLE, AT(mw_otlp_exemplar, value), .has = MW_OTLP_VALUE},
    {"filteredAttributes", 7, MW_OTLP_ATTRS, LIST(mw_otlp_exemplar, attrs, n_attrs)},
};
static const mw_otlp_message exemplar =
    MESSAGE(mw_otlp_exemplar, offsetof(mw_otlp_exemplar, has), exemplar_fields);

#define EXEMPLARS(number)                                                                   \
    {                                                                                       \
        "exemplars", number, MW_OTLP_MESSAGES, LIST(mw_otlp_point, exemplars, n_exemplars), \
            .message = &exemplar                                                            \
    }

static const mw_otlp_field number_fields[] = {
    {"timeUnixNano", 3, MW_OTLP_INT64, AT(mw_otlp_point, t_ns)},
    {"asDouble", 4, MW_OTLP_DOUBLE, AT(mw_otlp_point, value), .has = MW_OTLP_VALUE},
    EXEMPLARS(5),
    {"asInt", 6, MW_OTLP_INT_DOUBLE, AT(mw_otlp_point, value), .has = MW_OTLP_VALUE},
    {"attributes", 7, MW_OTLP_ATTRS, LIST(mw_otlp_point, attrs, n_attrs)},
    {"flags", 8, MW_OTLP_UINT32, AT(mw_otlp_point, flags)},
};
static const mw_otlp_message number_point =
    MESSAGE(mw_otlp_point, offsetof(mw_otlp_point, has), number_fields);

static const mw_otlp_field histogram_fields[] = {
    {"timeUnixNano", 3, MW_OTLP_INT64, AT(mw_otlp_point, t_ns)},
    {"count", 4, MW_OTLP_INT64, AT(mw_otlp_point, count)},
    {"sum", 5, MW_OTLP_DOUBLE, AT(mw_otlp_point, value), .has = MW_OTLP_VALUE},
    {"bucketCounts", 6, MW_OTLP_INT64S, LIST(mw_otlp_point, buckets, n_buckets)},
    {"explicitBounds", 7, MW_OTLP_DOUBLES, LIST(mw_otlp_point, bounds, n_bounds)},
    EXEMPLARS(8),
    {"attributes", 9, MW_OTLP_ATTRS, LIST(mw_otlp_point, attrs, n_attrs)},
    {"flags", 10, MW_OTLP_UINT32, AT(mw_otlp_point, flags)},
};
static const mw_otlp_message histogram_point =
    MESSAGE(mw_otlp_point, offsetof(mw_otlp_point, has), histogram_fields);

/* Read in place of their fields: the buckets land in the point. */
static const mw_otlp_field positive_fields[] = {
    {"offset", 1, MW_OTLP_SINT32, AT(mw_otlp_point, offset)},
    {"bucketCounts", 2, MW_OTLP_UINT64S, LIST(mw_otlp_point, buckets, n_buckets)},
};
static const mw_otlp_field negative_fields[] = {
    {"offset", 1, MW_OTLP_SINT32, AT(mw_otlp_point, negative_offset)},
    {"bucketCounts", 2, MW_OTLP_UINT64S, LIST(mw_otlp_point, negative, n_negative)},
};
static const mw_otlp_message positive = MESSAGE(mw_otlp_point, NO_HAS, positive_fields);
static const mw_otlp_message negative = MESSAGE(mw_otlp_point, NO_HAS, negative_fields);

static const mw_otlp_field exponential_fields[] = {
    {"attributes", 1, MW_OTLP_ATTRS, LIST(mw_otlp_point, attrs, n_attrs)},
    {"timeUnixNano", 3, MW_OTLP_INT64, AT(mw_otlp_point, t_ns)},
    {"count", 4, MW_OTLP_INT64, AT(mw_otlp_point, count)},
    {"sum", 5, MW_OTLP_DOUBLE, AT(mw_otlp_point, value), .has = MW_OTLP_VALUE},
    {"scale", 6, MW_OTLP_SINT32, AT(mw_otlp_point, scale)},
    {"zeroCount", 7, MW_OTLP_INT64, AT(mw_otlp_point, zero_count)},
    {"positive", 8, MW_OTLP_MESSAGE, .message = &positive},
    {"negative", 9, MW_OTLP_MESSAGE, .message = &negative},
    {"flags", 10, MW_OTLP_UINT32, AT(mw_otlp_point, flags)},
    EXEMPLARS(11),
    {"zeroThreshold", 14, MW_OTLP_DOUBLE, AT(mw_otlp_point, zero_threshold)},
};
static const mw_otlp_message exponential_point =
    MESSAGE(mw_otlp_point, offsetof(mw_otlp_point, has), exponential_fields);

static const mw_otlp_field quantile_fields[] = {
    {"quantile", 1, MW_OTLP_DOUBLE, AT(mw_otlp_quantile, quantile)},
    {"value", 2, MW_OTLP_DOUBLE, AT(mw_otlp_quantile, value)},
};
static const mw_otlp_message quantile = MESSAGE(mw_otlp_quantile, NO_HAS, quantile_fields);

static const mw_otlp_field summary_fields[] = {
    {"timeUnixNano", 3, MW_OTLP_INT64, AT(mw_otlp_point, t_ns)},
    {"count", 4, MW_OTLP_INT64, AT(mw_otlp_point, count)},
    {"sum", 5, MW_OTLP_DOUBLE, AT(mw_otlp_point, value), .has = MW_OTLP_VALUE},
    {"quantileValues", 6, MW_OTLP_MESSAGES, LIST(mw_otlp_point, quantiles, n_quantiles),
     .message = &quantile},
    {"attributes", 7, MW_OTLP_ATTRS, LIST(mw_otlp_point, attrs, n_attrs)},
    {"flags", 8, MW_OTLP_UINT32, AT(mw_otlp_point, flags)},
};
static const mw_otlp_message summary_point =
    MESSAGE(mw_otlp_point, offsetof(mw_otlp_point, has), summary_fields);

#define POINTS(kind)                                                                         \
    {                                                                                        \
        "dataPoints", 1, MW_OTLP_MESSAGES, LIST(mw_otlp_metric, data.points, data.n_points), \
            .message = &kind                                                                 \
    }
#define TEMPORALITY                                                                      \
    {                                                                                    \
        "aggregationTemporality", 2, MW_OTLP_ENUM, AT(mw_otlp_metric, data.temporality), \
            .names = temporalities, .limit = COUNT(temporalities)                        \
    }

static const mw_otlp_field gauge_fields[] = {POINTS(number_point)};
static const mw_otlp_field sum_fields[] = {
    POINTS(number_point),
    TEMPORALITY,
    {"isMonotonic", 3, MW_OTLP_BOOL, AT(mw_otlp_metric, data.monotonic)},
};
static const mw_otlp_field histogram_data_fields[] = {POINTS(histogram_point), TEMPORALITY};
static const mw_otlp_field exponential_data_fields[] = {POINTS(exponential_point), TEMPORALITY};
static const mw_otlp_field summary_data_fields[] = {POINTS(summary_point)};

/* Read in place, like a resource: the points land in the metric. */
static const mw_otlp_message gauge = MESSAGE(mw_otlp_metric, NO_HAS, gauge_fields);
static const mw_otlp_message sum = MESSAGE(mw_otlp_metric, NO_HAS, sum_fields);
static const mw_otlp_message histogram = MESSAGE(mw_otlp_metric, NO_HAS, histogram_data_fields);
static const mw_otlp_message exponential = MESSAGE(mw_otlp_metric, NO_HAS, exponential_data_fields);
static const mw_otlp_message summary = MESSAGE(mw_otlp_metric, NO_HAS, summary_data_fields);

static const mw_otlp_field metric_fields[] = {
    {"name", 1, MW_OTLP_TEXT, AT(mw_otlp_metric, name)},
    {"description", 2, MW_OTLP_TEXT, AT(mw_otlp_metric, description)},
    {"unit", 3, MW_OTLP_TEXT, AT(mw_otlp_metric, unit)},
    {"gauge", 5, MW_OTLP_MESSAGE, .message = &gauge, .has = MW_OTLP_GAUGE},
    {"sum", 7, MW_OTLP_MESSAGE, .message = &sum, .has = MW_OTLP_SUM},
    {"histogram", 9, MW_OTLP_MESSAGE, .message = &histogram, .has = MW_OTLP_HISTOGRAM},
    {"exponentialHistogram", 10, MW_OTLP_MESSAGE, .message = &exponential,
     .has = MW_OTLP_EXPONENTIAL},
    {"summary", 11, MW_OTLP_MESSAGE, .message = &summary, .has = MW_OTLP_SUMMARY},
};
static const mw_otlp_message metric =
    MESSAGE(mw_otlp_metric, offsetof(mw_otlp_metric, has), metric_fields);

/* -- requests ------------------------------------------------------------------------------- */

/* The three requests differ in the names of two fields and in what lies innermost. */
#define REQUEST(signal, Signal, item_json, item, items, n_items)                                 \
    static const mw_otlp_field signal##_scope_fields[] = {                                       \
        {"scope", 1, MW_OTLP_MESSAGE, .message = &scope},                                        \
        {item_json, 2, MW_OTLP_MESSAGES, LIST(mw_otlp_scope, items, n_items), .message = &item}, \
    };                                                                                           \
    static const mw_otlp_message signal##_scope =                                                \
        MESSAGE(mw_otlp_scope, NO_HAS, signal##_scope_fields);                                   \
    static const mw_otlp_field signal##_resource_fields[] = {                                    \
        {"resource", 1, MW_OTLP_MESSAGE, .message = &resource},                                  \
        {"scope" Signal, 2, MW_OTLP_MESSAGES, LIST(mw_otlp_resource, scopes, n_scopes),          \
         .message = &signal##_scope},                                                            \
    };                                                                                           \
    static const mw_otlp_message signal##_resource =                                             \
        MESSAGE(mw_otlp_resource, NO_HAS, signal##_resource_fields);                             \
    static const mw_otlp_field signal##_request_fields[] = {                                     \
        {"resource" Signal, 1, MW_OTLP_MESSAGES, LIST(mw_otlp_request, resources, n_resources),  \
         .message = &signal##_resource},                                                         \
    };                                                                                           \
    static const mw_otlp_message signal##_request =                                              \
        MESSAGE(mw_otlp_request, NO_HAS, signal##_request_fields)

REQUEST(traces, "Spans", "spans", span, spans, n_spans);
REQUEST(logs, "Logs", "logRecords", logrec, logs, n_logs);
REQUEST(metrics, "Metrics", "metrics", metric, metrics, n_metrics);

const mw_otlp_message *mw_otlp_message_of(mw_otlp_signal signal)
{
    static const mw_otlp_message *const of[] = {
        [MW_OTLP_TRACES] = &traces_request,
        [MW_OTLP_METRICS] = &metrics_request,
        [MW_OTLP_LOGS] = &logs_request,
    };
    return of[signal];
}
