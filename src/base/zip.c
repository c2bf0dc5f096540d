/* zip.c - zlib, zstd and snappy behind one limit.
 *
 * gzip and zstd decode in steps of STEP bytes, so that a bomb is met after at most one step too
 * many.  snappy states its size up front: that number is only believed after it passed the limit.
 * zstd's window, which it wants in one piece, is held to 8 MiB (RFC 8878's advice).
 * SPDX-License-Identifier: MIT */
#include "base/zip.h"

#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

enum { STEP = 64 << 10, ZSTD_WINDOW_LOG = 23 };

static int check(size_t decoded, size_t encoded, mw_zip_limit limit, mw_err *err)
{
    if (limit.bytes && decoded > limit.bytes)
        return mw_fail(err, MW_ETOOBIG, 0, 0, "the body is larger than %zu bytes when decoded",
                       limit.bytes);
    if (limit.ratio && decoded > STEP && decoded / limit.ratio > encoded)
        return mw_fail(err, MW_ETOOBIG, 0, 0, "the body grows more than %zu times when decoded",
                       limit.ratio);
    return MW_OK;
}

/* -- gzip ----------------------------------------------------------------------------------- */

enum { GZIP = 15 + 16 }; /* zlib: largest window, gzip header and trailer */

static int damaged(mw_err *err, const char *what)
{
    return mw_fail(err, MW_EPARSE, 0, 0, "the %s data is damaged or cut off", what);
}

static int inflate_all(z_stream *z, size_t encoded, mw_zip_limit limit, mw_buf *out, mw_err *err)
{
    size_t before = out->n;
    for (;;) {
        z->next_out = (Bytef *)mw_buf_room(out, STEP);
        z->avail_out = STEP;
        int rc = inflate(z, Z_NO_FLUSH);
        out->n += STEP - z->avail_out;
        int code = check(out->n - before, encoded, limit, err);
        if (code) return code;
        if (rc == Z_STREAM_END) {
            if (!z->avail_in) return MW_OK;
            if (inflateReset(z) != Z_OK) return damaged(err, "gzip");
        } else if (rc != Z_OK || (z->avail_out && !z->avail_in)) {
            return damaged(err, "gzip");
        }
    }
}

int mw_gunzip(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err)
{
    z_stream z = {.next_in = (Bytef *)in.p, .avail_in = (uInt)in.n};
    if (in.n > UINT32_MAX) return mw_fail(err, MW_ETOOBIG, 0, 0, "more than 4 GiB of gzip data");
    MW_ASSERT(inflateInit2(&z, GZIP) == Z_OK);
    int code = inflate_all(&z, in.n, limit, out, err);
    inflateEnd(&z);
    return code;
}

void mw_gzip(mw_str in, int level, mw_buf *out)
{
    z_stream z = {.next_in = (Bytef *)in.p, .avail_in = (uInt)in.n};
    MW_ASSERT(in.n <= UINT32_MAX / 2);
    MW_ASSERT(deflateInit2(&z, level, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t room = deflateBound(&z, in.n);
    z.next_out = (Bytef *)mw_buf_room(out, room);
    z.avail_out = (uInt)room;
    MW_ASSERT(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out->n += room - z.avail_out;
    deflateEnd(&z);
}

/* -- zstd ----------------------------------------------------------------------------------- */

int mw_zstd_decode(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    MW_ASSERT(z);
    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    ZSTD_inBuffer from = {in.p, in.n, 0};
    size_t before = out->n, rc = 1;
    int code = MW_OK;
    while (!code && (from.pos < from.size || rc)) {
        ZSTD_outBuffer to = {mw_buf_room(out, STEP), STEP, 0};
        size_t had = from.pos;
        rc = ZSTD_decompressStream(z, &to, &from);
        out->n += to.pos;
        if (ZSTD_isError(rc) || (rc && !to.pos && from.pos == had))
            code = damaged(err, "zstd");
        else
            code = check(out->n - before, in.n, limit, err);
    }
    ZSTD_freeDCtx(z);
    return code;
}

/* -- snappy --------------------------------------------------------------------------------- */

int mw_snappy_decode(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err)
{
    size_t size;
    if (snappy_uncompressed_length(in.p, in.n, &size) != SNAPPY_OK) return damaged(err, "snappy");
    int code = check(size, in.n, limit, err);
    if (code) return code;
    /* No snappy element makes more than 64 bytes out of three. */
    if (size / 64 > in.n) return damaged(err, "snappy");
    char *to = mw_buf_room(out, size);
    if (snappy_uncompress(in.p, in.n, to, &size) != SNAPPY_OK) return damaged(err, "snappy");
    out->n += size;
    return MW_OK;
}

/* What the library makes of a piece, without the length in front; it looks back no farther than
 * such a piece anyway. */
static void pack_piece(mw_str piece, mw_buf *out)
{
    size_t room = snappy_max_compressed_length(piece.n), skip = 0;
    char *to = mw_buf_room(out, room);
    MW_ASSERT(snappy_compress(piece.p, piece.n, to, &room) == SNAPPY_OK);
    while (to[skip++] & 0x80) {}
    memmove(to, to + skip, room - skip);
    out->n += room - skip;
}

void mw_snappy_add(mw_snappy *s, const void *p, size_t n)
{
    mw_buf_add(&s->raw, p, n);
    s->n += n;
    if (s->raw.n >= STEP) mw_snappy_flush(s);
}

void mw_snappy_flush(mw_snappy *s)
{
    for (size_t at = 0; at < s->raw.n; at += STEP) {
        size_t n = s->raw.n - at;
        pack_piece((mw_str){s->raw.p + at, n < STEP ? n : STEP}, &s->out);
    }
    mw_buf_reset(&s->raw);
}

void mw_snappy_deinit(mw_snappy *s)
{
    mw_buf_deinit(&s->raw);
    mw_buf_deinit(&s->out);
}

void mw_snappy_length(size_t n, mw_buf *out)
{
    for (; n >= 0x80; n >>= 7) mw_buf_byte(out, (char)(n | 0x80));
    mw_buf_byte(out, (char)n);
}

void mw_snappy_literal(mw_str bytes, mw_buf *out)
{
    MW_ASSERT(bytes.n && bytes.n <= 60);
    mw_buf_byte(out, (char)((bytes.n - 1) << 2));
    mw_buf_str(out, bytes);
}
