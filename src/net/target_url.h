/* target_url.h - the url that the labels of a target make.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_TARGET_URL_H
#define MW_NET_TARGET_URL_H
#include "model/labels.h"
#include "script/value.h"

/* Of labels D, from __address__, __scheme__, __metrics_path__ and __param_NAME, and of what PARAMS,
 * {name = text or list of texts}, has beyond the first value of each.  Owned; NULL with ERR. */
char *mw_target_url(const mw_labels *d, const mw_value *params, mw_err *err);

#endif
