/* fields.h - a log line whose fields are a plain value.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_FIELDS_H
#define MW_SCRIPT_FIELDS_H
#include "base/log.h"
#include "script/value.h"

void mw_log_fields(mw_level level, const char *message, const mw_value *fields); /* NULL is fine */

#endif
