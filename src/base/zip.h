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

#endif
