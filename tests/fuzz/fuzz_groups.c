/* fuzz_groups.c - lists of targets from files and endpoints: of the one form, within its bounds, or
 * refused with a reason.  SPDX-License-Identifier: MIT */
#include "fuzz/fuzz.h"
#include "net/groups.h"

static void see(void *arg, const mw_value *targets, const mw_value *labels)
{
    size_t *n = arg;
    MW_ASSERT(targets->type == MW_LIST && labels->type == MW_MAP);
    MW_ASSERT(labels->map.n <= MW_GROUPS_LABELS + 1);
    for (size_t i = 0; i < targets->list.n; i++)
        MW_ASSERT(targets->list.item[i]->text.n <= MW_GROUPS_LABEL_BYTES);
    *n += targets->list.n;
}

static void look(mw_value *groups, const mw_err *err)
{
    size_t n = 0;
    MW_ASSERT((groups != NULL) == (err->code == MW_OK));
    if (!groups) return;
    mw_groups_set(groups, "__meta_filepath", "a file");
    mw_groups_each(groups, see, &n);
    MW_ASSERT(n == mw_groups_targets(groups) && n <= MW_GROUPS_TARGETS);
    mw_value_free(groups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_err err;
    mw_str text = {(const char *)data, n};
    mw_err_init(&err);
    mw_value *groups = mw_groups_json(text, &err);
    look(groups, &err);
    mw_err_init(&err);
    groups = mw_groups_yaml(text, &err);
    look(groups, &err);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
