/* audit_check.h - does a chain of audit entries fit together, and where not?
 *
 * Reads bytes that somebody may have changed; believes nothing.  The layout is
 * docs/format/audit.md.  SPDX-License-Identifier: MIT */
#ifndef MW_STORE_AUDIT_CHECK_H
#define MW_STORE_AUDIT_CHECK_H
#include "base/err.h"
#include "base/sha256.h"

typedef struct mw_audit_entry {
    uint64_t seq;
    mw_str hash; /* 64 hex digits */
    mw_str json; /* the object as it was hashed */
} mw_audit_entry;

/* Valid during the call; non-zero stops and is answered. */
typedef int mw_audit_visit(void *arg, const mw_audit_entry *e, mw_err *err);

/* What somebody remembers of the chain: entry SEQ had a hash that begins with HASH. */
typedef struct mw_audit_anchor {
    uint64_t seq;
    mw_str hash;
} mw_audit_anchor;

typedef struct mw_audit_report {
    uint64_t entries, segments, bytes;
    uint64_t first, last; /* 0: there are none */
    char head[MW_SHA256_HEX + 1];
    char began[MW_SHA256_HEX + 1]; /* the hash before the first */
    bool expired;                  /* it does not begin with entry 1, and an entry of it says why */
    bool met;                      /* the anchor was compared */
    uint64_t torn;                 /* bytes at the end that are no whole entry */
    uint64_t fit;                  /* bytes of the last segment up to the end of what fits */
    uint64_t bad;                  /* where it does not fit: the number of the entry; 0: it fits */
    char problem[360];             /* empty: it fits */
} mw_audit_report;

/* The same, kept: in the file `head` of a folder. */
typedef struct mw_audit_known {
    uint64_t seq; /* 0: nothing is known */
    char hash[MW_SHA256_HEX + 1];
} mw_audit_known;

/* The chain in the folder DIR, or in the file DIR (what GET /api/mw/v1/audit/chain gives), entry
 * by entry up to the first that does not fit.  ANCHOR and VISIT may be NULL; what the folder
 * itself remembers counts as well.  A chain that
 * does not fit is no failure: see OUT->problem.  MW_EIO, MW_ENOENT: it could not be read. */
int mw_audit_walk(const char *dir, const mw_audit_anchor *anchor, mw_audit_visit *visit, void *arg,
                  mw_audit_report *out, mw_err *err);

/* -- for the chain's own files --------------------------------------------------------------- */

typedef struct mw_audit_check {
    const mw_audit_anchor *anchor;
    mw_audit_visit *visit;
    void *arg;
    mw_audit_report *out;
    bool proven; /* an entry said that those before the first have expired */
} mw_audit_check;

void mw_audit_check_begin(mw_audit_check *c);
/* The next segment, called NAME, whole; MORE: others follow.  Non-zero is the visit's. */
int mw_audit_check_segment(mw_audit_check *c, const char *name, mw_str bytes, bool more,
                           mw_err *err);
void mw_audit_check_end(mw_audit_check *c);

enum { MW_AUDIT_TIME = 24 }; /* "2026-11-23T09:00:00.000Z" */

/* LINE without its end.  False: it is none. */
bool mw_audit_head_line(mw_str line, uint64_t *seq, mw_str *before);
bool mw_audit_entry_line(mw_str line, mw_audit_entry *out);
void mw_audit_hash(mw_str before, mw_str json, char out[MW_SHA256_HEX + 1]);
mw_str mw_audit_time_of(mw_str json); /* MW_AUDIT_TIME bytes; empty when it has none */
/* Cuts the next line off REST, without its end; false: there is no whole one. */
bool mw_audit_line(mw_str *rest, mw_str *line);
extern const char mw_audit_start[]; /* the hash before entry 1 */

/* False: DIR remembers no head. */
bool mw_audit_remembered(const char *dir, mw_audit_known *out);
mw_audit_anchor mw_audit_anchor_of(const mw_audit_known *known);
/* A segment that should be there is not. */
void mw_audit_check_missing(mw_audit_check *c, const char *name);
/* The chain must reach entry SEQ. */
void mw_audit_check_reaches(mw_audit_check *c, uint64_t seq);

/* Numbers of the first entries of the segments of DIR, ascending; freed with mw_free. */
int mw_audit_list(const char *dir, uint64_t **out, size_t *n, mw_err *err);
char *mw_audit_path(const char *dir, uint64_t first); /* freed with mw_free */
/* The bytes of a file, freed with mw_free. */
int mw_audit_load(const char *path, char **out, size_t *n, mw_err *err);

#endif
