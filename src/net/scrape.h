/* scrape.h - pulling metrics from targets on a schedule.
 *
 * Each target is asked every interval at its own offset within it; the answer goes through the
 * text parser into the store, with up, scrape_duration_seconds, scrape_samples_scraped,
 * scrape_samples_post_metric_relabeling and scrape_series_added beside it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_SCRAPE_H
#define MW_NET_SCRAPE_H
#include "ingest/ingest.h"
#include "net/net.h"
#include "script/actor.h"

typedef struct mw_scraper mw_scraper;

mw_scraper *mw_scraper_new(mw_ingest *ingest, mw_registry *reg);
void mw_scraper_stop(mw_scraper *s);                 /* those under way end with an error */
void mw_scraper_free(mw_scraper *s);                 /* NULL is fine; waits for rounds under way */
void mw_scraper_offer(mw_scraper *s, mw_host *host); /* the operation "scrape" */
/* Functions of jobs run in RULES, which must be stopped after the scraper and freed before it. */
void mw_scraper_judge(mw_scraper *s, mw_actor *rules);

/* Which targets a client of the HTTP API asks for. */
typedef struct mw_targets_wish {
    bool active, dropped;
    mw_str pool; /* {NULL,0}: of all jobs */
} mw_targets_wish;
void mw_scraper_targets_json(mw_scraper *s, const mw_targets_wish *wish, mw_buf *out); /* data */
void mw_scraper_pools_json(mw_scraper *s, mw_buf *out); /* names of jobs, sorted */

/* The labels of each target; valid during the call. */
typedef void mw_target_visit(void *arg, const mw_labels *labels);
void mw_scraper_each_target(mw_scraper *s, mw_target_visit *visit, void *arg);

/* The items of scrape_configs: job POOL, or all when it is empty.  False: there is none. */
bool mw_scraper_yaml(mw_scraper *s, mw_str pool, mw_buf *out);

#endif
