/* dns_answer.h - what a name server said, read from its bytes.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_DNS_ANSWER_H
#define MW_NET_DNS_ANSWER_H
#include "base/err.h"
#include "script/value.h"

enum { MW_DNS_RECORDS = 500 }; /* of an answer that are read; the rest is counted only */

/* Into OUT: rcode ("NOERROR"), authoritative, truncated, answer_rrs, authority_rrs, additional_rrs,
 * answers = list of {name=, type=, ttl=, data=}, and serial when an SOA record is among them.
 * Names have no dot at their end; what is no printable ASCII is written \DDD. */
int mw_dns_answer_read(mw_str bytes, mw_value *out, mw_err *err);

/* The number of a type of records ("A"), or 0. */
int mw_dns_type(mw_str name);

#endif
