/* start.c - the actors as receivers of what the cluster says.  SPDX-License-Identifier: MIT */
#include "cluster/inside.h"

static int to_actor(void *self, mw_value *take) { return mw_actor_send(self, take); }

static mw_receiver receiver(mw_actor *a)
{
    return a ? (mw_receiver){to_actor, a} : (mw_receiver){NULL, NULL};
}

void mw_cluster_start(mw_cluster *c, mw_actor *rules, mw_actor *router)
{
    mw_cluster_start_with(c, receiver(rules), receiver(router));
}
