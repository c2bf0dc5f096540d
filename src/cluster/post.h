/* post.h - messages to the actors, in order, also when a mailbox is full for a moment.
 * SPDX-License-Identifier: MIT */
#ifndef MW_CLUSTER_POST_H
#define MW_CLUSTER_POST_H
#include "script/value.h"

/* Who gets messages; SEND takes the message and answers as mw_actor_send does. */
typedef struct mw_receiver {
    int (*send)(void *self, mw_value *take);
    void *self;
} mw_receiver;

enum { MW_TO_RULES = 1, MW_TO_ROUTER = 2, MW_TO_BOTH = 3, MW_RECEIVERS = 2 };

/* Zeroed is ready; one thread. */
typedef struct mw_post {
    struct mw_line {
        mw_receiver to; /* send NULL: nobody, messages are dropped */
        mw_value **waiting;
        size_t first, n, cap;
    } line[MW_RECEIVERS];
} mw_post;

void mw_post_send(mw_post *p, int to, mw_value *take);
bool mw_post_flush(mw_post *p); /* try again; true when nothing waits */
void mw_post_deinit(mw_post *p);

#endif
