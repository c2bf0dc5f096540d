/* groups.h - lists of targets as others write them: [{"targets": ["host:port"], "labels": {...}}].
 *
 * The form in which Prometheus takes targets from files and over HTTP.  Nothing is half taken: a
 * list is right as a whole or refused with what is wrong and where.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_GROUPS_H
#define MW_NET_GROUPS_H
#include "script/value.h"

enum {
    MW_GROUPS_BYTES = 16 << 20,    /* of a text */
    MW_GROUPS_TARGETS = 100000,    /* of a list */
    MW_GROUPS_LABELS = 256,        /* of a group */
    MW_GROUPS_LABEL_BYTES = 16384, /* of a value, or an address */
    MW_GROUPS_UNFOLDED = 128 << 20 /* bytes, each target with the labels of its group */
};

/* A list of {targets=[text...], labels={name=text}}, labels always there; NULL with ERR. */
mw_value *mw_groups_json(mw_str text, mw_err *err);
mw_value *mw_groups_yaml(mw_str text, mw_err *err);

size_t mw_groups_targets(const mw_value *groups); /* how many; NULL has none */

/* TARGETS: a list of texts; LABELS: a map of texts.  Valid during the call. */
typedef void mw_groups_visit(void *arg, const mw_value *targets, const mw_value *labels);
void mw_groups_each(const mw_value *groups, mw_groups_visit *visit, void *arg); /* NULL is none */

/* Every group gets this label, in place of its own of that name. */
void mw_groups_set(mw_value *groups, const char *name, const char *value);

#endif
