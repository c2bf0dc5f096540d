/* targets_json.c - the targets as Prometheus's HTTP API shows them.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/targets.h"

static const char *const healths[] = {"unknown", "up", "down"};

static void add_text(mw_buf *out, const char *key, mw_str value)
{
    mw_buf_printf(out, ",\"%s\":", key);
    mw_buf_json(out, value);
}

static void add_duration(mw_buf *out, const char *key, int64_t ms)
{
    char text[40];
    add_text(out, key, mw_str_of(mw_duration_format(ms, text)));
}

/* The url as others reach it: a loopback name becomes the name of this machine. */
static void add_global_url(mw_buf *out, const char *url)
{
    static const char *const local[] = {"://localhost", "://127.0.0.1", "://[::1]"};
    char name[256] = "localhost";
    gethostname(name, sizeof name - 1);
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        const char *at = strstr(url, local[i]), *end = at ? at + strlen(local[i]) : NULL;
        if (!at || (*end && !strchr(":/", *end))) continue;
        mw_buf global = {0};
        mw_buf_add(&global, url, (size_t)(at - url));
        mw_buf_printf(&global, "://%s%s", name, end);
        add_text(out, "globalUrl", (mw_str){global.p, global.n});
        mw_buf_deinit(&global);
        return;
    }
    add_text(out, "globalUrl", mw_str_of(url));
}

static void add_target(mw_buf *out, const mw_target *t)
{
    char when[32] = "0001-01-01T00:00:00Z"; /* never, as Go prints it */
    if (t->last_ms) mw_time_rfc3339(t->last_ms, when);
    mw_buf_text(out, "{\"discoveredLabels\":");
    mw_labels_json(t->discovered, out);
    mw_buf_text(out, ",\"labels\":");
    mw_labels_json(t->labels, out);
    add_text(out, "scrapePool", t->job->name);
    add_text(out, "scrapeUrl", mw_str_of(t->url));
    add_global_url(out, t->url);
    add_text(out, "lastError", mw_str_of(t->last_error));
    add_text(out, "lastScrape", mw_str_of(when));
    mw_buf_text(out, ",\"lastScrapeDuration\":");
    mw_buf_double(out, t->last_seconds);
    add_text(out, "health", mw_str_of(healths[t->health]));
    add_duration(out, "scrapeInterval", t->every_ms);
    add_duration(out, "scrapeTimeout", t->timeout_ms);
    mw_buf_byte(out, '}');
}

/* -- jobs ------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return mw_str_cmp(*(const mw_str *)a, *(const mw_str *)b);
}

static mw_str *job_names(const mw_scrape_jobs *jobs)
{
    mw_str *names = mw_array(jobs->n + 1, sizeof *names);
    for (size_t i = 0; i < jobs->n; i++) names[i] = jobs->job[i]->name;
    if (jobs->n) qsort(names, jobs->n, sizeof *names, by_text);
    return names;
}

static void add_pools(void *arg, const mw_scraper_view *view)
{
    const mw_scrape_jobs *jobs = view->jobs;
    mw_buf *out = arg;
    mw_str *names = job_names(jobs);
    mw_buf_byte(out, '[');
    for (size_t i = 0; i < jobs->n; i++) {
        if (i && mw_str_eq(names[i], names[i - 1])) continue;
        if (i) mw_buf_byte(out, ',');
        mw_buf_json(out, names[i]);
    }
    mw_buf_byte(out, ']');
    mw_free(names);
}

void mw_scraper_pools_json(mw_scraper *s, mw_buf *out) { mw_scraper_look(s, add_pools, out); }

/* -- dropped targets --------------------------------------------------------------------------- */

struct dropping {
    mw_buf *out;
    mw_str job; /* of this one; empty: of all */
    size_t n;
};

static void add_dropped(void *arg, mw_str job, const mw_labels *ls)
{
    struct dropping *d = arg;
    if (d->job.n && !mw_str_eq(d->job, job)) return;
    if (d->n++) mw_buf_byte(d->out, ',');
    mw_buf_text(d->out, "{\"discoveredLabels\":");
    mw_labels_json(ls, d->out);
    add_text(d->out, "scrapePool", job);
    mw_buf_byte(d->out, '}');
}

static void count_dropped(void *arg, mw_str job, const mw_labels *ls)
{
    struct dropping *d = arg;
    d->n += mw_str_eq(d->job, job);
}

static void add_counts(const mw_scraper_view *view, mw_buf *out)
{
    mw_str *names = job_names(view->jobs);
    mw_buf_byte(out, '{');
    for (size_t i = 0; i < view->jobs->n; i++) {
        struct dropping d = {.job = names[i]};
        if (i && mw_str_eq(names[i], names[i - 1])) continue;
        if (i) mw_buf_byte(out, ',');
        mw_relabel_each_dropped(view->relabel, count_dropped, &d);
        mw_buf_json(out, names[i]);
        mw_buf_printf(out, ":%zu", d.n);
    }
    mw_buf_byte(out, '}');
    mw_free(names);
}

struct asked {
    const mw_targets_wish *wish;
    mw_buf *out;
};

static void add_targets(void *arg, const mw_scraper_view *view)
{
    const mw_targets *set = view->set;
    const struct asked *a = arg;
    const mw_targets_wish *wish = a->wish;
    size_t given = 0;
    mw_buf_text(a->out, "{\"activeTargets\":[");
    for (size_t i = 0; wish->active && i < set->n; i++) {
        if (wish->pool.n && !mw_str_eq(wish->pool, set->target[i]->job->name)) continue;
        if (given++) mw_buf_byte(a->out, ',');
        add_target(a->out, set->target[i]);
    }
    mw_buf_text(a->out, "],\"droppedTargets\":[");
    struct dropping d = {.out = a->out, .job = wish->pool};
    if (wish->dropped) mw_relabel_each_dropped(view->relabel, add_dropped, &d);
    mw_buf_text(a->out, "],\"droppedTargetCounts\":");
    if (wish->dropped)
        add_counts(view, a->out);
    else
        mw_buf_text(a->out, "null");
    mw_buf_byte(a->out, '}');
}

void mw_scraper_targets_json(mw_scraper *s, const mw_targets_wish *wish, mw_buf *out)
{
    struct asked a = {wish, out};
    mw_scraper_look(s, add_targets, &a);
}

/* -- labels ----------------------------------------------------------------------------------- */

struct visiting {
    mw_target_visit *visit;
    void *arg;
};

static void visit_targets(void *arg, const mw_scraper_view *view)
{
    const mw_targets *set = view->set;
    const struct visiting *v = arg;
    for (size_t i = 0; i < set->n; i++) v->visit(v->arg, set->target[i]->labels);
}

void mw_scraper_each_target(mw_scraper *s, mw_target_visit *visit, void *arg)
{
    struct visiting v = {visit, arg};
    mw_scraper_look(s, visit_targets, &v);
}
