/* alerts_in.h - bodies of POST /api/v2/alerts, read alert by alert as long as nothing in them is
 * odd.
 *
 * It takes what Prometheus, vmalert and people's scripts write and is sure of every byte of it.
 * Whatever else may be in a body - an unknown field, null, a name that comes twice or is none, half
 * of a character, an end before the start - ends the reading: then somebody who knows the words for
 * it reads all of it again (lua/moonwatch/api/alertmanager_intake.lua), which gives the same
 * alerts or says what is wrong.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_ALERTS_IN_H
#define MW_SCRIPT_ALERTS_IN_H
#include "base/json.h"
#include "model/labels.h"

enum { MW_ALERT_NAMES = 64 }; /* labels of an alert that is read here, annotations likewise */

typedef struct mw_alert_in {
    uint64_t fingerprint;
    size_t n_labels, n_annotations;
    mw_label label[MW_ALERT_NAMES];      /* in order of names, none without a value */
    mw_label annotation[MW_ALERT_NAMES]; /* in order of names */
    bool starts, ends;                   /* is that said? */
    double starts_at, ends_at;           /* unix seconds */
    mw_str url;                          /* p is NULL when there is none */
} mw_alert_in;

typedef struct mw_alerts_in {
    mw_json json;
    bool narrow, odd;
    mw_str time; /* the text of a time, and what it means: most alerts began at the same moment */
    double at;
} mw_alerts_in;

/* ARENA takes texts with escapes; all texts live as long as BODY and ARENA.  NARROW: names are
 * [a-zA-Z_][a-zA-Z0-9_]*, otherwise any text. */
void mw_alerts_in_init(mw_alerts_in *r, mw_str body, mw_arena *arena, bool narrow);
bool mw_alerts_in_next(mw_alerts_in *r, mw_alert_in *out); /* false: no more, or odd */
bool mw_alerts_in_end(mw_alerts_in *r); /* true when the whole body was read and nothing was odd */

#endif
