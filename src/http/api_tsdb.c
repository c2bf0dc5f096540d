/* api_tsdb.c - /api/v1/status/tsdb: what is in the store, and its blocks.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "http/answers.h"

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
    field_number(&f, "numSeries", (int64_t)s.series);
    field_number(&f, "numLabelPairs", (int64_t)l->pairs);
    field_number(&f, "chunkCount", (int64_t)s.chunks);
    field_number(&f, "numSamples", (int64_t)s.samples);
    mw_buf_printf(&c->out,
                  ",\"minTime\":%lld,\"maxTime\":%lld},\"storeStats\":", (long long)s.min_t,
                  (long long)s.max_t);
    f.started = false;
    field_number(&f, "blocks", (int64_t)s.blocks);
    field_number(&f, "blockBytes", (int64_t)s.block_bytes);
    field_number(&f, "blockSeries", (int64_t)s.block_series);
    field_number(&f, "blockSamples", (int64_t)s.block_samples);
    field_number(&f, "journalBytes", (int64_t)s.journal_bytes);
    field_number(&f, "quarantinedBlocks", (int64_t)s.quarantined_blocks);
    field_number(&f, "exemplars", (int64_t)s.exemplars);
    field_number(&f, "readOnly", (int64_t)s.read_only);
    mw_buf_byte(&c->out, '}');
}

enum { MOST_ROWS = 10000 };

static bool rows_wanted(mw_call *c, size_t *out)
{
    mw_str v = call_param(c, "limit");
    int64_t n = 10;
    if (v.n && (!mw_int64_parse(v, &n) || n < 1))
        call_fail_text(c, MW_EARG, "limit must be a positive number");
    else if (n > MOST_ROWS)
        call_fail_text(c, MW_EARG, "limit must not exceed %d", MOST_ROWS);
    else {
        *out = (size_t)n;
        return true;
    }
    return false;
}

void api_tsdb(mw_call *c)
{
    size_t limit;
    if (!rows_wanted(c, &limit)) return;
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

/* -- blocks ---------------------------------------------------------------------------------- */

/* Clients want a ULID; the number of a block, written as one, keeps their order. */
static void put_ulid(mw_buf *out, uint64_t id)
{
    char text[27] = "00000000000000000000000000";
    for (int i = 25; id; id /= 32) text[i--] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[id % 32];
    mw_buf_printf(out, "\"%s\"", text);
}

static void put_block(void *arg, const mw_tsdb_block *b)
{
    fields *rows = arg;
    mw_buf_text(rows->out, rows->started ? ",{\"ulid\":" : "{\"ulid\":");
    rows->started = true;
    put_ulid(rows->out, b->id);
    fields f = {.out = rows->out, .started = true};
    field_number(&f, "minTime", b->min_t);
    field_number(&f, "maxTime", b->max_t);
    field_open(&f, "stats");
    fields stats = {.out = rows->out};
    field_number(&stats, "numSamples", (int64_t)b->samples);
    field_number(&stats, "numSeries", (int64_t)b->series);
    field_number(&stats, "numBytes", (int64_t)b->bytes);
    mw_buf_byte(rows->out, '}');
    field_open(&f, "compaction");
    mw_buf_printf(rows->out, "{\"level\":%u,\"sources\":[", b->level + 1);
    put_ulid(rows->out, b->id);
    mw_buf_text(rows->out, "]}");
    field_number(&f, "version", 1);
    mw_buf_byte(rows->out, '}');
}

void api_tsdb_blocks(mw_call *c)
{
    fields f = fields_begin(c), rows = {.out = &c->out};
    field_open(&f, "blocks");
    mw_buf_byte(&c->out, '[');
    mw_tsdb_each_block(c->parts->host->tsdb, put_block, &rows);
    mw_buf_byte(&c->out, ']');
    fields_finish(c, &f);
}
