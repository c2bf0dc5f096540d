/* api_status.c - /api/v1/status/...: build, runtime, flags, configuration, head of the store.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "http/answers.h"
#include "http/serving.h"

static int64_t threads_of_process(void)
{
    DIR *d = opendir("/proc/self/task");
    int64_t n = 0;
    if (!d) return 0;
    while (readdir(d)) n++;
    closedir(d);
    return n > 2 ? n - 2 : 0; /* without "." and ".." */
}

void api_buildinfo(mw_call *c)
{
    /* Clients read "version" to know what this server's API can do: that is Prometheus 3's. */
    fields f = fields_begin(c);
    field(&f, "version", "3.14.0");
    field(&f, "revision", "moonwatch-" MW_VERSION);
    field(&f, "branch", "");
    field(&f, "buildUser", "");
    field(&f, "buildDate", "");
    field(&f, "goVersion", "");
    field(&f, "application", "moonwatch");
    fields_finish(c, &f);
}

/* How the last load of the rules went; until there was one, the start counts. */
static void reload_state(mw_call *c, fields *f)
{
    mw_registry *reg = c->parts->host->registry;
    char time[32];
    double at = mw_series_value(mw_gauge(reg, "moonwatch_config_last_reload_seconds", "", NULL));
    double good =
        mw_series_value(mw_gauge(reg, "moonwatch_config_last_reload_successful", "", NULL));
    int64_t ms = at > 0 ? (int64_t)(at * 1000) : server_started_ms(c->server);
    field_flag(f, "reloadConfigSuccess", at <= 0 || good > 0);
    field(f, "lastConfigTime", mw_time_rfc3339(ms, time));
}

/* Goroutines, GOMAXPROCS and GOGC are what clients print beside the others: here threads, cores,
 * and nothing. */
void api_runtimeinfo(mw_call *c)
{
    char time[32], host[256] = "", cwd[4096] = "", kept[40] = "";
    const mw_server_options *o = server_options(c->server);
    mw_tsdb_stats stats;
    mw_tsdb_stats_read(c->parts->host->tsdb, &stats);
    if (gethostname(host, sizeof host - 1)) host[0] = 0;
    if (!getcwd(cwd, sizeof cwd)) cwd[0] = 0;
    if (o->retention_ms) mw_duration_format(o->retention_ms, kept);
    fields f = fields_begin(c);
    field(&f, "startTime", mw_time_rfc3339(server_started_ms(c->server), time));
    field(&f, "CWD", cwd);
    field(&f, "hostname", host);
    field(&f, "serverTime", mw_time_rfc3339(mw_now_ms(c->parts->host->clock), time));
    reload_state(c, &f);
    field_number(&f, "corruptionCount", (int64_t)stats.quarantined_blocks);
    field_number(&f, "goroutineCount", threads_of_process());
    field_number(&f, "GOMAXPROCS", o->loops);
    field_number(&f, "GOMEMLIMIT", INT64_MAX);
    field(&f, "GOGC", "");
    field(&f, "GODEBUG", "");
    field(&f, "storageRetention", kept);
    field_number(&f, "timeSeriesCount", (int64_t)stats.series);
    field_number(&f, "processId", getpid());
    fields_finish(c, &f);
}

static void list_of_addresses(const mw_server_options *o, mw_buf *out)
{
    for (size_t i = 0; i < o->n_listen; i++) mw_buf_printf(out, "%s%s", i ? "," : "", o->listen[i]);
}

static void duration(fields *f, const char *name, int64_t ms)
{
    char text[40];
    field(f, name, mw_duration_format(ms, text));
}

static void count(fields *f, const char *name, size_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", n);
    field(f, name, text);
}

/* As Prometheus: names without dashes, every value as text.  Its own names first, where there is
 * such a thing here. */
void api_flags(mw_call *c)
{
    const mw_server_options *o = server_options(c->server);
    const char *dir = c->parts->host->data_dir ? c->parts->host->data_dir : "";
    mw_buf listen = {0};
    list_of_addresses(o, &listen);
    fields f = fields_begin(c);
    field_text(&f, "web.listen-address", (mw_str){listen.p, listen.n});
    field(&f, "web.cors.origin", o->cors ? o->cors : ".*");
    field(&f, "web.enable-admin-api", "true");
    field(&f, "web.enable-lifecycle", "true");
    field(&f, "web.enable-remote-write-receiver", "true");
    field(&f, "web.enable-otlp-receiver", "true");
    count(&f, "web.max-connections", o->max_connections);
    field(&f, "storage.tsdb.path", dir);
    if (o->retention_ms) duration(&f, "storage.tsdb.retention.time", o->retention_ms);
    count(&f, "storage.remote.read-sample-limit", o->read_samples);
    duration(&f, "query.lookback-delta", o->lookback_ms);
    count(&f, "query.max-concurrency", o->max_queries);
    duration(&f, "query.timeout", o->query_timeout_ms);
    field_text(&f, "listen", (mw_str){listen.p, listen.n});
    field(&f, "data", dir);
    count(&f, "http.loops", o->loops);
    count(&f, "http.max-body", o->max_body);
    count(&f, "http.max-connections", o->max_connections);
    count(&f, "http.max-in-flight", o->max_in_flight);
    count(&f, "query.timeout-ms", (size_t)o->query_timeout_ms);
    fields_finish(c, &f);
    mw_buf_deinit(&listen);
}

/* What of this server a configuration of Prometheus could say. */
static void put_yaml(mw_call *c, mw_buf *out)
{
    const mw_server_options *o = server_options(c->server);
    const mw_labels *ls = o->external_labels;
    mw_buf jobs = {0};
    mw_buf_text(out,
                "# moonwatch is configured in Lua; its rules are at /api/mw/v1/rules\n# listen: ");
    list_of_addresses(o, out);
    mw_buf_printf(out, "\n# data: %s\nglobal:\n  scrape_interval: 15s\n  scrape_timeout: 10s\n",
                  c->parts->host->data_dir ? c->parts->host->data_dir : "");
    if (ls && ls->n) mw_buf_text(out, "  external_labels:\n");
    for (uint32_t i = 0; ls && i < ls->n; i++) {
        mw_buf_text(out, "    ");
        mw_buf_json(out, ls->l[i].name);
        mw_buf_text(out, ": ");
        mw_buf_json(out, ls->l[i].value);
        mw_buf_byte(out, '\n');
    }
    if (c->parts->scraper && mw_scraper_yaml(c->parts->scraper, MW_STR(""), &jobs))
        mw_buf_printf(out, "scrape_configs:\n%.*s", (int)jobs.n, jobs.p);
    mw_buf_deinit(&jobs);
}

/* The member is called yaml because clients look for it. */
void api_config(mw_call *c)
{
    mw_buf text = {0};
    put_yaml(c, &text);
    fields f = fields_begin(c);
    field_text(&f, "yaml", (mw_str){text.p, text.n});
    fields_finish(c, &f);
    mw_buf_deinit(&text);
}

/* In hundredths of the journal; answered while it is read, too. */
void api_walreplay(mw_call *c)
{
    fields f = fields_begin(c);
    field_number(&f, "min", 0);
    field_number(&f, "max", 100);
    field_number(&f, "current", (int64_t)(mw_tsdb_progress(c->parts->host->tsdb) * 100));
    fields_finish(c, &f);
}

/* -- notifications --------------------------------------------------------------------------- */

static void notify(mw_call *c, size_t *n, const char *text, int64_t since_ms)
{
    char time[32];
    mw_buf_text(&c->out, (*n)++ ? ",{\"text\":" : "{\"text\":");
    mw_buf_json(&c->out, mw_str_of(text));
    mw_buf_printf(&c->out, ",\"date\":\"%s\",\"active\":true}", mw_time_rfc3339(since_ms, time));
}

/* What whoever looks at the page should know now. */
void api_notifications(mw_call *c)
{
    size_t n = 0;
    mw_registry *reg = c->parts->host->registry;
    int64_t started = server_started_ms(c->server), now = mw_now_ms(c->parts->host->clock);
    call_open_data(c);
    mw_buf_byte(&c->out, '[');
    if (!server_is_ready(c->server)) {
        notify(c, &n, "moonwatch is starting and reading its journal.", started);
    } else {
        mw_tsdb_stats s;
        mw_tsdb_stats_read(c->parts->host->tsdb, &s);
        if (s.read_only) notify(c, &n, "The disk takes nothing: samples are refused.", now);
        if (s.quarantined_blocks)
            notify(c, &n, "Damaged blocks were set aside; the log names them.", started);
    }
    double at = mw_series_value(mw_gauge(reg, "moonwatch_config_last_reload_seconds", "", NULL));
    double good =
        mw_series_value(mw_gauge(reg, "moonwatch_config_last_reload_successful", "", NULL));
    if (at > 0 && !(good > 0))
        notify(c, &n, "Configuration reload has failed.", (int64_t)(at * 1000));
    mw_buf_byte(&c->out, ']');
    call_close_data(c);
}
