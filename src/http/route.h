/* route.h - which handler answers which path.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_ROUTE_H
#define MW_HTTP_ROUTE_H
#include "http/call.h"

typedef enum mw_shape {
    MW_OURS,
    MW_PROMETHEUS,
    MW_PLAIN,
    MW_OTLP,
    MW_JAEGER,
    MW_ALERTMANAGER,
    MW_SHAPES
} mw_shape;

enum mw_route_flags {
    MW_ON_POOL = 1,       /* may take long: runs on the query pool, within the admission limit */
    MW_FORM = 2,          /* a form body is parameters too */
    MW_CORS = 4,          /* pages of other origins may read it */
    MW_TO_RULES = 8,      /* a Lua actor answers; there is no handler */
    MW_TO_ROUTER = 16,    /* likewise */
    MW_TO_BACKTEST = 512, /* likewise */
    MW_INGEST = 32,       /* data in: a sender may come again, so 429 and 503 rather than a loss */
    MW_ALWAYS = 64,       /* answers while the stores are not ready, too */
    MW_BRIEF = 256,       /* answered on the loop when api_query_brief says that it takes no time */
    MW_REST = 128         /* for paths that no other row has, whatever their method */
};

struct mw_route {
    unsigned methods;
    const char *pattern; /* "*" is one segment, "**" at the end is any rest; both are captured */
    void (*handle)(mw_call *c);
    mw_shape shape; /* of its errors */
    unsigned flags;
};

extern const mw_route mw_routes[];
extern const size_t mw_n_routes;

/* Sets c->route and the wildcards for the raw path of a request.  False: C holds the answer
 * already (404, 405, 400 for a wrong escape, or the preflight's). */
bool route_find(mw_call *c, mw_str raw_path);

/* Handlers, by the file they are in. */
void get_metrics(mw_call *c); /* api_own.c */
void get_healthy(mw_call *c);
void get_ready(mw_call *c);
void get_nothing(mw_call *c);
void get_web_file(mw_call *c);
void api_query(mw_call *c); /* api_query.c */
bool api_query_brief(const mw_call *c);
void api_query_range(mw_call *c);
void api_explain(mw_call *c);
void api_format_query(mw_call *c);
void api_parse_query(mw_call *c);
void api_series(mw_call *c); /* api_meta.c */
void api_labels(mw_call *c);
void api_label_values(mw_call *c);
void api_metadata(mw_call *c);
void api_remote_read(mw_call *c); /* api_read.c */
void get_federate(mw_call *c);    /* federate.c */
void api_targets(mw_call *c);     /* api_targets.c */
void api_targets_metadata(mw_call *c);
void api_scrape_pools(mw_call *c);
void api_scrape_pool_config(mw_call *c);
void api_alertmanagers(mw_call *c);
void api_features(mw_call *c);        /* api_features.c */
void api_query_exemplars(mw_call *c); /* api_exemplars.c */
void api_admin_snapshot(mw_call *c);  /* api_admin.c */
void api_admin_delete(mw_call *c);
void api_admin_clean(mw_call *c);
void api_buildinfo(mw_call *c); /* api_status.c */
void api_runtimeinfo(mw_call *c);
void api_flags(mw_call *c);
void api_config(mw_call *c);
void api_walreplay(mw_call *c);
void api_notifications(mw_call *c);
void api_tsdb(mw_call *c); /* api_tsdb.c */
void api_tsdb_blocks(mw_call *c);
void api_remote_write(mw_call *c); /* api_ingest.c */
void api_import_prometheus(mw_call *c);
void api_otlp_traces(mw_call *c);
void api_otlp_metrics(mw_call *c);
void api_otlp_logs(mw_call *c);
void api_loki_push(mw_call *c);
void api_queries(mw_call *c); /* api_queries.c */
void api_query_cancel(mw_call *c);
void api_cardinality(mw_call *c); /* api_cardinality.c */
void api_audit_head(mw_call *c);  /* api_audit.c */
void api_audit_verify(mw_call *c);
void api_audit_export(mw_call *c);
void api_audit_chain(mw_call *c);
void api_logs(mw_call *c);         /* api_logs.c */
void loki_query_range(mw_call *c); /* api_loki.c */
void loki_labels(mw_call *c);
void loki_label_values(mw_call *c);
void loki_series(mw_call *c);
void api_traces(mw_call *c); /* api_traces.c */
void api_trace(mw_call *c);
void jaeger_services(mw_call *c); /* api_jaeger.c */
void jaeger_operations(mw_call *c);
void jaeger_operations_of(mw_call *c);
void jaeger_traces(mw_call *c);
void jaeger_trace(mw_call *c);

#endif
