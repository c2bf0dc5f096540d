/* segment.c - frames in a file, and how to tell them from what else may lie there.
 *
 * Segments are recycled, so behind the last frame lie bytes of another life, whole frames among
 * them, and any bytes that a client chose to send.  A frame's checksum therefore also covers the
 * segment's number and salt and the place in the file: a frame of another segment or of another
 * place does not match, and one cannot be made up without the salt.
 *
 * The payload is summed first, so that this part needs neither place nor segment and can be done
 * before they are known.
 * SPDX-License-Identifier: MIT */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "store/le.h"

static const char magic[8] = "mwjrnl1";

enum {
    END = -1,        /* as length, where the frames end */
    CHUNK = 1 << 20, /* read at once */
};

/* -- writing -------------------------------------------------------------------------------- */

void mw_segment_put_header(char *to, mw_segment_id id)
{
    memcpy(to, magic, 8);
    mw_le64_put(to + 8, id.number);
    mw_le32_put(to + 16, id.salt);
    mw_le32_put(to + 20, mw_crc32c(0, to, 20));
}

static uint32_t seal(uint32_t sum, mw_segment_id id, uint64_t at, uint32_t length)
{
    char place[24];
    mw_le64_put(place, id.number);
    mw_le64_put(place + 8, at);
    mw_le32_put(place + 16, id.salt);
    mw_le32_put(place + 20, length);
    return mw_crc32c(sum, place, sizeof place);
}

static void put(char *to, mw_segment_id id, uint64_t at, uint32_t length, uint32_t sum)
{
    mw_le32_put(to, length);
    mw_le32_put(to + 4, seal(sum, id, at, length));
}

void mw_segment_put_frame(char *to, mw_segment_id id, uint64_t at, size_t n, uint32_t sum)
{
    put(to, id, at, (uint32_t)n, sum);
}

void mw_segment_put_end(char *to, mw_segment_id id, uint64_t at)
{
    put(to, id, at, (uint32_t)END, 0);
}

/* -- a window on the file ------------------------------------------------------------------- */

/* Plain reads, not a mapping: a sector that cannot be read is then an answer and no signal. */
struct window {
    int fd;
    uint64_t size, at; /* of the file; of the window in it */
    mw_buf held;
};

static void slide(struct window *w, uint64_t at, size_t need)
{
    size_t n = w->size - at < CHUNK ? (size_t)(w->size - at) : CHUNK;
    if (n < need) n = need;
    mw_buf_reset(&w->held);
    mw_buf_room(&w->held, n);
    w->at = at;
    while (w->held.n < n) {
        ssize_t rc = pread(w->fd, w->held.p + w->held.n, n - w->held.n, (off_t)(at + w->held.n));
        if (rc < 0 && errno == EINTR) continue;
        if (rc <= 0) return;
        w->held.n += (size_t)rc;
    }
}

/* N bytes at AT, until the next look; NULL when they are not there or cannot be read. */
static const char *look(struct window *w, uint64_t at, size_t n)
{
    if (at > w->size || n > w->size - at) return NULL;
    if (at < w->at || at + n > w->at + w->held.n) slide(w, at, n);
    return at + n <= w->at + w->held.n ? w->held.p + (at - w->at) : NULL;
}

/* -- reading -------------------------------------------------------------------------------- */

enum found { FRAME, MARK, NOTHING };

/* What stands at AT; the length is not believed before the checksum held. */
static enum found find(struct window *w, mw_segment_id id, uint64_t at, mw_str *frame)
{
    const char *p = look(w, at, MW_FRAME_HEADER);
    if (!p) return NOTHING;
    uint32_t length = mw_le32_get(p);
    bool mark = length == (uint32_t)END;
    if (!mark && length > MW_FRAME_MAX) return NOTHING;
    frame->n = mark ? 0 : length;
    p = look(w, at, MW_FRAME_HEADER + frame->n);
    if (!p) return NOTHING;
    frame->p = p + MW_FRAME_HEADER;
    uint32_t sum = mw_crc32c(0, frame->p, frame->n);
    if (seal(sum, id, at, length) != mw_le32_get(p + 4)) return NOTHING;
    return mark ? MARK : FRAME;
}

/* There is no frame at AT.  When one follows where the next would be, this one was whole once: a
 * write that was cut off has nothing behind it. */
static mw_segment_state judge(struct window *w, mw_segment_id id, uint64_t at)
{
    mw_str frame;
    const char *p = look(w, at, MW_FRAME_HEADER);
    uint64_t next = p ? at + MW_FRAME_HEADER + mw_le32_get(p) : at;
    if (p && find(w, id, next, &frame) != NOTHING) return MW_SEGMENT_DAMAGED;
    return MW_SEGMENT_TORN;
}

static mw_segment_state read_header(struct window *w, mw_segment_id *id)
{
    static const char zeros[MW_SEGMENT_HEADER];
    if (w->size < MW_SEGMENT_HEADER) return MW_SEGMENT_UNBEGUN;
    const char *p = look(w, 0, MW_SEGMENT_HEADER);
    if (!p) return MW_SEGMENT_DAMAGED;
    if (!memcmp(p, zeros, sizeof zeros)) return MW_SEGMENT_UNBEGUN;
    if (memcmp(p, magic, 8) || mw_le32_get(p + 20) != mw_crc32c(0, p, 20))
        return MW_SEGMENT_DAMAGED;
    /* Another number: renamed to be recycled, and not written since. */
    if (mw_le64_get(p + 8) != id->number) return MW_SEGMENT_UNBEGUN;
    id->salt = mw_le32_get(p + 16);
    return MW_SEGMENT_WHOLE;
}

static int scan(struct window *w, uint64_t number, mw_segment_visit *visit, void *arg,
                mw_segment_report *out, mw_err *err)
{
    mw_segment_id id = {.number = number};
    mw_str frame;
    out->state = read_header(w, &id);
    out->id = id;
    if (out->state != MW_SEGMENT_WHOLE) return MW_OK;
    out->end = MW_SEGMENT_HEADER;
    for (;;) {
        enum found what = find(w, id, out->end, &frame);
        if (what != FRAME) {
            if (what == NOTHING) out->state = judge(w, id, out->end);
            return MW_OK;
        }
        out->frames++;
        out->end += MW_FRAME_HEADER + frame.n;
        int code = visit ? visit(arg, frame, out->end, err) : MW_OK;
        if (code) return code;
    }
}

int mw_segment_scan(const char *path, uint64_t number, mw_segment_visit *visit, void *arg,
                    mw_segment_report *out, mw_err *err)
{
    struct stat st;
    struct window w = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    *out = (mw_segment_report){0};
    if (w.fd < 0) return mw_io_fail(err, -errno, "cannot open", path);
    int code = fstat(w.fd, &st) ? mw_io_fail(err, -errno, "cannot stat", path) : MW_OK;
    w.size = code ? 0 : (uint64_t)st.st_size;
    mw_buf_init(&w.held);
    if (!code) code = scan(&w, number, visit, arg, out, err);
    mw_buf_deinit(&w.held);
    close(w.fd);
    return code;
}
