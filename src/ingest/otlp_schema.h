/* otlp_schema.h - OTLP requests: what they hold, told once for both of their encodings.
 *
 * A message is a table of fields.  otlp_pb.c and otlp_json.c walk the same tables and fill the
 * same structs, so whatever stores them need not know how a request was written.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_OTLP_SCHEMA_H
#define MW_INGEST_OTLP_SCHEMA_H
#include "base/arena.h"
#include "base/err.h"
#include "ingest/ingest.h"
#include "model/span.h"

/* -- what is read --------------------------------------------------------------------------- */

typedef struct mw_otlp_span {
    uint32_t has; /* of enum mw_otlp_has */
    mw_span span;
} mw_otlp_span;

typedef struct mw_otlp_log {
    uint32_t has;
    int64_t t_ns, observed_ns;
    uint32_t severity;
    mw_str severity_text;
    mw_attr body;
    const mw_attr *attrs;
    size_t n_attrs;
    uint8_t trace_id[16], span_id[8];
} mw_otlp_log;

typedef struct mw_otlp_quantile {
    double quantile, value;
} mw_otlp_quantile;

typedef struct mw_otlp_exemplar {
    uint32_t has;
    int64_t t_ns;
    double value;
    const mw_attr *attrs;
    size_t n_attrs;
    uint8_t trace_id[16], span_id[8]; /* zeros: none */
} mw_otlp_exemplar;

/* Of every kind; kept small, as most points of a request are just a number. */
typedef struct mw_otlp_point {
    uint32_t has;
    uint32_t flags;
    int64_t t_ns;
    const mw_attr *attrs;
    size_t n_attrs;
    double value; /* of a number; the sum of a histogram or summary */
    int64_t count;
    const int64_t *buckets; /* of an exponential histogram: above zero, from OFFSET on */
    size_t n_buckets;
    union {
        const double *bounds;
        const int64_t *negative; /* buckets below zero, from NEGATIVE_OFFSET on */
    };
    union {
        size_t n_bounds, n_negative;
    };
    const mw_otlp_quantile *quantiles;
    size_t n_quantiles;
    const mw_otlp_exemplar *exemplars;
    size_t n_exemplars;
    int32_t scale, offset, negative_offset;
    int64_t zero_count;
    double zero_threshold;
} mw_otlp_point;

typedef struct mw_otlp_data {
    const mw_otlp_point *points;
    size_t n_points;
    uint32_t temporality;
    bool monotonic;
} mw_otlp_data;

typedef struct mw_otlp_metric {
    uint32_t has; /* which kind of data */
    mw_str name, description, unit;
    mw_otlp_data data;
} mw_otlp_metric;

typedef struct mw_otlp_scope {
    mw_str name, version;
    const mw_otlp_span *spans;
    const mw_otlp_log *logs;
    const mw_otlp_metric *metrics;
    size_t n_spans, n_logs, n_metrics;
} mw_otlp_scope;

typedef struct mw_otlp_resource {
    const mw_attr *attrs;
    size_t n_attrs;
    const mw_otlp_scope *scopes;
    size_t n_scopes;
} mw_otlp_resource;

typedef struct mw_otlp_request {
    const mw_otlp_resource *resources;
    size_t n_resources;
} mw_otlp_request;

enum mw_otlp_has {
    MW_OTLP_BAD_TRACE_ID = 1 << 0, /* there, but not 16 (8) bytes */
    MW_OTLP_BAD_SPAN_ID = 1 << 1,
    MW_OTLP_BAD_PARENT_ID = 1 << 2,
    MW_OTLP_VALUE = 1 << 3, /* a number, or the sum of a histogram */
    MW_OTLP_BODY = 1 << 4,
    MW_OTLP_GAUGE = 1 << 5,
    MW_OTLP_SUM = 1 << 6,
    MW_OTLP_HISTOGRAM = 1 << 7,
    MW_OTLP_EXPONENTIAL = 1 << 8,
    MW_OTLP_SUMMARY = 1 << 9
};

/* -- the tables ----------------------------------------------------------------------------- */

typedef enum mw_otlp_type {
    MW_OTLP_TEXT,       /* mw_str */
    MW_OTLP_ID,         /* bytes in place, LIMIT of them; HAS is set when the length is wrong */
    MW_OTLP_INT64,      /* int64_t */
    MW_OTLP_UINT32,     /* uint32_t */
    MW_OTLP_SINT32,     /* int32_t, zigzag on the wire */
    MW_OTLP_ENUM,       /* uint32_t; JSON may use the NAMES, LIMIT of them */
    MW_OTLP_BOOL,       /* bool */
    MW_OTLP_DOUBLE,     /* double */
    MW_OTLP_INT_DOUBLE, /* an int64 on the wire, kept as double */
    MW_OTLP_INT64S,     /* array at AT, its length at N_AT; likewise below */
    MW_OTLP_UINT64S,    /* varints on the wire, kept as int64_t */
    MW_OTLP_DOUBLES,
    MW_OTLP_ATTRS, /* repeated KeyValue */
    MW_OTLP_ANY,   /* AnyValue as mw_attr without a key */
    MW_OTLP_MESSAGE,
    MW_OTLP_MESSAGES
} mw_otlp_type;

typedef struct mw_otlp_message mw_otlp_message;

typedef struct mw_otlp_field {
    const char *json;
    uint8_t number;
    mw_otlp_type type;
    uint16_t at, n_at;
    uint32_t has; /* set in the message's HAS when the field is there */
    size_t limit;
    const mw_otlp_message *message;
    const char *const *names;
} mw_otlp_field;

struct mw_otlp_message {
    size_t size;
    int has_at; /* offset of its uint32_t HAS; -1: none */
    const mw_otlp_field *fields;
    size_t n_fields;
};

const mw_otlp_message *mw_otlp_message_of(mw_otlp_signal signal);

/* -- the walkers ---------------------------------------------------------------------------- */

/* Strings point into BODY or the arena.  MW_EPARSE, or MW_ETOOBIG when the arena is full. */
int mw_otlp_pb_read(mw_otlp_signal signal, mw_str body, mw_arena *a, mw_otlp_request *out,
                    mw_err *err);
int mw_otlp_json_read(mw_otlp_signal signal, mw_str body, mw_arena *a, mw_otlp_request *out,
                      mw_err *err);

/* -- the sinks ------------------------------------------------------------------------------ */

int mw_otlp_store_spans(mw_ingest *in, const mw_otlp_request *r, mw_arena *a,
                        mw_ingest_result *result, mw_err *err);
int mw_otlp_store_logs(mw_ingest *in, const mw_otlp_request *r, mw_arena *a,
                       mw_ingest_result *result, mw_err *err);
int mw_otlp_store_metrics(mw_ingest *in, const mw_otlp_request *r, mw_arena *a,
                          mw_ingest_result *result, mw_err *err);

/* Text of the attribute KEY, in A when it is no string; empty when absent. */
mw_str mw_otlp_text(const mw_attr *attrs, size_t n, const char *key, mw_arena *a);
mw_str mw_otlp_attr_text(const mw_attr *attr, mw_arena *a);

#endif
