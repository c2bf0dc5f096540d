/* names.h - names that are no identifiers, written as identifiers.
 *
 * Prometheus's two ways: "underscores" puts _ for what may not stand in a name; "values" can be
 * undone: U__ in front, _ becomes __, and what may not stand there its number, _2e_ for a dot.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_NAMES_H
#define MW_MODEL_NAMES_H
#include <stdbool.h>

#include "base/buf.h"

void mw_name_underscores(mw_str name, bool colons, mw_buf *out); /* COLONS: of a metric */
void mw_name_values(mw_str name, bool colons, mw_buf *out);
/* False when NAME was not written by mw_name_values; then OUT holds what it held. */
bool mw_name_unescape(mw_str name, mw_buf *out);

#endif
