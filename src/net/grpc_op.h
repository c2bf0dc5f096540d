/* grpc_op.h - the operation "grpc" that Lua calls: is a service well, as it says itself?
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_GRPC_OP_H
#define MW_NET_GRPC_OP_H
#include "script/host.h"

void mw_grpc_op(void *self, mw_value *arg, mw_reply *reply, void *reply_arg); /* an mw_net */

#endif
