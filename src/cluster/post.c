/* post.c - a line of waiting messages per receiver.
 *
 * A lease or a silence must not be lost because a mailbox was full: messages wait here, and a
 * receiver gets them in the order in which they were sent.  SPDX-License-Identifier: MIT */
#include "cluster/post.h"

#include "base/mem.h"

static bool flush_line(struct mw_line *l)
{
    while (l->first < l->n) {
        mw_value *next = l->waiting[l->first];
        if (l->to.send && l->to.send(l->to.self, mw_value_copy(next)) == MW_EBUSY) return false;
        mw_value_free(next);
        l->first++;
    }
    l->first = l->n = 0;
    return true;
}

void mw_post_send(mw_post *p, int to, mw_value *take)
{
    for (int i = 0; i < MW_RECEIVERS; i++) {
        struct mw_line *l = &p->line[i];
        if (!(to & 1 << i)) continue;
        MW_PUSH(l->waiting, l->n, l->cap, mw_value_copy(take));
        flush_line(l);
    }
    mw_value_free(take);
}

bool mw_post_flush(mw_post *p)
{
    bool empty = true;
    for (int i = 0; i < MW_RECEIVERS; i++) empty = flush_line(&p->line[i]) && empty;
    return empty;
}

void mw_post_deinit(mw_post *p)
{
    for (int i = 0; i < MW_RECEIVERS; i++) {
        struct mw_line *l = &p->line[i];
        for (; l->first < l->n; l->first++) mw_value_free(l->waiting[l->first]);
        mw_free(l->waiting);
    }
    *p = (mw_post){0};
}
