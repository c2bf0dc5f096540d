/* meter.h - what one evaluation of a rule may use, and what it did use.
 *
 * Of one thread, as the state that it belongs to.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_METER_H
#define MW_SCRIPT_METER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct mw_usage {
    double cpu;             /* seconds of processor time of one run of a function; a limit only */
    double query_seconds;   /* of all queries together */
    uint64_t instructions;  /* of Lua */
    uint64_t memory;        /* bytes of the file's state, the most there were */
    uint64_t query_samples; /* read by queries */
    uint64_t queries;       /* as many as there were; no limit */
    uint64_t slow;          /* of which did not end at once; no limit */
    uint64_t emissions;     /* alerts, samples, log lines, measurements */
} mw_usage;

typedef struct mw_meter {
    int holders;
    mw_usage limit;      /* 0: none */
    mw_usage now, total; /* of this evaluation, of all; memory is the most, not the sum */
    bool patient;        /* its evaluation may be left and taken up again, see asks.h */
    bool exceeded;       /* something of this evaluation was refused for want of budget */
} mw_meter;

mw_meter *mw_meter_new(const mw_usage *limit); /* one holder */
mw_meter *mw_meter_retain(mw_meter *m);        /* NULL is fine, for all of these */
void mw_meter_release(mw_meter *m);

void mw_meter_begin(mw_meter *m); /* an evaluation */
void mw_meter_ran(mw_meter *m, uint64_t instructions, uint64_t memory);
void mw_meter_queried(mw_meter *m, double seconds, uint64_t samples);
/* MW_ELIMIT with ERR when N more are too many; they are counted otherwise. */
int mw_meter_emit(mw_meter *m, uint64_t n, mw_err *err);

/* What its queries have left, at most the DEF; MW_ELIMIT when that is nothing. */
int mw_meter_seconds(mw_meter *m, double def, double *out, mw_err *err);
int mw_meter_samples(mw_meter *m, size_t *out, mw_err *err); /* 0: any number */
/* What to say when a query ended with RC for want of what the meter had; ERR as it is otherwise. */
void mw_meter_explain(mw_meter *m, int rc, mw_err *err);

#endif
