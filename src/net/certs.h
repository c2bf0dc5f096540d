/* certs.h - what a handshake of TLS showed.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_CERTS_H
#define MW_NET_CERTS_H
#include <openssl/ssl.h>

#include "script/value.h"

enum { MW_CERTS = 10 }; /* of a chain that are told of */

/* {version="TLS 1.3", cipher=, chain={ {subject=, issuer=, names={}, not_before=, not_after=,
 * fingerprint=} }, earliest= (unix seconds: the first end among those that were shown), verified=
 * (the same of the chain that was verified; when one was)}; times in unix seconds. */
mw_value *mw_certs_tell(const SSL *ssl);

/* Only the chain and its first end. */
mw_value *mw_certs_of(const STACK_OF(X509) * chain);

#endif
