/* cookies.h - cookies that go from one request to the next, as lines of text.
 *
 * A line has seven fields with tabs between them, as in the files that browsers once had; which
 * request it belongs to is for libcurl to decide.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_COOKIES_H
#define MW_NET_COOKIES_H
#include <curl/curl.h>

#include "script/value.h"

enum { MW_COOKIES = 100, MW_COOKIE_BYTES = 8 << 10 };

void mw_cookies_set(CURL *easy, const mw_value *lines); /* from now on EASY keeps cookies */
mw_value *mw_cookies_tell(CURL *easy);                  /* those that it has */

#endif
