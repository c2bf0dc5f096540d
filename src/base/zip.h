/* zip.h - compressed bodies in and out: gzip, snappy, zstd.
 *
 * Decoders append to OUT and give memory only for bytes that really come out, within the limit.
 * On failure OUT may hold a part.  MW_ETOOBIG: over the limit.  MW_EPARSE: damaged or cut off.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_ZIP_H
#define MW_BASE_ZIP_H
#include "base/buf.h"
#include "base/err.h"

typedef struct mw_zip_limit {
    size_t bytes; /* decoded, at most; 0: no limit */
    size_t ratio; /* decoded / encoded at most, once more than 64 KiB came out; 0: no limit */
} mw_zip_limit;

int mw_gunzip(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err); /* also many members */
int mw_zstd_decode(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err);
int mw_snappy_decode(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err); /* block format */

void mw_gzip(mw_str in, int level, mw_buf *out); /* level 1 (fast) to 9 (small) */

/* A snappy block made piece by piece: its length comes in front (mw_snappy_length), so pieces go to
 * a buffer of their own until it is known.  RAW waits to be compressed, N counts what came in. */
typedef struct mw_snappy {
    mw_buf raw, out;
    size_t n;
} mw_snappy;
void mw_snappy_add(mw_snappy *s, const void *p, size_t n);
void mw_snappy_flush(mw_snappy *s); /* afterwards OUT stands for all N bytes */
void mw_snappy_deinit(mw_snappy *s);
void mw_snappy_length(size_t n, mw_buf *out);
void mw_snappy_literal(mw_str bytes, mw_buf *out); /* at most 60, as they are */

#endif
