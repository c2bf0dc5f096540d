/* ingest.h - bytes in, samples, records and spans out.  Opens no socket.
 *
 * Every parser is bounded: depth, sizes and counts are checked before memory is taken, and the
 * first problem is told with what and where.  Any thread may use one mw_ingest; each call uses
 * only its own memory.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_INGEST_H
#define MW_INGEST_INGEST_H
#include "ingest/pipeline.h"
#include "logs/logs.h"
#include "metrics/registry.h"
#include "traces/traces.h"
#include "tsdb/tsdb.h"

typedef struct mw_ingest_limits {
    size_t body;        /* decoded bytes of one request; 0: 64 MiB */
    size_t ratio;       /* decoded / encoded at most; 0: 1000 */
    size_t labels;      /* of one series; 0: 64 */
    size_t label_bytes; /* of one name or value; 0: 4096 */
    size_t attrs;       /* of one span or record; 0: 256 */
} mw_ingest_limits;

typedef struct mw_ingest {
    mw_tsdb *tsdb;
    mw_logs *logs;
    mw_traces *traces;
    const mw_clock *clock;
    mw_pipe_slot *pipes; /* what log records and spans pass; may be NULL */
    mw_ingest_limits limits;
} mw_ingest;

typedef struct mw_ingest_result {
    uint64_t accepted, rejected; /* samples, records or spans */
    uint64_t again;              /* of the rejected: those for which there will be room soon */
    uint64_t histograms;         /* of the accepted samples, those that are native histograms */
    uint64_t exemplars, exemplars_rejected; /* these never make a request fail */
    mw_err first; /* why the first was rejected; code MW_OK when none was */
} mw_ingest_result;

/* Content-Encoding to bytes: "", "identity", "gzip", "snappy", "zstd" ("deflate" refused).
 * *OUT points into BODY (identity) or into HOLD.  MW_ETOOBIG over the limits, MW_EPARSE on damaged
 * data, MW_EUNSUPPORTED on another encoding. */
int mw_ingest_decode(const mw_ingest *in, mw_str encoding, mw_str body, mw_buf *hold, mw_str *out,
                     mw_err *err);

/* Each takes a decoded body.  MW_OK: everything readable was handled, RESULT counts, and accepted
 * data is committed.  MW_EPARSE: the body is damaged; what came before the damage may be stored.
 * MW_EFULL, MW_EIO: the disk did not take it, nothing is accepted, it is to be sent again. */
int mw_ingest_remote_write(mw_ingest *in, mw_str body, mw_ingest_result *result,
                           mw_err *err); /* prometheus.WriteRequest, after snappy */
int mw_ingest_remote_write2(mw_ingest *in, mw_str body, mw_ingest_result *result,
                            mw_err *err); /* io.prometheus.write.v2.Request, likewise */
typedef enum mw_otlp_signal { MW_OTLP_TRACES, MW_OTLP_METRICS, MW_OTLP_LOGS } mw_otlp_signal;
int mw_ingest_otlp(mw_ingest *in, mw_otlp_signal signal, bool json, mw_str body,
                   mw_ingest_result *result, mw_err *err);
/* One log record as it is, through the pipelines. */
void mw_ingest_log(mw_ingest *in, const mw_log_record *r);
int mw_ingest_loki_json(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err);

/* -- text exposition ------------------------------------------------------------------------ */

/* UNKNOWN: a page that ends with "# EOF" is OpenMetrics. */
typedef enum mw_page_kind { MW_PAGE_UNKNOWN, MW_PAGE_TEXT, MW_PAGE_OPENMETRICS } mw_page_kind;
mw_page_kind mw_page_kind_of(mw_str content_type);

/* What one scrape target said last time: raw series keys in their order with the references of the
 * store, so that the next page is compared instead of parsed.  One thread at a time. */
typedef struct mw_promtext mw_promtext;

/* EXTRA labels (job, instance, ...) win over those of the page, which are kept as exported_NAME
 * unless honor_labels. */
mw_promtext *mw_promtext_new(mw_ingest *in, const mw_labels *extra, bool honor_labels);
void mw_promtext_free(mw_promtext *p);

/* One page at time T (milliseconds) for samples that carry no time of their own.  Series of the
 * last page that are missing now get a stale marker.  All or nothing per line: a bad line refuses
 * the page with MW_EPARSE and its line number, and nothing of it is kept.  MW_ELIMIT: more than
 * SAMPLE_LIMIT samples (0: no limit) besides those that a judge dropped.  A sample whose own time
 * is more than 10 minutes after T is rejected alone. */
int mw_promtext_page(mw_promtext *p, mw_str page, int64_t t, size_t sample_limit,
                     mw_ingest_result *result, mw_err *err);
void mw_promtext_stale(mw_promtext *p,
                       int64_t t); /* the target is gone or failed: mark everything */

/* Of the pages that follow.  OpenMetrics is cut off when it does not end with "# EOF". */
void mw_promtext_kind(mw_promtext *p, mw_page_kind kind);

/* From the next page on, one with a series of more than LABELS labels, those of the target
 * included, or with a label value of more than VALUE_BYTES is refused with MW_ELIMIT; 0: no limit.
 */
void mw_promtext_label_limits(mw_promtext *p, size_t labels, size_t value_bytes);

/* From the next page on, whether times that samples carry count, which they do unless this says
 * otherwise, and whether series that have such times get stale markers, which they do not. */
void mw_promtext_times(mw_promtext *p, bool honor, bool track);

/* Whether a series may be stored, asked once for each that is new to the target.  LS: its labels
 * with those of the target.  MW_FATE_AS: it is stored as *AS, which must live until the page is
 * done.  MW_FATE_WAIT: not known yet. */
typedef enum mw_fate { MW_FATE_KEEP, MW_FATE_DROP, MW_FATE_AS, MW_FATE_WAIT } mw_fate;
typedef mw_fate mw_series_judge(void *arg, const mw_labels *ls, const mw_labels **as);

/* From the next page on; NULL: every series is kept.  When RULE, which says by what JUDGE goes, is
 * another than before, every series is judged again.  A page for which JUDGE wants to wait is
 * refused with MW_EBUSY after it was asked about each of its series, and nothing of it is kept: it
 * is to be read again when more is known. */
void mw_promtext_judge(mw_promtext *p, mw_series_judge *judge, void *arg, uint64_t rule);

/* Series of the last good page that the one before it did not have. */
size_t mw_promtext_series_added(const mw_promtext *p);
size_t mw_promtext_dropped(const mw_promtext *p); /* samples of the last good page */

/* POST /api/v1/import/prometheus: pushed text, once. */
int mw_ingest_promtext(mw_ingest *in, mw_page_kind kind, mw_str body, int64_t t,
                       mw_ingest_result *result, mw_err *err);

#endif
