/* route.c - the one table of what is served where.
 *
 * The first row that fits wins.  A row's pattern is also the value of the label "endpoint" in the
 * server's own metrics, so what clients put into paths never becomes a label.
 * SPDX-License-Identifier: MIT */
#include "http/route.h"

#include <string.h>

enum {
    READ = MW_GET,
    ASK = MW_GET | MW_POST,
    DO = MW_POST | MW_PUT,
    ANY = MW_GET | MW_POST | MW_PUT | MW_DELETE
};

/* clang-format off */
const mw_route mw_routes[] = {
    /* data in */
    {MW_POST, "/api/v1/write",                     api_remote_write,      MW_PLAIN,      MW_INGEST},
    {MW_POST, "/v1/traces",                        api_otlp_traces,       MW_OTLP,       MW_INGEST},
    {MW_POST, "/v1/metrics",                       api_otlp_metrics,      MW_OTLP,       MW_INGEST},
    {MW_POST, "/v1/logs",                          api_otlp_logs,         MW_OTLP,       MW_INGEST},
    {MW_POST, "/api/v1/otlp/v1/traces",            api_otlp_traces,       MW_OTLP,       MW_INGEST},
    {MW_POST, "/api/v1/otlp/v1/metrics",           api_otlp_metrics,      MW_OTLP,       MW_INGEST},
    {MW_POST, "/api/v1/otlp/v1/logs",              api_otlp_logs,         MW_OTLP,       MW_INGEST},
    {MW_POST, "/loki/api/v1/push",                 api_loki_push,         MW_PLAIN,      MW_INGEST},
    {MW_POST, "/api/v1/import/prometheus",         api_import_prometheus, MW_PLAIN,      MW_INGEST},

    /* Prometheus */
    {ASK,     "/api/v1/query",                     api_query,             MW_PROMETHEUS, MW_ON_POOL | MW_BRIEF | MW_FORM | MW_CORS},
    {ASK,     "/api/v1/query_range",               api_query_range,       MW_PROMETHEUS, MW_ON_POOL | MW_FORM | MW_CORS},
    {ASK,     "/api/v1/format_query",              api_format_query,      MW_PROMETHEUS, MW_ON_POOL | MW_FORM | MW_CORS},
    {ASK,     "/api/v1/parse_query",               api_parse_query,       MW_PROMETHEUS, MW_ON_POOL | MW_FORM | MW_CORS},
    {ASK,     "/api/v1/series",                    api_series,            MW_PROMETHEUS, MW_ON_POOL | MW_FORM | MW_CORS},
    {ASK,     "/api/v1/labels",                    api_labels,            MW_PROMETHEUS, MW_ON_POOL | MW_FORM | MW_CORS},
    {READ,    "/api/v1/label/*/values",            api_label_values,      MW_PROMETHEUS, MW_ON_POOL | MW_CORS},
    {READ,    "/api/v1/metadata",                  api_metadata,          MW_PROMETHEUS, MW_ON_POOL | MW_CORS},
    {ASK,     "/api/v1/query_exemplars",           api_query_exemplars,   MW_PROMETHEUS, MW_ON_POOL | MW_FORM | MW_CORS},
    {MW_POST, "/api/v1/read",                      api_remote_read,       MW_PLAIN,      MW_ON_POOL},
    {READ,    "/federate",                         get_federate,          MW_PLAIN,      MW_ON_POOL},
    {READ,    "/api/v1/targets",                   api_targets,           MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/targets/metadata",          api_targets_metadata,  MW_PROMETHEUS, MW_ON_POOL | MW_CORS},
    {READ,    "/api/v1/scrape_pools",              api_scrape_pools,      MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/scrape_pools/config",       api_scrape_pool_config, MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/alertmanagers",             api_alertmanagers,     MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/features",                  api_features,          MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/notifications",             api_notifications,     MW_PROMETHEUS, MW_ALWAYS | MW_CORS},
    {READ,    "/api/v1/rules",                     NULL,                  MW_PROMETHEUS, MW_TO_RULES | MW_CORS},
    {READ,    "/api/v1/alerts",                    NULL,                  MW_PROMETHEUS, MW_TO_RULES | MW_CORS},
    {READ,    "/api/v1/status/buildinfo",          api_buildinfo,         MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/status/runtimeinfo",        api_runtimeinfo,       MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/status/flags",              api_flags,             MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/status/config",             api_config,            MW_PROMETHEUS, MW_CORS},
    {READ,    "/api/v1/status/tsdb",               api_tsdb,              MW_PROMETHEUS, MW_ON_POOL | MW_CORS},
    {READ,    "/api/v1/status/tsdb/blocks",        api_tsdb_blocks,       MW_PROMETHEUS, MW_ON_POOL | MW_CORS},
    {READ,    "/api/v1/status/walreplay",          api_walreplay,         MW_PROMETHEUS, MW_ALWAYS | MW_CORS},
    {DO,      "/api/v1/admin/tsdb/snapshot",       api_admin_snapshot,    MW_PROMETHEUS, MW_ON_POOL | MW_FORM},
    {DO,      "/api/v1/admin/tsdb/delete_series",  api_admin_delete,      MW_PROMETHEUS, MW_ON_POOL | MW_FORM},
    {DO,      "/api/v1/admin/tsdb/clean_tombstones", api_admin_clean,     MW_PROMETHEUS, MW_ON_POOL | MW_FORM},

    /* Alertmanager */
    {ANY,     "/api/v2/**",                        NULL,                  MW_ALERTMANAGER, MW_TO_ROUTER},

    /* Loki */
    {ASK,     "/loki/api/v1/query_range",          loki_query_range,      MW_PLAIN,      MW_ON_POOL | MW_FORM | MW_CORS},
    {ASK,     "/loki/api/v1/labels",               loki_labels,           MW_PLAIN,      MW_ON_POOL | MW_FORM | MW_CORS},
    {READ,    "/loki/api/v1/label/*/values",       loki_label_values,     MW_PLAIN,      MW_ON_POOL | MW_CORS},
    {ASK,     "/loki/api/v1/series",               loki_series,           MW_PLAIN,      MW_ON_POOL | MW_FORM | MW_CORS},

    /* Jaeger */
    {READ,    "/jaeger/api/services",              jaeger_services,       MW_JAEGER,     MW_ON_POOL | MW_CORS},
    {READ,    "/jaeger/api/services/*/operations", jaeger_operations_of,  MW_JAEGER,     MW_ON_POOL | MW_CORS},
    {READ,    "/jaeger/api/operations",            jaeger_operations,     MW_JAEGER,     MW_ON_POOL | MW_CORS},
    {READ,    "/jaeger/api/traces",                jaeger_traces,         MW_JAEGER,     MW_ON_POOL | MW_CORS},
    {READ,    "/jaeger/api/traces/*",              jaeger_trace,          MW_JAEGER,     MW_ON_POOL | MW_CORS},

    /* ours */
    {READ,    "/api/mw/v1/logs",                   api_logs,              MW_OURS,       MW_ON_POOL | MW_CORS},
    {READ,    "/api/mw/v1/traces",                 api_traces,            MW_OURS,       MW_ON_POOL | MW_CORS},
    {READ,    "/api/mw/v1/traces/*",               api_trace,             MW_OURS,       MW_ON_POOL | MW_CORS},
    {READ,    "/api/mw/v1/queries",                api_queries,           MW_OURS,       MW_CORS},
    {ASK,     "/api/mw/v1/explain",                api_explain,           MW_OURS,       MW_ON_POOL | MW_FORM | MW_CORS},
    {MW_DELETE, "/api/mw/v1/queries/*",            api_query_cancel,      MW_OURS,       0},
    {READ,    "/api/mw/v1/cardinality",            api_cardinality,       MW_OURS,       MW_ON_POOL | MW_CORS},
    {ANY,     "/api/mw/v1/rules/**",               NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/shadow/**",              NULL,                  MW_OURS,       MW_TO_RULES},
    {DO,      "/api/mw/v1/plan",                   NULL,                  MW_OURS,       MW_TO_RULES},
    {READ,    "/api/mw/v1/settings",               NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/slos/**",                NULL,                  MW_OURS,       MW_TO_RULES},
    {READ,    "/api/mw/v1/slo-reports",            NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/checks/**",              NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/breakers/**",            NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/incidents/**",           NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/expect/**",              NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/marks/**",               NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/canaries/**",            NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/experiments/**",         NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/golden/**",              NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/bundles/**",             NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/mw/v1/nodes/**",               NULL,                  MW_OURS,       MW_TO_RULES},
    {READ,    "/api/mw/v1/alerts",                 NULL,                  MW_OURS,       MW_TO_ROUTER},
    {ANY,     "/api/mw/v1/notifications/**",       NULL,                  MW_OURS,       MW_TO_ROUTER},
    {ANY,     "/api/mw/v1/why/**",                 NULL,                  MW_OURS,       MW_TO_ROUTER},
    {ANY,     "/api/mw/v1/ack/**",                 NULL,                  MW_OURS,       MW_TO_ROUTER},
    {READ,    "/api/mw/v1/audit/head",             api_audit_head,        MW_OURS,       0},
    {READ,    "/api/mw/v1/audit/verify",           api_audit_verify,      MW_OURS,       MW_ON_POOL},
    {READ,    "/api/mw/v1/audit/export",           api_audit_export,      MW_OURS,       MW_ON_POOL},
    {READ,    "/api/mw/v1/audit/chain",            api_audit_chain,       MW_OURS,       MW_ON_POOL},
    {ANY,     "/api/mw/v1/audit/**",               NULL,                  MW_OURS,       MW_TO_ROUTER},
    {ANY,     "/api/mw/v1/silences/**",            NULL,                  MW_OURS,       MW_TO_ROUTER},
    {ANY,     "/api/mw/v1/oncall/**",              NULL,                  MW_OURS,       MW_TO_ROUTER},
    {DO,      "/api/mw/v1/slack/actions",          NULL,                  MW_OURS,       MW_TO_ROUTER},
    {DO,      "/api/mw/v1/pagerduty/webhook",      NULL,                  MW_OURS,       MW_TO_ROUTER},
    {ANY,     "/api/mw/v1/backtest/**",            NULL,                  MW_OURS,       MW_TO_BACKTEST},
    {ANY,     "/api/mw/v1/drills/**",              NULL,                  MW_OURS,       MW_TO_ROUTER},
    {ANY,     "/api/mw/v1/receivers/**",           NULL,                  MW_OURS,       MW_TO_ROUTER},

    /* the server itself */
    {READ,    "/metrics",                          get_metrics,           MW_PLAIN,      MW_ALWAYS},
    {READ,    "/health/**",                        NULL,                  MW_OURS,       MW_TO_RULES | MW_CORS},
    {READ,    "/status",                           NULL,                  MW_OURS,       MW_TO_RULES},
    {READ,    "/status.json",                      NULL,                  MW_OURS,       MW_TO_RULES | MW_CORS},
    {READ,    "/status.atom",                      NULL,                  MW_OURS,       MW_TO_RULES},
    {READ,    "/-/healthy",                        get_healthy,           MW_PLAIN,      MW_ALWAYS},
    {READ,    "/-/ready",                          get_ready,             MW_PLAIN,      MW_ALWAYS},
    {DO,      "/-/reload",                         NULL,                  MW_OURS,       MW_TO_RULES},
    {ANY,     "/api/v1/**",                        get_nothing,           MW_PLAIN,      MW_REST},
    {READ,    "/**",                               get_web_file,          MW_OURS,       MW_REST},
};
/* clang-format on */
const size_t mw_n_routes = sizeof mw_routes / sizeof *mw_routes;

/* -- matching ------------------------------------------------------------------------------- */

static mw_str segment(mw_str *rest)
{
    const char *end = memchr(rest->p + 1, '/', rest->n - 1);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    mw_str piece = {rest->p + 1, n - 1};
    *rest = (mw_str){rest->p + n, rest->n - n};
    return piece;
}

/* A pattern "/a" with two stars fits "/a", "/a/" and "/a/b/c"; the wildcard is what is behind
 * "/a/". */
static bool fits(const char *pattern, mw_str path, mw_str *wildcard)
{
    mw_str want = mw_str_of(pattern);
    size_t n = 0;
    while (want.n && path.n) {
        mw_str rest = path, w = segment(&want), p = segment(&path);
        if (mw_str_is(w, "**")) {
            wildcard[n] = (mw_str){rest.p + 1, rest.n - 1};
            return true;
        }
        if (mw_str_is(w, "*") && p.n)
            wildcard[n++] = p;
        else if (!mw_str_eq(w, p))
            return false;
    }
    return !path.n && (!want.n || mw_str_is(want, "/**"));
}

static bool unescape_wildcards(mw_call *c)
{
    for (size_t i = 0; i < MW_WILDCARDS; i++)
        if (c->wildcard[i].n && !call_unescape(c, c->wildcard[i], false, &c->wildcard[i]))
            return false;
    return true;
}

static const struct {
    mw_method method;
    const char *name;
} methods[] = {{MW_GET, "GET"},       {MW_POST, "POST"}, {MW_PUT, "PUT"},
               {MW_DELETE, "DELETE"}, {MW_HEAD, "HEAD"}, {MW_OPTIONS, "OPTIONS"}};

static void say_allowed(mw_call *c, unsigned allowed)
{
    mw_buf text = {0};
    if (allowed & MW_GET) allowed |= MW_HEAD;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (allowed & methods[i].method)
            mw_buf_printf(&text, "%s%s", text.n ? ", " : "", methods[i].name);
    call_answer_header(c, "allow", (mw_str){text.p, text.n});
    mw_buf_deinit(&text);
}

static bool preflight(mw_call *c, const mw_route *r)
{
    c->route = r;
    call_answer(c, 204, NULL);
    return false;
}

bool route_find(mw_call *c, mw_str path)
{
    unsigned allowed = 0;
    const mw_route *near = NULL; /* its path fits, its method does not */
    const mw_route *last = &mw_routes[mw_n_routes - 1];
    mw_method method = c->method == MW_HEAD ? MW_GET : c->method;
    for (const mw_route *r = mw_routes; r <= last && path.n && path.p[0] == '/'; r++) {
        mw_str wildcard[MW_WILDCARDS] = {{0}};
        if (!fits(r->pattern, path, wildcard)) continue;
        if (method == MW_OPTIONS && r->flags & MW_CORS) return preflight(c, r);
        bool rest = r->flags & MW_REST;
        if (!rest) {
            allowed |= r->methods;
            if (!near) near = r;
        }
        if (!(r->methods & method) || (rest && near)) continue;
        c->route = r;
        memcpy(c->wildcard, wildcard, sizeof wildcard);
        if (unescape_wildcards(c) && call_unescape(c, path, false, &c->path)) return true;
        call_fail_text(c, MW_EARG, "the path has a wrong %%-escape");
        return false;
    }
    c->route = near ? near : last;
    if (!near) {
        call_fail_text(c, MW_ENOENT, "there is nothing here");
        return false;
    }
    say_allowed(c, allowed);
    call_fail_text(c, MW_EKIND, "this path does not answer that method");
    return false;
}
