/* expire.c - log records that leave by their age: those of a class when its time is over.
 *
 * Without classes the oldest of all is at hand, and only it is looked at.  With classes a stream
 * that is kept for long may stand before others, so each stream is looked at.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "logs/stream.h"

enum { AT_ONCE = 4096 }; /* records per lock, so that appends get their turn */

size_t logs_class_of(const mw_logs *l, const mw_labels *labels)
{
    size_t i = 0;
    while (i < l->o.n_classes &&
           !mw_matchers_match(l->o.classes[i].matchers, l->o.classes[i].n, labels))
        i++;
    return i;
}

int64_t logs_floor(const mw_logs *l, size_t by_class)
{
    int64_t keep = by_class < l->o.n_classes ? l->o.classes[by_class].keep_ms : l->o.retention_ms;
    return keep ? (mw_now_ms(l->o.clock) - keep) * 1000000 : INT64_MIN;
}

/* A stream with a record that is older than its class keeps; NULL: there is none. */
static stream *find_expired(mw_logs *l, const int64_t *floor, size_t *from)
{
    size_t n = l->o.n_classes ? l->n_streams : l->n_streams > 0;
    for (; *from < n; ++*from) {
        stream *s = l->heap[*from];
        if (stream_oldest(s)->r.t_ns < floor[s->by_class]) return s;
    }
    return NULL;
}

/* Dropping moves the heap, so what was passed over may have an expired one now: another pass sees
 * it.  True: there may be more. */
static bool drop_some(mw_logs *l, const int64_t *floor)
{
    size_t n = 0, from = 0;
    for (stream *s; n < AT_ONCE && (s = find_expired(l, floor, &from)); n++) {
        logs_drop_oldest(l, s, s->by_class);
        if (!l->o.n_classes) from = 0;
    }
    return n > 0;
}

void mw_logs_tick(mw_logs *l)
{
    int64_t *floor = mw_array(l->o.n_classes + 1, sizeof *floor);
    for (size_t i = 0; i <= l->o.n_classes; i++) floor[i] = logs_floor(l, i);
    for (bool more = true; more;) {
        pthread_rwlock_wrlock(&l->lock);
        more = drop_some(l, floor);
        pthread_rwlock_unlock(&l->lock);
    }
    mw_free(floor);
}
