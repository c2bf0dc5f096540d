/* jobs.h - scrape jobs as they are configured.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_JOBS_H
#define MW_NET_JOBS_H
#include "net/net.h"
#include "net/selectors.h"
#include "script/value.h"

/* Shared by the targets made from it; constant once read.  Retain and release under the lock of
 * the scraper. */
typedef struct mw_scrape_job {
    int refs;
    mw_str name, path, scheme;                         /* point into spec */
    const mw_value *targets, *files, *params, *labels; /* inside spec; may be NULL */
    const mw_value *groups, *dns,
        *http;               /* lists of {targets=, labels=}, of rows of sd.h; so, too */
    mw_str relabel, keep;    /* which function of policy judges targets, series; empty: none */
    mw_selectors drop, only; /* of series: those of drop go, of others those of only stay */
    uint64_t series_rule;    /* of keep, drop and only together; 0: every series is kept */
    mw_net_tls tls;          /* points into spec */
    char **header;
    size_t n_headers, cap_headers;
    int64_t every_ms;
    int timeout_ms; /* at most every_ms */
    size_t target_limit, sample_limit, body_limit, label_limit, label_value_limit;
    bool honor_labels, honor_times, track_times;
    mw_value *spec;
} mw_scrape_job;

typedef struct mw_scrape_jobs {
    mw_scrape_job **job;
    size_t n, cap;
} mw_scrape_jobs;

/* Read {jobs={...}}; on a refusal *OUT is empty and ERR names the job and the field. */
int mw_scrape_jobs_read(const mw_value *arg, mw_scrape_jobs *out, mw_err *err);
void mw_scrape_jobs_deinit(mw_scrape_jobs *jobs);

void mw_scrape_job_release(mw_scrape_job *job); /* NULL is fine */

/* Whether drop and only let a series through. */
bool mw_scrape_job_selects(const mw_scrape_job *job, const mw_labels *ls);

#endif
