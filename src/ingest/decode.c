/* decode.c - Content-Encoding to bytes.  SPDX-License-Identifier: MIT */
#include <strings.h>

#include "base/zip.h"
#include "ingest/result.h"

static const struct row {
    const char *name;
    int (*decode)(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err);
} rows[] = {
    {"gzip", mw_gunzip},
    {"x-gzip", mw_gunzip},
    {"snappy", mw_snappy_decode},
    {"zstd", mw_zstd_decode},
};

static bool named(mw_str encoding, const char *name)
{
    return strlen(name) == encoding.n && !strncasecmp(encoding.p, name, encoding.n);
}

int mw_ingest_decode(const mw_ingest *in, mw_str encoding, mw_str body, mw_buf *hold, mw_str *out,
                     mw_err *err)
{
    mw_ingest_limits limits = mw_ingest_limits_of(in);
    encoding = mw_str_trim(encoding);
    if (!encoding.n || named(encoding, "identity")) {
        if (body.n > limits.body)
            return mw_fail(err, MW_ETOOBIG, 0, 0, "the body is larger than %zu bytes", limits.body);
        *out = body;
        return MW_OK;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!named(encoding, rows[i].name)) continue;
        mw_buf_reset(hold);
        int code = rows[i].decode(body, (mw_zip_limit){limits.body, limits.ratio}, hold, err);
        *out = (mw_str){hold->p, hold->n};
        return code;
    }
    return mw_fail(err, MW_EUNSUPPORTED, 0, 0,
                   "content encoding \"%.*s\" is not supported; send gzip, snappy, zstd or none",
                   (int)(encoding.n < 40 ? encoding.n : 40), encoding.p);
}
