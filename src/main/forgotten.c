/* forgotten.c - the proof of what was deleted: an entry of the audit chain for each block, each
 * class that was cut out of one, each wish, and once an hour for what left memory.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "base/log.h"
#include "main/app.h"

static void add(mw_app *app, const char *what, mw_buf *details)
{
    mw_err err;
    mw_err_init(&err);
    mw_audit_note note = {
        .what = mw_str_of(what), .who = MW_STR("moonwatch"), .details = {details->p, details->n}};
    if (mw_audit_add(app->audit, &note, NULL, &err))
        mw_log(MW_ERROR, "an audit entry was not written", "what=%s error=\"%s\"", what, err.msg);
    mw_buf_deinit(details);
}

/* {a="b",c=~"d"} */
static void put_class(mw_buf *out, const mw_keep_class *c)
{
    char keep[40];
    mw_buf text = {0};
    for (size_t i = 0; i < c->n; i++) {
        mw_buf_text(&text, i ? "," : "{");
        mw_buf_str(&text, c->matchers[i].name);
        mw_buf_text(&text, mw_match_op_text(c->matchers[i].op));
        mw_buf_json(&text, c->matchers[i].value);
    }
    mw_buf_text(&text, c->n ? "}" : "{}");
    mw_buf_text(out, ",\"class\":");
    mw_buf_json(out, (mw_str){text.p, text.n});
    mw_buf_printf(out, ",\"keep\":\"%s\"", mw_duration_format(c->keep_ms, keep));
    mw_buf_deinit(&text);
}

void mw_app_gone(void *arg, const mw_tsdb_gone *g)
{
    mw_app *app = arg;
    char from[32], to[32];
    mw_buf d = {0};
    mw_buf_printf(&d, "{\"signal\":\"metrics\",\"why\":\"%s\",\"block\":%" PRIu64, g->why,
                  g->block);
    if (g->blocks > 1) mw_buf_printf(&d, ",\"blocks\":%zu", g->blocks);
    if (g->by_class >= 0 && (size_t)g->by_class < app->n_classes)
        put_class(&d, &app->classes[g->by_class]);
    mw_buf_printf(&d, ",\"from\":\"%s\",\"to\":\"%s\",\"samples\":%" PRIu64,
                  mw_time_rfc3339(g->min_t, from), mw_time_rfc3339(g->max_t, to), g->samples);
    if (g->bytes) mw_buf_printf(&d, ",\"bytes\":%" PRIu64, g->bytes);
    mw_buf_byte(&d, '}');
    add(app, "retention.deleted", &d);
}

/* What left the store of logs by the rule of ROW since it was told last. */
static void tell_logs(mw_app *app, size_t row)
{
    char from[32], to[32];
    mw_buf d = {0};
    mw_logs_dropped gone;
    if (!mw_logs_dropped_take(app->logs, row, &gone) || !gone.records) return;
    mw_buf_printf(&d, "{\"signal\":\"logs\",\"why\":\"%s\"",
                  row > app->n_log_classes ? "bytes" : "age");
    if (row < app->n_log_classes) put_class(&d, &app->log_classes[row]);
    mw_buf_printf(&d, ",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64, gone.records, gone.bytes);
    mw_buf_printf(&d, ",\"from\":\"%s\",\"to\":\"%s\"}",
                  mw_time_rfc3339(gone.min_ns / 1000000, from),
                  mw_time_rfc3339(gone.max_ns / 1000000, to));
    add(app, "retention.deleted", &d);
}

static void tell_traces(mw_app *app, size_t row)
{
    char from[32], to[32];
    mw_buf d = {0};
    mw_traces_dropped gone;
    if (!mw_traces_dropped_take(app->traces, row, &gone) || !gone.spans) return;
    mw_buf_printf(&d, "{\"signal\":\"traces\",\"why\":\"%s\"",
                  row > app->n_trace_classes ? "bytes" : "age");
    if (row < app->n_trace_classes) put_class(&d, &app->trace_classes[row]);
    mw_buf_printf(&d, ",\"traces\":%" PRIu64 ",\"spans\":%" PRIu64 ",\"bytes\":%" PRIu64,
                  gone.traces, gone.spans, gone.bytes);
    mw_buf_printf(&d, ",\"from\":\"%s\",\"to\":\"%s\"}",
                  mw_time_rfc3339(gone.min_ns / 1000000, from),
                  mw_time_rfc3339(gone.max_ns / 1000000, to));
    add(app, "retention.deleted", &d);
}

void mw_app_forgotten(mw_app *app, bool end)
{
    enum { HOUR_MS = 3600000 };
    int64_t now = mw_mono_ns() / 1000000;
    if (!app->told_ms) app->told_ms = now;
    if (!end && now - app->told_ms < HOUR_MS) return;
    app->told_ms = now;
    for (size_t i = 0; i < app->n_log_classes + 2; i++) tell_logs(app, i);
    for (size_t i = 0; i < app->n_trace_classes + 2; i++) tell_traces(app, i);
}
