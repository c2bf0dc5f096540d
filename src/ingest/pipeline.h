/* pipeline.h - what happens to log records and spans before they are stored: some are dropped,
 * fields are removed, renamed and set, personal data is replaced.
 *
 * A set of pipelines does not change once it is in use; another one takes its place, and requests
 * that began under the old one end under it.  A record passes all pipelines that are about it, in
 * their order.  When there is no memory left to replace what must be, the record is refused:
 * nothing is stored as it came.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_PIPELINE_H
#define MW_INGEST_PIPELINE_H
#include "base/sha256.h"
#include "ingest/pii.h"
#include "metrics/registry.h"
#include "model/logrec.h"
#include "model/matcher.h"
#include "model/span.h"

typedef struct mw_condition { /* holds when all of its matchers do; of no matchers: always */
    mw_matcher *matcher;
    size_t n;
} mw_condition;

typedef struct mw_names { /* of fields: "user.email", "http.request.header.*" */
    mw_str *name;
    size_t n;
} mw_names;

enum { MW_PIPE_FIELD = MW_PII_KINDS, MW_PIPE_REGEX, MW_PIPE_COUNTS };
const char *mw_pipe_kind(unsigned kind); /* "email", ..., "field", "regex" */

typedef struct mw_pipe {
    char *name;
    bool logs, spans;
    mw_condition *match, *drop; /* any of them; MATCH: of none, always */
    size_t n_match, n_drop;
    mw_names remove;
    mw_names renamed, rename; /* from the one to the other, by place */
    mw_names set, values;
    mw_names fields;  /* whose values are replaced */
    unsigned kinds;   /* of mw_pii, as bits */
    mw_regex **regex; /* what they find is replaced */
    size_t n_regex;
    mw_str with;
    mw_hmac *hash; /* NULL: WITH takes the place */
    mw_series *replaced[MW_PIPE_COUNTS], *dropped[2];
} mw_pipe;

typedef struct mw_pipes {
    unsigned refs;
    mw_pipe *pipe;
    size_t n;
} mw_pipes;

mw_pipes *mw_pipes_new(size_t n); /* zeroed; one reference; what its pipes own is theirs to free */
void mw_pipes_release(mw_pipes *p);

/* Where the set in use is.  Any thread. */
typedef struct mw_pipe_slot mw_pipe_slot;
mw_pipe_slot *mw_pipe_slot_new(mw_registry *reg); /* REG: for figures, borrowed; may be NULL */
mw_registry *mw_pipe_slot_registry(const mw_pipe_slot *s);
void mw_pipe_slot_free(mw_pipe_slot *s);                /* NULL is fine */
void mw_pipe_slot_put(mw_pipe_slot *s, mw_pipes *take); /* NULL: none */
const mw_pipes *mw_pipe_slot_hold(mw_pipe_slot *s);     /* NULL: none, also of a NULL slot */
void mw_pipe_slot_leave(mw_pipe_slot *s, const mw_pipes *held);

typedef enum mw_passed { MW_PASS, MW_PASS_DROP, MW_PASS_FULL } mw_passed;
/* R is changed in place; what it points to then is in A or where it was.  P may be NULL. */
mw_passed mw_pipes_log(const mw_pipes *p, mw_log_record *r, mw_arena *a);
mw_passed mw_pipes_span(const mw_pipes *p, mw_span *s, mw_arena *a);

/* -- for the files of pipelines --------------------------------------------------------------- */

typedef struct mw_scrub { /* one record in one pipeline */
    const mw_pipe *pipe;
    mw_arena *arena;
    mw_buf out, hold; /* what is being written */
    bool full;
    bool plain;    /* what takes the place is the same inside of a string of JSON */
    unsigned nest; /* texts inside of strings of JSON, inside of which ... */
    uint32_t count[MW_PIPE_COUNTS];
} mw_scrub;

/* Is NAME among NAMES: as it stands, as the end of a dotted name, or with a star behind its
 * beginning, or that of the end of a dotted name?  "_" and "-" count as ".". */
bool mw_names_have(const mw_names *names, mw_str name);
mw_str mw_scrub_whole(mw_scrub *s, unsigned kind, mw_str value);
/* The value called NAME, which may be empty: by patterns, by names in JSON and words. */
mw_str mw_scrub_text(mw_scrub *s, mw_str name, mw_str text);
mw_str mw_scrub_json(mw_scrub *s, mw_str name, mw_str json); /* JSON stays JSON */
mw_str mw_scrub_key(mw_scrub *s, mw_str key);                /* by patterns only */

/* These write TEXT with what is found in it replaced behind OUT; false: nothing is, and OUT is as
 * it was.  KINDS: patterns find something in TEXT as it stands; REGEX: regular expressions do. */
bool mw_scrub_into(mw_scrub *s, mw_str name, mw_str text, bool json, mw_buf *out);
bool mw_scrub_members(mw_scrub *s, mw_str name, mw_str json, bool kinds, bool regex, mw_buf *out);
bool mw_scrub_words(mw_scrub *s, mw_str text, bool kinds, mw_buf *out);
bool mw_scrub_kinds(mw_scrub *s, unsigned kinds, mw_str text, bool bare, mw_buf *out);
bool mw_scrub_regex(mw_scrub *s, mw_str text, bool bare, mw_buf *out);
bool mw_scrub_found(const mw_scrub *s, mw_str text);       /* by patterns */
bool mw_scrub_regex_found(const mw_scrub *s, mw_str text); /* or not known */
/* What takes the place of WHAT. */
void mw_scrub_replace(mw_scrub *s, unsigned kind, mw_str what, mw_buf *out);
bool mw_scrub_looks_like_json(mw_str text); /* by its ends */
bool mw_scrub_is_json(const mw_scrub *s, mw_str text);
/* Behind the value of JSON that begins at AT, whatever is in it. */
size_t mw_scrub_value_end(mw_str text, size_t at);

#endif
