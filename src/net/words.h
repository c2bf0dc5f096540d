/* words.h - what a failed connection or transfer is called in front of people.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_WORDS_H
#define MW_NET_WORDS_H
#include <curl/curl.h>

#include "base/buf.h"

/* "connect to 127.0.0.1:1: connection refused".  Names host and port, never the rest of the url:
 * urls carry secrets.  DETAIL is curl's error buffer. */
void mw_words_curl(mw_buf *out, CURL *easy, CURLcode rc, const char *detail, int timeout_ms);
void mw_words_timeout(mw_buf *out, int timeout_ms); /* "timed out after 2 s" */
const char *mw_words_errno(int e);                  /* "connection refused" */

#endif
