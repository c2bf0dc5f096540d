/* api_targets.c - what is scraped, and what the targets say of their metrics.
 *
 * What a metric is stands in the store, once for all; which metrics are a target's own is seen from
 * the names of its series.  SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "http/answers.h"
#include "http/serving.h"

static const size_t most_bytes = (size_t)64 << 20;

static bool state_is(mw_str state, const char *word)
{
    return !state.n || (state.n == strlen(word) && !strncasecmp(state.p, word, state.n)) ||
           (state.n == 3 && !strncasecmp(state.p, "any", 3));
}

void api_targets(mw_call *c)
{
    mw_str state = call_param(c, "state");
    mw_targets_wish wish = {.active = state_is(state, "active"),
                            .dropped = state_is(state, "dropped"),
                            .pool = call_param(c, "scrapePool")};
    call_open_data(c);
    if (c->parts->scraper)
        mw_scraper_targets_json(c->parts->scraper, &wish, &c->out);
    else
        mw_buf_printf(&c->out,
                      "{\"activeTargets\":[],\"droppedTargets\":[],\"droppedTargetCounts\":%s}",
                      wish.dropped ? "{}" : "null");
    call_close_data(c);
}

void api_scrape_pools(mw_call *c)
{
    fields f = fields_begin(c);
    field_open(&f, "scrapePools");
    if (c->parts->scraper)
        mw_scraper_pools_json(c->parts->scraper, &c->out);
    else
        mw_buf_text(&c->out, "[]");
    fields_finish(c, &f);
}

void api_scrape_pool_config(mw_call *c)
{
    mw_str pool = call_param(c, "scrapePool");
    mw_buf yaml = {0};
    if (!pool.n) {
        call_fail_text(c, MW_EARG, "no scrapePool parameter provided");
    } else if (!c->parts->scraper || !mw_scraper_yaml(c->parts->scraper, pool, &yaml)) {
        call_fail_text(c, MW_EARG, "error retrieving scrape config: scrape pool \"%.*s\" not found",
                       (int)(pool.n > 100 ? 100 : pool.n), pool.p);
    } else {
        fields f = fields_begin(c);
        field_text(&f, "yaml", (mw_str){yaml.p, yaml.n});
        fields_finish(c, &f);
    }
    mw_buf_deinit(&yaml);
}

/* Alerts go to the router in this process, which speaks as an Alertmanager does. */
void api_alertmanagers(mw_call *c)
{
    mw_buf url = {0};
    mw_str host = call_header(c, "host");
    if (!host.n) host = mw_str_of(server_options(c->server)->listen[0]);
    mw_buf_printf(&url, "http://%.*s/api/v2/alerts", MW_STR_ARG(host));
    fields f = fields_begin(c);
    field_open(&f, "activeAlertmanagers");
    mw_buf_text(&c->out, "[{\"url\":");
    mw_buf_json(&c->out, (mw_str){url.p, url.n});
    mw_buf_text(&c->out, "}]");
    field_open(&f, "droppedAlertmanagers");
    mw_buf_text(&c->out, "[]");
    fields_finish(c, &f);
    mw_buf_deinit(&url);
}

/* -- metadata of targets --------------------------------------------------------------------- */

typedef struct names { /* sorted */
    mw_str *v;
    size_t n, cap;
    mw_arena *arena;
} names;

static int add_name(void *arg, mw_str name)
{
    names *l = arg;
    mw_str copy = {mw_arena_strndup(l->arena, name.p, name.n), name.n};
    if (!copy.p) return 1;
    MW_PUSH(l->v, l->n, l->cap, copy);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return mw_str_cmp(*(const mw_str *)a, *(const mw_str *)b);
}

typedef struct asking {
    mw_call *c;
    mw_arena *arena;
    const mw_matcher *match; /* of the labels of targets */
    size_t n_match;
    mw_str metric;
    int64_t limit; /* -1: none */
    const mw_labels **target;
    size_t n, cap, given;
    names names;              /* of the series of the target at hand */
    const mw_labels *current; /* that target */
} asking;

/* Series of a family have its name, or it with one of these endings. */
static bool has_family(const names *l, mw_str family)
{
    static const char *const endings[] = {"",     "_total", "_bucket",  "_count",
                                          "_sum", "_info",  "_created", "_gsum"};
    char text[1024];
    for (size_t i = 0; family.n < 1000 && i < sizeof endings / sizeof *endings; i++) {
        int n = snprintf(text, sizeof text, "%.*s%s", MW_STR_ARG(family), endings[i]);
        mw_str key = {text, (size_t)n};
        if (l->n && bsearch(&key, l->v, l->n, sizeof key, by_text)) return true;
    }
    return false;
}

static int put_metadata(void *arg, const mw_metadata *m)
{
    asking *a = arg;
    mw_buf *out = &a->c->out;
    if (!has_family(&a->names, m->name)) return 0;
    mw_buf_text(out, a->given++ ? ",{\"target\":" : "{\"target\":");
    mw_labels_json(a->current, out);
    if (!a->metric.n) {
        mw_buf_text(out, ",\"metric\":");
        mw_buf_json(out, m->name);
    }
    mw_buf_byte(out, ',');
    put_metadata_fields(out, m);
    mw_buf_byte(out, '}');
    return out->n > most_bytes;
}

static int names_of(asking *a, const mw_labels *target, mw_err *err)
{
    mw_source *src = a->c->parts->host->source;
    int64_t now = mw_now_ms(a->c->parts->host->clock);
    mw_matcher *m = mw_array(target->n + 1, sizeof *m);
    size_t n = 0;
    int rc = MW_OK;
    for (; n < target->n && !rc; n += !rc)
        rc = mw_matcher_init(&m[n], MW_MATCH_EQ, target->l[n].name, target->l[n].value, err);
    mw_select sel = {.matchers = m,
                     .n = n,
                     .min_t = now - server_options(a->c->server)->lookback_ms,
                     .max_t = now + 600000,
                     .labels_only = true,
                     .cancel = &a->c->cancel};
    a->names.n = 0;
    if (!rc) rc = src->label_values(src, MW_METRIC_NAME, &sel, add_name, &a->names, err);
    if (a->names.n) qsort(a->names.v, a->names.n, sizeof *a->names.v, by_text);
    while (n) mw_matcher_deinit(&m[--n]);
    mw_free(m);
    return rc;
}

static void collect(void *arg, const mw_labels *labels)
{
    asking *a = arg;
    if (!mw_matchers_match(a->match, a->n_match, labels)) return;
    const mw_labels *copy = mw_labels_new_in(a->arena, labels->l, labels->n, NULL);
    if (copy) MW_PUSH(a->target, a->n, a->cap, copy);
}

static int each_target(asking *a, mw_err *err)
{
    int rc = MW_OK;
    if (a->c->parts->scraper) mw_scraper_each_target(a->c->parts->scraper, collect, a);
    call_open_data(a->c);
    mw_buf_byte(&a->c->out, '[');
    for (size_t i = 0; i < a->n && !rc; i++) {
        if (a->limit >= 0 && a->given >= (size_t)a->limit) break;
        a->current = a->target[i];
        rc = names_of(a, a->current, err);
        if (!rc) mw_tsdb_metadata(a->c->parts->host->tsdb, a->metric, put_metadata, a);
        if (a->c->out.n > most_bytes)
            rc = mw_fail(err, MW_ELIMIT, 0, 0, "too much metadata: narrow match_target or metric");
    }
    mw_buf_byte(&a->c->out, ']');
    call_close_data(a->c);
    return rc;
}

static int read_asking(asking *a, mw_err *err)
{
    mw_str limit = call_param(a->c, "limit"), match = call_param(a->c, "match_target");
    mw_matcher *m = NULL;
    a->limit = -1;
    a->metric = call_param(a->c, "metric");
    if (limit.n && !mw_int64_parse(limit, &a->limit))
        return mw_fail(err, MW_EARG, 0, 0, "limit must be a number");
    if (!match.n) return MW_OK;
    int rc = mw_promql_selector(match, &m, &a->n_match, err);
    a->match = m;
    return rc;
}

void api_targets_metadata(mw_call *c)
{
    mw_err err;
    mw_err_init(&err);
    asking a = {.c = c, .arena = mw_arena_new(4 * most_bytes)};
    a.names.arena = a.arena;
    int rc = read_asking(&a, &err);
    if (!rc && (rc = each_target(&a, &err)))
        call_fail(c, &err);
    else if (rc && rc != MW_EARG)
        call_fail_param(c, "match_target", &err);
    else if (rc)
        call_fail(c, &err);
    mw_matchers_free((mw_matcher *)a.match, a.n_match);
    mw_free(a.target);
    mw_free(a.names.v);
    mw_arena_free(a.arena);
}
