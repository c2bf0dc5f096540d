/* otlp_names.h - names of OpenTelemetry as names of Prometheus.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_OTLP_NAMES_H
#define MW_INGEST_OTLP_NAMES_H
#include "base/buf.h"

typedef enum mw_otlp_kind {
    MW_OTLP_KIND_GAUGE,
    MW_OTLP_KIND_COUNTER,
    MW_OTLP_KIND_OTHER
} mw_otlp_kind;

/* "http.server.duration" with unit "s" -> http_server_duration_seconds; a counter ends in _total,
 * a gauge of unit "1" in _ratio.  Replaces what OUT holds; empty when nothing is left. */
void mw_otlp_metric_name(mw_str name, mw_str unit, mw_otlp_kind kind, mw_buf *out);

/* "http.method" -> http_method; one that begins with a digit becomes key_... .  Appends. */
void mw_otlp_label_name(mw_str key, mw_buf *out);

#endif
