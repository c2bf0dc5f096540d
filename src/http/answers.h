/* answers.h - what answers of the Prometheus API have in common: warnings beside the data, and an
 * object written field by field.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_ANSWERS_H
#define MW_HTTP_ANSWERS_H
#include "http/route.h"

/* ,"NAME":["...",...] behind the data; nothing when no note came, and at most ten of them. */
typedef struct notes {
    mw_buf *out;
    const char *name;
    size_t n;
} notes;
notes notes_begin(mw_buf *out, const char *name);
void note(notes *n, const char *text);
void notes_end(notes *n);
#define TRUNCATED "results truncated due to limit"

/* {"NAME":...,...} */
typedef struct fields {
    mw_buf *out;
    bool started;
} fields;
void field(fields *f, const char *name, const char *text);
void field_text(fields *f, const char *name, mw_str text);
void field_number(fields *f, const char *name, int64_t n);
void field_flag(fields *f, const char *name, bool yes);
void field_open(fields *f, const char *name); /* whose value comes */
fields fields_begin(mw_call *c);              /* an answer whose data is an object */
void fields_finish(mw_call *c, fields *f);

void put_metadata_fields(mw_buf *out, const mw_metadata *m); /* "type":...,"help":...,"unit":... */

#endif
