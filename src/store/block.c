/* block.c - writing a block, from the first byte to the last.
 *
 * Bytes collect in a buffer of a few whole pages; when it is full its pages are summed, while they
 * are still in the processor's cache, and written.  Once something failed nothing more is written;
 * mw_block_finish tells.  Reading is block_read.c.
 * SPDX-License-Identifier: MIT */
#include "store/block.h"

#include <errno.h>
#include <fcntl.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "store/block_layout.h"
#include "store/le.h"

enum { BUFFER = 4 * MW_BLOCK_PAGE };
_Static_assert(BUFFER % MW_BLOCK_PAGE == 0, "a flush ends with a page");

struct section {
    uint32_t type;
    uint64_t offset, length;
};

struct mw_block_writer {
    const mw_io *io;
    char *path, *tmp;
    int fd;
    int failed; /* -errno of the first failure */
    char header[MW_BLOCK_HEADER];
    char *buf;
    size_t held;
    uint64_t written; /* bytes of the file before the buffer */
    uint32_t *sum;    /* of each page */
    size_t n_sum, cap_sum;
    struct section *section;
    size_t n_section, cap_section;
};

/* -- bytes ---------------------------------------------------------------------------------- */

static uint64_t position(const mw_block_writer *w) { return w->written + w->held; }

static void put_out(mw_block_writer *w, const char *p, size_t n)
{
    if (!w->failed) {
        ssize_t rc = w->io->pwrite(w->io, w->fd, p, n, w->written);
        if (rc < 0) w->failed = (int)rc;
    }
    w->written += n;
}

/* Only the last flush may find a page that is not full. */
static void flush(mw_block_writer *w)
{
    for (size_t at = 0; at < w->held; at += MW_BLOCK_PAGE) {
        size_t n = w->held - at < MW_BLOCK_PAGE ? w->held - at : MW_BLOCK_PAGE;
        MW_PUSH(w->sum, w->n_sum, w->cap_sum, mw_crc32c(0, w->buf + at, n));
    }
    put_out(w, w->buf, w->held);
    w->held = 0;
}

static void add(mw_block_writer *w, const char *p, size_t n)
{
    while (n) {
        size_t some = n < BUFFER - w->held ? n : BUFFER - w->held;
        memcpy(w->buf + w->held, p, some);
        w->held += some;
        p += some;
        n -= some;
        if (w->held == BUFFER) flush(w);
    }
}

static void align(mw_block_writer *w)
{
    static const char zeros[MW_BLOCK_ALIGN];
    add(w, zeros, -position(w) % MW_BLOCK_ALIGN);
}

/* -- sections ------------------------------------------------------------------------------- */

mw_block_writer *mw_block_create(const mw_io *io, const char *path, uint32_t kind, mw_err *err)
{
    mw_block_writer *w = mw_zalloc(sizeof *w);
    w->io = io ? io : &mw_io_system;
    w->path = mw_strdup(path);
    w->tmp = mw_sprintf("%s.tmp", path);
    w->buf = mw_alloc(BUFFER);
    w->fd = w->io->open(w->io, w->tmp, O_WRONLY | O_CREAT | O_TRUNC);
    if (w->fd < 0) {
        mw_io_fail(err, w->fd, "cannot create", w->tmp);
        mw_block_abort(w);
        return NULL;
    }
    memcpy(w->header, MW_BLOCK_MAGIC, 8);
    mw_le32_put(w->header + 8, MW_BLOCK_VERSION);
    mw_le32_put(w->header + 12, kind);
    add(w, w->header, sizeof w->header);
    return w;
}

static void end_section(mw_block_writer *w)
{
    if (w->n_section) w->section[w->n_section - 1].length = mw_block_offset(w);
    align(w);
}

void mw_block_begin(mw_block_writer *w, uint32_t type)
{
    for (size_t i = 0; i < w->n_section; i++) MW_ASSERT(w->section[i].type != type);
    MW_ASSERT(w->n_section < MW_BLOCK_SECTIONS);
    end_section(w);
    struct section s = {.type = type, .offset = position(w)};
    MW_PUSH(w->section, w->n_section, w->cap_section, s);
}

void mw_block_write(mw_block_writer *w, const void *p, size_t n)
{
    MW_ASSERT(w->n_section);
    add(w, p, n);
}

uint64_t mw_block_offset(const mw_block_writer *w)
{
    MW_ASSERT(w->n_section);
    return position(w) - w->section[w->n_section - 1].offset;
}

/* -- the end -------------------------------------------------------------------------------- */

static void put_footer(mw_block_writer *w)
{
    uint64_t body = w->written;
    size_t n = w->n_section * MW_BLOCK_ENTRY + w->n_sum * 4 + MW_BLOCK_TRAILER;
    char *footer = mw_zalloc(n), *at = footer;
    for (size_t i = 0; i < w->n_section; i++, at += MW_BLOCK_ENTRY) {
        mw_le32_put(at, w->section[i].type);
        mw_le64_put(at + 8, w->section[i].offset);
        mw_le64_put(at + 16, w->section[i].length);
    }
    for (size_t i = 0; i < w->n_sum; i++, at += 4) mw_le32_put(at, w->sum[i]);
    mw_le64_put(at, body);
    mw_le32_put(at + 8, (uint32_t)w->n_section);
    uint32_t sum = mw_crc32c(0, w->header, sizeof w->header);
    mw_le32_put(at + 12, mw_crc32c(sum, footer, (size_t)(at + 12 - footer)));
    memcpy(at + 16, MW_BLOCK_END, 8);
    put_out(w, footer, n);
    mw_free(footer);
}

static int close_file(mw_block_writer *w)
{
    int rc = w->io->close(w->io, w->fd);
    w->fd = -1;
    return rc;
}

/* Which step failed, for the message; NULL when none did. */
static const char *settle(mw_block_writer *w)
{
    const mw_io *io = w->io;
    if (w->failed) return "cannot write";
    if ((w->failed = io->sync(io, w->fd))) return "cannot sync";
    if ((w->failed = close_file(w))) return "cannot close";
    if ((w->failed = io->rename(io, w->tmp, w->path))) return "cannot rename";
    if ((w->failed = mw_io_sync_parent(io, w->path))) {
        /* The name may be gone after a loss of power, so nobody may rely on it. */
        io->unlink(io, w->path);
        return "cannot sync the folder of";
    }
    return NULL;
}

int mw_block_finish(mw_block_writer *w, uint64_t *bytes, mw_err *err)
{
    end_section(w);
    flush(w);
    put_footer(w);
    const char *what = settle(w);
    int code = what ? mw_io_fail(err, w->failed, what, w->path) : MW_OK;
    if (bytes) *bytes = w->written;
    mw_block_abort(w);
    return code;
}

void mw_block_abort(mw_block_writer *w)
{
    if (!w) return;
    bool opened = w->fd >= 0;
    if (opened) close_file(w);
    if (opened || w->failed) w->io->unlink(w->io, w->tmp);
    mw_free(w->path);
    mw_free(w->tmp);
    mw_free(w->buf);
    mw_free(w->sum);
    mw_free(w->section);
    mw_free(w);
}
