/* api_meta.c - which series, labels and values there are; targets; metadata.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/selection.h"

static const size_t most_bytes = (size_t)256 << 20;

/* -- sorted names, each once ----------------------------------------------------------------- */

typedef struct name_list {
    mw_arena *arena;
    mw_str *names;
    size_t n, cap;
} name_list;

static int add_name(void *arg, mw_str name)
{
    name_list *l = arg;
    mw_str copy = {mw_arena_strndup(l->arena, name.p, name.n), name.n};
    if (!copy.p) return 1;
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
    if (l->n) qsort(l->names, l->n, sizeof *l->names, by_text);
    call_open_data(c);
    mw_buf_byte(&c->out, '[');
    for (size_t i = 0; i < l->n && given < limit; i++) {
        if (i && mw_str_eq(l->names[i], l->names[i - 1])) continue;
        if (given++) mw_buf_byte(&c->out, ',');
        mw_buf_json(&c->out, l->names[i]);
    }
    mw_buf_byte(&c->out, ']');
    call_close_data(c);
}

/* Names of labels, or the values of LABEL when it is not NULL. */
static void answer_from_source(mw_call *c, const char *label)
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
    else
        answer_names(c, &list, s.limit);
    mw_free(list.names);
    mw_arena_free(list.arena);
    selection_deinit(&s);
}

void api_labels(mw_call *c) { answer_from_source(c, NULL); }

void api_label_values(mw_call *c)
{
    if (!mw_label_name_valid(c->wildcard[0]))
        call_fail_text(c, MW_EARG, "invalid label name: \"%.*s\"", MW_STR_ARG(c->wildcard[0]));
    else
        answer_from_source(c, c->wildcard[0].p);
}

/* -- series ---------------------------------------------------------------------------------- */

typedef struct series_list {
    const mw_labels **ls; /* copies, in the arena of the call */
    size_t n, cap, limit;
} series_list;

static int by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(*(const mw_labels *const *)a, *(const mw_labels *const *)b);
}

static int add_series(mw_call *c, series_list *l, const mw_select *sel, mw_err *err)
{
    mw_source *src = c->parts->host->source;
    mw_series_set *set;
    mw_series_view view;
    int rc = src->select(src, sel, &set, err);
    if (rc) return rc;
    while ((rc = set->next(set, &view, err)) == 1) {
        if (mw_arena_used(c->arena) > most_bytes) {
            rc = mw_fail(err, MW_ELIMIT, 0, 0, "too many series match: narrow match[]");
            break;
        }
        mw_labels *copy = mw_labels_new_in(c->arena, view.labels->l, view.labels->n, err);
        if (copy) MW_PUSH(l->ls, l->n, l->cap, copy);
    }
    set->close(set);
    return rc;
}

static void answer_series(mw_call *c, series_list *l)
{
    size_t given = 0;
    if (l->n) qsort(l->ls, l->n, sizeof *l->ls, by_labels);
    call_open_data(c);
    mw_buf_byte(&c->out, '[');
    for (size_t i = 0; i < l->n && given < l->limit; i++) {
        if (i && mw_labels_eq(l->ls[i], l->ls[i - 1])) continue;
        if (given++) mw_buf_byte(&c->out, ',');
        mw_labels_json(l->ls[i], &c->out);
    }
    mw_buf_byte(&c->out, ']');
    call_close_data(c);
}

void api_series(mw_call *c)
{
    selection s;
    mw_err err;
    mw_err_init(&err);
    if (!selection_required(c) || !selection_init(&s, c)) return;
    series_list list = {.limit = s.limit};
    int rc = MW_OK;
    for (size_t i = 0; i < s.n && !rc; i++) rc = add_series(c, &list, &s.sel[i], &err);
    if (rc)
        call_fail(c, &err);
    else
        answer_series(c, &list);
    mw_free(list.ls);
    selection_deinit(&s);
}

/* -- the rest -------------------------------------------------------------------------------- */

void api_targets(mw_call *c)
{
    call_open_data(c);
    if (c->parts->scraper)
        mw_scraper_targets_json(c->parts->scraper, &c->out);
    else
        mw_buf_text(&c->out, "{\"activeTargets\":[],\"droppedTargets\":[]}");
    call_close_data(c);
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
    mw_buf_text(out, "{\"type\":");
    mw_buf_json(out, m->type.n ? m->type : MW_STR("unknown"));
    mw_buf_text(out, ",\"help\":");
    mw_buf_json(out, m->help);
    mw_buf_text(out, ",\"unit\":");
    mw_buf_json(out, m->unit);
    mw_buf_byte(out, '}');
}

static void answer_metadata(mw_call *c, metadata_list *l, size_t limit, size_t per_metric)
{
    size_t metrics = 0, of_metric = 0;
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
        if (of_metric == per_metric) continue;
        if (of_metric++) mw_buf_byte(&c->out, ',');
        put_metadata(&c->out, &l->row[i]);
    }
    mw_buf_text(&c->out, metrics ? "]}" : "}");
    call_close_data(c);
}

void api_metadata(mw_call *c)
{
    mw_err err;
    size_t limit = SIZE_MAX, per_metric = 0;
    metadata_list list = {0};
    mw_err_init(&err);
    if (call_size(c, "limit", SIZE_MAX, &limit, &err) ||
        call_size(c, "limit_per_metric", SIZE_MAX, &per_metric, &err)) {
        call_fail(c, &err);
        return;
    }
    list.arena = mw_arena_new(most_bytes);
    mw_tsdb_metadata(c->parts->host->tsdb, call_param(c, "metric"), add_metadata, &list);
    answer_metadata(c, &list, limit, per_metric ? per_metric : SIZE_MAX);
    mw_free(list.row);
    mw_arena_free(list.arena);
}
