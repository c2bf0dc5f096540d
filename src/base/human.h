/* human.h - numbers as people read them: 1.234k, 2h 5m 0s, 12.5%.
 *
 * What Prometheus gives for the same value, digit by digit, where it has a function of that kind.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_HUMAN_H
#define MW_BASE_HUMAN_H
#include <stdbool.h>
#include <stddef.h>

enum { MW_HUMAN_ROOM = 64 };

/* V the way HOW says: "plain", "go", "humanize", "humanize1024", "duration", "percent",
 * "timestamp", "bytes", or what Prometheus calls them.  False: there is no such way. */
bool mw_human(const char *how, double v, char out[MW_HUMAN_ROOM]);

#endif
