/* api_features.c - /api/v1/features: what clients may count on, in Prometheus's words.
 *
 * Functions come from the engine's own table; the rest is one row each.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "http/answers.h"

static const struct feature {
    const char *category, *name;
    bool there;
} features[] = {
    /* by category, then name */
    {"api", "admin", true},
    {"api", "exclude_alerts", true},
    {"api", "label_values_match", true},
    {"api", "lifecycle", true},
    {"api", "otlp_write_receiver", true},
    {"api", "query_stats", true},
    {"api", "query_warnings", true},
    {"api", "remote_write_receiver", true},
    {"api", "search", false},
    {"api", "time_range_labels", true},
    {"api", "time_range_series", true},
    {"otlp_receiver", "delta_conversion", true},
    {"otlp_receiver", "native_delta_ingestion", false},
    {"prometheus", "agent_mode", false},
    {"prometheus", "auto_reload_config", true},
    {"prometheus", "server_mode", true},
    {"promql", "anchored", true},
    {"promql", "at_modifier", true},
    {"promql", "bool", true},
    {"promql", "by", true},
    {"promql", "delayed_name_removal", false},
    {"promql", "duration_expr", true},
    {"promql", "fill", true},
    {"promql", "fill_left", true},
    {"promql", "fill_right", true},
    {"promql", "group_left", true},
    {"promql", "group_right", true},
    {"promql", "ignoring", true},
    {"promql", "negative_offset", true},
    {"promql", "offset", true},
    {"promql", "on", true},
    {"promql", "per_query_lookback_delta", true},
    {"promql", "per_step_stats", false},
    {"promql", "smoothed", true},
    {"promql", "subqueries", true},
    {"promql", "type_and_unit_labels", false},
    {"promql", "without", true},
    {"promql_operators", "!=", true},
    {"promql_operators", "!~", true},
    {"promql_operators", "%", true},
    {"promql_operators", "*", true},
    {"promql_operators", "+", true},
    {"promql_operators", "-", true},
    {"promql_operators", "/", true},
    {"promql_operators", "<", true},
    {"promql_operators", "<=", true},
    {"promql_operators", "==", true},
    {"promql_operators", "=~", true},
    {"promql_operators", ">", true},
    {"promql_operators", ">=", true},
    {"promql_operators", "^", true},
    {"promql_operators", "and", true},
    {"promql_operators", "atan2", true},
    {"promql_operators", "avg", true},
    {"promql_operators", "bottomk", true},
    {"promql_operators", "count", true},
    {"promql_operators", "count_values", true},
    {"promql_operators", "group", true},
    {"promql_operators", "limit_ratio", true},
    {"promql_operators", "limitk", true},
    {"promql_operators", "max", true},
    {"promql_operators", "min", true},
    {"promql_operators", "or", true},
    {"promql_operators", "quantile", true},
    {"promql_operators", "stddev", true},
    {"promql_operators", "stdvar", true},
    {"promql_operators", "sum", true},
    {"promql_operators", "topk", true},
    {"promql_operators", "unless", true},
    {"rules", "concurrent_rule_eval", false},
    {"rules", "keep_firing_for", true},
    {"rules", "query_offset", false},
    {"scrape", "extra_scrape_metrics", false},
    {"scrape", "start_timestamp_zero_ingestion", false},
    {"scrape", "type_and_unit_labels", false},
    {"service_discovery_providers", "file", true},
    {"service_discovery_providers", "static", true},
    {"tsdb", "exemplar_storage", true},
    {"tsdb", "isolation", true},
    {"tsdb", "native_histograms", true},
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum { MOST_FUNCTIONS = 256 };

static void put_functions(fields *categories)
{
    const char *names[MOST_FUNCTIONS] = {NULL}, *name;
    size_t n = 0;
    for (size_t i = 0; n < MOST_FUNCTIONS && (name = mw_promql_function(i)); i++) names[n++] = name;
    qsort(names, n, sizeof *names, by_name);
    field_open(categories, "promql_functions");
    fields f = {.out = categories->out};
    for (size_t i = 0; i < n; i++) field_flag(&f, names[i], true);
    mw_buf_byte(f.out, '}');
}

void api_features(mw_call *c)
{
    const size_t n = sizeof features / sizeof *features;
    fields categories = fields_begin(c);
    for (size_t i = 0; i < n;) {
        const char *category = features[i].category;
        if (!strcmp(category, "promql_operators")) put_functions(&categories);
        field_open(&categories, category);
        fields f = {.out = &c->out};
        for (; i < n && !strcmp(features[i].category, category); i++)
            field_flag(&f, features[i].name, features[i].there);
        mw_buf_byte(&c->out, '}');
    }
    fields_finish(c, &categories);
}
