/* app.c - start order and stop order.
 *
 * The rule is: what a part borrows is started before it and stopped after it.  The server listens
 * before the stores have read what the disk holds, so that whoever asks hears "starting" and how
 * far it is instead of nothing; nobody is let in to the stores, and no rule, scrape or peer is
 * begun, until they are whole.  At the end sockets go first.
 * SPDX-License-Identifier: MIT */
#include "main/app.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "script/pipelines.h"

/* -- stores --------------------------------------------------------------------------------- */

static int open_tsdb(mw_app *app, const mw_value *settings, mw_err *err)
{
    mw_tsdb_options o = {.clock = &app->clock};
    app->metrics_dir = mw_sprintf("%s/metrics", mw_map_text(settings, "data").p);
    o.dir = app->metrics_dir;
    int rc = mw_keep_classes(settings, "metrics", &app->classes, &app->n_classes, err);
    if (rc) return rc;
    o.classes = app->classes;
    o.n_classes = app->n_classes;
    o.gone = mw_app_gone;
    o.gone_arg = app;
    mw_tsdb_settings(settings, &o);
    app->tsdb = mw_tsdb_open(&o, err);
    return app->tsdb ? MW_OK : err->code;
}

static int open_logs(mw_app *app, const mw_value *settings, mw_err *err)
{
    const mw_value *keep = mw_map_find(settings, "retention"),
                   *limits = mw_map_find(settings, "limits");
    int rc = mw_keep_classes(settings, "logs", &app->log_classes, &app->n_log_classes, err);
    if (rc) return rc;
    app->logs = mw_logs_open(
        &(mw_logs_options){
            .clock = &app->clock,
            .retention_ms = mw_setting_ms(keep, "logs", 7LL * MW_DAY_MS),
            .classes = app->log_classes,
            .n_classes = app->n_log_classes,
            .max_bytes = mw_setting_budget(keep, "logs", mw_setting_size(limits, "logs_bytes", 0)),
        },
        err);
    return app->logs ? MW_OK : err->code;
}

static int open_stores(mw_app *app, const mw_value *settings, mw_err *err)
{
    const mw_value *keep = mw_map_find(settings, "retention"),
                   *limits = mw_map_find(settings, "limits");
    const mw_value *promql = mw_map_find(settings, "promql");
    if (open_tsdb(app, settings, err)) return err->code;
    if (open_logs(app, settings, err)) return err->code;
    if (mw_keep_classes(settings, "traces", &app->trace_classes, &app->n_trace_classes, err))
        return err->code;
    app->traces = mw_traces_open(
        &(mw_traces_options){
            .clock = &app->clock,
            .retention_ms = mw_setting_ms(keep, "traces", 3LL * MW_DAY_MS),
            .classes = app->trace_classes,
            .n_classes = app->n_trace_classes,
            .max_bytes =
                mw_setting_budget(keep, "traces", mw_setting_size(limits, "traces_bytes", 0)),
        },
        err);
    if (!app->traces) return err->code;
    bool closed = mw_str_is(mw_map_text(promql, "ranges"), "closed");
    app->promql = mw_promql_new(&(mw_promql_options){
        .clock = &app->clock,
        .lookback_ms = mw_setting_ms(promql, "lookback", 0),
        .default_step_ms = mw_setting_ms(promql, "default_step", 0),
        .delayed_names = !closed && !mw_str_is(mw_map_text(promql, "drop_names"), "at-once"),
        .closed_ranges = closed,
        .max_samples = mw_setting_size(limits, "query_samples", 0),
        .max_bytes = mw_setting_size(limits, "query_bytes", 0),
    });
    app->pipes = mw_pipe_slot_new(app->registry);
    app->ingest = (mw_ingest){
        .tsdb = app->tsdb,
        .logs = app->logs,
        .traces = app->traces,
        .clock = &app->clock,
        .pipes = app->pipes,
        .limits = {.body = mw_setting_size(limits, "body", 0),
                   .labels = mw_setting_size(limits, "labels", 0),
                   .label_bytes = mw_setting_size(limits, "label_bytes", 0)},
    };
    return MW_OK;
}

/* Who did what is kept before anybody can do anything. */
static int open_audit(mw_app *app, const mw_value *settings, mw_err *err)
{
    int64_t keep = mw_setting_ms(mw_map_find(settings, "retention"), "audit", 0);
    mw_str node = mw_map_text(settings, "node");
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    app->audit_dir = mw_sprintf("%s/audit", mw_map_text(settings, "data").p);
    app->audit = mw_audit_open(
        &(mw_audit_options){
            .dir = app->audit_dir,
            .node = node.n ? node.p : host,
            .clock = &app->clock,
            .keep_ms = keep,
        },
        err);
    return app->audit ? MW_OK : err->code;
}

/* An entry of this node for the router, which shows them and tells the other nodes. */
static void tell_router(void *arg, mw_str entry)
{
    mw_app *app = arg;
    mw_value *e = mw_value_from_json(entry, NULL), *msg = mw_map_new();
    mw_map_set_text(msg, "type", "audited");
    mw_map_set(msg, "entry", e ? e : mw_nil_new());
    mw_actor_send(app->router, msg);
}

/* -- the pieces that move ------------------------------------------------------------------- */

static mw_actor *find_actor(mw_host *host, const char *name)
{
    mw_app *app = (mw_app *)((char *)host - offsetof(mw_app, host));
    if (!strcmp(name, "rules")) return app->rules;
    return !strcmp(name, "router") ? app->router : NULL;
}

static void fill_host(mw_app *app, const mw_value *settings)
{
    app->host = (mw_host){
        .clock = &app->clock,
        .tsdb = app->tsdb,
        .source = mw_tsdb_source(app->tsdb),
        .promql = app->promql,
        .logs = app->logs,
        .traces = app->traces,
        .audit = app->audit,
        .registry = app->registry,
        .data_dir = mw_strdup(mw_map_text(settings, "data").p),
        .actor = find_actor,
        .version = MW_VERSION,
    };
}

static int open_cluster(mw_app *app, const mw_value *settings, mw_err *err)
{
    mw_str redis = mw_map_text(settings, "redis"), name = mw_map_text(settings, "cluster");
    mw_str node = mw_map_text(settings, "node"), url = mw_map_text(settings, "url");
    app->cluster = mw_cluster_new(
        &(mw_cluster_options){
            .redis = redis.n ? redis.p : NULL,
            .cluster = name.n ? name.p : NULL,
            .node = node.n ? node.p : NULL,
            .url = url.n ? url.p : NULL,
        },
        &app->host, err);
    return app->cluster ? MW_OK : err->code;
}

static int open_actors(mw_app *app, const mw_value *settings, mw_err *err)
{
    app->router =
        mw_actor_new(&app->host, "router", "moonwatch.actor.router", mw_value_copy(settings), err);
    if (!app->router) return err->code;
    mw_audit_listen(app->audit, tell_router, app); /* the rules are loaded next, and say so */
    app->rules =
        mw_actor_new(&app->host, "rules", "moonwatch.actor.rules", mw_value_copy(settings), err);
    if (!app->rules) return err->code;
    app->backtest =
        mw_actor_new(&app->host, "backtest", "moonwatch.actor.backtest", mw_map_new(), err);
    return app->backtest ? MW_OK : err->code;
}

/* NULL when none are set; checked before. */
static mw_labels *external_labels(const mw_value *settings)
{
    const mw_value *map = mw_map_find(settings, "external_labels");
    size_t n = map && map->type == MW_MAP ? map->map.n : 0;
    if (!n) return NULL;
    mw_label *pairs = mw_array(n, sizeof *pairs);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (mw_label){map->map.entry[i].key, map->map.entry[i].value->text};
    mw_labels *ls = mw_labels_new(pairs, n, NULL);
    mw_free(pairs);
    return ls;
}

enum { MAX_LISTEN = 16 };

static int open_server(mw_app *app, const mw_value *settings, mw_err *err)
{
    const char *listen[MAX_LISTEN];
    size_t n = 0;
    const mw_value *list = mw_map_find(settings, "listen"),
                   *limits = mw_map_find(settings, "limits"),
                   *keep = mw_map_find(settings, "retention"),
                   *promql = mw_map_find(settings, "promql"), *cors = mw_map_find(settings, "cors");
    app->external_labels = external_labels(settings);
    for (; list && list->type == MW_LIST && n < list->list.n && n < MAX_LISTEN; n++)
        listen[n] = list->list.item[n]->text.p;
    app->server = mw_server_new(
        &(mw_server_options){
            .listen = listen,
            .n_listen = n,
            .max_body = mw_setting_size(limits, "body", 0),
            .max_in_flight = mw_setting_size(limits, "in_flight", 0),
            .max_queries = (unsigned)mw_setting_size(limits, "queries", 0),
            .query_timeout_ms = (int)mw_setting_ms(limits, "query_timeout", 0),
            .cors = cors && cors->type == MW_TEXT ? cors->text.p : NULL,
            .external_labels = app->external_labels,
            .lookback_ms = mw_setting_ms(promql, "lookback", 0),
            .retention_ms = mw_setting_ms(keep, "metrics", 15LL * MW_DAY_MS),
            .read_samples = mw_setting_size(limits, "read_samples", 0),
        },
        &(mw_server_parts){.host = &app->host, .ingest = &app->ingest, .scraper = app->scraper},
        err);
    return app->server ? MW_OK : err->code;
}

static int make_data_dir(const mw_value *settings, mw_err *err)
{
    mw_str dir = mw_map_text(settings, "data");
    if (mkdir(dir.p, 0755) == 0 || errno == EEXIST) return MW_OK;
    return mw_fail(err, MW_EIO, 0, 0, "cannot make the data folder %s: %s", dir.p, strerror(errno));
}

/* -- start and stop ------------------------------------------------------------------------- */

/* Which programs may be run is what the root file said when this process started. */
static void allow_programs(mw_app *app, const mw_value *list)
{
    const char **folders = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; list && list->type == MW_LIST && i < list->list.n; i++)
        if (list->list.item[i]->type == MW_TEXT)
            MW_PUSH(folders, n, cap, list->list.item[i]->text.p);
    mw_net_allow(app->net, folders, n);
    mw_free(folders);
}

static void open_outbound(mw_app *app, const mw_value *settings)
{
    app->net = mw_net_new(app->registry);
    allow_programs(app, mw_map_find(settings, "programs"));
    app->scraper = mw_scraper_new(&app->ingest, app->registry);
    mw_net_offer(app->net, &app->host);
    mw_scraper_offer(app->scraper, &app->host);
    mw_pipelines_offer(app->pipes, &app->host);
    mw_host_add_op(&app->host, "processes", app->stats, mw_app_processes);
    mw_net_start(app->net);
}

int mw_app_open(mw_app *app, const mw_value *settings, mw_err *err)
{
    *app = (mw_app){.clock = mw_clock_system};
    app->registry = mw_registry_new(0);
    pthread_mutex_init(&app->head_lock, NULL);
    mw_passing_init(&app->head, app->registry);
    app->stats = mw_host_stats_new(app->registry, "/proc");
    mw_host_stats_cgroups(app->stats, "/sys/fs/cgroup");
    mw_host_stats_sys(app->stats, "/sys");
    mw_registry_on_collect(app->registry, mw_host_stats_collect, app->stats);
    if (make_data_dir(settings, err) || open_audit(app, settings, err)) goto fail;
    if (open_stores(app, settings, err)) goto fail;
    fill_host(app, settings);
    open_outbound(app, settings);
    if (open_cluster(app, settings, err)) goto fail;
    mw_cluster_offer(app->cluster, &app->host);
    if (open_server(app, settings, err)) goto fail;
    mw_own_metrics(app);
    mw_self_log(app);
    mw_server_start(app->server);
    return MW_OK;
fail:
    mw_app_stop(app);
    return err->code;
}

int mw_app_recover(mw_app *app, mw_err *err)
{
    mw_tsdb_stats s;
    int rc = mw_tsdb_recover(app->tsdb, err);
    if (rc) {
        mw_app_stop(app);
        return rc;
    }
    __atomic_store_n(&app->recovered, true, __ATOMIC_RELEASE);
    mw_tsdb_stats_read(app->tsdb, &s);
    mw_log(MW_INFO, "metrics recovered",
           "blocks=%llu journal_frames=%llu series=%llu quarantined=%llu took=%llums",
           (unsigned long long)s.blocks, (unsigned long long)s.replayed_frames,
           (unsigned long long)s.series, (unsigned long long)s.quarantined_blocks,
           (unsigned long long)s.recovery_ms);
    return MW_OK;
}

void mw_app_audit(mw_app *app, const char *what, const char *name, const char *value)
{
    mw_err err;
    mw_buf details = {0};
    mw_err_init(&err);
    mw_buf_printf(&details, "{\"pid\":%d,\"%s\":", (int)getpid(), name);
    mw_buf_json(&details, mw_str_of(value));
    mw_buf_byte(&details, '}');
    mw_audit_note note = {
        .what = mw_str_of(what), .who = MW_STR("moonwatch"), .details = {details.p, details.n}};
    if (mw_audit_add(app->audit, &note, NULL, &err))
        mw_log(MW_ERROR, "an audit entry was not written", "what=%s error=\"%s\"", what, err.msg);
    mw_buf_deinit(&details);
}

int mw_app_go(mw_app *app, const mw_value *settings, mw_err *err)
{
    mw_app_audit(app, "server.started", "version", MW_VERSION);
    if (open_actors(app, settings, err)) {
        mw_app_stop(app);
        return err->code;
    }
    mw_server_actors(app->server, app->rules, app->router, app->backtest);
    mw_actor_start(app->router);
    mw_actor_start(app->rules);
    mw_actor_start(app->backtest);
    mw_scraper_judge(app->scraper, app->rules);
    mw_cluster_start(app->cluster, app->rules, app->router);
    app->house = mw_pool_new("mw-house", 1, 1);
    mw_server_ready(app->server, true);
    return MW_OK;
}

static void keep_house(void *arg)
{
    mw_app *app = arg;
    mw_logs_tick(app->logs);
    mw_traces_tick(app->traces);
    mw_tsdb_tick(app->tsdb);
    mw_audit_tick(app->audit);
    mw_app_forgotten(app, false);
    mw_app_audit_care(app);
    if (++app->rounds % 10 == 0) mw_arena_trim();
    mw_trim();
}

/* A round that takes longer than a second is not asked for again while it runs. */
void mw_app_tick(mw_app *app) { mw_pool_add(app->house, keep_house, app); }

void mw_app_reload(mw_app *app, const char *from)
{
    mw_value *msg = mw_map_new();
    mw_map_set_text(msg, "type", "reload");
    mw_map_set_text(msg, "reason", "SIGHUP");
    mw_map_set_text(msg, "who", "signal");
    mw_map_set_text(msg, "from", from);
    if (mw_actor_send(app->rules, msg) != MW_OK)
        mw_log(MW_ERROR, "reload not started: the rules are too busy to hear it", NULL);
}

enum { GRACE_MS = 5000 };

void mw_app_stop(mw_app *app)
{
    if (app->tsdb) mw_tsdb_hurry(app->tsdb);
    if (app->server) mw_server_stop(app->server, GRACE_MS);
    mw_pool_free(app->house);
    if (app->audit && app->logs && app->traces) mw_app_forgotten(app, true);
    if (app->scraper) mw_scraper_stop(app->scraper);
    if (app->backtest) mw_actor_stop(app->backtest);
    if (app->rules) mw_actor_stop(app->rules);
    if (app->router) mw_actor_stop(app->router);
    if (app->cluster) mw_cluster_stop(app->cluster);
    if (app->net) mw_net_stop(app->net);
    if (app->audit) mw_audit_listen(app->audit, NULL, NULL);
    if (app->log_tapped) mw_log_set_tap(NULL, NULL);
    mw_server_free(app->server);
    mw_free(app->external_labels);
    mw_actor_free(app->backtest);
    mw_actor_free(app->rules);
    mw_actor_free(app->router);
    mw_cluster_free(app->cluster);
    mw_scraper_free(app->scraper);
    mw_net_free(app->net);
    mw_promql_free(app->promql);
    mw_pipe_slot_free(app->pipes);
    mw_traces_close(app->traces);
    mw_logs_close(app->logs);
    mw_tsdb_close(app->tsdb);
    mw_audit_close(app->audit);
    mw_free(app->audit_dir);
    mw_keep_classes_free(app->classes, app->n_classes);
    mw_keep_classes_free(app->log_classes, app->n_log_classes);
    mw_keep_classes_free(app->trace_classes, app->n_trace_classes);
    mw_free(app->metrics_dir);
    mw_host_stats_free(app->stats);
    mw_passing_deinit(&app->head);
    pthread_mutex_destroy(&app->head_lock);
    mw_registry_free(app->registry);
    mw_free((char *)app->host.data_dir);
    mw_free(app->host.ops);
}
