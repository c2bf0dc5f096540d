/* grpc_health.c - a frame of gRPC: compressed 1 | length 4 | message.
 * SPDX-License-Identifier: MIT */
#include "net/grpc_health.h"

#include "base/pb.h"

enum { PREFIX = 5 };

void mw_grpc_health_write(mw_str service, mw_buf *out)
{
    mw_buf message = {0};
    if (service.n) mw_pb_put_bytes(&message, 1, service);
    for (int i = 0; i < PREFIX; i++) {
        uint32_t n = (uint32_t)message.n;
        mw_buf_byte(out, i ? (char)(n >> (8 * (4 - i))) : 0);
    }
    if (message.n) mw_buf_add(out, message.p, message.n);
    mw_buf_deinit(&message);
}

static const char *const states[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

const char *mw_grpc_health_read(mw_str body, mw_err *err)
{
    const unsigned char *p = (const unsigned char *)body.p;
    if (body.n < PREFIX) goto bad;
    if (p[0]) {
        mw_fail(err, MW_EPARSE, 0, 0, "the answer is compressed, which nobody asked for");
        return NULL;
    }
    uint32_t n = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    if (n != body.n - PREFIX) goto bad;
    mw_pb r;
    mw_pb_field f;
    uint64_t state = 0;
    int more;
    mw_pb_init(&r, (mw_str){body.p + PREFIX, n});
    while ((more = mw_pb_next(&r, &f, err)) == 1)
        if (f.number == 1 && f.wire == MW_PB_VARINT) state = f.u;
    if (more < 0) return NULL;
    return states[state < sizeof states / sizeof *states ? state : 0];
bad:
    mw_fail(err, MW_EPARSE, 0, 0, "the answer is no message of gRPC");
    return NULL;
}
