/* scripts.h - what runs inside Redis.  SPDX-License-Identifier: MIT */
#ifndef MW_CLUSTER_SCRIPTS_H
#define MW_CLUSTER_SCRIPTS_H

/* Each is atomic there.  They are sent as text (EVAL): Redis knows a text it has seen by its hash,
 * and a Redis that forgot it needs no second way.  What each takes and gives stands at its top. */
extern const char mw_script_hello[], mw_script_snapshot[], mw_script_beat[], mw_script_leases[],
    mw_script_farewell[], mw_script_put[], mw_script_seed[], mw_script_push[], mw_script_rollback[],
    mw_script_restore[];

#endif
