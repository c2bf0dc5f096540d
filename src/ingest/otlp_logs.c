/* otlp_logs.c - OTLP log records into the log store.
 *
 * A stream is who speaks: a few attributes of the resource under names that are labels.  All other
 * attributes, of the record, then of the resource, are fields.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/line.h"
#include "ingest/otlp_schema.h"
#include "ingest/result.h"

static const struct {
    const char *attr, *label;
} stream_labels[] = {
    {"service.name", "service_name"},
    {"service.namespace", "service_namespace"},
    {"deployment.environment", "deployment_environment"},
    {"deployment.environment.name", "deployment_environment"},
    {"host.name", "host_name"},
};
enum { STREAM_LABELS = sizeof stream_labels / sizeof *stream_labels };

struct sink {
    mw_ingest *in;
    mw_arena *arena;
    mw_ingest_limits limits;
    mw_ingest_result *result;
    const mw_pipes *pipes;
    mw_labels *stream;    /* of the resource at hand */
    const mw_attr *extra; /* its attributes that are no labels */
    size_t n_extra;
};

static bool is_label(mw_str key)
{
    for (size_t i = 0; i < STREAM_LABELS; i++)
        if (mw_str_is(key, stream_labels[i].attr)) return true;
    return false;
}

static bool taken(const mw_label *l, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_is(l[i].name, name)) return true;
    return false;
}

static mw_labels *stream_of(struct sink *s, const mw_otlp_resource *r)
{
    mw_label l[STREAM_LABELS];
    size_t n = 0;
    for (size_t i = 0; i < STREAM_LABELS; i++) {
        mw_str value = mw_otlp_text(r->attrs, r->n_attrs, stream_labels[i].attr, s->arena);
        if (!i && !value.n) value = MW_STR("unknown_service");
        if (value.n > s->limits.label_bytes) value.n = s->limits.label_bytes;
        if (value.n && !taken(l, n, stream_labels[i].label))
            l[n++] = (mw_label){mw_str_of(stream_labels[i].label), value};
    }
    return mw_labels_new(l, n, NULL);
}

static bool extra_fields(struct sink *s, const mw_otlp_resource *r)
{
    mw_attr *extra = mw_arena_array(s->arena, r->n_attrs, sizeof *extra);
    if (!extra) return false;
    s->n_extra = 0;
    for (size_t i = 0; i < r->n_attrs; i++)
        if (!is_label(r->attrs[i].key)) extra[s->n_extra++] = r->attrs[i];
    s->extra = extra;
    return true;
}

/* -- records -------------------------------------------------------------------------------- */

/* Severity numbers go in fours: trace, debug, info, warn, error, fatal. */
static mw_level level_of(const mw_otlp_log *log, const mw_line_facts *facts)
{
    static const mw_level fours[] = {MW_DEBUG, MW_DEBUG, MW_INFO, MW_WARN, MW_ERROR, MW_FATAL};
    mw_level level;
    if (log->severity >= 1 && log->severity <= 24) return fours[(log->severity - 1) / 4];
    if (mw_level_of_word(log->severity_text, &level)) return level;
    return facts->has_level ? facts->level : MW_INFO;
}

static int64_t time_of(const struct sink *s, const mw_otlp_log *log)
{
    if (log->t_ns > 0) return log->t_ns;
    return log->observed_ns > 0 ? log->observed_ns : mw_now_ms(s->in->clock) * 1000000;
}

static bool any_set(const uint8_t *id, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (id[i]) return true;
    return false;
}

/* The record's own attributes and as many of the resource's as the limit leaves room for. */
static mw_attr *all_fields(struct sink *s, const mw_otlp_log *log, size_t *n)
{
    size_t room = s->limits.attrs - log->n_attrs, extra = s->n_extra < room ? s->n_extra : room;
    mw_attr *fields = mw_arena_array(s->arena, log->n_attrs + extra, sizeof *fields);
    if (!fields) return NULL;
    if (log->n_attrs) memcpy(fields, log->attrs, log->n_attrs * sizeof *fields);
    if (extra) memcpy(fields + log->n_attrs, s->extra, extra * sizeof *fields);
    *n = log->n_attrs + extra;
    return fields;
}

static int append(struct sink *s, const mw_otlp_log *log, mw_err *err)
{
    mw_log_record record = {.t_ns = time_of(s, log), .stream = s->stream};
    mw_line_facts facts = {0};
    if (log->n_attrs > s->limits.attrs)
        return mw_fail(err, MW_ELIMIT, 0, 0, "a record has %zu attributes, at most %zu are allowed",
                       log->n_attrs, s->limits.attrs);
    if (log->has & MW_OTLP_BODY) record.message = mw_otlp_attr_text(&log->body, s->arena);
    record.fields = all_fields(s, log, &record.n_fields);
    if (!record.fields) return mw_ingest_arena_full(err);
    memcpy(record.trace_id, log->trace_id, sizeof record.trace_id);
    memcpy(record.span_id, log->span_id, sizeof record.span_id);
    record.has_trace = any_set(record.trace_id, sizeof record.trace_id);
    record.has_span = any_set(record.span_id, sizeof record.span_id);
    if (!log->severity && !log->severity_text.n) mw_line_read(&facts, record.message, s->arena);
    record.level = level_of(log, &facts);
    mw_result_log(s->in, s->pipes, &record, s->arena, s->result);
    return MW_OK;
}

static void store(struct sink *s, const mw_otlp_log *log)
{
    mw_err err;
    mw_err_init(&err);
    mw_arena_reset(s->arena);
    int code = append(s, log, &err);
    if (code) mw_result_reject(s->result, 1, code, "%s", err.code ? err.msg : mw_code_text(code));
}

int mw_otlp_store_logs(mw_ingest *in, const mw_otlp_request *r, mw_arena *a,
                       mw_ingest_result *result, mw_err *err)
{
    struct sink s = {.in = in,
                     .limits = mw_ingest_limits_of(in),
                     .result = result,
                     .pipes = mw_pipe_slot_hold(in->pipes)};
    mw_arena *work = mw_arena_new(s.limits.body);
    for (size_t i = 0; i < r->n_resources; i++) {
        const mw_otlp_resource *resource = &r->resources[i];
        s.arena = a;
        s.stream = stream_of(&s, resource);
        if (!extra_fields(&s, resource)) s.n_extra = 0;
        s.arena = work;
        for (size_t k = 0; k < resource->n_scopes; k++)
            for (size_t l = 0; l < resource->scopes[k].n_logs; l++)
                store(&s, &resource->scopes[k].logs[l]);
        mw_free(s.stream);
    }
    mw_pipe_slot_leave(in->pipes, s.pipes);
    mw_arena_free(work);
    return mw_logs_commit(in->logs, err);
}
