/* sd.c - the schedule of the sources, and what becomes of their answers.
 *
 * A name server is asked by one of a few threads, which wait for it; an HTTP endpoint on the loop
 * that scrapes use, and its answer is read by one of those threads.  While a source is busy it is
 * kept, even when nobody wants it any more; whoever ends its work forgets it then.
 * SPDX-License-Identifier: MIT */
#include "net/sd.h"

#include <ares.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "net/sd_dns.h"
#include "net/sd_http.h"

enum {
    THREADS = 2,
    QUEUE = 4096,
    NEVER_MS = 3600 * 1000,
    LEAST_MS = 100,
    DNS_MS = 10000 /* longest wait for name servers */
};

struct source {
    mw_sd *sd;
    mw_sd_kind kind;
    mw_value *spec;
    char *key; /* kind and spec as text */
    int64_t every_ms, next_ms, told_ms;
    mw_value *groups; /* what it told last; NULL: nothing yet */
    char *trouble;    /* why it fails; NULL: it does not */
    bool wanted, busy;
    mw_buf body; /* an answer that waits to be read */
};

struct counts {
    mw_series *failures, *targets, *told, *sources;
};

struct mw_sd {
    mw_net *net;
    const mw_clock *clock;
    mw_sd_news *news;
    void *arg;
    mw_pool *pool;
    bool stop; /* atomic */

    pthread_mutex_t lock; /* of everything below, and of the sources but for what work needs */
    struct source **source;
    size_t n, cap;
    struct counts count[MW_SD_KINDS];
};

/* -- sources ---------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return mw_str_cmp((*(const mw_entry *const *)a)->key, (*(const mw_entry *const *)b)->key);
}

/* The same text for the same value: tables of Lua have no order. */
static void add_text(const mw_value *v, mw_buf *out)
{
    if (v->type != MW_MAP) {
        mw_value_to_json(v, out);
        return;
    }
    const mw_entry **e = mw_array(v->map.n + 1, sizeof *e);
    for (size_t i = 0; i < v->map.n; i++) e[i] = &v->map.entry[i];
    if (v->map.n) qsort(e, v->map.n, sizeof *e, by_key);
    for (size_t i = 0; i < v->map.n; i++) {
        mw_buf_json(out, e[i]->key);
        add_text(e[i]->value, out);
    }
    mw_free(e);
}

static char *key_of(mw_sd_kind kind, const mw_value *spec)
{
    mw_buf key = {0};
    mw_buf_printf(&key, "%d", (int)kind);
    add_text(spec, &key);
    return mw_buf_take(&key);
}

static void source_free(struct source *s)
{
    mw_value_free(s->spec);
    mw_value_free(s->groups);
    mw_buf_deinit(&s->body);
    mw_free(s->trouble);
    mw_free(s->key);
    mw_free(s);
}

static struct source *find(const mw_sd *sd, mw_sd_kind kind, const mw_value *spec)
{
    char *key = key_of(kind, spec);
    struct source *found = NULL;
    for (size_t i = 0; i < sd->n && !found; i++)
        if (!strcmp(sd->source[i]->key, key)) found = sd->source[i];
    mw_free(key);
    return found;
}

void mw_sd_begin(mw_sd *sd)
{
    pthread_mutex_lock(&sd->lock);
    for (size_t i = 0; i < sd->n; i++) sd->source[i]->wanted = false;
}

void mw_sd_want(mw_sd *sd, mw_sd_kind kind, const mw_value *spec)
{
    struct source *s = find(sd, kind, spec);
    if (!s) {
        s = mw_zalloc(sizeof *s);
        *s = (struct source){
            .sd = sd, .kind = kind, .spec = mw_value_copy(spec), .key = key_of(kind, spec)};
        s->every_ms = (int64_t)(mw_map_number(spec, "every", 30) * 1000);
        if (s->every_ms < LEAST_MS) s->every_ms = LEAST_MS;
        MW_PUSH(sd->source, sd->n, sd->cap, s);
    }
    s->wanted = true;
}

static void forget_unwanted(mw_sd *sd)
{
    size_t kept = 0;
    for (size_t i = 0; i < sd->n; i++) {
        struct source *s = sd->source[i];
        if (s->wanted || s->busy)
            sd->source[kept++] = s;
        else
            source_free(s);
    }
    sd->n = kept;
}

void mw_sd_end(mw_sd *sd)
{
    forget_unwanted(sd);
    pthread_mutex_unlock(&sd->lock);
}

void mw_sd_each(mw_sd *sd, mw_sd_kind kind, const mw_value *spec, mw_groups_visit *visit, void *arg)
{
    pthread_mutex_lock(&sd->lock);
    const struct source *s = find(sd, kind, spec);
    if (s) mw_groups_each(s->groups, visit, arg);
    pthread_mutex_unlock(&sd->lock);
}

/* -- answers ---------------------------------------------------------------------------------- */

static const char *const kind_names[] = {"dns", "http"};

/* The url may hold a secret; the host of it does not. */
static void tell_trouble(const struct source *s, const char *trouble)
{
    const mw_value *name = mw_map_find(s->spec, "name");
    mw_str who =
        name && name->type == MW_LIST ? name->list.item[0]->text : mw_map_text(s->spec, "url");
    size_t shown = strcspn(who.p, "?");
    const char *at = memchr(who.p, '@', shown);
    if (at) shown -= (size_t)(at + 1 - who.p), who.p = at + 1;
    mw_log(MW_WARN, "targets cannot be discovered", "by=%s from=\"%.*s\" error=\"%s\" then=\"%s\"",
           kind_names[s->kind], (int)(shown < 200 ? shown : 200), who.p, trouble,
           s->groups ? "its targets stay as they were" : "it adds none until it answers");
}

static bool same_groups(const mw_value *a, const mw_value *b)
{
    mw_buf x = {0}, y = {0};
    if (!a || !b) return a == b;
    mw_value_to_json(a, &x);
    mw_value_to_json(b, &y);
    bool same = x.n == y.n && !memcmp(x.p, y.p, x.n);
    mw_buf_deinit(&x);
    mw_buf_deinit(&y);
    return same;
}

/* The work on S has ended: with GROUPS (taken), or with none, or with some but not all. */
static void end(struct source *s, mw_value *groups, bool failed, const mw_err *err)
{
    mw_sd *sd = s->sd;
    bool stopped = __atomic_load_n(&sd->stop, __ATOMIC_RELAXED), news = false;
    pthread_mutex_lock(&sd->lock);
    s->busy = false;
    if (groups && !stopped && !same_groups(groups, s->groups)) {
        mw_value *old = s->groups;
        s->groups = groups;
        groups = old;
        news = true;
    }
    if (failed && !stopped) {
        mw_counter_add(sd->count[s->kind].failures, 1);
        if (!s->trouble || strcmp(s->trouble, err->msg) != 0) tell_trouble(s, err->msg);
    } else if (!failed) {
        s->told_ms = mw_now_ms(sd->clock);
    }
    mw_free(s->trouble);
    s->trouble = failed ? mw_strdup(err->msg) : NULL;
    news = news && s->wanted;
    forget_unwanted(sd);
    pthread_mutex_unlock(&sd->lock);
    mw_value_free(groups);
    if (news) sd->news(sd->arg);
}

static void ask_dns(void *arg)
{
    struct source *s = arg;
    int patience = (int)(s->every_ms < DNS_MS ? s->every_ms : DNS_MS);
    size_t failed = 0;
    mw_err err;
    mw_err_init(&err);
    if (patience < 1000) patience = 1000;
    mw_value *groups = mw_sd_dns_ask(s->spec, s->groups, patience, &s->sd->stop, &failed, &err);
    end(s, groups, failed > 0, &err);
}

static void read_http(void *arg)
{
    struct source *s = arg;
    mw_err err;
    mw_err_init(&err);
    mw_value *groups = mw_groups_json((mw_str){s->body.p, s->body.n}, &err);
    mw_str shown = mw_map_text(s->spec, "shown"), url = mw_map_text(s->spec, "url");
    if (groups) mw_groups_set(groups, "__meta_url", shown.n ? shown.p : url.p);
    mw_buf_deinit(&s->body);
    end(s, groups, !groups, &err);
}

static void on_http(void *arg, const mw_net_response *r)
{
    struct source *s = arg;
    mw_err err;
    mw_err_init(&err);
    if (mw_sd_http_answer(r, &err) == MW_OK) {
        mw_buf_str(&s->body, r->body);
        if (mw_pool_add(s->sd->pool, read_http, s) == MW_OK) return;
        mw_buf_deinit(&s->body);
        mw_fail(&err, MW_EBUSY, 0, 0, "too many sources of targets are being read");
    }
    end(s, NULL, true, &err);
}

/* -- the schedule ----------------------------------------------------------------------------- */

/* Under the lock; what is refused is tried again at its next turn. */
static void ask(mw_sd *sd, struct source *s)
{
    int code = MW_OK;
    s->busy = true;
    if (s->kind == MW_SD_DNS)
        code = mw_pool_add(sd->pool, ask_dns, s);
    else
        code = mw_sd_http_send(sd->net, s->spec, s->every_ms, on_http, s);
    if (code == MW_OK) return;
    s->busy = false;
    mw_counter_add(sd->count[s->kind].failures, 1);
}

int64_t mw_sd_go(mw_sd *sd, int64_t now)
{
    int64_t next = now + NEVER_MS;
    pthread_mutex_lock(&sd->lock);
    for (size_t i = 0; i < sd->n && !__atomic_load_n(&sd->stop, __ATOMIC_RELAXED); i++) {
        struct source *s = sd->source[i];
        if (s->next_ms <= now || s->next_ms > now + s->every_ms) { /* or the clock was set back */
            if (!s->busy) ask(sd, s);
            s->next_ms = now + s->every_ms;
        }
        if (s->next_ms < next) next = s->next_ms;
    }
    pthread_mutex_unlock(&sd->lock);
    return next;
}

/* -- the whole -------------------------------------------------------------------------------- */

static void count(void *arg, mw_registry *reg)
{
    mw_sd *sd = arg;
    double n[MW_SD_KINDS] = {0}, targets[MW_SD_KINDS] = {0}, told[MW_SD_KINDS] = {0};
    pthread_mutex_lock(&sd->lock);
    for (size_t i = 0; i < sd->n; i++) {
        const struct source *s = sd->source[i];
        double at = (double)s->told_ms / 1000;
        if (!n[s->kind]++ || at < told[s->kind]) told[s->kind] = at;
        targets[s->kind] += (double)mw_groups_targets(s->groups);
    }
    pthread_mutex_unlock(&sd->lock);
    for (int k = 0; k < MW_SD_KINDS; k++) {
        mw_gauge_set(sd->count[k].sources, n[k]);
        mw_gauge_set(sd->count[k].targets, targets[k]);
        mw_gauge_set(sd->count[k].told, told[k]);
    }
}

static void make_metrics(mw_sd *sd, mw_registry *reg)
{
    for (int k = 0; k < MW_SD_KINDS; k++) {
        struct counts *c = &sd->count[k];
        c->failures = mw_counter(reg, "moonwatch_sd_refresh_failures_total",
                                 "Questions for targets that failed, or files that were broken.",
                                 "mechanism", kind_names[k], NULL);
        c->targets = mw_gauge(reg, "moonwatch_sd_discovered_targets",
                              "Targets that sources told of, before relabelling.", "mechanism",
                              kind_names[k], NULL);
        c->told = mw_gauge(reg, "moonwatch_sd_last_refresh_timestamp_seconds",
                           "When the source that answered longest ago did; 0: one never did.",
                           "mechanism", kind_names[k], NULL);
        c->sources = mw_gauge(reg, "moonwatch_sd_sources", "Sources of targets that are asked.",
                              "mechanism", kind_names[k], NULL);
    }
    mw_registry_on_collect(reg, count, sd);
}

mw_sd *mw_sd_new(mw_net *net, const mw_clock *clock, mw_registry *reg, mw_sd_news *news, void *arg)
{
    mw_sd *sd = mw_zalloc(sizeof *sd);
    *sd = (mw_sd){.net = net, .clock = clock, .news = news, .arg = arg};
    MW_ASSERT(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
    pthread_mutex_init(&sd->lock, NULL);
    sd->pool = mw_pool_new("mw-discover", THREADS, QUEUE);
    make_metrics(sd, reg);
    return sd;
}

void mw_sd_stop(mw_sd *sd) { __atomic_store_n(&sd->stop, true, __ATOMIC_RELAXED); }

void mw_sd_free(mw_sd *sd)
{
    if (!sd) return;
    mw_sd_stop(sd);
    mw_pool_free(sd->pool);
    for (size_t i = 0; i < sd->n; i++) source_free(sd->source[i]);
    mw_free(sd->source);
    ares_library_cleanup();
    pthread_mutex_destroy(&sd->lock);
    mw_free(sd);
}

int mw_sd_check(mw_sd_kind kind, const mw_value *spec, mw_err *err)
{
    double every = mw_map_number(spec, "every", 30);
    if (!(every > 0 && every <= 7 * 86400.0))
        return mw_fail(err, MW_EARG, 0, 0, "%s: every must be from 100ms to 7d", kind_names[kind]);
    return kind == MW_SD_DNS ? mw_sd_dns_check(spec, err) : mw_sd_http_check(spec, err);
}
