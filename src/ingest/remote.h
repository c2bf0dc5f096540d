/* remote.h - what both versions of remote write share: rows in batches, and what comes with them.
 *
 * A version walks its body series by series and hands over, for each, the bytes of its labels as
 * version 1.0 writes them.  Their hash is the identity of the series; only when the store does not
 * know it are labels taken apart.  Label bytes and messages handed over stay where they are until
 * the request is over, or come from mw_remote_scratch.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_REMOTE_H
#define MW_INGEST_REMOTE_H
#include "base/pb.h"
#include "ingest/result.h"

typedef struct mw_remote mw_remote;

/* A series with more than samples: read once its samples are stored, in the order of the body. */
typedef struct mw_remote_extra {
    mw_str series, labels;
    size_t histograms, exemplars;
} mw_remote_extra;

/* Exemplars and histograms of SERIES, a whole message of the version at hand. */
typedef int mw_remote_extras(mw_remote *w, mw_str series, const mw_labels *ls);

struct mw_remote {
    mw_tsdb *tsdb;
    mw_appender *appender;
    mw_ingest_limits limits;
    mw_ingest_result *result;
    mw_err *err;
    const char *origin; /* where the body begins, for offsets in messages */
    mw_remote_extras *read_extras;
    mw_arena *arena;  /* of one series */
    mw_arena *values; /* of one histogram or exemplar */
    mw_label *labels; /* room for as many as are allowed */
    mw_buf scratch, canonical;
    mw_row *rows;
    mw_str *of; /* label bytes of each row */
    size_t n, cap;
    mw_remote_extra *extras;
    size_t n_extras, extras_cap;
};

/* -- the request (remote_rows.c) ------------------------------------------------------------ */

void mw_remote_open(mw_remote *w, mw_ingest *in, mw_str body, mw_remote_extras *read_extras,
                    mw_ingest_result *result, mw_err *err);
/* CODE is what became of the walk; what was read before is stored all the same.  Frees W. */
int mw_remote_close(mw_remote *w, int code);

/* Everything collected goes to the store.  MW_EPARSE: labels are damaged. */
int mw_remote_flush(mw_remote *w);

/* Samples (field 2 in both versions) of the series that R stands in, which has these LABELS. */
int mw_remote_samples(mw_remote *w, mw_pb r, mw_str labels);
int mw_remote_add_extra(mw_remote *w, mw_remote_extra extra);

/* N bytes for the labels of the next series, in *OUT.  May flush. */
int mw_remote_scratch(mw_remote *w, size_t n, char **out);

/* -- who a series is (remote_series.c) ------------------------------------------------------ */

int mw_remote_label(mw_remote *w, const mw_pb *outer, mw_str bytes, mw_label *out);
/* *OUT lives in W's arena until the next call.  MW_EARG: the labels are wrong, WHY says how.
 * MW_EPARSE and MW_ETOOBIG concern the whole request and are told in W->err. */
int mw_remote_identity(mw_remote *w, mw_str labels, const mw_labels **out, mw_err *why);

/* -- what comes with samples (remote_extra.c, remote_hist.c) -------------------------------- */

/* *T is its time. */
int mw_remote_histogram(mw_remote *w, const mw_labels *ls, uint64_t *ref, const mw_pb *outer,
                        mw_str bytes, int64_t *t);
/* The first N of W->labels are those of the exemplar; N above the limit means too many. */
void mw_remote_exemplar(mw_remote *w, const mw_labels *ls, size_t n, double v, int64_t t);
/* TYPE as a number of the protocol, or another one when it is not said. */
void mw_remote_metadata(mw_remote *w, mw_str name, uint64_t type, mw_str help, mw_str unit);

/* -- walking -------------------------------------------------------------------------------- */

/* As mw_pb_next, but quick for what nearly every field here is: a short tag and bytes. */
static inline int mw_remote_next(mw_pb *r, mw_pb_field *f, mw_err *err)
{
    if (r->p == r->end) return 0;
    if (r->end - r->p >= 2 && (r->p[0] & 0x87) == MW_PB_BYTES && r->p[0] > 7) {
        const char *p = r->p + 2;
        size_t n = (unsigned char)r->p[1];
        if (n >= 0x80 && p < r->end && !(*p & 0x80))
            n = (n & 0x7f) | (size_t)*p++ << 7;
        else if (n >= 0x80)
            return mw_pb_next(r, f, err);
        if (n > (size_t)(r->end - p)) return mw_pb_next(r, f, err);
        f->number = (uint32_t)r->p[0] >> 3;
        f->wire = MW_PB_BYTES;
        f->bytes = (mw_str){p, n};
        r->p = p + n;
        return 1;
    }
    return mw_pb_next(r, f, err);
}

#endif
