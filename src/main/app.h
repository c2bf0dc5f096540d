/* app.h - the whole server in one struct: built at start, taken down in reverse.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MAIN_APP_H
#define MW_MAIN_APP_H
#include "cluster/cluster.h"
#include "http/server.h"
#include "metrics/host.h"

typedef struct mw_app {
    mw_clock clock;
    mw_registry *registry;
    mw_host_stats *stats;
    mw_tsdb *tsdb;
    mw_logs *logs;
    mw_traces *traces;
    mw_promql *promql;
    mw_ingest ingest;
    mw_net *net;
    mw_scraper *scraper;
    mw_cluster *cluster;
    mw_host host;
    mw_actor *rules, *router;
    mw_server *server;
    bool log_tapped;
} mw_app;

/* SETTINGS is what cli/run.lua made of the configuration and the flags, checked and with durations
 * in seconds; it is also handed to the actors.  On refusal ERR says why and APP is down again. */
int mw_app_start(mw_app *app, const mw_value *settings, mw_err *err);
void mw_app_tick(mw_app *app); /* keep house; about once a second */
void mw_app_reload(mw_app *app);
void mw_app_stop(mw_app *app); /* in-flight work finished, state on disk */

/* Gauges of every store, set when the page is read (own_metrics.c). */
void mw_own_metrics(mw_app *app);
/* The server's own log lines as records of the stream {service="moonwatch"} (self_log.c). */
void mw_self_log(mw_app *app);

/* Serve until SIGTERM or SIGINT; SIGHUP reloads.  The process's exit status (serve.c). */
int mw_serve(const mw_value *settings);

#endif
