/* journal_replay.c - reading back what was appended.  SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/journal_inside.h"

struct replay {
    mw_journal_visit *visit;
    void *arg;
    double total, before; /* bytes of all segments, and of those that are done */
};

static int pass_on(void *arg, mw_str frame, uint64_t end, mw_err *err)
{
    struct replay *r = arg;
    double done = r->before + (double)end;
    return r->visit(r->arg, frame, done < r->total ? done / r->total : 1, err);
}

static void complain(mw_journal *j, const char *path, const mw_segment_report *r)
{
    j->stats.damaged++;
    mw_log(MW_WARN, "a journal segment is damaged, the rest of it is left out",
           "file=%s at=%" PRIu64 " frames_before=%" PRIu64, path, r->end, r->frames);
}

static int replay_segment(mw_journal *j, size_t i, struct replay *r, mw_err *err)
{
    mw_segment_report report;
    uint64_t size = j->held[i].bytes;
    char *path = mw_journal_segment_path(j, j->held[i].number);
    int code = mw_segment_scan(path, j->held[i].number, pass_on, r, &report, err);
    r->before += (double)size;
    if (!code) {
        pthread_mutex_lock(&j->lock);
        j->held[i].bytes = report.end;
        /* The torn end of the last segment was cut off when the journal was opened. */
        if (report.state != MW_SEGMENT_WHOLE) complain(j, path, &report);
        pthread_mutex_unlock(&j->lock);
    }
    mw_free(path);
    return code;
}

int mw_journal_replay(mw_journal *j, uint64_t from, mw_journal_visit *visit, void *arg, mw_err *err)
{
    MW_ASSERT(!j->appended);
    struct replay r = {.visit = visit, .arg = arg};
    size_t first = 0;
    int code = MW_OK;
    pthread_mutex_lock(&j->lock);
    /* FROM may name a segment that was never begun; those to come must not be before it. */
    if (j->next < from) j->next = from;
    pthread_mutex_unlock(&j->lock);
    while (first < j->n_held && j->held[first].number < from) first++;
    for (size_t i = first; i < j->n_held; i++) r.total += (double)j->held[i].bytes;
    for (size_t i = first; i < j->n_held && !code; i++) code = replay_segment(j, i, &r, err);
    return code;
}
