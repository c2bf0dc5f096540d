/* breaker.c - the states, and the two ways of counting: rows of failures and shares of calls.
 * SPDX-License-Identifier: MIT */
#include "base/breaker.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { FAILED = 1, SLOW = 2 };
enum { SLICES = 10 }; /* of the window, when calls are counted by time */

typedef struct slice {
    int64_t at; /* which slice of time this is */
    uint32_t calls, failed, slow;
} slice;

struct mw_breaker {
    mw_breaker_config is;
    mw_breaker_state state;
    mw_breaker_force force;
    mw_breaker_cause cause;
    double opened_at, closed_at;
    uint32_t level;
    uint32_t out, passed; /* probes that are out, and that came back well */
    uint64_t turned[3], refused;

    double *failure; /* times of failures in a row: a ring of is.failures, oldest at `first` */
    uint32_t first, n_failures;

    uint8_t *call; /* what the last is.calls calls were: a ring */
    uint32_t next_call;
    slice slices[SLICES];
    uint32_t calls, failed, slow; /* of the ring */
};

const mw_breaker_config mw_breaker_defaults = {.failures = 5,
                                               .window = 30,
                                               .slow_after = 60,
                                               .min_calls = 10,
                                               .open = 30,
                                               .grow = 1,
                                               .open_max = 600,
                                               .probes = 1};

static bool share(double v) { return v >= 0 && v <= 1; }
static bool positive(double v) { return v > 0 && isfinite(v); }

const char *mw_breaker_wrong(const mw_breaker_config *c)
{
    if (c->failures > MW_BREAKER_MOST) return "failures: at most 10000";
    if (c->calls > MW_BREAKER_MOST) return "calls: at most 10000";
    if (!positive(c->window)) return "window: a time above zero";
    if (!share(c->rate)) return "rate: a share from 0 to 1";
    if (!share(c->slow_rate)) return "slow_rate: a share from 0 to 1";
    if (!positive(c->slow_after)) return "slow_after: a time above zero";
    if (!c->min_calls) return "min_calls: at least 1";
    if (c->calls && c->min_calls > c->calls) return "min_calls: not more than calls";
    if (!positive(c->open)) return "open: a time above zero";
    if (!(c->grow >= 1) || !isfinite(c->grow)) return "grow: at least 1";
    if (!positive(c->open_max)) return "open_max: a time above zero";
    if (!c->probes || c->probes > MW_BREAKER_MOST) return "probes: from 1 to 10000";
    if (!c->failures && c->rate <= 0 && c->slow_rate <= 0)
        return "failures: nothing would ever open it; give failures, rate or slow_rate";
    return NULL;
}

mw_breaker *mw_breaker_new(const mw_breaker_config *config)
{
    mw_breaker *b = mw_zalloc(sizeof *b);
    b->is = *config;
    if (config->failures) b->failure = mw_array(config->failures, sizeof *b->failure);
    if (config->calls) b->call = mw_zalloc(config->calls);
    return b;
}

void mw_breaker_free(mw_breaker *b)
{
    if (!b) return;
    mw_free(b->failure);
    mw_free(b->call);
    mw_free(b);
}

/* -- counting -------------------------------------------------------------------------------- */

static void forget_row(mw_breaker *b) { b->first = b->n_failures = 0; }

static void forget_calls(mw_breaker *b)
{
    b->calls = b->failed = b->slow = b->next_call = 0;
    memset(b->slices, 0, sizeof b->slices);
}

static double row_at(const mw_breaker *b, uint32_t i)
{
    return b->failure[(b->first + i) % b->is.failures];
}

/* Failures of the row that are within the window at NOW; older ones are the first. */
static uint32_t row_within(const mw_breaker *b, double now)
{
    uint32_t old = 0;
    while (old < b->n_failures && row_at(b, old) <= now - b->is.window) old++;
    return b->n_failures - old;
}

static void add_to_row(mw_breaker *b, double now)
{
    if (!b->is.failures) return;
    uint32_t kept = row_within(b, now);
    b->first = (b->first + b->n_failures - kept) % b->is.failures;
    b->n_failures = kept + 1;
    b->failure[(b->first + kept) % b->is.failures] = now;
}

static int64_t slice_of(const mw_breaker *b, double now)
{
    return (int64_t)floor(now * SLICES / b->is.window);
}

static void sum_slices(const mw_breaker *b, double now, uint32_t *calls, uint32_t *failed,
                       uint32_t *slow)
{
    int64_t at = slice_of(b, now);
    *calls = *failed = *slow = 0;
    for (int i = 0; i < SLICES; i++) {
        const slice *s = &b->slices[i];
        if (s->at <= at - SLICES) continue;
        *calls += s->calls;
        *failed += s->failed;
        *slow += s->slow;
    }
}

static void sum(const mw_breaker *b, double now, uint32_t *calls, uint32_t *failed, uint32_t *slow)
{
    if (!b->is.calls) {
        sum_slices(b, now, calls, failed, slow);
        return;
    }
    *calls = b->calls;
    *failed = b->failed;
    *slow = b->slow;
}

static void add_to_ring(mw_breaker *b, uint8_t what)
{
    uint8_t *place = &b->call[b->next_call];
    if (b->calls == b->is.calls) {
        b->failed -= (*place & FAILED) != 0;
        b->slow -= (*place & SLOW) != 0;
    } else {
        b->calls++;
    }
    *place = what;
    b->failed += (what & FAILED) != 0;
    b->slow += (what & SLOW) != 0;
    b->next_call = (b->next_call + 1) % b->is.calls;
}

static void add_to_slice(mw_breaker *b, uint8_t what, double now)
{
    int64_t at = slice_of(b, now);
    slice *s = &b->slices[((at % SLICES) + SLICES) % SLICES];
    if (s->at < at) *s = (slice){.at = at};
    s->calls++;
    s->failed += (what & FAILED) != 0;
    s->slow += (what & SLOW) != 0;
}

/* -- states ---------------------------------------------------------------------------------- */

static double open_for(const mw_breaker *b)
{
    double most = fmax(b->is.open, b->is.open_max);
    double t = b->is.open * pow(b->is.grow, b->level > 1 ? b->level - 1 : 0);
    return t < most ? t : most; /* also when it is infinite */
}

static double until(const mw_breaker *b) { return b->opened_at + open_for(b); }

static void turn(mw_breaker *b, mw_breaker_state state)
{
    b->state = state;
    b->turned[state]++;
    b->out = b->passed = 0;
}

static void trip(mw_breaker *b, double now, mw_breaker_cause cause)
{
    bool soon = b->state == MW_BREAKER_HALF_OPEN || now < b->closed_at + b->is.window;
    if (!soon) b->level = 0;
    if (b->level < UINT32_MAX) b->level++;
    b->opened_at = now;
    b->cause = cause;
    forget_row(b);
    forget_calls(b);
    turn(b, MW_BREAKER_OPEN);
}

static mw_breaker_cause trips(const mw_breaker *b, double now)
{
    uint32_t calls, failed, slow;
    if (b->is.failures && row_within(b, now) >= b->is.failures) return MW_BREAKER_BY_FAILURES;
    sum(b, now, &calls, &failed, &slow);
    if (calls < b->is.min_calls) return MW_BREAKER_BY_NOTHING;
    if (b->is.rate > 0 && failed >= b->is.rate * calls) return MW_BREAKER_BY_RATE;
    if (b->is.slow_rate > 0 && slow >= b->is.slow_rate * calls) return MW_BREAKER_BY_SLOW;
    return MW_BREAKER_BY_NOTHING;
}

bool mw_breaker_ready(const mw_breaker *b, double now, double *when)
{
    double unused;
    if (!when) when = &unused;
    *when = -1;
    if (b->force != MW_BREAKER_FREE) return b->force == MW_BREAKER_FORCED_CLOSED;
    if (b->state == MW_BREAKER_CLOSED) return true;
    if (b->state == MW_BREAKER_HALF_OPEN) return b->out + b->passed < b->is.probes;
    *when = until(b);
    return now >= *when;
}

bool mw_breaker_allow(mw_breaker *b, double now)
{
    if (!mw_breaker_ready(b, now, NULL)) {
        b->refused++;
        return false;
    }
    if (b->force != MW_BREAKER_FREE) return true;
    if (b->state == MW_BREAKER_OPEN) turn(b, MW_BREAKER_HALF_OPEN);
    if (b->state == MW_BREAKER_HALF_OPEN) b->out++;
    return true;
}

/* A probe came back.  One that was out when the state turned says nothing any more. */
static void probed(mw_breaker *b, bool well, double now)
{
    if (!b->out) return;
    b->out--;
    if (!well) {
        trip(b, now, MW_BREAKER_BY_PROBE);
        return;
    }
    if (++b->passed < b->is.probes) return;
    b->closed_at = now;
    forget_row(b);
    forget_calls(b);
    turn(b, MW_BREAKER_CLOSED);
}

static void count(mw_breaker *b, uint8_t what, double now)
{
    if (what & FAILED)
        add_to_row(b, now);
    else
        forget_row(b);
    if (b->is.calls)
        add_to_ring(b, what);
    else
        add_to_slice(b, what, now);
    mw_breaker_cause cause = trips(b, now);
    if (cause != MW_BREAKER_BY_NOTHING) trip(b, now, cause);
}

/* While it is open nothing counts: that call was allowed before. */
static void ended(mw_breaker *b, uint8_t what, double now, double seconds)
{
    if (b->is.slow_rate > 0 && seconds >= b->is.slow_after) what |= SLOW;
    if (b->state == MW_BREAKER_HALF_OPEN)
        probed(b, !what, now);
    else if (b->state == MW_BREAKER_CLOSED)
        count(b, what, now);
}

void mw_breaker_ok(mw_breaker *b, double now, double seconds) { ended(b, 0, now, seconds); }
void mw_breaker_fail(mw_breaker *b, double now, double seconds) { ended(b, FAILED, now, seconds); }

void mw_breaker_cancel(mw_breaker *b)
{
    if (b->state == MW_BREAKER_HALF_OPEN && b->out) b->out--;
}

void mw_breaker_set_force(mw_breaker *b, mw_breaker_force force) { b->force = force; }

/* -- what it is ------------------------------------------------------------------------------ */

void mw_breaker_look(const mw_breaker *b, double now, mw_breaker_view *out)
{
    bool over = b->state == MW_BREAKER_OPEN && now >= until(b);
    bool soon = b->state != MW_BREAKER_CLOSED || now < b->closed_at + b->is.window;
    *out = (mw_breaker_view){.state = over ? MW_BREAKER_HALF_OPEN : b->state,
                             .force = b->force,
                             .cause = b->cause,
                             .opened_at = b->opened_at,
                             .until = b->level ? until(b) : 0,
                             .level = soon ? b->level : 0,
                             .in_row = b->is.failures ? row_within(b, now) : 0,
                             .refused = b->refused};
    sum(b, now, &out->calls, &out->failed, &out->slow);
    memcpy(out->turned, b->turned, sizeof out->turned);
}

/* The oldest comes first from now on. */
static void straighten(mw_breaker *b)
{
    if (!b->first) return;
    double *straight = mw_array(b->is.failures, sizeof *straight);
    for (uint32_t i = 0; i < b->n_failures; i++) straight[i] = row_at(b, i);
    mw_free(b->failure);
    b->failure = straight;
    b->first = 0;
}

void mw_breaker_save(mw_breaker *b, mw_breaker_saved *out)
{
    straighten(b);
    *out = (mw_breaker_saved){.state = b->state,
                              .force = b->force,
                              .cause = b->cause,
                              .opened_at = b->opened_at,
                              .closed_at = b->closed_at,
                              .level = b->level,
                              .n_failed = b->n_failures,
                              .failed = b->failure};
}

void mw_breaker_restore(mw_breaker *b, const mw_breaker_saved *saved)
{
    b->state = saved->state;
    b->force = saved->force;
    b->cause = saved->cause;
    b->opened_at = saved->opened_at;
    b->closed_at = saved->closed_at;
    b->level = saved->level;
    b->out = b->passed = 0; /* whoever was out probing will not come back */
    forget_row(b);
    uint32_t from = saved->n_failed > b->is.failures ? saved->n_failed - b->is.failures : 0;
    for (uint32_t i = from; i < saved->n_failed; i++)
        b->failure[b->n_failures++] = saved->failed[i];
}
