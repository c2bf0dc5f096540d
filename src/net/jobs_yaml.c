/* jobs_yaml.c - scrape jobs as Prometheus would have them in its configuration.
 *
 * For those who ask for the configuration of a Prometheus; headers are left out, for they may hold
 * secrets.  Texts are quoted as JSON, which YAML understands.  SPDX-License-Identifier: MIT */
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

static void add_duration(mw_buf *out, const char *before, int64_t ms)
{
    char text[40];
    mw_buf_printf(out, "%s%s\n", before, mw_duration_format(ms, text));
}

static void add_job(const mw_scrape_job *job, mw_buf *out)
{
    add_text(out, "- job_name: ", job->name);
    if (job->honor_labels) mw_buf_text(out, "  honor_labels: true\n");
    add_map(out, "  params:\n", "    ", ":\n    - ", job->params);
    add_duration(out, "  scrape_interval: ", job->every_ms);
    add_duration(out, "  scrape_timeout: ", job->timeout_ms);
    add_text(out, "  metrics_path: ", job->path);
    add_text(out, "  scheme: ", job->scheme);
    mw_buf_printf(out, "  body_size_limit: %zuB\n", job->body_limit);
    if (job->sample_limit) mw_buf_printf(out, "  sample_limit: %zu\n", job->sample_limit);
    add_list(out, "  file_sd_configs:\n  - files:\n", job->files);
    if (!job->targets && !job->labels) return;
    add_list(out, "  static_configs:\n  - targets:\n", job->targets);
    if (job->targets) add_map(out, "    labels:\n", "      ", ": ", job->labels);
}

struct asked {
    mw_str pool;
    mw_buf *out;
    bool any;
};

static void add_jobs(void *arg, const mw_targets *set, const mw_scrape_jobs *jobs)
{
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
