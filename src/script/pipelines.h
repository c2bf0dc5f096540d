/* pipelines.h - the operation "pipelines": what policy wants done with records and spans.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_PIPELINES_H
#define MW_SCRIPT_PIPELINES_H
#include "ingest/pipeline.h"
#include "script/host.h"

/* host.call("pipelines", { list = {...} }): replaces the set of SLOT, borrowed, at once;
 * docs/host.md has the rows. */
/* The rows of LIST in the place of the set of SLOT; on a refusal that one stays. */
int mw_pipelines_put(mw_pipe_slot *slot, const mw_value *list, mw_err *err);
void mw_pipelines_offer(mw_pipe_slot *slot, mw_host *host);

#endif
