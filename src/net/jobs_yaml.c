/* jobs_yaml.c - scrape jobs as Prometheus would have them in its configuration.
 *
 * For those who ask for the configuration of a Prometheus; headers are left out, for they may hold
 * secrets, and so are functions.  Texts are quoted as JSON, which YAML understands.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "net/targets.h"

static void add_text(mw_buf *out, const char *before, mw_str s)
{
    mw_buf_text(out, before);
    mw_buf_json(out, s);
    mw_buf_byte(out, '\n');
}

static void add_list(mw_buf *out, const char *title, const mw_value *list)
{
    if (!list || !list->list.n) return;
    mw_buf_text(out, title);
    for (size_t i = 0; i < list->list.n; i++) add_text(out, "    - ", list->list.item[i]->text);
}

static void add_map(mw_buf *out, const char *title, const char *before, const char *between,
                    const mw_value *map)
{
    if (!map || !map->map.n) return;
    mw_buf_text(out, title);
    for (size_t i = 0; i < map->map.n; i++) {
        mw_buf_text(out, before);
        mw_buf_json(out, map->map.entry[i].key);
        add_text(out, between, map->map.entry[i].value->text);
    }
}

static void add_params(mw_buf *out, const mw_value *map)
{
    if (!map || !map->map.n) return;
    mw_buf_text(out, "  params:\n");
    for (size_t i = 0; i < map->map.n; i++) {
        const mw_value *v = map->map.entry[i].value;
        mw_buf_text(out, "    ");
        mw_buf_json(out, map->map.entry[i].key);
        mw_buf_text(out, ":\n");
        for (size_t k = 0; v->type == MW_LIST && k < v->list.n; k++)
            add_text(out, "    - ", v->list.item[k]->text);
        if (v->type == MW_TEXT) add_text(out, "    - ", v->text);
    }
}

/* The names of the files, not what is in them. */
static void add_tls(mw_buf *out, const char *indent, const mw_value *tls)
{
    static const char *const names[][2] = {{"ca", "ca_file"},
                                           {"cert", "cert_file"},
                                           {"key", "key_file"},
                                           {"server_name", "server_name"}};
    bool insecure = tls && mw_map_bool(tls, "insecure", false);
    bool any = insecure;
    for (size_t i = 0; tls && i < sizeof names / sizeof *names; i++)
        any |= mw_map_text(tls, names[i][0]).n > 0;
    if (!any) return;
    mw_buf_printf(out, "%stls_config:\n", indent);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mw_str text = mw_map_text(tls, names[i][0]);
        if (!text.n) continue;
        mw_buf_printf(out, "%s  %s", indent, names[i][1]);
        add_text(out, ": ", text);
    }
    if (insecure) mw_buf_printf(out, "%s  insecure_skip_verify: true\n", indent);
}

static void add_duration(mw_buf *out, const char *before, int64_t ms)
{
    char text[40];
    mw_buf_printf(out, "%s%s\n", before, mw_duration_format(ms, text));
}

static void add_dns(mw_buf *out, const mw_value *rows)
{
    if (rows) mw_buf_text(out, "  dns_sd_configs:\n");
    for (size_t i = 0; rows && i < rows->list.n; i++) {
        const mw_value *row = rows->list.item[i];
        double port = mw_map_number(row, "port", 0);
        add_list(out, "  - names:\n", mw_map_find(row, "name"));
        add_duration(out,
                     "    refresh_interval: ", (int64_t)(mw_map_number(row, "every", 30) * 1e3));
        add_text(out, "    type: ", mw_map_text(row, "type"));
        if (port > 0) mw_buf_printf(out, "    port: %g\n", port);
    }
}

/* What the url asks may hold a secret. */
static void add_http(mw_buf *out, const mw_value *rows)
{
    if (rows) mw_buf_text(out, "  http_sd_configs:\n");
    for (size_t i = 0; rows && i < rows->list.n; i++) {
        const mw_value *row = rows->list.item[i];
        mw_str shown = mw_map_text(row, "shown"), url = shown.n ? shown : mw_map_text(row, "url");
        const char *query = memchr(url.p, '?', url.n);
        if (query) url.n = (size_t)(query - url.p);
        add_text(out, "  - url: ", url);
        add_duration(out,
                     "    refresh_interval: ", (int64_t)(mw_map_number(row, "every", 60) * 1e3));
        add_tls(out, "    ", mw_map_find(row, "tls"));
    }
}

static void add_static(mw_buf *out, const mw_scrape_job *job)
{
    if (!job->targets && !job->groups) return;
    mw_buf_text(out, "  static_configs:\n");
    add_list(out, "  - targets:\n", job->targets);
    if (job->targets) add_map(out, "    labels:\n", "      ", ": ", job->labels);
    for (size_t i = 0; job->groups && i < job->groups->list.n; i++) {
        const mw_value *group = job->groups->list.item[i];
        add_list(out, "  - targets:\n", mw_map_find(group, "targets"));
        add_map(out, "    labels:\n", "      ", ": ", mw_map_find(group, "labels"));
    }
}

static void add_job(const mw_scrape_job *job, mw_buf *out)
{
    add_text(out, "- job_name: ", job->name);
    if (job->honor_labels) mw_buf_text(out, "  honor_labels: true\n");
    if (!job->honor_times) mw_buf_text(out, "  honor_timestamps: false\n");
    if (job->track_times) mw_buf_text(out, "  track_timestamps_staleness: true\n");
    add_params(out, job->params);
    add_duration(out, "  scrape_interval: ", job->every_ms);
    add_duration(out, "  scrape_timeout: ", job->timeout_ms);
    add_text(out, "  metrics_path: ", job->path);
    add_text(out, "  scheme: ", job->scheme);
    add_tls(out, "  ", mw_map_find(job->spec, "tls"));
    mw_buf_printf(out, "  body_size_limit: %zuB\n", job->body_limit);
    if (job->sample_limit) mw_buf_printf(out, "  sample_limit: %zu\n", job->sample_limit);
    if (job->target_limit) mw_buf_printf(out, "  target_limit: %zu\n", job->target_limit);
    add_list(out, "  file_sd_configs:\n  - files:\n", job->files);
    add_dns(out, job->dns);
    add_http(out, job->http);
    add_static(out, job);
}

struct asked {
    mw_str pool;
    mw_buf *out;
    bool any;
};

static void add_jobs(void *arg, const mw_scraper_view *view)
{
    const mw_scrape_jobs *jobs = view->jobs;
    struct asked *a = arg;
    for (size_t i = 0; i < jobs->n; i++) {
        if (a->pool.n && !mw_str_eq(a->pool, jobs->job[i]->name)) continue;
        add_job(jobs->job[i], a->out);
        a->any = true;
    }
}

bool mw_scraper_yaml(mw_scraper *s, mw_str pool, mw_buf *out)
{
    struct asked a = {pool, out, false};
    mw_scraper_look(s, add_jobs, &a);
    return a.any;
}
