/* round.c - one scrape: the request, its answer, and what is stored of it.
 *
 * While a round is under way (busy) the target's cache and references belong to it; all other state
 * is under the lock.  A small page is read and stored where its answer came, while its bytes are
 * near; a large one by a small pool, as is every page where a commit waits for the disk.
 *
 * Where a function of policy judges series, a page with series that it was not asked about yet
 * waits, whole, until their verdicts are there: nothing is stored that would have been dropped.
 * Should the function fail, so does the scrape.  SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/headers.h"
#include "net/scraper.h"
#include "net/sieve.h"

enum { ALIGN_MS = 10, SMALL_PAGE = 256 << 10 /* bytes; about a millisecond */ };

struct round {
    mw_scraper *scraper;
    mw_target *target;
    mw_scrape_job *job; /* retained */
    mw_sieve *sieve;    /* NULL: every series is stored */
    int64_t t;          /* the time its samples carry */
    double seconds;
    char *error; /* NULL: body is a page */
    mw_page_kind kind;
    mw_buf body;
    bool cancelled; /* by a stop: says nothing about the target */
    uint64_t scraped, kept, added;
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

static void prepare_cache(struct round *r, mw_promtext *cache)
{
    const mw_scrape_job *job = r->job;
    if (job->series_rule && !r->sieve) r->sieve = mw_sieve_new(job);
    mw_promtext_kind(cache, r->kind);
    mw_promtext_times(cache, job->honor_times, job->track_times);
    mw_promtext_label_limits(cache, job->label_limit, job->label_value_limit);
    mw_promtext_judge(cache, r->sieve ? mw_sieve_judge : NULL, r->sieve, job->series_rule);
}

/* Samples of the page into the store; on a refusal the reason becomes the round's error.  False:
 * some of its series are not judged yet. */
static bool store_page(struct round *r)
{
    mw_ingest_result result = {0};
    mw_err err;
    mw_err_init(&err);
    mw_str page = {r->body.p ? r->body.p : "", r->body.n};
    prepare_cache(r, r->target->cache);
    int code = mw_promtext_page(r->target->cache, page, r->t, r->job->sample_limit, &result, &err);
    if (code == MW_EBUSY && r->sieve && mw_sieve_waits(r->sieve)) return false;
    if (code != MW_OK) {
        r->error = mw_strdup(err.msg);
        return true;
    }
    r->kept = result.accepted + result.rejected;
    r->scraped = r->kept + mw_promtext_dropped(r->target->cache);
    r->added = mw_promtext_series_added(r->target->cache);
    if (result.first.code != MW_OK)
        mw_log(MW_WARN, "samples refused", "url=%s refused=%llu first=\"%s\"", r->target->url,
               (unsigned long long)result.rejected, result.first.msg);
    return true;
}

static void store_round(struct round *r)
{
    mw_scraper *s = r->scraper;
    if (r->error) mw_promtext_stale(r->target->cache, r->t);
    const double scraped = (double)r->scraped, kept = (double)r->kept;
    store_reports(s, r->target, r->t,
                  (double[MW_REPORTS]){!r->error, r->seconds, scraped, kept, (double)r->added});
    mw_counter_add(r->error ? s->down : s->up, 1);
    mw_counter_add(s->samples, scraped);
    mw_counter_add(s->dropped, scraped - kept);
}

void mw_target_bury(mw_scraper *s, mw_target *t)
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

void mw_scraper_end_work(mw_scraper *s)
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
    mw_scrape_job_release(r->job);
    pthread_mutex_unlock(&r->scraper->lock);
    return gone;
}

static void ask_about_series(struct round *r);

static void finish_round(void *arg)
{
    struct round *r = arg;
    mw_scraper *s = r->scraper;
    mw_target *t = r->target;
    if (!r->cancelled && !r->error && !store_page(r)) {
        ask_about_series(r);
        return;
    }
    if (!r->cancelled) store_round(r);
    if (note_result(r)) mw_target_bury(s, t);
    mw_buf_deinit(&r->body);
    mw_sieve_free(r->sieve);
    mw_free(r->error);
    mw_free(r);
    mw_scraper_end_work(s);
}

static void hand_over(struct round *r)
{
    bool quick = r->body.n <= SMALL_PAGE && !mw_tsdb_commit_waits(r->scraper->ingest->tsdb);
    if (quick || mw_pool_add(r->scraper->pool, finish_round, r) != MW_OK) finish_round(r);
}

/* -- series that are judged ------------------------------------------------------------------ */

static void on_verdicts(void *arg, mw_value *answer)
{
    struct round *r = arg;
    mw_err err;
    mw_err_init(&err);
    int code = mw_sieve_learn(r->sieve, answer, &err);
    mw_value_free(answer);
    r->cancelled = code == MW_EBUSY; /* the next scrape is judged by the new rules */
    if (code != MW_OK && !r->cancelled) r->error = mw_strdup(err.msg);
    if (code == MW_OK && mw_sieve_waits(r->sieve))
        ask_about_series(r);
    else if (mw_pool_add(r->scraper->pool, finish_round, r) != MW_OK)
        finish_round(r);
}

static void ask_about_series(struct round *r)
{
    mw_scraper *s = r->scraper;
    pthread_mutex_lock(&s->lock);
    bool nobody = !s->rules || s->stopping;
    int code = nobody ? MW_ECANCEL : mw_sieve_ask(r->sieve, s->rules, on_verdicts, r);
    pthread_mutex_unlock(&s->lock);
    if (code == MW_OK) return;
    r->cancelled = code == MW_ECANCEL;
    r->error = mw_sprintf("new series cannot be judged: %s", mw_code_text(code));
    finish_round(r);
}

/* -- answers --------------------------------------------------------------------------------- */

static void on_answer(void *arg, const mw_net_response *a)
{
    struct round *r = arg;
    r->seconds = a->seconds;
    r->cancelled = a->stopped;
    r->kind = mw_page_kind_of(mw_header_find(a->headers, "content-type"));
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
    const mw_scrape_job *job = r->job;
    char patience[64];
    const char **header = mw_array(job->n_headers + 2, sizeof *header);
    snprintf(patience, sizeof patience, "X-Prometheus-Scrape-Timeout-Seconds: %g",
             r->target->timeout_ms / 1000.0);
    header[0] = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,"
                "*/*;q=0.1";
    header[1] = patience;
    for (size_t i = 0; i < job->n_headers; i++) header[i + 2] = job->header[i];
    mw_net_request req = {
        .url = r->target->url,
        .headers = header,
        .n_headers = job->n_headers + 2,
        .timeout_ms = r->target->timeout_ms,
        .max_body = job->body_limit,
        .tls = job->tls,
        .follow = true,
        .compressed = true,
    };
    int code = mw_net_send(s->net, &req, on_answer, r);
    mw_free(header);
    return code;
}

static struct round *round_new(mw_scraper *s, mw_target *t, int64_t now)
{
    int64_t late = now - t->next_ms, slack = t->every_ms / 100;
    struct round *r = mw_zalloc(sizeof *r);
    if (slack > ALIGN_MS) slack = ALIGN_MS;
    *r = (struct round){
        .scraper = s, .target = t, .job = t->job, .t = late <= slack ? t->next_ms : now};
    t->job->refs++;
    t->busy = true;
    s->rounds++;
    return r;
}

void mw_round_begin(mw_scraper *s, mw_target *t, int64_t now)
{
    struct round *r = round_new(s, t, now);
    int code = t->surplus ? MW_ELIMIT : ask(s, r);
    if (code == MW_OK) return;
    r->cancelled = code == MW_ECANCEL;
    r->error = code == MW_ELIMIT
                   ? mw_sprintf("the job has more than %zu targets", t->job->target_limit)
                   : mw_strdup("too many requests are waiting; this scrape was left out");
    if (mw_pool_add(s->pool, finish_round, r) == MW_OK) return;
    t->busy = false; /* nothing was stored: the next slot tries again */
    s->rounds--;
    mw_scrape_job_release(r->job);
    mw_free(r->error);
    mw_free(r);
}
