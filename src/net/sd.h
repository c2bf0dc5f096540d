/* sd.h - sources of targets that are asked again and again: name servers and HTTP endpoints.
 *
 * A source is a row of a job's configuration.  Jobs that write the same row share one, and it
 * stays, with what it knows, as long as some job has it.  What a source told last stays in force
 * while it fails.  Any thread may use it.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_SD_H
#define MW_NET_SD_H
#include "net/groups.h"
#include "net/net.h"

typedef struct mw_sd mw_sd;

typedef enum mw_sd_kind { MW_SD_DNS, MW_SD_HTTP, MW_SD_KINDS } mw_sd_kind;

/* NEWS is called on some thread, under no lock, when a source told something else than before, or
 * the first time. */
typedef void mw_sd_news(void *arg);
mw_sd *mw_sd_new(mw_net *net, const mw_clock *clock, mw_registry *reg, mw_sd_news *news, void *arg);
void mw_sd_stop(mw_sd *sd); /* begins nothing any more, gives up what can be given up */
void mw_sd_free(mw_sd *sd); /* NULL is fine; after NET was stopped */

int mw_sd_check(mw_sd_kind kind, const mw_value *spec, mw_err *err);

/* Between begin and end every source is named that is wanted; the others are forgotten. */
void mw_sd_begin(mw_sd *sd);
void mw_sd_want(mw_sd *sd, mw_sd_kind kind, const mw_value *spec);
void mw_sd_end(mw_sd *sd);

/* Asks those that are due; gives when to be called again (unix milliseconds). */
int64_t mw_sd_go(mw_sd *sd, int64_t now_ms);

/* What that source told last. */
void mw_sd_each(mw_sd *sd, mw_sd_kind kind, const mw_value *spec, mw_groups_visit *visit,
                void *arg);

#endif
