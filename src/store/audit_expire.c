/* audit_expire.c - a chain of audit entries read while it grows, and segments that leave it.
 *
 * Before segments leave, an entry says up to which entry, and which hash that one had: the chain
 * that is left begins behind a hash that it vouches for itself.  A crash between the entry and the
 * removal leaves more than is needed; the next round removes it.  SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/audit_inside.h"

enum { HOUR_MS = 3600000, MINUTE_MS = 60000 };

/* -- segments that leave -------------------------------------------------------------------- */

typedef struct last_entry {
    char time[MW_AUDIT_TIME + 1], hash[MW_SHA256_HEX + 1];
} last_entry;

/* The last line of segment I that is an entry. */
static bool read_last(mw_audit *a, size_t i, last_entry *out)
{
    char *bytes = NULL, *path = mw_audit_path(a->dir, a->held[i].first);
    size_t n = 0;
    mw_str rest, line, time;
    mw_audit_entry e;
    *out = (last_entry){{0}, {0}};
    int rc = mw_audit_load(path, &bytes, &n, NULL);
    for (rest = (mw_str){bytes, n}; !rc && mw_audit_line(&rest, &line);) {
        if (!mw_audit_entry_line(line, &e) || !(time = mw_audit_time_of(e.json)).n) continue;
        memcpy(out->time, time.p, MW_AUDIT_TIME);
        memcpy(out->hash, e.hash.p, MW_SHA256_HEX);
    }
    mw_free(bytes);
    mw_free(path);
    return out->time[0] != 0;
}

/* How many segments are old, and the last entry of the last of them. */
static size_t count_old(mw_audit *a, last_entry *last)
{
    char floor[32];
    size_t n = 0;
    mw_time_rfc3339(mw_now_ms(a->clock) - a->keep_ms, floor);
    last_entry e;
    while (n + 1 < a->n_held && read_last(a, n, &e) && strcmp(e.time, floor) < 0) {
        *last = e;
        n++;
    }
    return n;
}

static int note_expiry(mw_audit *a, size_t n, const last_entry *last, mw_err *err)
{
    char details[300];
    uint64_t bytes = 0, through = a->held[n].first - 1;
    for (size_t i = 0; i < n; i++) bytes += a->held[i].bytes;
    snprintf(details, sizeof details,
             "{\"first\":%" PRIu64 ",\"through\":%" PRIu64
             ",\"hash\":\"%s\",\"until\":\"%s\",\"segments\":%zu,\"bytes\":%" PRIu64 "}",
             a->held[0].first, through, last->hash, last->time, n, bytes);
    mw_audit_note note = {MW_STR("audit.expired"), MW_STR("moonwatch"), {0}, {0}, {0}};
    note.details = mw_str_of(details);
    return mw_audit_put(a, &note, err);
}

/* The chain goes on in a segment of its own; that it does not fit is seen by who walks it. */
static void look_after_last(mw_audit *a)
{
    if (mw_audit_is_whole(a)) return;
    char details[80];
    mw_log(MW_ERROR, "the audit chain was cut while it was written to", "entry=%" PRIu64,
           a->head.seq);
    snprintf(details, sizeof details, "{\"segment\":%" PRIu64 "}", a->held[a->n_held - 1].first);
    mw_audit_end_segment(a);
    mw_audit_note note = {MW_STR("audit.cut"), MW_STR("moonwatch"), {0}, {0}, mw_str_of(details)};
    mw_audit_put(a, &note, NULL);
}

static void expire(mw_audit *a)
{
    last_entry last;
    mw_err err;
    mw_err_init(&err);
    size_t n = a->keep_ms ? count_old(a, &last) : 0;
    if (!n || note_expiry(a, n, &last, &err)) return;
    for (size_t i = 0; i < n; i++) {
        char *path = mw_audit_path(a->dir, a->held[i].first);
        if (a->io->unlink(a->io, path))
            mw_log(MW_WARN, "an audit segment cannot be removed", "file=%s", path);
        mw_free(path);
    }
    a->expired += a->held[n].first - a->held[0].first;
    memmove(a->held, a->held + n, (a->n_held - n) * sizeof *a->held);
    a->n_held -= n;
}

void mw_audit_tick(mw_audit *a)
{
    int64_t now = mw_mono_ns() / 1000000;
    pthread_mutex_lock(&a->leaving);
    pthread_mutex_lock(&a->lock);
    bool look = !a->looked_ms || now - a->looked_ms >= MINUTE_MS;
    if (look) look_after_last(a);
    if (look) expire(a);
    if (look) a->looked_ms = now;
    bool tell = !a->told_ms || now - a->told_ms >= HOUR_MS;
    if (tell) a->told_ms = now;
    mw_audit_mark head = a->head;
    pthread_mutex_unlock(&a->lock);
    pthread_mutex_unlock(&a->leaving);
    if (tell) mw_log(MW_INFO, "audit chain", "head=%" PRIu64 ":%s", head.seq, head.hash);
}

/* -- reading -------------------------------------------------------------------------------- */

char *mw_audit_segment(mw_audit *a, uint64_t *first, size_t *n)
{
    char *bytes = NULL;
    uint64_t whole = 0;
    size_t i = 0;
    *n = 0;
    pthread_mutex_lock(&a->leaving);
    pthread_mutex_lock(&a->lock);
    while (i < a->n_held && a->held[i].first < *first) i++;
    bool there = i < a->n_held;
    if (there) *first = a->held[i].first;
    if (there) whole = a->held[i].bytes;
    pthread_mutex_unlock(&a->lock);
    if (there) {
        char *path = mw_audit_path(a->dir, *first);
        mw_audit_load(path, &bytes, n, NULL);
        if (*n > whole) *n = whole; /* what is behind was not promised yet */
        mw_free(path);
    }
    pthread_mutex_unlock(&a->leaving);
    return bytes;
}

/* The N segments of HELD; the lock that keeps them is held. */
static int check_from(mw_audit *a, mw_audit_check *c, const struct mw_audit_held *held, size_t n,
                      mw_err *err)
{
    int rc = MW_OK;
    for (size_t i = 0; i < n && !rc && !c->out->problem[0]; i++) {
        char *bytes = NULL, *path = mw_audit_path(a->dir, held[i].first);
        size_t some = 0;
        struct stat st;
        bool there = !stat(path, &st) || errno != ENOENT;
        if (!there)
            mw_audit_check_missing(c, strrchr(path, '/') + 1);
        else
            rc = mw_audit_load(path, &bytes, &some, err);
        if (i + 1 == n && some > held[i].bytes) some = held[i].bytes;
        if (there && !rc)
            rc = mw_audit_check_segment(c, strrchr(path, '/') + 1, (mw_str){bytes, some}, i + 1 < n,
                                        err);
        mw_free(bytes);
        mw_free(path);
    }
    return rc;
}

int mw_audit_read(mw_audit *a, const mw_audit_anchor *anchor, mw_audit_visit *visit, void *arg,
                  mw_audit_report *out, mw_err *err)
{
    mw_audit_anchor own = mw_audit_anchor_of(&a->known);
    mw_audit_check c = {.anchor = anchor, .visit = visit, .arg = arg, .out = out};
    if (!anchor && own.seq) c.anchor = &own;
    mw_audit_check_begin(&c);
    pthread_mutex_lock(&a->leaving);
    pthread_mutex_lock(&a->lock);
    uint64_t head = a->head.seq;
    size_t n = a->n_held;
    struct mw_audit_held *held = mw_array(n + 1, sizeof *held);
    if (n) memcpy(held, a->held, n * sizeof *held);
    pthread_mutex_unlock(&a->lock);
    int rc = check_from(a, &c, held, n, err);
    pthread_mutex_unlock(&a->leaving);
    mw_free(held);
    if (!rc) mw_audit_check_end(&c);
    if (!rc) mw_audit_check_reaches(&c, head);
    return rc;
}

/* -- the last ones -------------------------------------------------------------------------- */

/* SKIP of the entries of BYTES are passed over. */
static int visit_lines(mw_str bytes, size_t *skip, mw_audit_visit *visit, void *arg, mw_err *err)
{
    mw_str line;
    mw_audit_entry e;
    int rc = MW_OK;
    while (!rc && mw_audit_line(&bytes, &line)) {
        if (!mw_audit_entry_line(line, &e)) continue;
        if (*skip)
            --*skip;
        else
            rc = visit(arg, &e, err);
    }
    return rc;
}

int mw_audit_tail(mw_audit *a, size_t n, mw_audit_visit *visit, void *arg, mw_err *err)
{
    uint64_t first = 1;
    size_t had = 0, some;
    if (!n) return MW_OK;
    char *bytes;
    int rc = MW_OK;
    pthread_mutex_lock(&a->lock);
    for (size_t i = a->n_held; i && had < n; i--) {
        first = a->held[i - 1].first;
        had = a->head.seq + 1 > first ? a->head.seq + 1 - first : 0;
    }
    pthread_mutex_unlock(&a->lock);
    size_t skip = had > n ? had - n : 0;
    for (; !rc && (bytes = mw_audit_segment(a, &first, &some)); first++) {
        rc = visit_lines((mw_str){bytes, some}, &skip, visit, arg, err);
        mw_free(bytes);
    }
    return rc;
}
