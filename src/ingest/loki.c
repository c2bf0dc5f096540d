/* loki.c - Loki's push request in JSON.
 *
 *     {"streams": [{"stream": {"job": "x"},
 *                   "values": [["<unix ns>", "line", {"structured": "metadata"}], ...]}, ...]}
 *
 * The whole body is read before the first record is stored.  The level and the trace of a record
 * come from its metadata, else from the stream's labels, else from the line.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "ingest/line.h"
#include "ingest/result.h"

struct entry {
    int64_t t_ns;
    mw_str line;
    mw_attr *fields;
    size_t n_fields;
};

struct stream {
    mw_label *labels;
    struct entry *entries;
    size_t n_labels, n_entries;
};

struct reader {
    mw_json j;
    mw_arena *arena;
    struct stream *streams;
    size_t n;
};

static void *push(struct reader *r, void *items, size_t *n, size_t size)
{
    void *item = mw_push_in(r->arena, items, n, size);
    if (!item) {
        r->j.code = MW_ELIMIT;
        mw_ingest_arena_full(r->j.err);
    }
    return item;
}

/* -- reading -------------------------------------------------------------------------------- */

/* Any scalar as text: Loki wants strings, its clients send numbers too. */
static bool read_text(struct reader *r, mw_str *out)
{
    return mw_json_peek(&r->j) == MW_JSON_STRING ? mw_json_string(&r->j, out)
                                                 : mw_json_raw(&r->j, out);
}

static void read_labels(struct reader *r, struct stream *s)
{
    mw_str name;
    if (!mw_json_object(&r->j)) return;
    while (mw_json_key(&r->j, &name)) {
        mw_label *l = push(r, &s->labels, &s->n_labels, sizeof *l);
        if (!l) return;
        *l = (mw_label){name, {"", 0}};
        mw_json_string(&r->j, &l->value);
    }
}

static void read_fields(struct reader *r, struct entry *e)
{
    mw_str key;
    if (!mw_json_object(&r->j)) return;
    while (mw_json_key(&r->j, &key)) {
        mw_attr *a = push(r, &e->fields, &e->n_fields, sizeof *a);
        if (!a) return;
        *a = (mw_attr){.key = key, .type = MW_ATTR_STRING, .s = {"", 0}};
        read_text(r, &a->s);
    }
}

static void read_entry(struct reader *r, struct entry *e)
{
    mw_str time;
    e->line = (mw_str){"", 0};
    if (!mw_json_array(&r->j) || !mw_json_item(&r->j) || !read_text(r, &time)) return;
    if (!mw_int64_parse(time, &e->t_ns)) {
        mw_json_fail(&r->j, "expected unix nanoseconds as a string");
        return;
    }
    if (mw_json_item(&r->j)) {
        mw_json_string(&r->j, &e->line);
        if (!mw_json_item(&r->j)) return;
        read_fields(r, e);
        while (mw_json_item(&r->j)) mw_json_skip(&r->j);
    } else {
        mw_json_fail(&r->j, "expected a log line behind the time");
    }
}

static void read_stream(struct reader *r, struct stream *s)
{
    mw_str key;
    if (!mw_json_object(&r->j)) return;
    while (mw_json_key(&r->j, &key)) {
        if (mw_str_is(key, "stream")) {
            read_labels(r, s);
        } else if (mw_str_is(key, "values") && mw_json_array(&r->j)) {
            while (mw_json_item(&r->j)) {
                struct entry *e = push(r, &s->entries, &s->n_entries, sizeof *e);
                if (!e) return;
                read_entry(r, e);
            }
        } else if (!mw_str_is(key, "values")) {
            mw_json_skip(&r->j);
        }
    }
}

static int read_push(struct reader *r)
{
    mw_str key;
    bool found = false;
    if (mw_json_object(&r->j))
        while (mw_json_key(&r->j, &key)) {
            if (!mw_str_is(key, "streams")) {
                mw_json_skip(&r->j);
                continue;
            }
            found = true;
            if (!mw_json_array(&r->j)) continue;
            while (mw_json_item(&r->j)) {
                struct stream *s = push(r, &r->streams, &r->n, sizeof *s);
                if (!s) break;
                read_stream(r, s);
            }
        }
    if (!r->j.code && !found) mw_json_fail(&r->j, "expected {\"streams\": [...]}");
    int code = mw_json_end(&r->j);
    return code == MW_ELIMIT ? MW_ETOOBIG : code;
}

/* -- storing -------------------------------------------------------------------------------- */

struct way { /* of one request */
    mw_arena *scratch;
    const mw_pipes *pipes;
};

static int check_labels(const struct stream *s, const mw_ingest_limits *limits, mw_err *why)
{
    int code = mw_ingest_count_fits(limits, s->n_labels, why);
    if (!s->n_labels) return mw_fail(why, MW_EARG, 0, 0, "no labels and needs at least one");
    for (size_t i = 0; i < s->n_labels && !code; i++) {
        if (!mw_label_name_valid(s->labels[i].name))
            return mw_fail(why, MW_EARG, 0, 0, "a wrong label name");
        code = mw_ingest_label_fits(limits, &s->labels[i], why);
    }
    return code;
}

static void find_facts(mw_line_facts *facts, const struct stream *s, const struct entry *e,
                       mw_arena *a)
{
    *facts = (mw_line_facts){.level = MW_INFO};
    for (size_t i = 0; i < e->n_fields; i++) mw_line_fact(facts, e->fields[i].key, e->fields[i].s);
    for (size_t i = 0; i < s->n_labels; i++)
        mw_line_fact(facts, s->labels[i].name, s->labels[i].value);
    if (!facts->has_level || !facts->has_trace) mw_line_read(facts, e->line, a);
}

static void store_entry(mw_ingest *in, const struct stream *s, const mw_labels *labels,
                        const struct entry *e, const struct way *way, mw_ingest_result *result)
{
    mw_line_facts facts;
    mw_arena *scratch = way->scratch;
    mw_arena_reset(scratch);
    find_facts(&facts, s, e, scratch);
    mw_log_record record = {
        .t_ns = e->t_ns,
        .level = facts.level,
        .stream = labels,
        .message = e->line,
        .fields = e->fields,
        .n_fields = e->n_fields,
        .has_trace = facts.has_trace,
        .has_span = facts.has_span,
    };
    memcpy(record.trace_id, facts.trace_id, sizeof record.trace_id);
    memcpy(record.span_id, facts.span_id, sizeof record.span_id);
    mw_result_log(in, way->pipes, &record, scratch, result);
}

static void store_stream(mw_ingest *in, const struct stream *s, const struct way *way,
                         mw_ingest_result *result)
{
    mw_ingest_limits limits = mw_ingest_limits_of(in);
    mw_err why;
    mw_err_init(&why);
    int code = check_labels(s, &limits, &why);
    mw_labels *labels = code ? NULL : mw_labels_new(s->labels, s->n_labels, &why);
    if (!labels) {
        mw_result_reject(result, s->n_entries, MW_EARG, "a stream has %s", why.msg);
        return;
    }
    for (size_t i = 0; i < s->n_entries; i++) {
        if (s->entries[i].n_fields > limits.attrs)
            mw_result_reject(result, 1, MW_ELIMIT,
                             "a record has %zu fields, at most %zu are allowed",
                             s->entries[i].n_fields, limits.attrs);
        else
            store_entry(in, s, labels, &s->entries[i], way, result);
    }
    mw_free(labels);
}

int mw_ingest_loki_json(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err)
{
    struct reader r = {.arena = mw_ingest_arena(body.n)};
    *result = (mw_ingest_result){0};
    mw_json_init(&r.j, body, r.arena, err);
    int code = read_push(&r);
    if (!code) {
        struct way way = {mw_ingest_arena(body.n), mw_pipe_slot_hold(in->pipes)};
        for (size_t i = 0; i < r.n; i++) store_stream(in, &r.streams[i], &way, result);
        mw_pipe_slot_leave(in->pipes, way.pipes);
        mw_arena_free(way.scratch);
        code = mw_logs_commit(in->logs, err);
    }
    mw_arena_free(r.arena);
    return code;
}
