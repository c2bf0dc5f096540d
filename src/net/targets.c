/* targets.c - from jobs and what they discover to targets, keeping those that stay.
 *
 * Labels are made as Prometheus makes them: the address and the settings become __labels, labels of
 * the job and then of the group are laid over them, the job's function may make others of them, the
 * url and the pace are read out of the result, and what starts with __ is dropped at the end.
 * SPDX-License-Identifier: MIT */
#include "net/targets.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/target_url.h"

enum { LEAST_MS = 50, MOST_MS = 86400 * 1000 };

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

/* The first value of each. */
static void set_params(struct pairs *p, const mw_value *map)
{
    for (size_t i = 0; map && i < map->map.n; i++) {
        mw_str key = map->map.entry[i].key;
        const mw_value *v = map->map.entry[i].value;
        if (v->type == MW_LIST) v = v->list.n ? v->list.item[0] : NULL;
        if (!v) continue;
        char *name = mw_arena_alloc(p->arena, sizeof "__param_" + key.n);
        strcpy(stpcpy(name, "__param_"), key.p);
        set(p, mw_str_of(name), v->text);
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
    set_params(p, job->params);
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
    int64_t every = t->every_ms, slot = now_ms - now_ms % every + t->offset_ms;
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

/* The pace is what the labels say, for a function may have changed it. */
static int read_pace(mw_target *t, const mw_labels *d, mw_err *err)
{
    int64_t timeout;
    if (!mw_duration_parse(mw_labels_find(d, "__scrape_interval__"), &t->every_ms) ||
        t->every_ms < LEAST_MS || t->every_ms > MOST_MS)
        return mw_fail(err, MW_EARG, 0, 0, "__scrape_interval__ must be from 50ms to 1d");
    if (!mw_duration_parse(mw_labels_find(d, "__scrape_timeout__"), &timeout) || timeout < 1)
        return mw_fail(err, MW_EARG, 0, 0, "__scrape_timeout__ must be above 0");
    t->timeout_ms = (int)(timeout < t->every_ms ? timeout : t->every_ms);
    return MW_OK;
}

static void set_key(mw_target *t)
{
    mw_buf key = {0};
    mw_buf_printf(&key, "%s\n%s\n%d\n", t->job->name.p, t->url, t->job->honor_labels);
    mw_labels_text(t->labels, &key);
    t->offset_ms = (int64_t)(mw_hash(key.p, key.n) % (uint64_t)t->every_ms);
    t->key = mw_buf_take(&key);
}

/* FINAL: its labels after relabelling.  False when they make no target, which is logged. */
static bool complete(mw_target *t, const mw_labels *final)
{
    mw_err err;
    mw_err_init(&err);
    if (read_pace(t, final, &err) == MW_OK) t->url = mw_target_url(final, t->job->params, &err);
    if (t->url) t->labels = public_labels(final, &err);
    if (t->labels) {
        set_key(t);
        return true;
    }
    mw_str address = mw_labels_find(t->discovered, "__address__");
    mw_log(MW_WARN, "target cannot be used", "job=%s target=\"%.*s\" error=\"%s\"", t->job->name.p,
           (int)(address.n < 200 ? address.n : 200), address.p, err.msg);
    return false;
}

/* Its labels as discovered; NULL when they are not usable, which is logged. */
static mw_target *target_new(mw_scrape_job *job, mw_str address, const mw_value *labels)
{
    mw_err err;
    mw_arena *arena = mw_arena_new(0);
    struct pairs p = {.arena = arena};
    mw_target *t = mw_zalloc(sizeof *t);
    mw_err_init(&err);
    t->job = job;
    job->refs++;
    discover(&p, job, address, labels);
    t->discovered = mw_labels_new(p.l, p.n, &err);
    mw_free(p.l);
    mw_arena_free(arena);
    if (t->discovered) return t;
    mw_log(MW_WARN, "target cannot be used", "job=%s error=\"%s\"", job->name.p, err.msg);
    mw_target_free(t);
    return NULL;
}

/* -- the set ---------------------------------------------------------------------------------- */

struct wanted {
    mw_targets set;
    const mw_target_sources *from;
    mw_scrape_job *job;
    bool unsettled; /* a target of the job is not judged yet */
};

/* Takes T. */
static void judge(struct wanted *w, mw_target *t)
{
    const mw_labels *final = t->discovered;
    mw_fate fate = w->job->relabel.n
                       ? mw_relabel_judge(w->from->relabel, w->job, t->discovered, &final)
                       : MW_FATE_KEEP;
    w->unsettled |= fate == MW_FATE_WAIT;
    if ((fate == MW_FATE_KEEP || fate == MW_FATE_AS) && complete(t, final))
        MW_PUSH(w->set.target, w->set.n, w->set.cap, t);
    else
        mw_target_free(t);
}

static void want(void *arg, const mw_value *targets, const mw_value *labels)
{
    struct wanted *w = arg;
    for (size_t i = 0; targets && i < targets->list.n; i++) {
        mw_target *t = target_new(w->job, targets->list.item[i]->text, labels);
        if (t) judge(w, t);
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
        if (kept && !by_key(&s->target[kept - 1], &s->target[i]) && !s->target[i]->held)
            mw_target_free(s->target[i]);
        else
            s->target[kept++] = s->target[i];
    }
    s->n = kept;
}

/* OLD stays, with the settings that FRESH was made with. */
static void carry_over(mw_target *old, mw_target *fresh, int64_t now_ms)
{
    bool other_pace = old->every_ms != fresh->every_ms;
    mw_scrape_job *job = old->job;
    mw_labels *discovered = old->discovered;
    old->job = fresh->job;
    old->discovered = fresh->discovered;
    old->offset_ms = fresh->offset_ms;
    old->every_ms = fresh->every_ms;
    old->timeout_ms = fresh->timeout_ms;
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

/* -- from the jobs ---------------------------------------------------------------------------- */

static void look(mw_discovery *d, const mw_scrape_job *job, mw_groups_visit *visit, void *arg)
{
    for (size_t i = 0; job->files && i < job->files->list.n; i++)
        mw_discovery_glob(d, job->files->list.item[i]->text.p, visit, arg);
}

static void look_rows(const struct wanted *w, mw_sd_kind kind, const mw_value *rows, void *arg)
{
    for (size_t i = 0; rows && i < rows->list.n; i++)
        mw_sd_each(w->from->sd, kind, rows->list.item[i], want, arg);
}

/* What was there before stays until every target of the job is judged. */
static void hold(struct wanted *w, size_t first, const mw_targets *before)
{
    while (w->set.n > first) mw_target_free(w->set.target[--w->set.n]);
    for (size_t i = 0; i < before->n; i++) {
        mw_target *t = before->target[i];
        if (t->held || !mw_str_eq(t->job->name, w->job->name)) continue;
        t->held = true;
        MW_PUSH(w->set.target, w->set.n, w->set.cap, t);
    }
}

static void want_job(struct wanted *w, const mw_targets *before)
{
    const mw_scrape_job *job = w->job;
    size_t first = w->set.n;
    w->unsettled = false;
    want(w, job->targets, NULL);
    mw_groups_each(job->groups, want, w);
    look(w->from->files, job, want, w);
    look_rows(w, MW_SD_DNS, job->dns, w);
    look_rows(w, MW_SD_HTTP, job->http, w);
    if (w->unsettled) hold(w, first, before);
}

bool mw_targets_files_changed(const mw_scrape_jobs *jobs, mw_discovery *d)
{
    mw_discovery_begin(d);
    for (size_t i = 0; i < jobs->n; i++) look(d, jobs->job[i], NULL, NULL);
    return mw_discovery_end(d);
}

static mw_targets gather(const mw_scrape_jobs *jobs, const mw_target_sources *from,
                         const mw_targets *before)
{
    struct wanted w = {.from = from};
    mw_discovery_begin(from->files);
    mw_relabel_begin(from->relabel);
    for (size_t i = 0; i < jobs->n; i++) {
        w.job = jobs->job[i];
        want_job(&w, before);
    }
    mw_relabel_end(from->relabel);
    mw_discovery_end(from->files);
    drop_doubles(&w.set);
    return w.set;
}

/* The targets of a job stand side by side. */
static void mark_surplus(mw_targets *set)
{
    for (size_t first = 0, end; first < set->n; first = end) {
        const mw_scrape_job *job = set->target[first]->job;
        for (end = first; end < set->n && mw_str_eq(set->target[end]->job->name, job->name);) end++;
        bool surplus = job->target_limit && end - first > job->target_limit;
        for (size_t i = first; i < end; i++) set->target[i]->surplus = surplus;
    }
}

void mw_targets_sync(mw_targets *set_, const mw_scrape_jobs *jobs, const mw_target_sources *from,
                     mw_ingest *ingest, int64_t now_ms, mw_target_leave *leave, void *arg)
{
    mw_targets wanted = gather(jobs, from, set_);
    size_t at = 0; /* in the old set: both are sorted, so one walk compares them */
    for (size_t i = 0; i < wanted.n; i++) {
        mw_target *fresh = wanted.target[i];
        while (at < set_->n && strcmp(set_->target[at]->key, fresh->key) < 0)
            leave(arg, set_->target[at++]);
        if (fresh->held) {
            fresh->held = false;
            at++;
        } else if (at < set_->n && !strcmp(set_->target[at]->key, fresh->key)) {
            wanted.target[i] = set_->target[at++];
            carry_over(wanted.target[i], fresh, now_ms);
        } else {
            enter(fresh, ingest, now_ms);
        }
    }
    while (at < set_->n) leave(arg, set_->target[at++]);
    mw_free(set_->target);
    *set_ = wanted;
    mark_surplus(set_);
}

void mw_targets_deinit(mw_targets *s)
{
    for (size_t i = 0; i < s->n; i++) mw_target_free(s->target[i]);
    mw_free(s->target);
    *s = (mw_targets){0};
}
