/* scraper.h - the inside of the scraper: what its schedule and its rounds share.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_SCRAPER_H
#define MW_NET_SCRAPER_H
#include <pthread.h>

#include "base/pool.h"
#include "net/agenda.h"

struct mw_scraper {
    mw_net *net;
    mw_ingest *ingest;
    mw_pool *pool;
    mw_target_sources from; /* its files: timer thread only */
    pthread_t thread;

    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t wake, idle;
    bool stopping, joined, changed; /* changed: new jobs, targets or verdicts have come */
    mw_actor *rules;                /* who judges; NULL: nobody is there yet */
    size_t rounds;                  /* and burials: what free must wait for */
    mw_scrape_jobs jobs;
    mw_targets targets;
    mw_agenda agenda;
    int64_t look_ms; /* unix time of the next look at files */
    int64_t sd_ms;   /* and of the next question to a source */
    int64_t now_ms;  /* the time it was when targets were last begun */

    mw_discovery_counts files; /* as of the last look */
    mw_series *up, *down, *skipped, *samples, *dropped, *known[3];
    mw_series *broken_files, *file_targets;
};

/* Ask T (round.c).  Under the lock. */
void mw_round_begin(mw_scraper *s, mw_target *t, int64_t now_ms);

/* T, which has no round, ends with stale markers and is freed (round.c).  Not under the lock. */
void mw_target_bury(mw_scraper *s, mw_target *t);

void mw_scraper_end_work(mw_scraper *s); /* one of its rounds and burials; not under the lock */

#endif
