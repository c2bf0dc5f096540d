/* readreq.h - a remote read request, taken apart.  SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_READREQ_H
#define MW_INGEST_READREQ_H
#include "model/source.h"

enum { MW_READ_QUERIES = 100, MW_READ_MATCHERS = 100 }; /* of a request; of a query */

typedef struct mw_read_request {
    mw_select *query; /* each owns its matchers; empty ranges have min_t > max_t */
    size_t n, cap;
    bool streamed; /* chunks are wanted rather than samples */
} mw_read_request;

/* BODY is a prometheus.ReadRequest, after snappy.  EXTERNAL labels (may be NULL) are put to what is
 * answered, so a condition that one of them meets is not looked for in the store.  Hints narrow the
 * range of their query, and the hint "series" asks for labels only.
 * MW_EPARSE: damaged.  MW_EARG: a matcher is wrong, or no known answer is wanted.
 * MW_ELIMIT. */
int mw_read_request_parse(mw_str body, const mw_labels *external, mw_read_request *out,
                          mw_err *err);
void mw_read_request_deinit(mw_read_request *r);

#endif
