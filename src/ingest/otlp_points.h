/* otlp_points.h - one point of an OTLP metric as samples, exemplars or a native histogram.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_OTLP_POINTS_H
#define MW_INGEST_OTLP_POINTS_H
#include "ingest/otlp_schema.h"
#include "ingest/result.h"

enum { MW_OTLP_NO_RECORDED_VALUE = 1, MW_OTLP_OWN_LABELS = 4 };

typedef struct mw_otlp_sink {
    mw_ingest *in;
    mw_appender *appender;
    mw_ingest_limits limits;
    mw_ingest_result *result;
    mw_arena *work;       /* of one point */
    mw_buf name;          /* of the metric at hand */
    mw_label identity[2]; /* job and instance of the resource at hand */
    size_t n_identity;
    int64_t newest; /* point of the resource at hand */
} mw_otlp_sink;

/* The labels of one point, with room behind them for those of its samples. */
typedef struct mw_otlp_target {
    mw_label *labels;
    size_t n;
    int64_t t;
    bool stale, native;
    int code; /* the first refusal of a sample */
    const mw_labels *refused;
} mw_otlp_target;

/* Emits the samples of one point; NULL, or what is wrong with it before any was. */
typedef const char *mw_otlp_putter(mw_otlp_sink *s, mw_otlp_target *to, const mw_otlp_point *in);

mw_otlp_putter mw_otlp_put_number, mw_otlp_put_histogram, mw_otlp_put_exponential,
    mw_otlp_put_summary;

/* IN as a native histogram in A; NULL, or what is wrong with it (otlp_native.c). */
const char *mw_otlp_native(const mw_otlp_point *in, mw_arena *a, mw_nhist *out);

mw_label *mw_otlp_find_label(mw_label *l, size_t n, mw_str name); /* NULL when absent */

#endif
