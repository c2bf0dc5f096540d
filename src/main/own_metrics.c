/* own_metrics.c - what the stores hold and have done, on the /metrics page.
 *
 * One row per figure: its name, its help and where it lies in the statistics of its store.  What is
 * named _total is a counter.
 * SPDX-License-Identifier: MIT */
#include "main/app.h"

#include <stdio.h>
#include <string.h>

enum store { TSDB, LOGS, TRACES, AUDIT };

static const struct figure {
    const char *name, *help;
    enum store store;
    size_t offset;
} figures[] = {
#define FIGURE(metric, text, store, type, field)   \
    {                                              \
        metric, text, store, offsetof(type, field) \
    }
    FIGURE("moonwatch_tsdb_series", "Series in memory.", TSDB, mw_tsdb_stats, series),
    FIGURE("moonwatch_tsdb_chunks", "Chunks in memory.", TSDB, mw_tsdb_stats, chunks),
    FIGURE("moonwatch_tsdb_samples", "Samples in memory.", TSDB, mw_tsdb_stats, samples),
    FIGURE("moonwatch_tsdb_bytes", "Bytes that the time series take.", TSDB, mw_tsdb_stats, bytes),
    FIGURE("moonwatch_tsdb_appended_samples_total", "Samples accepted since the start.", TSDB,
           mw_tsdb_stats, appended),
    FIGURE("moonwatch_tsdb_out_of_order_samples_total",
           "Samples refused for being behind the window.", TSDB, mw_tsdb_stats, out_of_order),
    FIGURE("moonwatch_tsdb_duplicate_samples_total",
           "Samples refused for another value at the same time.", TSDB, mw_tsdb_stats, duplicates),
    FIGURE("moonwatch_tsdb_too_old_samples_total",
           "Samples refused for being older than the retention.", TSDB, mw_tsdb_stats, too_old),
    FIGURE("moonwatch_tsdb_refused_series_total", "New series refused for want of room.", TSDB,
           mw_tsdb_stats, refused_series),
    FIGURE("moonwatch_tsdb_dropped_chunks_total", "Chunks dropped by retention or budget.", TSDB,
           mw_tsdb_stats, dropped_chunks),
    FIGURE("moonwatch_tsdb_late_samples_total", "Samples accepted out of order.", TSDB,
           mw_tsdb_stats, late),
    FIGURE("moonwatch_tsdb_histograms_total", "Native histograms accepted since the start.", TSDB,
           mw_tsdb_stats, histograms),
    FIGURE("moonwatch_tsdb_exemplars", "Exemplars in memory.", TSDB, mw_tsdb_stats, exemplars),
    FIGURE("moonwatch_tsdb_appended_exemplars_total", "Exemplars accepted since the start.", TSDB,
           mw_tsdb_stats, exemplars_appended),
    FIGURE("moonwatch_tsdb_out_of_order_exemplars_total",
           "Exemplars refused for being older than the newest of their series.", TSDB,
           mw_tsdb_stats, exemplars_out_of_order),
    FIGURE("moonwatch_tsdb_blocks", "Blocks on disk.", TSDB, mw_tsdb_stats, blocks),
    FIGURE("moonwatch_tsdb_block_bytes", "Bytes of blocks on disk.", TSDB, mw_tsdb_stats,
           block_bytes),
    FIGURE("moonwatch_tsdb_block_series", "Series of all blocks, each counted in each block.", TSDB,
           mw_tsdb_stats, block_series),
    FIGURE("moonwatch_tsdb_block_samples", "Samples in blocks.", TSDB, mw_tsdb_stats,
           block_samples),
    FIGURE("moonwatch_tsdb_journal_bytes", "Bytes of the journal on disk.", TSDB, mw_tsdb_stats,
           journal_bytes),
    FIGURE("moonwatch_tsdb_journal_segments", "Files of the journal.", TSDB, mw_tsdb_stats,
           journal_segments),
    FIGURE("moonwatch_tsdb_journal_syncs_total", "Times the journal was synced to the disk.", TSDB,
           mw_tsdb_stats, journal_syncs),
    FIGURE("moonwatch_tsdb_seals_total", "Blocks written of what was in memory.", TSDB,
           mw_tsdb_stats, seals),
    FIGURE("moonwatch_tsdb_compactions_total", "Blocks merged of others.", TSDB, mw_tsdb_stats,
           compactions),
    FIGURE("moonwatch_tsdb_deletions_total", "Deletions of series.", TSDB, mw_tsdb_stats,
           deletions),
    FIGURE("moonwatch_tsdb_dropped_blocks_total", "Blocks dropped by retention or budget.", TSDB,
           mw_tsdb_stats, dropped_blocks),
    FIGURE("moonwatch_tsdb_quarantined_blocks_total", "Damaged blocks that were set aside.", TSDB,
           mw_tsdb_stats, quarantined_blocks),
    FIGURE("moonwatch_tsdb_write_failures_total", "Commits that the disk did not take.", TSDB,
           mw_tsdb_stats, write_failures),
    FIGURE("moonwatch_tsdb_read_only", "1 while the disk takes nothing.", TSDB, mw_tsdb_stats,
           read_only),
    FIGURE("moonwatch_tsdb_replayed_frames", "Frames of the journal read at the start.", TSDB,
           mw_tsdb_stats, replayed_frames),
    FIGURE("moonwatch_logs_streams", "Log streams in memory.", LOGS, mw_logs_stats, streams),
    FIGURE("moonwatch_logs_records", "Log records in memory.", LOGS, mw_logs_stats, records),
    FIGURE("moonwatch_logs_bytes", "Bytes that log records take.", LOGS, mw_logs_stats, bytes),
    FIGURE("moonwatch_logs_appended_records_total", "Log records accepted since the start.", LOGS,
           mw_logs_stats, appended),
    FIGURE("moonwatch_logs_dropped_records_total", "Log records dropped by retention or budget.",
           LOGS, mw_logs_stats, dropped),
    FIGURE("moonwatch_traces_traces", "Traces in memory.", TRACES, mw_traces_stats, traces),
    FIGURE("moonwatch_traces_spans", "Spans in memory.", TRACES, mw_traces_stats, spans),
    FIGURE("moonwatch_traces_bytes", "Bytes that spans take.", TRACES, mw_traces_stats, bytes),
    FIGURE("moonwatch_traces_appended_spans_total", "Spans accepted since the start.", TRACES,
           mw_traces_stats, appended),
    FIGURE("moonwatch_traces_dropped_spans_total", "Spans dropped by retention or budget.", TRACES,
           mw_traces_stats, dropped_spans),
    FIGURE("moonwatch_audit_head_seq", "Number of the last entry of the audit chain.", AUDIT,
           mw_audit_stats, seq),
    FIGURE("moonwatch_audit_head_hash",
           "The first 13 hex digits of the hash of that entry, as a number.", AUDIT, mw_audit_stats,
           head),
    FIGURE("moonwatch_audit_entries_total", "Entries added to the audit chain since the start.",
           AUDIT, mw_audit_stats, added),
    FIGURE("moonwatch_audit_failures_total", "Audit entries that the disk did not take.", AUDIT,
           mw_audit_stats, failures),
    FIGURE("moonwatch_audit_expired_entries_total", "Audit entries that left with the retention.",
           AUDIT, mw_audit_stats, expired),
    FIGURE("moonwatch_audit_bytes", "Bytes of the audit chain on disk.", AUDIT, mw_audit_stats,
           bytes),
    FIGURE("moonwatch_audit_segments", "Files of the audit chain.", AUDIT, mw_audit_stats,
           segments),
#undef FIGURE
};

static bool is_total(const char *name)
{
    size_t n = strlen(name);
    return n > 6 && !strcmp(name + n - 6, "_total");
}

static void show(mw_registry *reg, enum store store, const void *stats)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const struct figure *f = &figures[i];
        if (f->store != store) continue;
        double value = (double)*(const uint64_t *)((const char *)stats + f->offset);
        if (is_total(f->name))
            mw_counter_set(mw_counter(reg, f->name, f->help, NULL), value);
        else
            mw_gauge_set(mw_gauge(reg, f->name, f->help, NULL), value);
    }
}

/* While the store recovers, only how far it is can be asked. */
static void show_tsdb(mw_app *app, mw_registry *reg)
{
    mw_tsdb_stats s;
    mw_gauge_set(mw_gauge(reg, "moonwatch_tsdb_recovery_progress",
                          "Share of the data folder that was read at the start, 0 to 1.", NULL),
                 mw_tsdb_progress(app->tsdb));
    if (!__atomic_load_n(&app->recovered, __ATOMIC_ACQUIRE)) return;
    mw_tsdb_stats_read(app->tsdb, &s);
    mw_gauge_set(mw_gauge(reg, "moonwatch_tsdb_recovery_seconds",
                          "How long reading the data folder took at the start.", NULL),
                 (double)s.recovery_ms / 1000);
    show(reg, TSDB, &s);
}

/* The anchor by which a chain that was cut off or written anew is seen: one series, which changes
 * with each entry. */
static void show_head(mw_app *app)
{
    char seq[24];
    mw_audit_mark head;
    mw_audit_head(app->audit, &head);
    snprintf(seq, sizeof seq, "%llu", (unsigned long long)head.seq);
    mw_label l[] = {{MW_STR("node"), mw_str_of(mw_audit_node(app->audit))},
                    {MW_STR("seq"), mw_str_of(seq)},
                    {MW_STR("hash"), mw_str_of(head.hash)}};
    pthread_mutex_lock(&app->head_lock);
    mw_passing_begin(&app->head);
    mw_passing_set(&app->head, MW_GAUGE, "moonwatch_audit_head_info",
                   "The last entry of the audit chain of this node.", l, 3, 1);
    mw_passing_end(&app->head);
    pthread_mutex_unlock(&app->head_lock);
}

static void collect(void *arg, mw_registry *reg)
{
    mw_app *app = arg;
    mw_logs_stats logs;
    mw_traces_stats traces;
    show_tsdb(app, reg);
    mw_audit_stats audit;
    mw_audit_stats_read(app->audit, &audit);
    show(reg, AUDIT, &audit);
    show_head(app);
    mw_logs_stats_read(app->logs, &logs);
    mw_traces_stats_read(app->traces, &traces);
    show(reg, LOGS, &logs);
    show(reg, TRACES, &traces);
}

void mw_own_metrics(mw_app *app) { mw_registry_on_collect(app->registry, collect, app); }
