/* fuzz_yaml.c - YAML of importers: a tree within its bounds or an error with its place.
 * SPDX-License-Identifier: MIT */
#include "fuzz/fuzz.h"
#include "script/yaml.h"

static void walk(const mw_value *node, int depth)
{
    MW_ASSERT(depth <= MW_YAML_DEPTH + 1 && node->type == MW_MAP);
    MW_ASSERT(mw_map_number(node, "line", 0) >= 1);
    MW_ASSERT(mw_map_number(node, "last", 0) >= mw_map_number(node, "line", 0));
    static const char *const lists[] = {"items", "keys", "values"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const mw_value *list = mw_map_find(node, lists[i]);
        for (size_t k = 0; list && k < list->list.n; k++) walk(list->list.item[k], depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_err err;
    mw_value *docs = mw_yaml_read((mw_str){(const char *)data, n}, &err);
    MW_ASSERT((docs != NULL) == (err.code == MW_OK));
    for (size_t i = 0; docs && i < docs->list.n; i++) walk(docs->list.item[i], 0);
    mw_value_free(docs);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
