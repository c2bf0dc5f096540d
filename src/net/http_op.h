/* http_op.h - the operation "http" that Lua calls.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_HTTP_OP_H
#define MW_NET_HTTP_OP_H
#include "script/host.h"

/* SELF is an mw_net. */
void mw_http_op(void *self, mw_value *arg, mw_reply *reply, void *reply_arg);

/* A method or a header line that cannot smuggle another request behind it. */
bool mw_http_token(mw_str s);
bool mw_http_field_value(mw_str s);

#endif
