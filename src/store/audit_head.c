/* audit_head.c - the head of a chain of audit entries, remembered beside it: `head` in its folder.
 *
 * Whoever cuts entries off the end, or removes the newest segment, leaves a chain that fits; this
 * file knows that there was more.  It is written behind each entry without a sync: after a loss of
 * power it says less than there is, never more.  It keeps nobody out who writes it anew as well;
 * heads that are kept elsewhere do.  SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/audit_inside.h"

enum { DIGITS = 20, LINE = DIGITS + 1 + MW_SHA256_HEX + 1 };

static char *path_of(const char *dir) { return mw_sprintf("%s/head", dir); }

/* The same length always, so that one is written over the other. */
void mw_audit_remember(mw_audit *a)
{
    char line[LINE + 1];
    if (a->head_fd < 0) {
        char *path = path_of(a->dir);
        a->head_fd = a->io->open(a->io, path, O_WRONLY | O_CREAT);
        mw_free(path);
    }
    if (a->head_fd < 0) return;
    snprintf(line, sizeof line, "%0*" PRIu64 ":%s\n", DIGITS, a->head.seq, a->head.hash);
    if (a->io->pwrite(a->io, a->head_fd, line, LINE, 0) >= 0) return;
    a->io->close(a->io, a->head_fd);
    a->head_fd = -1;
}

bool mw_audit_remembered(const char *dir, mw_audit_known *out)
{
    char *path = path_of(dir), *bytes = NULL;
    size_t n = 0;
    *out = (mw_audit_known){0};
    mw_audit_load(path, &bytes, &n, NULL);
    bool whole = n == LINE && bytes[DIGITS] == ':' && bytes[LINE - 1] == '\n';
    if (whole) {
        out->seq = strtoull(bytes, NULL, 10);
        memcpy(out->hash, bytes + DIGITS + 1, MW_SHA256_HEX);
    }
    mw_free(bytes);
    mw_free(path);
    return whole && out->seq;
}

mw_audit_anchor mw_audit_anchor_of(const mw_audit_known *known)
{
    return (mw_audit_anchor){known->seq, mw_str_of(known->hash)};
}

/* -- while it runs -------------------------------------------------------------------------- */

/* Somebody removed the segment that is written to, or cut it: what follows must not be written
 * where nobody will find it.  True: it is as it was. */
bool mw_audit_is_whole(mw_audit *a)
{
    struct stat now, open;
    if (a->fd < 0) return true;
    const struct mw_audit_held *last = &a->held[a->n_held - 1];
    char *path = mw_audit_path(a->dir, last->first);
    bool there = !stat(path, &now) && !fstat(a->fd, &open) && now.st_ino == open.st_ino &&
                 now.st_dev == open.st_dev && (uint64_t)now.st_size >= last->bytes;
    mw_free(path);
    return there;
}
