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

typedef struct mw_scraper mw_scraper;

mw_scraper *mw_scraper_new(mw_ingest *ingest, mw_registry *reg);
void mw_scraper_stop(mw_scraper *s);                 /* those under way end with an error */
void mw_scraper_free(mw_scraper *s);                 /* NULL is fine; waits for rounds under way */
void mw_scraper_offer(mw_scraper *s, mw_host *host); /* the operation "scrape" */

/* The data member of GET /api/v1/targets. */
void mw_scraper_targets_json(mw_scraper *s, mw_buf *out);

#endif
