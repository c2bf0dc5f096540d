/* targets.h - scrape targets: who they are, and the set of them.
 *
 * Everything here happens under the lock of the scraper, except for the fields that belong to the
 * round under way (see scrape.c).  SPDX-License-Identifier: MIT */
#ifndef MW_NET_TARGETS_H
#define MW_NET_TARGETS_H
#include "ingest/ingest.h"
#include "net/discovery.h"
#include "net/jobs.h"
#include "net/relabel.h"
#include "net/scrape.h"
#include "net/sd.h"

typedef enum mw_health { MW_HEALTH_UNKNOWN, MW_HEALTH_UP, MW_HEALTH_DOWN } mw_health;

/* Samples that the scraper itself writes about a target, in the order of mw_report_names. */
enum { MW_REPORTS = 5 };
extern const char *const mw_report_names[MW_REPORTS];

typedef struct mw_target {
    char *key; /* job, url and labels: the same key is the same target */
    mw_scrape_job *job;
    mw_labels *discovered, *labels;
    char *url;
    int64_t every_ms;
    int timeout_ms;
    int64_t offset_ms; /* within the interval */
    int64_t next_ms;   /* unix time of the next scrape */
    bool busy, gone;   /* a round is under way; no longer wanted */
    bool surplus;      /* its job has more targets than it may: it is not asked */
    bool held;         /* while targets are synced: it stays until its job is settled */

    mw_health health;
    char *last_error;
    int64_t last_ms;
    double last_seconds;

    mw_promtext *cache; /* these belong to the round while busy */
    mw_labels *report[MW_REPORTS];
    uint64_t ref[MW_REPORTS];
} mw_target;

typedef struct mw_targets {
    mw_target **target; /* sorted by key */
    size_t n, cap;
} mw_targets;

/* Where targets come from, besides the jobs themselves. */
typedef struct mw_target_sources {
    mw_discovery *files;
    mw_sd *sd;
    mw_relabel *relabel; /* who judges them */
} mw_target_sources;

/* What JOBS and their sources want now.  Targets that are already in SET stay the objects they are
 * (with the new job's settings), new ones are added with their first scrape after NOW_MS, and those
 * no longer wanted are handed to LEAVE, which owns them from then on.  A job of which some target
 * is not judged yet keeps those it has. */
typedef void mw_target_leave(void *arg, mw_target *t);
void mw_targets_sync(mw_targets *set, const mw_scrape_jobs *jobs, const mw_target_sources *from,
                     mw_ingest *ingest, int64_t now_ms, mw_target_leave *leave, void *arg);
bool mw_targets_files_changed(const mw_scrape_jobs *jobs, mw_discovery *d); /* since last looked */
void mw_targets_deinit(mw_targets *set);

void mw_target_schedule(mw_target *t, int64_t now_ms); /* next_ms: its first slot after NOW_MS */
void mw_target_free(mw_target *t);

/* The scraper shows what it has, under its lock (scrape.c). */
typedef struct mw_scraper_view {
    const mw_targets *set;
    const mw_scrape_jobs *jobs;
    const mw_relabel *relabel;
} mw_scraper_view;
typedef void mw_scraper_see(void *arg, const mw_scraper_view *view);
void mw_scraper_look(mw_scraper *s, mw_scraper_see *see, void *arg);

#endif
