/* expire.c - traces that leave by their age: those of a class when its time is over.
 *
 * A trace is of the first class that any of its spans is of.  Without classes the oldest one leaves
 * first, and only it is looked at; with classes one that is kept for long may stand before others,
 * so all are, now and then.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "traces/trace.h"

static bool is_of(const mw_keep_class *c, const mw_span *s, mw_buf *text)
{
    for (size_t i = 0; i < c->n; i++) {
        mw_str value = mw_span_value(s, c->matchers[i].name, text);
        if (!mw_matcher_matches(&c->matchers[i], value.p ? value : (mw_str){"", 0})) return false;
    }
    return true;
}

size_t traces_class_of(const mw_traces *t, const mw_span *s)
{
    size_t i = 0;
    mw_buf text = {0};
    while (i < t->o.n_classes && !is_of(&t->o.classes[i], s, &text)) i++;
    mw_buf_deinit(&text);
    return i;
}

static int64_t keep_of(const mw_traces *t, size_t by_class)
{
    return by_class < t->o.n_classes ? t->o.classes[by_class].keep_ms : t->o.retention_ms;
}

static bool is_over(const mw_traces *t, const trace *tr, int64_t now)
{
    int64_t keep = keep_of(t, tr->by_class);
    return keep && tr->seen_ms < now - keep;
}

/* The next traces from *AT on (NULL: the oldest); false when the walk is over.  What is retained in
 * *AT stays in its place, or was forgotten with all that were older. */
static bool forget_some(mw_traces *t, trace **at, int64_t now)
{
    enum { AT_ONCE = 256 }; /* traces per lock, so that appends get their turn */
    trace *from = *at, *tr, *next;
    int n = 0;
    pthread_rwlock_wrlock(&t->lock);
    *at = NULL;
    for (tr = from && !from->forgotten ? from : t->oldest; tr && n < AT_ONCE; tr = next, n++) {
        next = tr->younger;
        if (is_over(t, tr, now))
            traces_forget(t, tr, tr->by_class);
        else if (!t->o.n_classes)
            next = NULL;
    }
    if (tr) trace_retain(*at = tr);
    pthread_rwlock_unlock(&t->lock);
    if (from) trace_release(from);
    return *at;
}

/* How often to look at all: often for what is kept shortly, never more than once a second. */
static int64_t pause_of(const mw_traces *t)
{
    enum { LEAST = 1000, MOST = 60000, SHARE = 100 };
    int64_t least = t->o.retention_ms ? t->o.retention_ms : INT64_MAX;
    for (size_t i = 0; i < t->o.n_classes; i++)
        if (t->o.classes[i].keep_ms < least) least = t->o.classes[i].keep_ms;
    least /= SHARE;
    return least < LEAST ? LEAST : least > MOST ? MOST : least;
}

void mw_traces_tick(mw_traces *t)
{
    int64_t now = mw_now_ms(t->o.clock);
    trace *at = NULL;
    if (!t->o.retention_ms && !t->o.n_classes) return;
    if (t->o.n_classes && now - t->looked_ms < pause_of(t) && now >= t->looked_ms) return;
    t->looked_ms = now;
    while (forget_some(t, &at, now)) {}
}

bool mw_traces_dropped_take(mw_traces *t, size_t i, mw_traces_dropped *out)
{
    if (i > t->o.n_classes + 1) return false;
    pthread_rwlock_wrlock(&t->lock);
    *out = t->dropped[i];
    t->dropped[i] = (mw_traces_dropped){0};
    pthread_rwlock_unlock(&t->lock);
    return true;
}
