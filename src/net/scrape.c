/* scrape.c - the schedule, and what becomes of an answer.
 *
 * One thread keeps time.  At its slot a target gets a round: a request on a loop that only scrapes
 * use.  A small page is read and stored right there, while its bytes are near; a large one by a
 * small pool, as is every page where a commit waits for the disk.  So nothing that a page or a disk
 * does holds up the clock, or a message to somebody.  While a round is under way (busy) the
 * target's cache and references belong to it; all other state is under the lock.  A target that is
 * no longer wanted is marked gone and buried, with stale markers, by its round or at once when it
 * has none.
 *
 * A scrape that starts within a few milliseconds of its slot is stored at the slot: timestamps at
 * even distances take half the memory.  SPDX-License-Identifier: MIT */
#include "net/scrape.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "net/agenda.h"

enum {
    READERS = 2,
    READ_QUEUE = 16384,
    LOOK_MS = 5000,
    NAP_MS = 1000,
    ALIGN_MS = 10,
    EARLY_MS = 5,
    SMALL_PAGE = 256 << 10 /* bytes; about a millisecond */
};

struct mw_scraper {
    mw_net *net;
    mw_ingest *ingest;
    mw_pool *pool;
    mw_discovery *discovery; /* timer thread only */
    pthread_t thread;

    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t wake, idle;
    bool stopping, joined, changed; /* changed: new jobs have come */
    size_t rounds;                  /* and burials: what free must wait for */
    mw_scrape_jobs jobs;
    mw_targets targets;
    mw_agenda agenda;
    int64_t look_ms; /* unix time of the next look at files */
    int64_t now_ms;  /* the time it was when targets were last begun */

    mw_series *up, *down, *skipped, *samples, *known[3];
};

struct round {
    mw_scraper *scraper;
    mw_target *target;
    int64_t t; /* the time its samples carry */
    size_t sample_limit, label_limit, label_value_limit;
    double seconds;
    char *error; /* NULL: body is a page */
    mw_page_kind kind;
    mw_buf body;
    bool cancelled; /* by a stop: says nothing about the target */
    uint64_t scraped, added;
};

/* -- storing ---------------------------------------------------------------------------------- */

static void store_reports(mw_scraper *s, mw_target *t, int64_t at, const double v[MW_REPORTS])
{
    mw_err err;
    mw_err_init(&err);
    mw_appender *a = mw_appender_new(s->ingest->tsdb);
    for (size_t i = 0; i < MW_REPORTS; i++) {
        int code = mw_appender_add(a, t->report[i], &t->ref[i], at, v[i]);
        if (code != MW_OK)
            mw_log(MW_DEBUG, "scrape report not stored", "metric=%s url=%s error=\"%s\"",
                   mw_report_names[i], t->url, mw_code_text(code));
    }
    if (mw_appender_commit(a, &err) != MW_OK)
        mw_log(MW_WARN, "scrape report not stored", "url=%s error=\"%s\"", t->url, err.msg);
    mw_appender_free(a);
}

/* Samples of the page into the store; on a refusal the reason becomes the round's error. */
static void store_page(struct round *r)
{
    mw_ingest_result result = {0};
    mw_err err;
    mw_err_init(&err);
    mw_str page = {r->body.p ? r->body.p : "", r->body.n};
    mw_promtext_kind(r->target->cache, r->kind);
    mw_promtext_label_limits(r->target->cache, r->label_limit, r->label_value_limit);
    int code = mw_promtext_page(r->target->cache, page, r->t, r->sample_limit, &result, &err);
    if (code != MW_OK) {
        r->error = mw_strdup(err.msg);
        return;
    }
    r->scraped = result.accepted + result.rejected;
    r->added = mw_promtext_series_added(r->target->cache);
    if (result.first.code != MW_OK)
        mw_log(MW_WARN, "samples refused", "url=%s refused=%llu first=\"%s\"", r->target->url,
               (unsigned long long)result.rejected, result.first.msg);
}

static void store_round(struct round *r)
{
    mw_scraper *s = r->scraper;
    if (!r->error) store_page(r);
    if (r->error) mw_promtext_stale(r->target->cache, r->t);
    const double scraped = (double)r->scraped;
    store_reports(s, r->target, r->t,
                  (double[MW_REPORTS]){!r->error, r->seconds, scraped, scraped, (double)r->added});
    mw_counter_add(r->error ? s->down : s->up, 1);
    mw_counter_add(s->samples, scraped);
}

static void bury(mw_scraper *s, mw_target *t)
{
    const double gone = mw_stale();
    int64_t now = mw_now_ms(s->ingest->clock);
    if (t->last_ms) {
        if (now <= t->last_ms) now = t->last_ms + 1;
        mw_promtext_stale(t->cache, now);
        store_reports(s, t, now, (double[MW_REPORTS]){gone, gone, gone, gone, gone});
    }
    pthread_mutex_lock(&s->lock); /* the job is shared */
    mw_target_free(t);
    pthread_mutex_unlock(&s->lock);
}

/* -- the end of a round ----------------------------------------------------------------------- */

static void end_work(mw_scraper *s)
{
    pthread_mutex_lock(&s->lock);
    if (!--s->rounds) pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* Whether the target must be buried by the caller. */
static bool note_result(struct round *r)
{
    mw_target *t = r->target;
    pthread_mutex_lock(&r->scraper->lock);
    t->busy = false;
    if (!r->cancelled) {
        t->last_ms = r->t;
        t->last_seconds = r->seconds;
        t->health = r->error ? MW_HEALTH_DOWN : MW_HEALTH_UP;
        mw_free(t->last_error);
        t->last_error = r->error;
        r->error = NULL;
    }
    bool gone = t->gone;
    pthread_mutex_unlock(&r->scraper->lock);
    return gone;
}

static void finish_round(void *arg)
{
    struct round *r = arg;
    mw_scraper *s = r->scraper;
    mw_target *t = r->target;
    if (!r->cancelled) store_round(r);
    if (note_result(r)) bury(s, t);
    mw_buf_deinit(&r->body);
    mw_free(r->error);
    mw_free(r);
    end_work(s);
}

static void hand_over(struct round *r)
{
    bool quick = r->body.n <= SMALL_PAGE && !mw_tsdb_commit_waits(r->scraper->ingest->tsdb);
    if (quick || mw_pool_add(r->scraper->pool, finish_round, r) != MW_OK) finish_round(r);
}

/* The value of the header NAME in BLOCK; {"",0} when it is not there. */
static mw_str header_of(mw_str block, const char *name)
{
    size_t n = strlen(name);
    while (block.n) {
        const char *end = memchr(block.p, '\n', block.n);
        mw_str line = {block.p, end ? (size_t)(end - block.p) : block.n};
        block.p += line.n + (end != NULL);
        block.n -= line.n + (end != NULL);
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        if (line.n > n && line.p[n] == ':' && !strncasecmp(line.p, name, n))
            return mw_str_trim((mw_str){line.p + n + 1, line.n - n - 1});
    }
    return (mw_str){"", 0};
}

static void on_answer(void *arg, const mw_net_response *a)
{
    struct round *r = arg;
    r->seconds = a->seconds;
    r->cancelled = a->stopped;
    r->kind = mw_page_kind_of(header_of(a->headers, "content-type"));
    if (a->error)
        r->error = mw_strdup(a->error);
    else if (a->status != 200)
        r->error = mw_sprintf("server returned HTTP status %d", a->status);
    else
        mw_buf_str(&r->body, a->body);
    hand_over(r);
}

/* -- the beginning of a round ----------------------------------------------------------------- */

/* Under the lock, which keeps the job; libcurl copies what it needs. */
static int ask(mw_scraper *s, struct round *r)
{
    const mw_scrape_job *job = r->target->job;
    char patience[64];
    const char **header = mw_array(job->n_headers + 2, sizeof *header);
    snprintf(patience, sizeof patience, "X-Prometheus-Scrape-Timeout-Seconds: %g",
             job->timeout_ms / 1000.0);
    header[0] = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,"
                "*/*;q=0.1";
    header[1] = patience;
    for (size_t i = 0; i < job->n_headers; i++) header[i + 2] = job->header[i];
    mw_net_request req = {
        .url = r->target->url,
        .headers = header,
        .n_headers = job->n_headers + 2,
        .timeout_ms = job->timeout_ms,
        .max_body = job->body_limit,
        .follow = true,
        .compressed = true,
    };
    int code = mw_net_send(s->net, &req, on_answer, r);
    mw_free(header);
    return code;
}

static void begin_round(mw_scraper *s, mw_target *t, int64_t now)
{
    int64_t late = now - t->next_ms, slack = t->job->every_ms / 100;
    if (slack > ALIGN_MS) slack = ALIGN_MS;
    struct round *r = mw_zalloc(sizeof *r);
    *r = (struct round){
        .scraper = s,
        .target = t,
        .t = late <= slack ? t->next_ms : now,
        .sample_limit = t->job->sample_limit,
        .label_limit = t->job->label_limit,
        .label_value_limit = t->job->label_value_limit,
    };
    t->busy = true;
    s->rounds++;
    int code = ask(s, r);
    if (code == MW_OK) return;
    r->cancelled = code == MW_ECANCEL;
    r->error = mw_strdup("too many requests are waiting; this scrape was left out");
    if (mw_pool_add(s->pool, finish_round, r) == MW_OK) return;
    t->busy = false; /* nothing was stored: the next slot tries again */
    s->rounds--;
    mw_free(r->error);
    mw_free(r);
}

/* Nobody waits for the time that it was. */
static void clock_set_back(mw_scraper *s, int64_t now)
{
    for (size_t i = 0; i < s->targets.n; i++) {
        mw_target *t = s->targets.target[i];
        if (t->next_ms > now + t->job->every_ms) mw_target_schedule(t, now);
    }
    mw_agenda_fill(&s->agenda, &s->targets);
}

/* Who is nearly due is asked along with those that are: many targets, few awakenings. */
static int64_t early(const mw_target *t)
{
    return t->job->every_ms / 200 < EARLY_MS ? t->job->every_ms / 200 : EARLY_MS;
}

static void begin_due(mw_scraper *s, int64_t now)
{
    if (now < s->now_ms) clock_set_back(s, now);
    s->now_ms = now;
    for (mw_target *t; (t = mw_agenda_first(&s->agenda)) && t->next_ms <= now + early(t);) {
        if (t->busy)
            mw_counter_add(s->skipped, 1);
        else
            begin_round(s, t, now);
        mw_target_schedule(t, now < t->next_ms ? t->next_ms : now);
        mw_agenda_settle(&s->agenda);
    }
}

/* -- the timer thread ------------------------------------------------------------------------- */

struct burial {
    mw_scraper *scraper;
    mw_target *target;
};

static void bury_job(void *arg)
{
    struct burial *b = arg;
    mw_scraper *s = b->scraper;
    bury(s, b->target);
    mw_free(b);
    end_work(s);
}

static void on_leave(void *arg, mw_target *t)
{
    mw_scraper *s = arg;
    t->gone = true;
    if (t->busy) return;
    struct burial *b = mw_alloc(sizeof *b);
    *b = (struct burial){s, t};
    s->rounds++;
    if (mw_pool_add(s->pool, bury_job, b) == MW_OK) return;
    s->rounds--;
    mw_target_free(t);
    mw_free(b);
}

/* Files are looked at every 5 s, or as often as the fastest job wants its targets asked. */
static void sync_targets(mw_scraper *s, int64_t now)
{
    int64_t look = LOOK_MS;
    if (!s->changed && now < s->look_ms && s->look_ms <= now + LOOK_MS) return;
    if (mw_targets_files_changed(&s->jobs, s->discovery) || s->changed) {
        mw_targets_sync(&s->targets, &s->jobs, s->discovery, s->ingest, now, on_leave, s);
        mw_agenda_fill(&s->agenda, &s->targets);
    }
    for (size_t i = 0; i < s->jobs.n; i++)
        if (s->jobs.job[i]->every_ms < look) look = s->jobs.job[i]->every_ms;
    s->look_ms = now + look;
    s->changed = false;
}

static int64_t next_wake(const mw_scraper *s, int64_t now)
{
    int64_t at = now + NAP_MS;
    if (s->look_ms < at) at = s->look_ms;
    const mw_target *first = mw_agenda_first(&s->agenda);
    return first && first->next_ms < at ? first->next_ms : at;
}

static void nap(mw_scraper *s)
{
    int64_t now = mw_now_ms(s->ingest->clock), ms = next_wake(s, now) - now;
    int64_t until = mw_mono_ns() + (ms < 1 ? 1 : ms) * 1000000;
    struct timespec ts = {until / 1000000000, until % 1000000000};
    pthread_cond_timedwait(&s->wake, &s->lock, &ts);
}

static void *keep_time(void *arg)
{
    mw_scraper *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        int64_t now = mw_now_ms(s->ingest->clock);
        sync_targets(s, now);
        begin_due(s, now);
        if (!s->changed) nap(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* -- outside ---------------------------------------------------------------------------------- */

static void count_targets(void *arg, mw_registry *reg)
{
    mw_scraper *s = arg;
    double n[3] = {0};
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->targets.n; i++) n[s->targets.target[i]->health]++;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < 3; i++) mw_gauge_set(s->known[i], n[i]);
}

static void make_metrics(mw_scraper *s, mw_registry *reg)
{
    static const char total[] = "moonwatch_scrapes_total";
    static const char help[] = "Scrapes by how they ended.";
    static const char *const healths[] = {"unknown", "up", "down"};
    s->up = mw_counter(reg, total, help, "outcome", "up", NULL);
    s->down = mw_counter(reg, total, help, "outcome", "down", NULL);
    s->skipped = mw_counter(reg, total, help, "outcome", "skipped", NULL);
    s->samples =
        mw_counter(reg, "moonwatch_scrape_samples_total", "Samples read by scrapes.", NULL);
    for (size_t i = 0; i < 3; i++)
        s->known[i] = mw_gauge(reg, "moonwatch_scrape_targets", "Scrape targets by health.",
                               "health", healths[i], NULL);
    mw_registry_on_collect(reg, count_targets, s);
}

mw_scraper *mw_scraper_new(mw_ingest *ingest, mw_registry *reg)
{
    mw_scraper *s = mw_zalloc(sizeof *s);
    pthread_condattr_t mono;
    sigset_t all, before;
    s->net = mw_net_new(reg);
    mw_net_start(s->net);
    s->ingest = ingest;
    s->discovery = mw_discovery_new();
    s->pool = mw_pool_new("mw-scrape", READERS, READ_QUEUE);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &mono);
    pthread_cond_init(&s->idle, NULL);
    pthread_condattr_destroy(&mono);
    make_metrics(s, reg);
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MW_ASSERT(pthread_create(&s->thread, NULL, keep_time, s) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(s->thread, "mw-scrape-time");
    return s;
}

void mw_scraper_stop(mw_scraper *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    bool join = !s->joined;
    s->joined = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    if (join) pthread_join(s->thread, NULL);
    mw_net_stop(s->net);
}

void mw_scraper_free(mw_scraper *s)
{
    if (!s) return;
    mw_scraper_stop(s);
    pthread_mutex_lock(&s->lock);
    while (s->rounds) pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
    mw_pool_free(s->pool);
    mw_net_free(s->net);
    mw_targets_deinit(&s->targets);
    mw_agenda_deinit(&s->agenda);
    mw_scrape_jobs_deinit(&s->jobs);
    mw_discovery_free(s->discovery);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    mw_free(s);
}

static void set_jobs(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_scraper *s = self;
    mw_scrape_jobs jobs;
    mw_value *answer = mw_map_new();
    mw_err err;
    mw_err_init(&err);
    if (mw_scrape_jobs_read(arg, &jobs, &err) == MW_OK) {
        pthread_mutex_lock(&s->lock);
        mw_scrape_jobs old = s->jobs;
        s->jobs = jobs;
        s->changed = true;
        mw_scrape_jobs_deinit(&old);
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
    } else {
        mw_map_set_text(answer, "error", err.msg);
    }
    mw_value_free(arg);
    reply(reply_arg, answer);
}

void mw_scraper_offer(mw_scraper *s, mw_host *host) { mw_host_add_op(host, "scrape", s, set_jobs); }

void mw_scraper_look(mw_scraper *s, mw_scraper_see *see, void *arg)
{
    pthread_mutex_lock(&s->lock);
    see(arg, &s->targets, &s->jobs);
    pthread_mutex_unlock(&s->lock);
}
