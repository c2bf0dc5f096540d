/* inside.h - the cluster from inside: one struct, and what its files ask of each other.
 *
 * Everything in it belongs to the cluster thread, except the line of operations, which has a lock.
 * SPDX-License-Identifier: MIT */
#ifndef MW_CLUSTER_INSIDE_H
#define MW_CLUSTER_INSIDE_H
#include <pthread.h>
#include <sys/eventfd.h>

#include "cluster/cluster.h"
#include "cluster/lease.h"
#include "cluster/link.h"
#include "cluster/post.h"
#include "cluster/scripts.h"

enum { MW_REDIS_TIMEOUT_MS = 2000 };

/* An operation on its way to the cluster thread. */
typedef struct mw_ask {
    struct mw_ask *next;
    mw_cluster *cluster;
    void (*run)(mw_cluster *c, struct mw_ask *call); /* answers CALL, now or later */
    mw_value *arg;
    mw_reply *reply;
    void *reply_arg;
} mw_ask;

/* One shared value: what Redis is known to hold, and what this node still has to tell it. */
typedef struct mw_shared_value {
    char *field;  /* "KIND\nID" */
    char *known;  /* JSON in Redis; NULL: none, as far as known */
    bool seen;    /* in the snapshot being read */
    bool pending; /* put while Redis was away */
    char *want;   /* pending: the JSON to put; NULL: remove */
    char *slot;   /* pending: NULL when the put is not guarded */
    uint64_t fence;
    uint64_t turn; /* number of the put that WANT came from */
} mw_shared_value;

typedef struct mw_shared {
    mw_shared_value **value; /* sorted by field */
    size_t n, cap, pending;
    uint64_t turn;
} mw_shared;

struct mw_cluster {
    bool alone; /* no Redis is configured: no thread, no links */
    char *name, *node, *url, *prefix;
    char session[33]; /* this life of this node */
    uint64_t hellos;  /* epochs offered so far */
    char *holder;     /* "SESSION NODE": what its leases say */
    int lease_ms;
    mw_redis_url redis;
    const mw_clock *clock;
    mw_post post;

    pthread_t thread;
    bool started;
    int wake; /* eventfd */
    pthread_mutex_t lock;
    bool stopping; /* under the lock, as are the operations */
    mw_ask *first_call, **last_call;
    mw_value *counters; /* alone: the counters of cluster.incr */
    mw_value *kept;     /* alone: what rules share with themselves, by id */

    mw_link *commands, *events;
    bool told_away, ever_up, synced; /* synced: the snapshot of this connection was read */
    bool syncing;                    /* the way there has begun */
    bool reading;                    /* an XREAD is under way */
    bool gone;                       /* the farewell was answered */
    char away_why[256];
    char epoch[64], event_id[64];

    int64_t beat_ms;   /* when to say again that this node lives */
    bool beating;      /* an answer to it is under way */
    int64_t sync_ms;   /* when synchronising may be tried again */
    int64_t settle_ms; /* until then other nodes may be on their way back */
    mw_value *nodes;   /* list for cluster.nodes */
    mw_lease lease[MW_SLOTS];

    mw_shared shared;
    mw_value *bundle_meta; /* the version delivered last; NULL: none */
    char *bundle_blob;     /* and its JSON {files} */
    double bundle_wanted;  /* the newest version heard of; 0: none */

    mw_series *m_connected, *m_held, *m_pending, *m_lost, *m_events;
};

int64_t mw_cluster_mono_ms(void);

/* Start with other receivers than actors; what mw_cluster_start does. */
void mw_cluster_start_with(mw_cluster *c, mw_receiver rules, mw_receiver router);

/* -- talking to Redis ------------------------------------------------------------------------- */

/* The beginning of an EVAL: the script, how many keys, the keys.  Arguments are added behind. */
void mw_eval_begin(const mw_cluster *c, mw_words *w, const char *script, size_t n_keys,
                   const char *const *keys);
void mw_eval_key(const mw_cluster *c, mw_words *w, const char *key);
mw_str mw_reply_text(const redisReply *r); /* {"",0} when it is no text */
/* Logs an error answer, saying what was being done; true when R is usable. */
bool mw_reply_good(const redisReply *r, const char *doing);

/* -- members.c: who is there, who does what ---------------------------------------------------- */

void mw_members_beat(mw_cluster *c);
void mw_members_alone(mw_cluster *c); /* Redis was never there: take every slot */
bool mw_members_farewell(mw_cluster *c, mw_link_reply *done); /* false: nothing was sent */
mw_value *mw_members_answer(const mw_cluster *c);

/* -- shared.c ---------------------------------------------------------------------------------- */

void mw_shared_put(mw_cluster *c, mw_ask *call); /* cluster.put */
void mw_shared_get(mw_cluster *c, mw_ask *call); /* cluster.get */
void mw_shared_flush(mw_cluster *c);             /* send what waited */
void mw_shared_seed(mw_cluster *c);              /* Redis lost its data: give it ours */
void mw_shared_snapshot(mw_cluster *c, const redisReply *fields);
void mw_shared_event(mw_cluster *c, const mw_value *data, mw_str json);
void mw_shared_deinit(mw_shared *s);

/* -- bundle.c ---------------------------------------------------------------------------------- */

void mw_bundle_push(mw_cluster *c, mw_ask *call);
void mw_bundle_versions(mw_cluster *c, mw_ask *call);
void mw_bundle_rollback(mw_cluster *c, mw_ask *call);
void mw_bundle_newest(mw_cluster *c, mw_str meta_json); /* fetch and deliver unless known */
void mw_bundle_restore(mw_cluster *c);

/* -- ops.c ------------------------------------------------------------------------------------- */

void mw_ask_answer(mw_ask *call, mw_value *take); /* and free CALL */
void mw_ask_refuse(mw_ask *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mw_ask_refuse_away(mw_ask *call); /* "Redis is away: ..." */
/* For commands whose answer goes straight to the caller: true when R is usable, else CALL has been
 * refused. */
bool mw_ask_good(mw_ask *call, const redisReply *r);
void mw_calls_run(mw_cluster *c); /* those waiting in line */
void mw_calls_refuse(mw_cluster *c, const char *why);

#endif
