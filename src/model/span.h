/* span.h - one span, in OpenTelemetry's shape.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_SPAN_H
#define MW_MODEL_SPAN_H
#include "model/attr.h"

typedef enum mw_span_kind {
    MW_SPAN_UNSPECIFIED,
    MW_SPAN_INTERNAL,
    MW_SPAN_SERVER,
    MW_SPAN_CLIENT,
    MW_SPAN_PRODUCER,
    MW_SPAN_CONSUMER
} mw_span_kind; /* numbers as in OTLP */

typedef enum mw_span_status {
    MW_SPAN_UNSET,
    MW_SPAN_OK,
    MW_SPAN_ERROR
} mw_span_status; /* as in OTLP */

typedef struct mw_span_event {
    int64_t t_ns;
    mw_str name;
    const mw_attr *attrs;
    size_t n_attrs;
} mw_span_event;

typedef struct mw_span_link {
    uint8_t trace_id[16], span_id[8];
    const mw_attr *attrs;
    size_t n_attrs;
} mw_span_link;

typedef struct mw_span {
    uint8_t trace_id[16], span_id[8], parent_id[8]; /* parent all zero: a root */
    mw_str name, service;                           /* service: resource attribute service.name */
    mw_str trace_state, status_message, scope;      /* scope: name of the instrumentation scope */
    mw_span_kind kind;
    mw_span_status status;
    int64_t start_ns, end_ns;
    const mw_attr *attrs, *resource;
    size_t n_attrs, n_resource;
    const mw_span_event *events;
    size_t n_events;
    const mw_span_link *links;
    size_t n_links;
} mw_span;

/* What a matcher on NAME sees of S: service, name, kind, status, scope, an attribute, one of the
 * resource; empty: it has none.  Numbers are written to TEXT. */
mw_str mw_span_value(const mw_span *s, mw_str name, mw_buf *text);

#endif
