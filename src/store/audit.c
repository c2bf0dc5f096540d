/* audit.c - adding to the chain of audit entries.
 *
 * An entry is one write and one sync at a place that is known, under the lock: who does such things
 * is a person, or a pipeline, and they wait for a disk now and then.  The place and the head move
 * on only when both went well, so the next entry is written over what a failed one left behind;
 * what is longer than it is cut off first.
 *
 * A failure is remembered: the first entry that is taken again is "audit.gap", which says how many
 * were not.  Not here: what happens at the start (audit_open.c), segments that leave
 * (audit_expire.c).  SPDX-License-Identifier: MIT */
#include "store/audit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/audit_inside.h"

/* -- the text of an entry ------------------------------------------------------------------- */

static void put_field(mw_buf *out, const char *name, mw_str text)
{
    if (!text.n) return;
    mw_buf_printf(out, ",\"%s\":", name);
    mw_buf_json(out, text);
}

/* The line of entry SEQ after the hash BEFORE; HASH gets its own. */
static void put_entry(mw_audit *a, mw_buf *out, uint64_t seq, const char *before,
                      const mw_audit_note *note, char hash[MW_SHA256_HEX + 1])
{
    char time[32], drawn[17];
    mw_str id = note->id;
    size_t at = out->n;
    if (!id.n) {
        uint64_t random;
        MW_ASSERT(getrandom(&random, sizeof random, 0) == sizeof random);
        mw_hex(&random, sizeof random, drawn);
        id = mw_str_of(drawn);
    }
    mw_buf_add(out, mw_audit_start, MW_SHA256_HEX);
    mw_buf_printf(out, " {\"seq\":%" PRIu64 ",\"time\":\"%s\"", seq,
                  mw_time_rfc3339(mw_now_ms(a->clock), time));
    put_field(out, "node", mw_str_of(a->node));
    put_field(out, "id", id);
    put_field(out, "what", note->what);
    put_field(out, "who", note->who);
    put_field(out, "from", note->from);
    if (note->details.n > 2) {
        mw_buf_text(out, ",\"details\":");
        mw_buf_str(out, note->details);
    }
    mw_buf_byte(out, '}');
    size_t text = at + MW_SHA256_HEX + 1;
    mw_audit_hash(mw_str_of(before), (mw_str){out->p + text, out->n - text}, hash);
    memcpy(out->p + at, hash, MW_SHA256_HEX);
    mw_buf_byte(out, '\n');
}

/* -- segments ------------------------------------------------------------------------------- */

static bool is_old(const mw_audit *a)
{
    if (!a->keep_ms || !a->held[a->n_held - 1].began_ms) return false;
    return mw_now_ms(a->clock) - a->held[a->n_held - 1].began_ms > a->keep_ms / 8;
}

void mw_audit_end_segment(mw_audit *a)
{
    if (a->fd >= 0) a->io->close(a->io, a->fd);
    a->fd = -1;
}

/* The folder is synced before anything is written, so that no entry is in a file without a name. */
static int begin_segment(mw_audit *a, mw_err *err)
{
    char *path = mw_audit_path(a->dir, a->head.seq + 1);
    mw_buf line = {0};
    const char *what = "cannot create";
    mw_buf_printf(&line, "moonwatch-audit 1 %" PRIu64 " %s\n", a->head.seq + 1, a->head.hash);
    mkdir(a->dir, 0700); /* when there was no disk for it at the start */
    int rc = a->fd = a->io->open(a->io, path, O_WRONLY | O_CREAT | O_TRUNC);
    if (rc >= 0) rc = a->io->sync_dir(a->io, a->dir);
    if (rc >= 0) {
        what = "cannot write";
        rc = (int)a->io->pwrite(a->io, a->fd, line.p, line.n, 0);
    }
    if (rc >= 0) {
        struct mw_audit_held h = {
            .first = a->head.seq + 1, .bytes = line.n, .began_ms = mw_now_ms(a->clock)};
        MW_PUSH(a->held, a->n_held, a->cap_held, h);
        rc = 0;
    } else {
        rc = mw_io_fail(err, rc, what, path);
        mw_audit_end_segment(a);
    }
    mw_buf_deinit(&line);
    mw_free(path);
    return rc;
}

/* The last segment could not be opened at the start. */
static int open_last(mw_audit *a, mw_err *err)
{
    char *path = mw_audit_path(a->dir, a->held[a->n_held - 1].first);
    int rc = a->fd = a->io->open(a->io, path, O_WRONLY);
    if (rc < 0) {
        rc = mw_io_fail(err, rc, "cannot write to", path);
        mw_audit_end_segment(a);
    } else {
        a->shut = false;
        rc = MW_OK;
    }
    mw_free(path);
    return rc;
}

static int make_room(mw_audit *a, mw_err *err)
{
    if (a->shut) return open_last(a, err);
    if (a->fd >= 0 && a->held[a->n_held - 1].bytes >= a->segment_bytes) mw_audit_end_segment(a);
    if (a->fd >= 0 && is_old(a)) mw_audit_end_segment(a);
    return a->fd >= 0 ? MW_OK : begin_segment(a, err);
}

/* -- adding --------------------------------------------------------------------------------- */

/* The lines are written and synced.  Failed: nothing of them counts. */
static int write_lines(mw_audit *a, const mw_buf *lines, mw_err *err)
{
    uint64_t at = a->held[a->n_held - 1].bytes;
    const char *what = "cannot cut";
    ssize_t rc = a->spoilt ? a->io->truncate(a->io, a->fd, at) : 0;
    if (rc >= 0) {
        what = "cannot write";
        a->spoilt = true;
        rc = a->io->pwrite(a->io, a->fd, lines->p, lines->n, at);
    }
    if (rc >= 0) {
        what = "cannot sync";
        rc = a->io->sync(a->io, a->fd);
    }
    if (rc < 0) return mw_io_fail(err, (int)rc, what, a->dir);
    a->spoilt = false;
    a->held[a->n_held - 1].bytes += lines->n;
    return MW_OK;
}

/* Each line of LINES to who listens; they are whole. */
static void tell(mw_audit *a, const mw_buf *lines)
{
    mw_str rest = {lines->p, lines->n}, line;
    while (a->heard && mw_audit_line(&rest, &line))
        a->heard(a->arg, (mw_str){line.p + MW_SHA256_HEX + 1, line.n - MW_SHA256_HEX - 1});
}

static int put(mw_audit *a, const mw_audit_note *note, mw_buf *lines, mw_err *err)
{
    mw_audit_mark m = a->head;
    int rc = make_room(a, err);
    if (rc) return rc;
    if (a->lost) {
        char details[40];
        snprintf(details, sizeof details, "{\"entries\":%" PRIu64 "}", a->lost);
        mw_audit_note gap = {MW_STR("audit.gap"), MW_STR("moonwatch"), {0}, {0}, {0}};
        gap.details = mw_str_of(details);
        put_entry(a, lines, m.seq + 1, m.hash, &gap, m.hash);
        m.seq++;
    }
    put_entry(a, lines, m.seq + 1, m.hash, note, m.hash);
    m.seq++;
    rc = write_lines(a, lines, err);
    if (rc) return rc;
    a->added += m.seq - a->head.seq;
    a->head = m;
    a->lost = 0;
    mw_audit_remember(a);
    return MW_OK;
}

int mw_audit_put(mw_audit *a, const mw_audit_note *note, mw_err *err)
{
    mw_buf lines = {0};
    int rc = put(a, note, &lines, err);
    if (rc) {
        a->lost++;
        a->failures++;
    } else {
        tell(a, &lines);
    }
    mw_buf_deinit(&lines);
    return rc;
}

int mw_audit_add(mw_audit *a, const mw_audit_note *note, mw_audit_mark *out, mw_err *err)
{
    size_t n = note->what.n + note->who.n + note->from.n + note->id.n + note->details.n;
    if (n > MW_AUDIT_ENTRY_MAX)
        return mw_fail(err, MW_ETOOBIG, 0, 0, "%zu bytes are more than an audit entry holds", n);
    pthread_mutex_lock(&a->lock);
    int rc = mw_audit_put(a, note, err);
    if (!rc && out) *out = a->head;
    pthread_mutex_unlock(&a->lock);
    return rc;
}

/* -- looking -------------------------------------------------------------------------------- */

void mw_audit_listen(mw_audit *a, mw_audit_heard *fn, void *arg)
{
    pthread_mutex_lock(&a->lock);
    a->heard = fn;
    a->arg = arg;
    pthread_mutex_unlock(&a->lock);
}

const char *mw_audit_node(const mw_audit *a) { return a->node; }

void mw_audit_head(mw_audit *a, mw_audit_mark *out)
{
    pthread_mutex_lock(&a->lock);
    *out = a->head;
    pthread_mutex_unlock(&a->lock);
}

void mw_audit_stats_read(mw_audit *a, mw_audit_stats *out)
{
    enum { HASH_DIGITS = 13 }; /* what a double holds exactly */
    *out = (mw_audit_stats){0};
    pthread_mutex_lock(&a->lock);
    *out = (mw_audit_stats){.seq = a->head.seq,
                            .added = a->added,
                            .failures = a->failures,
                            .segments = a->n_held,
                            .expired = a->expired};
    for (size_t i = 0; i < HASH_DIGITS; i++) {
        char c = a->head.hash[i];
        out->head = out->head * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    for (size_t i = 0; i < a->n_held; i++) out->bytes += a->held[i].bytes;
    pthread_mutex_unlock(&a->lock);
}
