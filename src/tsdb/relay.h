/* relay.h - series and samples on their way from the journal into memory, over several threads.
 *
 * The caller reads the journal and hands over what it says, in its order.  Threads make the series
 * and append the samples, each those of its own shards, so that what happens to one series stays in
 * order.  After mw_relay_drain, what was handed over is in the store.
 *
 * Series have the numbers of the run that wrote the journal.  One thread calls all of this.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_RELAY_H
#define MW_TSDB_RELAY_H
#include "tsdb/store.h"

typedef struct mw_relay mw_relay;

mw_relay *mw_relay_new(mw_tsdb *db);
void mw_relay_free(mw_relay *r); /* drained before */

enum { MW_NUMBERS_MAX = 1 << 28 };

/* From here on NUMBER is the series of KEY, with N pairs by our numbers.  False: the number is
 * beyond MW_NUMBERS_MAX.  PAIRS and BYTES are copied. */
bool mw_relay_series(mw_relay *r, uint32_t number, mw_key key, const uint32_t *pairs, uint32_t n);
void mw_relay_sample(mw_relay *r, uint32_t number, int64_t t, double v);
void mw_relay_histogram(mw_relay *r, uint32_t number, int64_t t, mw_str bytes);

void mw_relay_drain(mw_relay *r);
uint64_t mw_relay_lost(const mw_relay *r); /* samples whose series was never named */

/* Drained: between these two calls nothing of the relay stands in the way of other writers. */
void mw_relay_pause(mw_relay *r);
void mw_relay_resume(mw_relay *r);

#endif
