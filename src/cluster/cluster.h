/* cluster.h - many nodes through Redis: membership, leases, shared values, bundles.
 *
 * One thread owns the Redis connection (hiredis async), its deadlines and its reconnects.  When
 * Redis is away the node goes on with what it knows and says so in one log line.
 * SPDX-License-Identifier: MIT */
#ifndef MW_CLUSTER_CLUSTER_H
#define MW_CLUSTER_CLUSTER_H
#include "script/actor.h"

typedef struct mw_cluster mw_cluster;

typedef struct mw_cluster_options {
    const char *redis;   /* redis://[:password@]host:port[/db]; NULL: a cluster of one */
    const char *cluster; /* name; NULL: "default" */
    const char *node;    /* this node's name; NULL: the host's name and pid */
    const char *url;     /* how others reach this node; may be NULL */
    int lease_ms;        /* 0: 3000; taken over that long after a node's death */
} mw_cluster_options;

mw_cluster *mw_cluster_new(const mw_cluster_options *o, mw_host *host, mw_err *err);
void mw_cluster_offer(mw_cluster *c, mw_host *host);                     /* operations cluster.* */
void mw_cluster_start(mw_cluster *c, mw_actor *rules, mw_actor *router); /* who gets the messages */
void mw_cluster_stop(mw_cluster *c);                                     /* gives its leases back */
void mw_cluster_free(mw_cluster *c);

#endif
