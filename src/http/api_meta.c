/* api_meta.c - which series, labels and values there are, and what metrics are.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "http/answers.h"
#include "http/selection.h"
#include "model/names.h"

static const size_t most_bytes = (size_t)256 << 20;

/* -- sorted names, each once ----------------------------------------------------------------- */

typedef struct name_list {
    mw_arena *arena;
    mw_str *names;
    size_t n, cap;
    bool full;
} name_list;

/* What stands behind a list that may be cut. */
static void close_list(mw_call *c, mw_buf *out, bool all)
{
    notes warnings = notes_begin(out, "warnings");
    if (!all) note(&warnings, TRUNCATED);
    notes_end(&warnings);
    mw_buf_byte(out, '}');
}

static int add_name(void *arg, mw_str name)
{
    name_list *l = arg;
    mw_str copy = {mw_arena_strndup(l->arena, name.p, name.n), name.n};
    if (!copy.p) {
        l->full = true;
        return 1;
    }
    MW_PUSH(l->names, l->n, l->cap, copy);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return mw_str_cmp(*(const mw_str *)a, *(const mw_str *)b);
}

static void answer_names(mw_call *c, name_list *l, size_t limit)
{
    size_t given = 0;
    bool all = true;
    if (l->n) qsort(l->names, l->n, sizeof *l->names, by_text);
    call_open_data(c);
    mw_buf_byte(&c->out, '[');
    for (size_t i = 0; i < l->n; i++) {
        if (i && mw_str_eq(l->names[i], l->names[i - 1])) continue;
        if (given == limit) {
            all = false;
            break;
        }
        if (given++) mw_buf_byte(&c->out, ',');
        mw_buf_json(&c->out, l->names[i]);
    }
    mw_buf_byte(&c->out, ']');
    close_list(c, &c->out, all);
    call_answer(c, 200, "application/json");
}

/* Names of labels, or the values of LABEL when it is not NULL.  KNOWN: a label without values is
 * told to be none. */
static void answer_from_source(mw_call *c, const char *label, bool known)
{
    selection s;
    if (!selection_init(&s, c)) return;
    mw_source *src = c->parts->host->source;
    name_list list = {.arena = mw_arena_new(most_bytes)};
    mw_err err;
    int rc = MW_OK;
    mw_err_init(&err);
    for (size_t i = 0; i < s.n && !rc; i++)
        rc = label ? src->label_values(src, label, &s.sel[i], add_name, &list, &err)
                   : src->label_names(src, &s.sel[i], add_name, &list, &err);
    if (rc < 0)
        call_fail(c, &err);
    else if (list.full)
        call_fail_text(c, MW_ELIMIT, "too many names match: narrow match[]");
    else if (!list.n && !known)
        call_fail_text(c, MW_EARG, "invalid label name: \"%s\"", label);
    else
        answer_names(c, &list, s.limit);
    mw_free(list.names);
    mw_arena_free(list.arena);
    selection_deinit(&s);
}

void api_labels(mw_call *c) { answer_from_source(c, NULL, true); }

/* Names that are no identifiers come as U__name; bare ones are answered when there is such a label,
 * and refused as Prometheus 2 does when there is none. */
void api_label_values(mw_call *c)
{
    mw_buf plain = {0};
    mw_str name = c->wildcard[0];
    bool escaped = mw_name_unescape(name, &plain);
    if (escaped) name = (mw_str){plain.p, plain.n};
    if (!mw_utf8_valid(name))
        call_fail_text(c, MW_EARG, "invalid label name: \"%.*s\"", MW_STR_ARG(name));
    else
        answer_from_source(c, name.p, escaped || mw_label_name_valid(name));
    mw_buf_deinit(&plain);
}

/* -- series ---------------------------------------------------------------------------------- */

typedef struct series_list {
    const mw_labels **ls; /* copies, in the arena of the call */
    size_t n, cap, limit;
    size_t at, given; /* while it is written */
} series_list;

static int by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(*(const mw_labels *const *)a, *(const mw_labels *const *)b);
}

/* ONLY: there is no other selector, so one series more than the limit says enough. */
static int add_series(mw_call *c, series_list *l, const mw_select *sel, bool only, mw_err *err)
{
    mw_source *src = c->parts->host->source;
    mw_series_set *set;
    mw_series_view view;
    int rc = src->select(src, sel, &set, err);
    if (rc) return rc;
    while ((!only || l->n <= l->limit) && (rc = set->next(set, &view, err)) == 1) {
        if (mw_arena_used(c->arena) > most_bytes) {
            rc = mw_fail(err, MW_ELIMIT, 0, 0, "too many series match: narrow match[]");
            break;
        }
        mw_labels *copy = mw_labels_new_in(c->arena, view.labels->l, view.labels->n, err);
        if (copy) MW_PUSH(l->ls, l->n, l->cap, copy);
    }
    set->close(set);
    return rc < 0 ? rc : MW_OK;
}

static bool more_series(mw_call *c, mw_buf *out)
{
    series_list *l = c->state;
    for (size_t end = out->n + MW_PIECE; l->at < l->n && l->given <= l->limit; l->at++) {
        if (out->n >= end) return false;
        if (l->at && mw_labels_eq(l->ls[l->at], l->ls[l->at - 1])) continue;
        if (l->given++ == l->limit) break;
        mw_buf_text(out, l->given == 1 ? "[" : ",");
        mw_labels_json(l->ls[l->at], out);
    }
    mw_buf_text(out, l->given ? "]" : "[]");
    close_list(c, out, l->given <= l->limit);
    return true;
}

static void series_free(void *arg) { mw_free(((series_list *)arg)->ls); }

void api_series(mw_call *c)
{
    selection s;
    mw_err err;
    mw_err_init(&err);
    if (!selection_required(c) || !selection_init(&s, c)) return;
    series_list *list = mw_arena_zalloc(c->arena, sizeof *list);
    c->state = list;
    c->free_state = series_free;
    list->limit = s.limit;
    int rc = MW_OK;
    for (size_t i = 0; i < s.n && !rc; i++) rc = add_series(c, list, &s.sel[i], s.n == 1, &err);
    if (rc) {
        call_fail(c, &err);
    } else {
        if (list->n) qsort(list->ls, list->n, sizeof *list->ls, by_labels);
        call_open_data(c);
        call_answer(c, 200, "application/json");
        if (!more_series(c, &c->out)) c->more = more_series;
    }
    selection_deinit(&s);
}

/* -- metadata -------------------------------------------------------------------------------- */

typedef struct metadata_list {
    mw_arena *arena;
    mw_metadata *row;
    size_t n, cap;
} metadata_list;

static int add_metadata(void *arg, const mw_metadata *m)
{
    metadata_list *l = arg;
    const mw_str from[] = {m->name, m->type, m->help, m->unit};
    mw_str copy[4];
    for (size_t i = 0; i < 4; i++) {
        copy[i] =
            (mw_str){mw_arena_strndup(l->arena, from[i].p ? from[i].p : "", from[i].n), from[i].n};
        if (!copy[i].p) return 1;
    }
    mw_metadata row = {copy[0], copy[1], copy[2], copy[3]};
    MW_PUSH(l->row, l->n, l->cap, row);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return mw_str_cmp(((const mw_metadata *)a)->name, ((const mw_metadata *)b)->name);
}

static void put_metadata(mw_buf *out, const mw_metadata *m)
{
    mw_buf_byte(out, '{');
    put_metadata_fields(out, m);
    mw_buf_byte(out, '}');
}

/* A number as Prometheus reads these two: below zero is none. */
static int number(mw_call *c, const char *name, int64_t *out)
{
    mw_str v = call_param(c, name);
    if (!v.n || mw_int64_parse(v, out)) return MW_OK;
    call_fail_text(c, MW_EARG, "%s must be a number", name);
    return MW_EARG;
}

static void answer_metadata(mw_call *c, metadata_list *l, int64_t limit, int64_t per_metric)
{
    int64_t metrics = 0, of_metric = 0;
    if (l->n) qsort(l->row, l->n, sizeof *l->row, by_name);
    call_open_data(c);
    mw_buf_byte(&c->out, '{');
    for (size_t i = 0; i < l->n; i++) {
        bool first = !i || !mw_str_eq(l->row[i].name, l->row[i - 1].name);
        if (first && metrics == limit) break;
        if (first) {
            mw_buf_text(&c->out, metrics++ ? "]," : "");
            mw_buf_json(&c->out, l->row[i].name);
            mw_buf_text(&c->out, ":[");
            of_metric = 0;
        }
        if (per_metric > 0 && of_metric == per_metric) continue;
        if (of_metric++) mw_buf_byte(&c->out, ',');
        put_metadata(&c->out, &l->row[i]);
    }
    mw_buf_text(&c->out, metrics ? "]}" : "}");
    call_close_data(c);
}

void api_metadata(mw_call *c)
{
    int64_t limit = -1, per_metric = -1;
    metadata_list list = {0};
    if (number(c, "limit", &limit) || number(c, "limit_per_metric", &per_metric)) return;
    list.arena = mw_arena_new(most_bytes);
    mw_tsdb_metadata(c->parts->host->tsdb, call_param(c, "metric"), add_metadata, &list);
    answer_metadata(c, &list, limit, per_metric);
    mw_free(list.row);
    mw_arena_free(list.arena);
}
