/* yaml.h - YAML as a tree that remembers where everything stood.
 *
 * For importers: nothing is guessed from how a scalar looks; whoever reads the tree knows whether
 * it wants a number, a text or a duration there.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_YAML_H
#define MW_SCRIPT_YAML_H
#include "script/value.h"

enum {
    MW_YAML_BYTES = 16 << 20, /* of a text */
    MW_YAML_NODES = 1 << 20,  /* of its trees, each use of an anchor counted */
    MW_YAML_DEPTH = 30        /* a map with a list in it, and so on */
};

/* The documents of TEXT as a list of nodes, or NULL with ERR and its place.  A node is a map:
 *     {kind="text", text=, plain=true (written without quotes), line=, col=, last=}
 *     {kind="list", items={node...}, line=, col=, last=}
 *     {kind="map", keys={node...}, values={node...}, line=, col=, last=}
 * with lines and columns from 1; LAST is the last line of it.  An alias is a copy of its anchor;
 * a merge key ("<<") is a key like others.  TAG is there when one was written. */
mw_value *mw_yaml_read(mw_str text, mw_err *err);

#endif
