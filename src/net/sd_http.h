/* sd_http.h - targets that an HTTP endpoint lists, as Prometheus asks for them.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_SD_HTTP_H
#define MW_NET_SD_HTTP_H
#include "net/net.h"

/* SPEC {url=, headers={name=text}} is one that can be asked. */
int mw_sd_http_check(const mw_value *spec, mw_err *err);

/* The request for SPEC, asked every EVERY_MS; DONE as in mw_net_send. */
int mw_sd_http_send(mw_net *net, const mw_value *spec, int64_t every_ms, mw_net_done *done,
                    void *arg);

/* MW_OK when R is an answer whose body is to be read. */
int mw_sd_http_answer(const mw_net_response *r, mw_err *err);

#endif
