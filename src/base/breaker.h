/* breaker.h - a circuit breaker: it stops calls to something that keeps failing.
 *
 * Closed lets everything through and counts.  It opens by failures in a row, or by the share of
 * failed or of slow calls.  Open refuses until its time has passed; then it is half-open and lets
 * so many probes through: when all of them are well it closes, one that is not opens it again, for
 * longer.  Somebody may force it open or closed; what it would be by itself goes on underneath.
 *
 * It has no clock and no lock: NOW is an argument, in seconds, and time that goes backwards counts
 * as none.  Terms and defaults of rates follow resilience4j, with two differences: an open breaker
 * whose time is over is shown as half-open before anybody calls, and a breaker that opens again
 * soon after it closed goes on with the longer time.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_BREAKER_H
#define MW_BASE_BREAKER_H
#include <stdbool.h>
#include <stdint.h>

enum { MW_BREAKER_MOST = 10000 }; /* failures and calls that a breaker remembers */

typedef struct mw_breaker_config {
    uint32_t failures;  /* in a row, all within `window`; 0: never by these */
    double window;      /* seconds */
    double rate;        /* share of failed calls, above 0 to 1; 0: never by it */
    double slow_rate;   /* share of slow calls, likewise */
    double slow_after;  /* a call is slow that took so many seconds or more */
    uint32_t calls;     /* rates are those of the last so many calls; 0: of all within `window` */
    uint32_t min_calls; /* with fewer, rates say nothing; at least 1 */
    double open;        /* seconds for which it refuses */
    double grow;        /* so many times as long each time it opens again; 1: as long as ever */
    double open_max;    /* but never longer; below `open`: `open` */
    uint32_t probes;    /* at least 1 */
} mw_breaker_config;

/* 5 failures in 30 s, no rates, 30 s open, one probe. */
extern const mw_breaker_config mw_breaker_defaults;

typedef enum mw_breaker_state {
    MW_BREAKER_CLOSED,
    MW_BREAKER_HALF_OPEN,
    MW_BREAKER_OPEN
} mw_breaker_state;

typedef enum mw_breaker_force {
    MW_BREAKER_FREE,
    MW_BREAKER_FORCED_OPEN,
    MW_BREAKER_FORCED_CLOSED
} mw_breaker_force;

typedef enum mw_breaker_cause {
    MW_BREAKER_BY_NOTHING,
    MW_BREAKER_BY_FAILURES,
    MW_BREAKER_BY_RATE,
    MW_BREAKER_BY_SLOW,
    MW_BREAKER_BY_PROBE
} mw_breaker_cause;

typedef struct mw_breaker mw_breaker;

mw_breaker *mw_breaker_new(const mw_breaker_config *config); /* never NULL; a copy is kept */
void mw_breaker_free(mw_breaker *b);                         /* NULL is fine */

/* What is wrong with CONFIG: a sentence that begins with the name of a field; NULL: nothing. */
const char *mw_breaker_wrong(const mw_breaker_config *config);

/* May a call be made?  True takes a permit; whoever has one gives it back by ok, fail or cancel. */
bool mw_breaker_allow(mw_breaker *b, double now);
/* Would `allow` say yes?  Takes nothing.  *WHEN, unless NULL, is when to ask again after a no;
 * negative when that depends on a probe that is out, or on who forced it. */
bool mw_breaker_ready(const mw_breaker *b, double now, double *when);

/* The call that was allowed ended after SECONDS; negative: unknown. */
void mw_breaker_ok(mw_breaker *b, double now, double seconds);
void mw_breaker_fail(mw_breaker *b, double now, double seconds);
void mw_breaker_cancel(mw_breaker *b); /* nothing can be said of it */

void mw_breaker_set_force(mw_breaker *b, mw_breaker_force force);

/* -- what it is ------------------------------------------------------------------------------ */

typedef struct mw_breaker_view {
    mw_breaker_state state; /* what it would do by itself at that time */
    mw_breaker_force force;
    mw_breaker_cause cause;  /* of the last opening */
    double opened_at, until; /* of an opening; 0: never was one */
    uint32_t level;          /* how often it opened in one go, 1 for the first; 0 once it is well */
    uint32_t in_row;         /* failures in a row within the window */
    uint32_t calls, failed, slow; /* what rates are of */
    uint64_t turned[3];           /* how often it became each state */
    uint64_t refused;             /* calls that were not made */
} mw_breaker_view;

void mw_breaker_look(const mw_breaker *b, double now, mw_breaker_view *out);

/* What another life, or another node, said of it.  Calls behind rates are counted anew. */
typedef struct mw_breaker_saved {
    mw_breaker_state state;
    mw_breaker_force force;
    mw_breaker_cause cause; /* of the last opening */
    double opened_at, closed_at;
    uint32_t level, n_failed;
    const double *failed; /* times of failures in a row, oldest first */
} mw_breaker_saved;

void mw_breaker_save(mw_breaker *b,
                     mw_breaker_saved *out); /* `failed` is b's, until its next call */
/* It is as SAVED says from now on; calls behind rates, what it refused and how often it turned stay
 * its own. */
void mw_breaker_restore(mw_breaker *b, const mw_breaker_saved *saved);

#endif
