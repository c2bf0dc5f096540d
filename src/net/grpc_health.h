/* grpc_health.h - grpc.health.v1 as bytes: a question and what was answered.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_GRPC_HEALTH_H
#define MW_NET_GRPC_HEALTH_H
#include "base/buf.h"
#include "base/err.h"

/* HealthCheckRequest{service}, framed. */
void mw_grpc_health_write(mw_str service, mw_buf *out);

/* "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN", "UNKNOWN"; NULL: ERR says why BODY is no answer. */
const char *mw_grpc_health_read(mw_str body, mw_err *err);

#endif
