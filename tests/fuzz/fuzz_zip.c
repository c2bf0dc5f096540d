/* fuzz_zip.c - compressed bodies under limits.  The first byte, modulo 3: gzip, snappy, zstd.
 * SPDX-License-Identifier: MIT */
#include <snappy-c.h>
#include <zstd.h>

#include "base/zip.h"
#include "fuzz/fuzz.h"

enum { BYTES_MAX = 1 << 20, RATIO_MAX = 100 };

typedef int decode(mw_str in, mw_zip_limit limit, mw_buf *out, mw_err *err);
static decode *const decoders[] = {mw_gunzip, mw_snappy_decode, mw_zstd_decode};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!n) return 0;
    mw_buf out = {0};
    mw_err err;
    mw_err_init(&err);
    mw_zip_limit limit = {BYTES_MAX, RATIO_MAX};
    int code = decoders[data[0] % 3]((mw_str){(const char *)data + 1, n - 1}, limit, &out, &err);
    MW_ASSERT(code == err.code);
    MW_ASSERT(code == MW_OK || code == MW_ETOOBIG || code == MW_EPARSE);
    if (code == MW_OK) MW_ASSERT(out.n <= BYTES_MAX);
    if (code == MW_OK && out.n > 65536) MW_ASSERT(out.n / RATIO_MAX <= n);
    MW_ASSERT(out.cap <= 2 * BYTES_MAX);
    mw_buf_deinit(&out);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static void write_seeds(void)
{
    char text[20000], packed[30000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)("up{job=\"j\"} 1\n"[i % 14] + i / 999);
    for (int small = 0; small < 2; small++) {
        mw_str in = {text, small ? 40 : sizeof text};
        mw_buf gz = {0};
        mw_buf_byte(&gz, '0');
        mw_gzip(in, 6, &gz);
        fuzz_seed(small ? "gzip_small" : "gzip", gz.p, gz.n);
        mw_gzip(in, 1, &gz);
        fuzz_seed(small ? "gzip_members_small" : "gzip_members", gz.p, gz.n);
        mw_buf_deinit(&gz);

        size_t n = sizeof packed - 1;
        packed[0] = '1';
        MW_ASSERT(snappy_compress(in.p, in.n, packed + 1, &n) == SNAPPY_OK);
        fuzz_seed(small ? "snappy_small" : "snappy", packed, n + 1);
        packed[0] = '2';
        n = ZSTD_compress(packed + 1, sizeof packed - 1, in.p, in.n, 3);
        fuzz_seed(small ? "zstd_small" : "zstd", packed, n + 1);
    }
}

FUZZ_INITIALIZE(NULL, write_seeds)
