/* targets.c - from jobs and files to targets, keeping those that stay.
 *
 * Labels are made as Prometheus makes them: the address and the settings become __labels, labels of
 * the job and then of the file's group are laid over them, the url is read out of the result, and
 * what starts with __ is dropped at the end.  SPDX-License-Identifier: MIT */
#include "net/targets.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

const char *const mw_report_names[MW_REPORTS] = {
    "up", "scrape_duration_seconds", "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling", "scrape_series_added"};

/* -- labels ----------------------------------------------------------------------------------- */

struct pairs { /* later ones win */
    mw_label *l;
    size_t n, cap;
    mw_arena *arena;
};

static void set(struct pairs *p, mw_str name, mw_str value)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!mw_str_eq(p->l[i].name, name)) continue;
        p->l[i].value = value;
        return;
    }
    mw_label l = {name, value};
    MW_PUSH(p->l, p->n, p->cap, l);
}

static void set_map(struct pairs *p, const mw_value *map, const char *prefix)
{
    for (size_t i = 0; map && i < map->map.n; i++) {
        mw_str key = map->map.entry[i].key;
        char *name = mw_arena_alloc(p->arena, strlen(prefix) + key.n + 1);
        strcpy(stpcpy(name, prefix), key.p);
        set(p, mw_str_of(name), map->map.entry[i].value->text);
    }
}

static mw_str duration(struct pairs *p, int64_t ms)
{
    char text[40];
    mw_duration_format(ms, text);
    return mw_str_of(mw_arena_strndup(p->arena, text, strlen(text)));
}

static void discover(struct pairs *p, const mw_scrape_job *job, mw_str address,
                     const mw_value *labels)
{
    set(p, MW_STR("__address__"), address);
    set(p, MW_STR("__metrics_path__"), job->path);
    set(p, MW_STR("__scheme__"), job->scheme);
    set(p, MW_STR("__scrape_interval__"), duration(p, job->every_ms));
    set(p, MW_STR("__scrape_timeout__"), duration(p, job->timeout_ms));
    set(p, MW_STR("job"), job->name);
    set_map(p, job->params, "__param_");
    set_map(p, job->labels, "");
    set_map(p, labels, "");
}

static mw_labels *public_labels(const mw_labels *discovered, mw_err *err)
{
    struct pairs p = {0};
    mw_str instance = mw_labels_find(discovered, "instance");
    if (!instance.n) set(&p, MW_STR("instance"), mw_labels_find(discovered, "__address__"));
    for (uint32_t i = 0; i < discovered->n; i++)
        if (!mw_str_starts(discovered->l[i].name, "__"))
            set(&p, discovered->l[i].name, discovered->l[i].value);
    mw_labels *ls = mw_labels_new(p.l, p.n, err);
    mw_free(p.l);
    return ls;
}

/* -- url -------------------------------------------------------------------------------------- */

static void add_escaped(mw_buf *out, mw_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (isalnum(c) || (c && strchr("-_.~", c)))
            mw_buf_byte(out, (char)c);
        else
            mw_buf_printf(out, "%%%02X", c);
    }
}

static bool address_valid(mw_str a)
{
    for (size_t i = 0; i < a.n; i++)
        if (!isgraph((unsigned char)a.p[i]) || strchr("/@?#\\", a.p[i])) return false;
    return a.n > 0;
}

static char *make_url(const mw_labels *d)
{
    mw_buf url = {0};
    mw_str scheme = mw_labels_find(d, "__scheme__"), path = mw_labels_find(d, "__metrics_path__");
    char separator = memchr(path.p ? path.p : "", '?', path.n) ? '&' : '?';
    mw_buf_str(&url, scheme);
    mw_buf_text(&url, "://");
    mw_buf_str(&url, mw_labels_find(d, "__address__"));
    if (!path.n || path.p[0] != '/') mw_buf_byte(&url, '/');
    for (size_t i = 0; i < path.n; i++)
        if (isgraph((unsigned char)path.p[i])) mw_buf_byte(&url, path.p[i]);
    for (uint32_t i = 0; i < d->n; i++) {
        if (!mw_str_starts(d->l[i].name, "__param_")) continue;
        mw_buf_byte(&url, separator);
        add_escaped(&url, (mw_str){d->l[i].name.p + 8, d->l[i].name.n - 8});
        mw_buf_byte(&url, '=');
        add_escaped(&url, d->l[i].value);
        separator = '&';
    }
    return mw_buf_take(&url);
}

/* -- a target --------------------------------------------------------------------------------- */

void mw_target_free(mw_target *t)
{
    mw_promtext_free(t->cache);
    for (size_t i = 0; i < MW_REPORTS; i++) mw_free(t->report[i]);
    mw_scrape_job_release(t->job);
    mw_free(t->key);
    mw_free(t->url);
    mw_free(t->discovered);
    mw_free(t->labels);
    mw_free(t->last_error);
    mw_free(t);
}

void mw_target_schedule(mw_target *t, int64_t now_ms)
{
    int64_t every = t->job->every_ms, slot = now_ms - now_ms % every + t->offset_ms;
    t->next_ms = slot > now_ms ? slot : slot + every;
}

static mw_labels *report_labels(const mw_labels *ls, const char *name)
{
    struct pairs p = {0};
    set(&p, MW_STR(MW_METRIC_NAME), mw_str_of(name));
    for (uint32_t i = 0; i < ls->n; i++) set(&p, ls->l[i].name, ls->l[i].value);
    mw_labels *all = mw_labels_new(p.l, p.n, NULL);
    mw_free(p.l);
    return all;
}

/* NULL when the address or the labels are not usable, which is logged. */
static mw_target *target_new(mw_scrape_job *job, mw_str address, const mw_value *labels)
{
    mw_err err;
    mw_buf key = {0};
    mw_arena *arena = mw_arena_new(0);
    struct pairs p = {.arena = arena};
    mw_target *t = mw_zalloc(sizeof *t);
    mw_err_init(&err);
    t->job = job;
    job->refs++;
    if (!address_valid(address)) mw_fail(&err, MW_EARG, 0, 0, "it is not host:port");
    discover(&p, job, address, labels);
    t->discovered = mw_labels_new(p.l, p.n, &err);
    if (t->discovered) t->labels = public_labels(t->discovered, &err);
    mw_free(p.l);
    mw_arena_free(arena);
    if (err.code != MW_OK) {
        mw_log(MW_WARN, "target cannot be used", "job=%s target=\"%.*s\" error=\"%s\"", job->name.p,
               MW_STR_ARG(address), err.msg);
        mw_target_free(t);
        return NULL;
    }
    t->url = make_url(t->discovered);
    mw_buf_printf(&key, "%s\n%s\n%d\n", job->name.p, t->url, job->honor_labels);
    mw_labels_text(t->labels, &key);
    t->offset_ms = (int64_t)(mw_hash(key.p, key.n) % (uint64_t)job->every_ms);
    t->key = mw_buf_take(&key);
    return t;
}

/* -- the set ---------------------------------------------------------------------------------- */

struct wanted {
    mw_targets set;
    mw_scrape_job *job;
};

static void want(void *arg, const mw_value *targets, const mw_value *labels)
{
    struct wanted *w = arg;
    for (size_t i = 0; targets && i < targets->list.n; i++) {
        mw_target *t = target_new(w->job, targets->list.item[i]->text, labels);
        if (t) MW_PUSH(w->set.target, w->set.n, w->set.cap, t);
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(mw_target *const *)a)->key, (*(mw_target *const *)b)->key);
}

static void drop_doubles(mw_targets *s)
{
    size_t kept = 0;
    if (s->n) qsort(s->target, s->n, sizeof *s->target, by_key);
    for (size_t i = 0; i < s->n; i++) {
        if (kept && !by_key(&s->target[kept - 1], &s->target[i]))
            mw_target_free(s->target[i]);
        else
            s->target[kept++] = s->target[i];
    }
    s->n = kept;
}

/* OLD stays, with the settings that FRESH was made with. */
static void carry_over(mw_target *old, mw_target *fresh, int64_t now_ms)
{
    bool other_pace = old->job->every_ms != fresh->job->every_ms;
    mw_scrape_job *job = old->job;
    mw_labels *discovered = old->discovered;
    old->job = fresh->job;
    old->discovered = fresh->discovered;
    old->offset_ms = fresh->offset_ms;
    fresh->job = job;
    fresh->discovered = discovered;
    if (other_pace) mw_target_schedule(old, now_ms);
    mw_target_free(fresh);
}

static void enter(mw_target *t, mw_ingest *ingest, int64_t now_ms)
{
    t->cache = mw_promtext_new(ingest, t->labels, t->job->honor_labels);
    for (size_t i = 0; i < MW_REPORTS; i++)
        t->report[i] = report_labels(t->labels, mw_report_names[i]);
    mw_target_schedule(t, now_ms);
}

static void look(mw_discovery *d, const mw_scrape_job *job, mw_discovery_visit *visit, void *arg)
{
    for (size_t i = 0; job->files && i < job->files->list.n; i++)
        mw_discovery_glob(d, job->files->list.item[i]->text.p, visit, arg);
}

bool mw_targets_files_changed(const mw_scrape_jobs *jobs, mw_discovery *d)
{
    mw_discovery_begin(d);
    for (size_t i = 0; i < jobs->n; i++) look(d, jobs->job[i], NULL, NULL);
    return mw_discovery_end(d);
}

void mw_targets_sync(mw_targets *set_, const mw_scrape_jobs *jobs, mw_discovery *d,
                     mw_ingest *ingest, int64_t now_ms, mw_target_leave *leave, void *arg)
{
    struct wanted w = {0};
    size_t at = 0; /* in the old set: both are sorted, so one walk compares them */
    mw_discovery_begin(d);
    for (size_t i = 0; i < jobs->n; i++) {
        w.job = jobs->job[i];
        want(&w, w.job->targets, NULL);
        look(d, w.job, want, &w);
    }
    mw_discovery_end(d);
    drop_doubles(&w.set);
    for (size_t i = 0; i < w.set.n; i++) {
        mw_target *fresh = w.set.target[i];
        while (at < set_->n && strcmp(set_->target[at]->key, fresh->key) < 0)
            leave(arg, set_->target[at++]);
        if (at < set_->n && !strcmp(set_->target[at]->key, fresh->key)) {
            w.set.target[i] = set_->target[at++];
            carry_over(w.set.target[i], fresh, now_ms);
        } else {
            enter(fresh, ingest, now_ms);
        }
    }
    while (at < set_->n) leave(arg, set_->target[at++]);
    mw_free(set_->target);
    *set_ = w.set;
}

void mw_targets_deinit(mw_targets *s)
{
    for (size_t i = 0; i < s->n; i++) mw_target_free(s->target[i]);
    mw_free(s->target);
    *s = (mw_targets){0};
}
