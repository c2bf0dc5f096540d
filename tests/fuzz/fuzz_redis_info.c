/* fuzz_redis_info.c - whatever INFO says, figures are numbers and texts are text; and the same
 * bytes as an answer of gRPC.  SPDX-License-Identifier: MIT */
#include <math.h>

#include "fuzz.h"
#include "net/grpc_health.h"
#include "net/redis_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_err err;
    mw_err_init(&err);
    mw_str bytes = {(const char *)data, n};
    mw_value *out = mw_map_new();
    mw_redis_info_read(bytes, out);
    MW_ASSERT(out->map.n <= 13);
    for (size_t i = 0; i < out->map.n; i++) {
        const mw_value *v = out->map.entry[i].value;
        MW_ASSERT(v->type == MW_NUMBER ? isfinite(v->number) : mw_utf8_valid(v->text));
    }
    mw_value_free(out);
    const char *says = mw_grpc_health_read(bytes, &err);
    MW_ASSERT((says != NULL) == (err.code == MW_OK));
    return 0;
}

static void write_seeds(void)
{
#define SEED(name, s) fuzz_seed(name, s, sizeof s - 1)
    SEED("master", "role:master\r\nconnected_slaves:1\r\nslave0:ip=10.0.0.1,port=1,state=online,"
                   "offset=14,lag=2\r\nused_memory:1000\r\nmaxmemory:0\r\n");
    SEED("replica", "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:3\r\nmaster_"
                    "sync_in_progress:0\r\nmaxclients:100\r\n");
    SEED("serving", "\0\0\0\0\2\x08\1");
}

FUZZ_INITIALIZE(NULL, write_seeds)
