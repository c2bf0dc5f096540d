/* readpb.h - what a remote read is answered with: series of samples, and frames of chunks.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_READPB_H
#define MW_INGEST_READPB_H
#include "model/source.h"

/* EXTERNAL labels (may be NULL) are added to those that LS does not have, in the order of names. */
void mw_read_labels(const mw_labels *ls, const mw_labels *external, mw_buf *out);

/* prometheus.TimeSeries: LABELS as above, then the samples of V. */
void mw_read_timeseries(mw_str labels, const mw_series_view *v, mw_buf *out);

/* Samples of V from *AT on as one frame of a stream, of about FRAME bytes at most:
 * length | CRC-32C, big end first | prometheus.ChunkedReadResponse.  *AT moves on; a series without
 * samples gives a frame with its labels.  SCRATCH is overwritten. */
void mw_read_frame(mw_str labels, const mw_series_view *v, size_t *at, size_t frame, size_t query,
                   mw_buf *scratch, mw_buf *out);

#endif
