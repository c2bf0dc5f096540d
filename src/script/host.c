/* host.c - the table of operations that floors above offer to Lua.
 * SPDX-License-Identifier: MIT */
#include "script/host.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "script/state.h"

void mw_host_add_op(mw_host *h, const char *name, void *self,
                    void (*call)(void *self, mw_value *arg, mw_reply *reply, void *reply_arg))
{
    mw_op op = {name, call, self};
    MW_PUSH(h->ops, h->n_ops, h->cap_ops, op);
}

void mw_host_op(mw_host *h, const char *name, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    for (size_t i = 0; i < h->n_ops; i++)
        if (!strcmp(h->ops[i].name, name)) {
            h->ops[i].call(h->ops[i].self, arg, reply, reply_arg);
            return;
        }
    mw_value_free(arg);
    mw_value *answer = mw_map_new();
    char text[128];
    snprintf(text, sizeof text, "operation \"%.64s\" is not offered here", name);
    mw_map_set_text(answer, "error", text);
    reply(reply_arg, answer);
}
