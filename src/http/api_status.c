/* api_status.c - /api/v1/status/...: build, runtime, flags, configuration, head of the store.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/route.h"
#include "http/serving.h"

typedef struct fields {
    mw_buf *out;
    bool started;
} fields;

static void field(fields *f, const char *name, const char *text)
{
    mw_buf_printf(f->out, "%s\"%s\":", f->started ? "," : "{", name);
    mw_buf_json(f->out, mw_str_of(text));
    f->started = true;
}

static void number(fields *f, const char *name, uint64_t n)
{
    mw_buf_printf(f->out, "%s\"%s\":%llu", f->started ? "," : "{", name, (unsigned long long)n);
    f->started = true;
}

static fields begin(mw_call *c)
{
    call_open_data(c);
    return (fields){.out = &c->out};
}

static void finish(mw_call *c)
{
    mw_buf_byte(&c->out, '}');
    call_close_data(c);
}

void api_buildinfo(mw_call *c)
{
    /* Clients read "version" to know what this server's API can do: that is Prometheus 3's. */
    fields f = begin(c);
    field(&f, "version", "3.0.0");
    field(&f, "revision", "moonwatch-" MW_VERSION);
    field(&f, "branch", "");
    field(&f, "buildUser", "");
    field(&f, "buildDate", "");
    field(&f, "goVersion", "");
    field(&f, "application", "moonwatch");
    finish(c);
}

void api_runtimeinfo(mw_call *c)
{
    char time[32], host[256] = "", cwd[4096] = "";
    mw_tsdb_stats stats;
    mw_tsdb_stats_read(c->parts->host->tsdb, &stats);
    if (gethostname(host, sizeof host - 1)) host[0] = 0;
    if (!getcwd(cwd, sizeof cwd)) cwd[0] = 0;
    fields f = begin(c);
    field(&f, "startTime", mw_time_rfc3339(server_started_ms(c->server), time));
    field(&f, "serverTime", mw_time_rfc3339(mw_now_ms(c->parts->host->clock), time));
    field(&f, "CWD", cwd);
    field(&f, "hostname", host);
    number(&f, "timeSeriesCount", stats.series);
    number(&f, "corruptionCount", stats.quarantined_blocks);
    number(&f, "processId", (uint64_t)getpid());
    finish(c);
}

static void list_of_addresses(const mw_server_options *o, mw_buf *out)
{
    for (size_t i = 0; i < o->n_listen; i++) mw_buf_printf(out, "%s%s", i ? "," : "", o->listen[i]);
}

/* As Prometheus: names without dashes, every value as text. */
void api_flags(mw_call *c)
{
    const mw_server_options *o = server_options(c->server);
    mw_buf text = {0};
    const struct {
        const char *name;
        uint64_t n;
    } numbers[] = {
        {"http.loops", o->loops},
        {"http.max-body", o->max_body},
        {"http.max-connections", o->max_connections},
        {"http.max-in-flight", o->max_in_flight},
        {"query.max-concurrency", o->max_queries},
        {"query.timeout-ms", (uint64_t)o->query_timeout_ms},
    };
    fields f = begin(c);
    list_of_addresses(o, &text);
    field(&f, "listen", text.p ? text.p : "");
    field(&f, "data", c->parts->host->data_dir ? c->parts->host->data_dir : "");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        mw_buf_reset(&text);
        mw_buf_printf(&text, "%llu", (unsigned long long)numbers[i].n);
        field(&f, numbers[i].name, text.p);
    }
    mw_buf_deinit(&text);
    finish(c);
}

/* The member is called yaml because clients look for it; what runs here is described in Lua. */
void api_config(mw_call *c)
{
    mw_buf text = {0};
    const char *dir = c->parts->host->data_dir;
    mw_buf_text(&text,
                "# moonwatch is configured in Lua; its rules are at /api/mw/v1/rules\nlisten: ");
    list_of_addresses(server_options(c->server), &text);
    mw_buf_printf(&text, "\ndata: %s\n", dir ? dir : "");
    fields f = begin(c);
    field(&f, "yaml", text.p);
    mw_buf_deinit(&text);
    finish(c);
}

/* -- the head of the store ------------------------------------------------------------------- */

static void top_row(void *arg, mw_str name, uint64_t count)
{
    fields *f = arg;
    mw_buf_text(f->out, f->started ? ",{\"name\":" : "{\"name\":");
    mw_buf_json(f->out, name);
    mw_buf_printf(f->out, ",\"value\":%llu}", (unsigned long long)count);
    f->started = true;
}

static void top(mw_call *c, const char *member, const char *label, size_t limit)
{
    fields rows = {.out = &c->out};
    mw_buf_printf(&c->out, ",\"%s\":[", member);
    mw_tsdb_top(c->parts->host->tsdb, label, limit, top_row, &rows);
    mw_buf_byte(&c->out, ']');
}

static void top_pairs(mw_call *c, size_t limit)
{
    fields rows = {.out = &c->out};
    mw_buf_text(&c->out, ",\"seriesCountByLabelValuePair\":[");
    mw_tsdb_top_pairs(c->parts->host->tsdb, limit, top_row, &rows);
    mw_buf_byte(&c->out, ']');
}

typedef struct label_counts {
    mw_source *source;
    mw_arena *arena; /* of the names */
    struct label_count {
        mw_str name;
        uint64_t values, bytes;
    } * row;
    size_t n, cap;
    uint64_t pairs;
} label_counts;

static int add_label(void *arg, mw_str name)
{
    label_counts *l = arg;
    struct label_count row = {.name = {mw_arena_strndup(l->arena, name.p, name.n), name.n}};
    MW_PUSH(l->row, l->n, l->cap, row);
    return 0;
}

static int count_value(void *arg, mw_str value)
{
    struct label_count *row = arg;
    row->values++;
    row->bytes += value.n;
    return 0;
}

static void count_labels(mw_call *c, label_counts *l)
{
    mw_select all = {.labels_only = true, .max_t = INT64_MAX, .cancel = &c->cancel};
    l->source->label_names(l->source, &all, add_label, l, NULL);
    for (size_t i = 0; i < l->n; i++) {
        l->source->label_values(l->source, l->row[i].name.p, &all, count_value, &l->row[i], NULL);
        l->pairs += l->row[i].values;
    }
}

static int compare(uint64_t x, uint64_t y, mw_str a, mw_str b)
{
    return x != y ? (x < y ? 1 : -1) : mw_str_cmp(a, b);
}

static int most_values(const void *a, const void *b)
{
    const struct label_count *x = a, *y = b;
    return compare(x->values, y->values, x->name, y->name);
}

static int most_bytes(const void *a, const void *b)
{
    const struct label_count *x = a, *y = b;
    return compare(x->bytes, y->bytes, x->name, y->name);
}

static void label_rows(mw_call *c, label_counts *l, const char *member, bool bytes, size_t limit)
{
    fields rows = {.out = &c->out};
    if (l->n) qsort(l->row, l->n, sizeof *l->row, bytes ? most_bytes : most_values);
    mw_buf_printf(&c->out, ",\"%s\":[", member);
    for (size_t i = 0; i < l->n && i < limit; i++)
        top_row(&rows, l->row[i].name, bytes ? l->row[i].bytes : l->row[i].values);
    mw_buf_byte(&c->out, ']');
}

/* headStats as Prometheus has it; what is on the disk stands beside it. */
static void store_stats(mw_call *c, const label_counts *l)
{
    mw_tsdb_stats s;
    mw_tsdb_stats_read(c->parts->host->tsdb, &s);
    fields f = {.out = &c->out};
    mw_buf_text(&c->out, "{\"headStats\":");
    number(&f, "numSeries", s.series);
    number(&f, "numLabelPairs", l->pairs);
    number(&f, "chunkCount", s.chunks);
    number(&f, "numSamples", s.samples);
    mw_buf_printf(&c->out,
                  ",\"minTime\":%lld,\"maxTime\":%lld},\"storeStats\":", (long long)s.min_t,
                  (long long)s.max_t);
    f.started = false;
    number(&f, "blocks", s.blocks);
    number(&f, "blockBytes", s.block_bytes);
    number(&f, "blockSeries", s.block_series);
    number(&f, "blockSamples", s.block_samples);
    number(&f, "journalBytes", s.journal_bytes);
    number(&f, "quarantinedBlocks", s.quarantined_blocks);
    number(&f, "exemplars", s.exemplars);
    number(&f, "readOnly", s.read_only);
    mw_buf_byte(&c->out, '}');
}

void api_tsdb(mw_call *c)
{
    mw_err err;
    size_t limit = 10;
    mw_err_init(&err);
    if (call_size(c, "limit", 10000, &limit, &err)) {
        call_fail(c, &err);
        return;
    }
    label_counts labels = {.source = c->parts->host->source, .arena = c->arena};
    count_labels(c, &labels);
    call_open_data(c);
    store_stats(c, &labels);
    top(c, "seriesCountByMetricName", MW_METRIC_NAME, limit);
    top(c, "seriesCountByLabelName", NULL, limit);
    label_rows(c, &labels, "labelValueCountByLabelName", false, limit);
    label_rows(c, &labels, "memoryInBytesByLabelName", true, limit);
    top_pairs(c, limit);
    mw_buf_byte(&c->out, '}');
    call_close_data(c);
    mw_free(labels.row);
}
