/* api_meta.c - which series, labels and values there are; targets; metadata.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/route.h"

enum { MOST_SELECTORS = 100 };
static const size_t most_bytes = (size_t)256 << 20;
static const int64_t end_of_time = INT64_MAX / 1000000; /* milliseconds; year 2262 */

/* -- selectors ------------------------------------------------------------------------------- */

typedef struct selection {
    mw_select sel[MOST_SELECTORS]; /* at least one; the only one may be without matchers */
    size_t n;
    size_t limit;
} selection;

static void selection_deinit(selection *s)
{
    for (size_t i = 0; i < s->n; i++)
        mw_matchers_free((mw_matcher *)s->sel[i].matchers, s->sel[i].n);
}

static int add_selector(selection *s, const mw_select *range, mw_str text, mw_err *err)
{
    mw_matcher *m = NULL;
    size_t n = 0;
    if (s->n == MOST_SELECTORS)
        return mw_fail(err, MW_ELIMIT, 0, 0, "more than %d match[] parameters", MOST_SELECTORS);
    int rc = mw_promql_selector(text, &m, &n, err);
    if (rc) return rc;
    s->sel[s->n] = *range;
    s->sel[s->n].matchers = m;
    s->sel[s->n++].n = n;
    return MW_OK;
}

/* match[], start, end and limit of C; false after answering what is wrong with them. */
static bool selection_init(selection *s, mw_call *c)
{
    mw_err err;
    mw_select range = {.max_t = end_of_time, .labels_only = true, .cancel = &c->cancel};
    mw_err_init(&err);
    s->n = s->limit = 0;
    if (call_time_ms(c, "start", &range.min_t, &err) ||
        call_time_ms(c, "end", &range.max_t, &err) ||
        call_size(c, "limit", SIZE_MAX, &s->limit, &err)) {
        call_fail(c, &err);
        return false;
    }
    if (!s->limit) s->limit = SIZE_MAX;
    for (const mw_pair *p = NULL; (p = call_each_param(c, "match[]", p));)
        if (add_selector(s, &range, p->value, &err)) {
            call_fail_param(c, "match[]", &err);
            selection_deinit(s);
            return false;
        }
    if (!s->n) s->sel[s->n++] = range;
    return true;
}

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
    if (!call_param(c, "match[]").n) {
        call_fail_text(c, MW_EARG, "no match[] parameter provided");
        return;
    }
    if (!selection_init(&s, c)) return;
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

/* The store keeps no HELP and TYPE lines, so for every metric there is nothing to tell. */
void api_metadata(mw_call *c)
{
    call_open_data(c);
    mw_buf_text(&c->out, "{}");
    call_close_data(c);
}
