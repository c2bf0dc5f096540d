/* audit_open.c - a chain of audit entries when the program starts, and when it ends.
 *
 * Only the last segment is looked at: all before it was synced before it was begun.  Behind what
 * fits there may be what a loss of power left of an entry that was never promised: a line without
 * an end, or one with holes, which are zeros.  It is cut off, and an entry says so.  Other lines
 * that do not fit were changed by somebody: nothing of them is touched, and the chain goes on in a
 * segment of its own behind what they say.  SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/audit_inside.h"

enum { SEGMENT_BYTES = 4 << 20, MAX_TRIES = 3 };

typedef struct found { /* of the last segment */
    uint64_t whole;    /* bytes that stay */
    size_t torn;       /* those behind them */
    bool fits, begun;  /* begun: it has a line that says what it is */
    mw_audit_report report;
} found;

/* -- the last segment ----------------------------------------------------------------------- */

/* The head as lines that do not fit would have it. */
static void claimed_head(mw_str rest, mw_audit_mark *head)
{
    mw_str line, before;
    mw_audit_entry e;
    uint64_t seq;
    while (mw_audit_line(&rest, &line)) {
        if (mw_audit_head_line(line, &seq, &before)) {
            head->seq = seq - 1;
            memcpy(head->hash, before.p, MW_SHA256_HEX);
        } else if (mw_audit_entry_line(line, &e)) {
            head->seq = e.seq;
            memcpy(head->hash, e.hash.p, MW_SHA256_HEX);
        }
    }
}

static int look(const char *path, found *f, mw_audit_mark *head, mw_err *err)
{
    char *bytes;
    size_t n;
    mw_audit_report *r = &f->report;
    int rc = mw_audit_load(path, &bytes, &n, err);
    if (rc) return rc;
    mw_audit_check c = {.out = r};
    mw_audit_check_begin(&c);
    mw_audit_check_segment(&c, path, (mw_str){bytes, n}, false, NULL);
    bool holes = memchr(bytes + r->fit, 0, n - r->fit);
    f->fits = !r->problem[0] || holes;
    f->begun = r->segments > 0;
    f->whole = f->fits ? r->fit : n;
    f->torn = n - f->whole;
    if (!f->fits)
        claimed_head((mw_str){bytes, n}, head);
    else if (f->begun) {
        head->seq = r->last;
        memcpy(head->hash, r->head, sizeof head->hash);
    }
    mw_free(bytes);
    return MW_OK;
}

static void say(mw_audit *a, const char *what, const char *details)
{
    mw_err err;
    mw_err_init(&err);
    mw_audit_note note = {mw_str_of(what), MW_STR("moonwatch"), {0}, {0}, mw_str_of(details)};
    if (mw_audit_put(a, &note, &err)) mw_log(MW_ERROR, "audit entry lost", "error=\"%s\"", err.msg);
}

/* A disk that may not be written to keeps no server from running: entries are lost, as with a full
 * one, until it may be. */
static void tell_unwritable(const char *path, int rc)
{
    mw_log(MW_ERROR, "the audit chain cannot be written: who does what is not kept",
           "file=\"%s\" error=\"%s\"", path, strerror(-rc));
}

/* Appends go on in the file at PATH, which fits. */
static int go_on(mw_audit *a, const char *path, const found *f, mw_err *err)
{
    int rc = a->fd = a->io->open(a->io, path, O_WRONLY);
    if (rc < 0) {
        tell_unwritable(path, rc);
        a->fd = -1;
        a->shut = true;
        a->spoilt = f->torn > 0;
        return MW_OK;
    }
    if (rc >= 0 && f->torn) rc = a->io->truncate(a->io, a->fd, f->whole);
    if (rc < 0) return mw_io_fail(err, rc, "cannot write to", path);
    if (f->torn) {
        char details[80];
        snprintf(details, sizeof details, "{\"bytes\":%zu,\"segment\":%" PRIu64 "}", f->torn,
                 a->held[a->n_held - 1].first);
        say(a, "audit.mended", details);
    }
    return MW_OK;
}

static void tell_damage(mw_audit *a, const found *f)
{
    mw_buf details = {0};
    mw_log(MW_ERROR, "the audit chain does not fit; it goes on behind what does not",
           "entry=%" PRIu64 " problem=\"%s\"", f->report.bad, f->report.problem);
    mw_buf_printf(&details, "{\"entry\":%" PRIu64 ",\"problem\":", f->report.bad);
    mw_buf_json(&details, mw_str_of(f->report.problem));
    mw_buf_byte(&details, '}');
    say(a, "audit.broken", details.p);
    mw_buf_deinit(&details);
}

/* A segment was begun and has not even its first line: there is nothing in it. */
static int forget_last(mw_audit *a, const char *path, mw_err *err)
{
    int rc = a->io->unlink(a->io, path);
    if (rc) return mw_io_fail(err, rc, "cannot remove", path);
    a->n_held--;
    return MW_OK;
}

static int find_end(mw_audit *a, mw_err *err)
{
    for (int i = 0; a->n_held && i < MAX_TRIES; i++) {
        found f = {0};
        struct mw_audit_held *last = &a->held[a->n_held - 1];
        char *path = mw_audit_path(a->dir, last->first);
        int rc = look(path, &f, &a->head, err);
        last->bytes = f.whole;
        bool empty = !rc && f.fits && !f.begun, fits = f.fits && f.begun;
        if (empty) rc = forget_last(a, path, err);
        if (!rc && fits) rc = go_on(a, path, &f, err);
        mw_free(path);
        if (rc) return rc;
        if (empty) continue;
        /* The name of the segment to come is that of an entry that does not exist yet. */
        if (!fits && a->head.seq < last->first) a->head.seq = last->first;
        if (!fits) tell_damage(a, &f);
        return MW_OK;
    }
    return MW_OK;
}

/* -- life ----------------------------------------------------------------------------------- */

/* A chain that is shorter than was remembered, or ends otherwise, says so at once; one that is
 * longer and was written anew is seen when it is walked. */
static void compare_known(mw_audit *a)
{
    const mw_audit_known *k = &a->known;
    bool other = k->seq == a->head.seq && memcmp(k->hash, a->head.hash, MW_SHA256_HEX) != 0;
    if (!k->seq || (k->seq <= a->head.seq && !other)) return;
    char details[160];
    mw_log(MW_ERROR, "entries were cut off the audit chain", "remembered=%" PRIu64 " last=%" PRIu64,
           k->seq, a->head.seq);
    snprintf(details, sizeof details,
             "{\"last\":%" PRIu64 ",\"remembered\":%" PRIu64 ",\"hash\":\"%.64s\"}", a->head.seq,
             k->seq, k->hash);
    for (const char *c = k->hash; *c; c++)
        if (!strchr("0123456789abcdef", *c)) details[0] = 0; /* somebody wrote there */
    say(a, "audit.cut", details);
}

static int find_segments(mw_audit *a, mw_err *err)
{
    uint64_t *first;
    size_t n;
    if (mkdir(a->dir, 0700) && errno != EEXIST) {
        tell_unwritable(a->dir, -errno);
        return MW_OK;
    }
    int rc = mw_audit_list(a->dir, &first, &n, err);
    for (size_t i = 0; i < n && !rc; i++) {
        struct stat st;
        char *path = mw_audit_path(a->dir, first[i]);
        struct mw_audit_held h = {.first = first[i]};
        if (!stat(path, &st)) h.bytes = (uint64_t)st.st_size;
        MW_PUSH(a->held, a->n_held, a->cap_held, h);
        mw_free(path);
    }
    mw_free(first);
    if (!rc) rc = find_end(a, err);
    if (!rc) compare_known(a);
    return rc;
}

mw_audit *mw_audit_open(const mw_audit_options *o, mw_err *err)
{
    mw_audit *a = mw_zalloc(sizeof *a);
    *a = (mw_audit){.io = o->io ? o->io : &mw_io_system,
                    .dir = mw_strdup(o->dir),
                    .node = mw_strdup(o->node ? o->node : ""),
                    .clock = o->clock,
                    .keep_ms = o->keep_ms,
                    .segment_bytes = o->segment_bytes ? o->segment_bytes : SEGMENT_BYTES,
                    .fd = -1,
                    .head_fd = -1};
    strcpy(a->head.hash, mw_audit_start);
    mw_audit_remembered(a->dir, &a->known);
    pthread_mutex_init(&a->leaving, NULL);
    pthread_mutex_init(&a->lock, NULL);
    if (!find_segments(a, err)) return a;
    mw_audit_close(a);
    return NULL;
}

void mw_audit_close(mw_audit *a)
{
    if (!a) return;
    mw_audit_end_segment(a);
    if (a->head_fd >= 0) a->io->close(a->io, a->head_fd);
    pthread_mutex_destroy(&a->leaving);
    pthread_mutex_destroy(&a->lock);
    mw_free(a->held);
    mw_free(a->dir);
    mw_free(a->node);
    mw_free(a);
}
