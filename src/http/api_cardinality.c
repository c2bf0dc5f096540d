/* api_cardinality.c - how many series each value of a label has, and whether anybody reads them.
 *
 * A table of values in the arena of the call: as many as the store has for that label, and no more
 * than MOST_VALUES.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "http/selection.h"
#include "promql/querylog.h"

enum { USUAL = 20, MOST_VALUES = 1 << 20 };

typedef struct value_count {
    mw_str value;
    uint64_t hash, series;
} value_count;

typedef struct counts {
    mw_arena *arena;
    mw_str label;
    value_count *row; /* open addressing; empty rows have no series */
    size_t room, n;
    uint64_t series, without; /* all of them; those that have no such label */
} counts;

/* -- counting -------------------------------------------------------------------------------- */

static value_count *place(value_count *row, size_t room, mw_str value, uint64_t hash)
{
    size_t i = hash & (room - 1);
    while (row[i].series && !(row[i].hash == hash && mw_str_eq(row[i].value, value)))
        i = (i + 1) & (room - 1);
    return &row[i];
}

static void grow(counts *k)
{
    size_t room = k->room ? k->room * 2 : 1024;
    value_count *row = mw_array(room, sizeof *row);
    for (size_t i = 0; i < k->room; i++)
        if (k->row[i].series) *place(row, room, k->row[i].value, k->row[i].hash) = k->row[i];
    mw_free(k->row);
    k->row = row;
    k->room = room;
}

static int add(counts *k, mw_str value, mw_err *err)
{
    uint64_t hash = mw_hash(value.p, value.n);
    if (k->n * 2 >= k->room) grow(k);
    value_count *at = place(k->row, k->room, value, hash);
    if (!at->series) {
        if (++k->n > MOST_VALUES)
            return mw_fail(err, MW_ELIMIT, 0, 0,
                           "label \"%.*s\" has more than %d values: select fewer series with "
                           "match[]",
                           (int)(k->label.n > 100 ? 100 : k->label.n), k->label.p, MOST_VALUES);
        at->value = (mw_str){mw_arena_strndup(k->arena, value.p, value.n), value.n};
        at->hash = hash;
    }
    at->series++;
    return MW_OK;
}

/* A series that several match[] fit is counted by the first. */
static bool seen_before(const selection *s, size_t now, const mw_labels *ls)
{
    for (size_t i = 0; i < now; i++)
        if (mw_matchers_match(s->sel[i].matchers, s->sel[i].n, ls)) return true;
    return false;
}

static int count_selected(counts *k, mw_source *src, const selection *s, size_t at, mw_err *err)
{
    mw_series_set *set = NULL;
    mw_series_view v;
    int rc = src->select(src, &s->sel[at], &set, err);
    if (rc) return rc;
    while (!rc && (rc = set->next(set, &v, err)) == 1) {
        rc = MW_OK;
        if (seen_before(s, at, v.labels)) continue;
        mw_str value = mw_labels_find(v.labels, k->label.p);
        k->series++;
        if (value.n)
            rc = add(k, value, err);
        else
            k->without++;
    }
    set->close(set);
    return rc;
}

/* -- saying ---------------------------------------------------------------------------------- */

static int most_first(const void *a, const void *b)
{
    const value_count *x = a, *y = b;
    if (x->series != y->series) return x->series < y->series ? 1 : -1;
    return mw_str_cmp(x->value, y->value);
}

/* The rows that are used, moved together and put in order. */
static void settle(counts *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->room; i++)
        if (k->row[i].series) k->row[n++] = k->row[i];
    if (n) qsort(k->row, n, sizeof *k->row, most_first);
}

static void add_use(mw_buf *out, mw_querylog *log, mw_str name)
{
    mw_name_use use = mw_querylog_use(log, name);
    mw_buf_printf(out, ",\"queries\":%llu,\"lastQueried\":", (unsigned long long)use.count);
    if (use.count)
        mw_buf_double(out, (double)use.last_ms / 1000);
    else
        mw_buf_text(out, "\"never\"");
}

static void answer(mw_call *c, const counts *k, size_t limit, bool unread)
{
    mw_querylog *log = mw_promql_log(c->parts->host->promql);
    bool names = mw_str_is(k->label, MW_METRIC_NAME);
    mw_buf *out = &c->out;
    mw_buf_text(out, "{\"label\":");
    mw_buf_json(out, k->label);
    mw_buf_printf(out, ",\"series\":%llu,\"without\":%llu,\"values\":%zu,\"queriedSince\":",
                  (unsigned long long)k->series, (unsigned long long)k->without, k->n);
    mw_buf_double(out, (double)mw_querylog_since(log) / 1000);
    mw_buf_text(out, ",\"top\":[");
    for (size_t i = 0; i < k->n && limit; i++) {
        const value_count *v = &k->row[i];
        if (unread && mw_querylog_use(log, v->value).count) continue;
        limit--;
        if (out->p[out->n - 1] != '[') mw_buf_byte(out, ',');
        mw_buf_text(out, "{\"value\":");
        mw_buf_json(out, v->value);
        mw_buf_printf(out, ",\"series\":%llu,\"share\":%.6g", (unsigned long long)v->series,
                      (double)v->series / (double)k->series);
        if (names) add_use(out, log, v->value);
        mw_buf_byte(out, '}');
    }
    mw_buf_text(out, "]}");
    call_answer(c, 200, "application/json");
}

/* label=NAME (the metric's name), match[], start, end, limit; unread=1: only names that no query
 * asked for. */
void api_cardinality(mw_call *c)
{
    selection s;
    mw_err err;
    counts k = {.arena = c->arena, .label = call_param(c, "label")};
    bool unread = call_flag(c, "unread");
    int rc = MW_OK;
    mw_err_init(&err);
    if (!k.label.n) k.label = MW_STR(MW_METRIC_NAME);
    if (unread && !mw_str_is(k.label, MW_METRIC_NAME)) {
        call_fail_text(c, MW_EARG, "unread is about metric names: leave label out");
        return;
    }
    if (!selection_init(&s, c)) return;
    for (size_t i = 0; i < s.n && !rc; i++)
        rc = count_selected(&k, c->parts->host->source, &s, i, &err);
    settle(&k);
    if (rc)
        call_fail(c, &err);
    else
        answer(c, &k, call_param(c, "limit").n ? s.limit : USUAL, unread);
    mw_free(k.row);
    selection_deinit(&s);
}
