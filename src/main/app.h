/* app.h - the whole server in one struct: built at start, taken down in reverse.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MAIN_APP_H
#define MW_MAIN_APP_H
#include <pthread.h>

#include "base/pool.h"
#include "cluster/cluster.h"
#include "http/server.h"
#include "metrics/host.h"
#include "metrics/passing.h"

typedef struct mw_app {
    mw_clock clock;
    mw_registry *registry;
    mw_host_stats *stats;
    char *metrics_dir;
    mw_keep_class *classes, *log_classes, *trace_classes;
    size_t n_classes, n_log_classes, n_trace_classes;
    mw_tsdb *tsdb;
    bool recovered; /* the stores hold what the disk held; any thread, atomic */
    mw_logs *logs;
    mw_traces *traces;
    mw_promql *promql;
    mw_pipe_slot *pipes;
    mw_ingest ingest;
    mw_net *net;
    mw_audit *audit;
    int64_t walk_at_ms; /* when the chain is walked next, see audit_care.c */
    char misfit[sizeof(((mw_audit_report *)NULL)->problem)];
    pthread_mutex_t head_lock; /* over HEAD: moonwatch_audit_head_info as of now */
    mw_passing head;
    char *audit_dir;
    mw_scraper *scraper;
    mw_cluster *cluster;
    mw_host host;
    mw_actor *rules, *router, *backtest;
    mw_server *server;
    mw_labels *external_labels; /* NULL: none */
    mw_pool *house;             /* one thread that seals, merges and forgets */
    unsigned rounds;            /* of keeping house */
    int64_t told_ms;
    bool log_tapped;
} mw_app;

/* Start in three steps, each with ERR saying why and APP down again when it refuses.  SETTINGS is
 * what cli/run.lua made of the configuration and the flags, checked and with durations in seconds;
 * it is also handed to the actors. */
int mw_app_open(mw_app *app, const mw_value *settings, mw_err *err); /* listens; answers 503 */
int mw_app_recover(mw_app *app, mw_err *err); /* reads what the disk holds; may take long */
int mw_app_go(mw_app *app, const mw_value *settings, mw_err *err); /* rules, scrapes, ready */
/* An entry of the audit chain that this process makes, with a detail NAME. */
void mw_app_audit(mw_app *app, const char *what, const char *name, const char *value);
void mw_app_tick(mw_app *app); /* ask for housekeeping, about once a second; does not wait */
void mw_app_reload(mw_app *app, const char *from); /* FROM: who sent the signal */
void mw_app_stop(mw_app *app);                     /* in-flight work finished, state on disk */

void mw_app_audit_care(mw_app *app); /* audit_care.c; about once a second */

/* -- forgotten.c: what is forgotten is in the audit chain
 * ------------------------------------------ */

mw_tsdb_heard_gone mw_app_gone; /* ARG is the app */
/* Log records and spans that left memory since it was said last: about once an hour, and at the
 * end. */
void mw_app_forgotten(mw_app *app, bool end);

/* The operation "processes": SELF is the host's figures, ARG { names = {} }. */
void mw_app_processes(void *self, mw_value *arg, mw_reply *reply, void *reply_arg);

/* -- settings.c: settings as numbers ---------------------------------------------------------- */

enum { MW_DAY_MS = 86400000 };
/* Seconds at KEY as milliseconds; "all" is -1, an absent key is DEF. */
int64_t mw_setting_ms(const mw_value *map, const char *key, int64_t def);
size_t mw_setting_size(const mw_value *map, const char *key, size_t def); /* absent or 0: DEF */
/* retention.bytes of SIGNAL: a number there is the budget of metrics. */
size_t mw_setting_budget(const mw_value *retention, const char *signal, size_t def);
void mw_tsdb_settings(const mw_value *settings, mw_tsdb_options *o);
/* The rows { match=, keep=, of=OF } of retention; freed by mw_keep_classes_free. */
int mw_keep_classes(const mw_value *settings, const char *of, mw_keep_class **out, size_t *n,
                    mw_err *err);
void mw_keep_classes_free(mw_keep_class *classes, size_t n);

/* Gauges of every store, set when the page is read (own_metrics.c). */
void mw_own_metrics(mw_app *app);
/* The server's own log lines as records of the stream {service="moonwatch"} (self_log.c). */
void mw_self_log(mw_app *app);

/* Serve until SIGTERM or SIGINT; SIGHUP reloads.  The process's exit status (serve.c). */
int mw_serve(const mw_value *settings);

#endif
