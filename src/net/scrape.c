/* scrape.c - the schedule: which targets there are, and when each has its turn.
 *
 * One thread keeps time.  At its slot a target gets a round (round.c): a request on a loop that
 * only scrapes use, so nothing that a page or a disk does holds up the clock, or a message to
 * somebody.  A target that is no longer wanted is marked gone and buried, with stale markers, by
 * its round or at once when it has none.  Where targets come from is told by files (discovery.c),
 * name servers and endpoints (sd.c); which of them are wanted, and under which labels, by a
 * function of their job (relabel.c).
 *
 * A scrape that starts within a few milliseconds of its slot is stored at the slot: timestamps at
 * even distances take half the memory.  SPDX-License-Identifier: MIT */
#include "net/scrape.h"

#include <signal.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/scraper.h"

enum { READERS = 2, READ_QUEUE = 16384, LOOK_MS = 5000, NAP_MS = 1000, EARLY_MS = 5 };

/* Nobody waits for the time that it was. */
static void clock_set_back(mw_scraper *s, int64_t now)
{
    for (size_t i = 0; i < s->targets.n; i++) {
        mw_target *t = s->targets.target[i];
        if (t->next_ms > now + t->every_ms) mw_target_schedule(t, now);
    }
    mw_agenda_fill(&s->agenda, &s->targets);
}

/* Who is nearly due is asked along with those that are: many targets, few awakenings. */
static int64_t early(const mw_target *t)
{
    return t->every_ms / 200 < EARLY_MS ? t->every_ms / 200 : EARLY_MS;
}

static void begin_due(mw_scraper *s, int64_t now)
{
    if (now < s->now_ms) clock_set_back(s, now);
    s->now_ms = now;
    for (mw_target *t; (t = mw_agenda_first(&s->agenda)) && t->next_ms <= now + early(t);) {
        if (t->busy)
            mw_counter_add(s->skipped, 1);
        else
            mw_round_begin(s, t, now);
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
    mw_target_bury(s, b->target);
    mw_free(b);
    mw_scraper_end_work(s);
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

/* Files are looked at every 5 s, or as often as the fastest job wants its targets asked; so are
 * questions that nobody answered. */
static void sync_targets(mw_scraper *s, int64_t now)
{
    int64_t look = LOOK_MS;
    s->sd_ms = mw_sd_go(s->from.sd, now);
    if (!s->changed && now < s->look_ms && s->look_ms <= now + LOOK_MS) return;
    if (mw_targets_files_changed(&s->jobs, s->from.files) || s->changed) {
        mw_targets_sync(&s->targets, &s->jobs, &s->from, s->ingest, now, on_leave, s);
        mw_agenda_fill(&s->agenda, &s->targets);
    }
    mw_relabel_ask(s->from.relabel, s->rules, now);
    s->files = mw_discovery_count(s->from.files);
    for (size_t i = 0; i < s->jobs.n; i++)
        if (s->jobs.job[i]->every_ms < look) look = s->jobs.job[i]->every_ms;
    s->look_ms = now + look;
    s->changed = false;
}

/* Under the lock. */
static void on_relabelled(void *arg)
{
    mw_scraper *s = arg;
    s->changed = true;
    pthread_cond_signal(&s->wake);
}

static void on_discovered(void *arg)
{
    mw_scraper *s = arg;
    pthread_mutex_lock(&s->lock);
    on_relabelled(s);
    pthread_mutex_unlock(&s->lock);
}

static int64_t next_wake(const mw_scraper *s, int64_t now)
{
    int64_t at = now + NAP_MS;
    if (s->look_ms < at) at = s->look_ms;
    if (s->sd_ms < at) at = s->sd_ms;
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
    mw_discovery_counts files = s->files;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < 3; i++) mw_gauge_set(s->known[i], n[i]);
    mw_gauge_set(s->file_targets, (double)files.targets);
    mw_counter_set(s->broken_files, (double)files.failures);
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
    s->dropped = mw_counter(reg, "moonwatch_scrape_samples_dropped_total",
                            "Samples read by scrapes and not stored: keep, drop or only left "
                            "their series out.",
                            NULL);
    s->broken_files = mw_counter(reg, "moonwatch_sd_refresh_failures_total",
                                 "Questions for targets that failed, or files that were broken.",
                                 "mechanism", "file", NULL);
    s->file_targets =
        mw_gauge(reg, "moonwatch_sd_discovered_targets",
                 "Targets that sources told of, before relabelling.", "mechanism", "file", NULL);
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
    s->from.files = mw_discovery_new();
    s->from.sd = mw_sd_new(s->net, ingest->clock, reg, on_discovered, s);
    s->from.relabel = mw_relabel_new(&s->lock, on_relabelled, s, reg);
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
    mw_sd_stop(s->from.sd);
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
    mw_discovery_free(s->from.files);
    mw_sd_free(s->from.sd);
    mw_relabel_free(s->from.relabel);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    mw_free(s);
}

static void want_rows(mw_scraper *s, mw_sd_kind kind, const mw_value *rows)
{
    for (size_t i = 0; rows && i < rows->list.n; i++)
        mw_sd_want(s->from.sd, kind, rows->list.item[i]);
}

static void want_sources(mw_scraper *s)
{
    mw_sd_begin(s->from.sd);
    for (size_t i = 0; i < s->jobs.n; i++) {
        want_rows(s, MW_SD_DNS, s->jobs.job[i]->dns);
        want_rows(s, MW_SD_HTTP, s->jobs.job[i]->http);
    }
    mw_sd_end(s->from.sd);
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
        want_sources(s);
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
    see(arg, &(mw_scraper_view){&s->targets, &s->jobs, s->from.relabel});
    pthread_mutex_unlock(&s->lock);
}

void mw_scraper_judge(mw_scraper *s, mw_actor *rules)
{
    pthread_mutex_lock(&s->lock);
    s->rules = rules;
    on_relabelled(s);
    pthread_mutex_unlock(&s->lock);
}
