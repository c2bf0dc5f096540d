/* journal_find.c - what the folder holds when a journal is opened.
 *
 * A crash leaves at most one segment unfinished, the last: a write that was cut off at its end, or
 * nothing in it at all.  The former is cut to its last whole frame, the latter removed; then the
 * one before is the last.  It is synced, too.  Damage is left as it is, for the replay to tell and
 * a person to see.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/journal_inside.h"

/* -- names ---------------------------------------------------------------------------------- */

enum { DIGITS = 16 };

/* Whether NAME is DIGITS lower-case hex digits and then SUFFIX.  Numbers that leave no room for
 * later ones were not given by a journal. */
static bool is_named(const char *name, const char *suffix, uint64_t *number)
{
    uint8_t bytes[DIGITS / 2];
    if (strlen(name) != DIGITS + strlen(suffix) || strcmp(name + DIGITS, suffix)) return false;
    if (strspn(name, "0123456789abcdef") < DIGITS) return false;
    if (!mw_unhex((mw_str){name, DIGITS}, bytes, sizeof bytes)) return false;
    *number = 0;
    for (size_t i = 0; i < sizeof bytes; i++) *number = *number << 8 | bytes[i];
    return *number && *number < UINT64_MAX / 2;
}

static void take_spare(mw_journal *j, uint64_t number)
{
    if (j->n_spare < MW_JOURNAL_SPARES) {
        j->spare[j->n_spare++] = number;
        return;
    }
    char *path = mw_journal_spare_path(j, number);
    j->io->unlink(j->io, path);
    mw_free(path);
}

static void take_segment(mw_journal *j, uint64_t number)
{
    struct stat st;
    char *path = mw_journal_segment_path(j, number);
    struct mw_held_segment s = {number, stat(path, &st) ? 0 : (uint64_t)st.st_size};
    MW_PUSH(j->held, j->n_held, j->cap_held, s);
    mw_free(path);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct mw_held_segment *)a)->number;
    uint64_t y = ((const struct mw_held_segment *)b)->number;
    return x < y ? -1 : x > y;
}

static int list(mw_journal *j, mw_err *err)
{
    DIR *d = opendir(j->dir);
    if (!d) return mw_io_fail(err, -errno, "cannot read the folder", j->dir);
    for (struct dirent *e; (e = readdir(d));) {
        uint64_t number = 0;
        if (is_named(e->d_name, ".seg", &number))
            take_segment(j, number);
        else if (is_named(e->d_name, ".spare", &number))
            take_spare(j, number);
        if (number >= j->next && number < UINT64_MAX / 2) j->next = number + 1;
    }
    closedir(d);
    if (j->n_held) qsort(j->held, j->n_held, sizeof *j->held, by_number);
    return MW_OK;
}

/* -- the unfinished end --------------------------------------------------------------------- */

/* A disk that is full to the last block does not keep the journal from being opened: the file is
 * shortened instead, and called damaged from then on. */
static ssize_t put_end(mw_journal *j, int fd, mw_segment_id id, uint64_t end)
{
    char mark[MW_FRAME_HEADER];
    mw_segment_put_end(mark, id, end);
    ssize_t rc = j->io->pwrite(j->io, fd, mark, sizeof mark, end);
    return rc == -ENOSPC || rc == -EDQUOT ? j->io->truncate(j->io, fd, end) : rc;
}

/* Where nothing can be written, nothing has to be made ready for it. */
static bool is_done(ssize_t rc) { return rc >= 0 || rc == -EROFS; }

/* The end mark goes over what is torn.  What is whole may never have been synced, for the process
 * died: that is made up for, before later frames are synced and this one's loss leaves a hole. */
static int settle(mw_journal *j, const char *path, const mw_segment_report *r, mw_err *err)
{
    int fd = j->io->open(j->io, path, O_WRONLY);
    ssize_t rc = fd;
    if (rc >= 0 && r->state == MW_SEGMENT_TORN) rc = put_end(j, fd, r->id, r->end);
    if (rc >= 0) rc = j->io->sync(j->io, fd);
    if (fd >= 0) j->io->close(j->io, fd);
    return is_done(rc) ? MW_OK : mw_io_fail(err, (int)rc, "cannot settle", path);
}

/* *AGAIN: it held nothing and is gone, so another one is the last. */
static int finish_last(mw_journal *j, bool *again, mw_err *err)
{
    struct mw_held_segment *last = &j->held[j->n_held - 1];
    char *path = mw_journal_segment_path(j, last->number);
    mw_segment_report r;
    int code = mw_segment_scan(path, last->number, NULL, NULL, &r, err);
    *again = false;
    if (!code && r.state != MW_SEGMENT_DAMAGED) {
        last->bytes = r.end;
        *again = !r.frames;
        if (*again)
            code = is_done(j->io->unlink(j->io, path))
                       ? MW_OK
                       : mw_fail(err, MW_EIO, 0, 0, "cannot remove %s", path);
        else
            code = settle(j, path, &r, err);
        if (*again) j->n_held--;
    }
    mw_free(path);
    return code;
}

int mw_journal_find(mw_journal *j, mw_err *err)
{
    int rc = j->io->mkdir(j->io, j->dir);
    if (rc) return mw_io_fail(err, rc, "cannot make the folder", j->dir);
    rc = mw_io_sync_parent(j->io, j->dir);
    if (!is_done(rc)) return mw_io_fail(err, rc, "cannot sync the folder of", j->dir);
    int code = list(j, err);
    for (bool again = true; !code && again && j->n_held;) code = finish_last(j, &again, err);
    return code;
}
