/* log.h - what moonwatch says about itself, on stderr.
 *
 * One line per event: message first, then key=value fields.  Any thread.  The level and format are
 * set once at start, before threads.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_LOG_H
#define MW_BASE_LOG_H
#include <stdbool.h>

typedef enum mw_level { MW_DEBUG, MW_INFO, MW_WARN, MW_ERROR, MW_FATAL, MW_LEVELS } mw_level;

const char *mw_level_name(mw_level level);            /* "debug" ... "fatal" */
bool mw_level_parse(const char *name, mw_level *out); /* any letter case; also "warning" */

typedef void mw_log_tap(void *arg, mw_level level, const char *line);

/* Also hand each line (level at least what is shown) to TAP; NULL to stop.  Set before threads. */
void mw_log_setup(mw_level lowest, bool json);
void mw_log_set_tap(mw_log_tap *tap, void *arg);

/* mw_log(MW_WARN, "scrape failed", "job=%s error=\"%s\"", job, text);  FIELDS may be NULL. */
void mw_log(mw_level level, const char *message, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

#endif
