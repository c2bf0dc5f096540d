/* tls.c - certificates and names for libcurl.
 *
 * libcurl takes the name that a certificate must have from the url.  Where another one is asked
 * for, the url gets that name and CONNECT_TO leads it to the peer, so that the name is also the one
 * that the peer is told (SNI), as other clients do.  SPDX-License-Identifier: MIT */
#include "net/tls.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_PATH = 4096, MAX_NAME = 253 };

/* -- reading ---------------------------------------------------------------------------------- */

static int read_path(const mw_value *spec, const char *key, const char **out, mw_err *err)
{
    mw_str path = mw_map_text(spec, key);
    *out = path.n ? path.p : NULL;
    if (path.n > MAX_PATH || (path.n && strlen(path.p) != path.n))
        return mw_fail(err, MW_EARG, 0, 0, "tls: %s is no name of a file", key);
    return MW_OK;
}

static int read_name(const mw_value *spec, const char **out, mw_err *err)
{
    mw_str name = mw_map_text(spec, "server_name");
    bool good = name.n <= MAX_NAME;
    for (size_t i = 0; good && i < name.n; i++)
        good = isalnum((unsigned char)name.p[i]) || memchr("-._", name.p[i], 3);
    *out = name.n ? name.p : NULL;
    if (!good) return mw_fail(err, MW_EARG, 0, 0, "tls: server_name is no name of a host");
    return MW_OK;
}

int mw_tls_read(const mw_value *spec, mw_net_tls *out, mw_err *err)
{
    int code;
    *out = (mw_net_tls){0};
    if (!spec || spec->type != MW_MAP) return MW_OK;
    if ((code = read_path(spec, "ca", &out->ca, err)) ||
        (code = read_path(spec, "cert", &out->cert, err)) ||
        (code = read_path(spec, "key", &out->key, err)) ||
        (code = read_name(spec, &out->server_name, err)))
        return code;
    if (!out->cert != !out->key)
        return mw_fail(err, MW_EARG, 0, 0, "tls: cert and key go together");
    out->insecure = mw_map_bool(spec, "insecure", false);
    return MW_OK;
}

static const char *copy_of(const char *text) { return text ? mw_strdup(text) : NULL; }

void mw_tls_copy(mw_net_tls *to, const mw_net_tls *from)
{
    *to = (mw_net_tls){copy_of(from->ca), copy_of(from->cert), copy_of(from->key),
                       copy_of(from->server_name), from->insecure};
}

void mw_tls_deinit(mw_net_tls *tls)
{
    mw_free((char *)tls->ca);
    mw_free((char *)tls->cert);
    mw_free((char *)tls->key);
    mw_free((char *)tls->server_name);
}

/* -- for libcurl ------------------------------------------------------------------------------ */

/* The authorities of the system one by one, as they are needed, from the folder where they lie by
 * their hashes: reading the one file with all of them takes longer than a handshake, and all
 * other requests would wait for it. */
static void use_system(CURL *easy)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->age >= CURLVERSION_EIGHTH && info->capath)
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
}

void mw_tls_set(CURL *easy, const mw_net_tls *tls)
{
    if (!tls->ca) use_system(easy);
    if (tls->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (tls->ca) { /* and nobody else; one file is read as quickly as it is remembered */
        curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
    if (tls->cert) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key);
    }
}

/* https, or mail, which may turn to TLS as it goes. */
static bool may_be_tls(CURLU *u)
{
    char *scheme = NULL;
    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
    bool yes = scheme && (!strcmp(scheme, "https") || !strncmp(scheme, "smtp", 4));
    curl_free(scheme);
    return yes;
}

static bool names_host(const struct curl_slist *headers)
{
    for (; headers; headers = headers->next)
        if (!strncasecmp(headers->data, "Host:", 5)) return true;
    return false;
}

static void add(struct curl_slist **list, char *line)
{
    *list = curl_slist_append(*list, line);
    mw_free(line);
}

char *mw_tls_rename(const char *url, const mw_net_tls *tls, struct curl_slist **connect_to,
                    struct curl_slist **headers)
{
    char *host = NULL, *port = NULL, *said = NULL, *renamed = NULL;
    CURLU *u = tls->server_name ? curl_url() : NULL;
    if (!u || curl_url_set(u, CURLUPART_URL, url, 0) || !may_be_tls(u)) goto out;
    curl_url_get(u, CURLUPART_PORT, &said, 0);
    if (curl_url_get(u, CURLUPART_HOST, &host, 0) ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
        curl_url_set(u, CURLUPART_HOST, tls->server_name, 0) ||
        curl_url_get(u, CURLUPART_URL, &renamed, 0))
        goto out;
    add(connect_to, mw_sprintf("%s:%s:%s:%s", tls->server_name, port, host, port));
    if (headers && !names_host(*headers))
        add(headers, mw_sprintf("Host: %s%s%s", host, said ? ":" : "", said ? said : ""));
out:
    curl_free(host);
    curl_free(port);
    curl_free(said);
    curl_url_cleanup(u);
    return renamed;
}
