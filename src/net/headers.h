/* headers.h - looking into the head of an HTTP answer.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_HEADERS_H
#define MW_NET_HEADERS_H
#include "base/str.h"

/* The value of the header NAME in BLOCK; {"",0} when it is not there. */
mw_str mw_header_find(mw_str block, const char *name);

#endif
