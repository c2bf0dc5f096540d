/* secure.c - OpenSSL on a socket that does not block.
 *
 * Nothing is verified during the handshake: the verdict is kept, so that a probe can tell of a
 * certificate that is no good, too.  The authorities of the system are looked up one by one in
 * their folder; reading all of them for every probe would cost more than the handshake.
 * SPDX-License-Identifier: MIT */
#include "net/secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>

#include "base/mem.h"
#include "net/certs.h"
#include "net/words.h"

struct mw_secure {
    SSL_CTX *ctx;
    SSL *ssl;
    const mw_patience *patience;
    int fd;
    bool insecure;
};

static int fail_ssl(const char *doing, mw_err *err)
{
    unsigned long e = ERR_peek_last_error();
    const char *why = e ? ERR_reason_error_string(e) : NULL;
    ERR_clear_error();
    return mw_fail(err, MW_EIO, 0, 0, "TLS: %s%s%s", doing, why ? ": " : "", why ? why : "");
}

/* What RC of a call on the connection means: MW_OK when it is to be made again. */
static int again(mw_secure *s, int rc, const char *doing, mw_err *err)
{
    int e = errno;
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ: return mw_wait_fd(s->fd, POLLIN, s->patience, err);
    case SSL_ERROR_WANT_WRITE: return mw_wait_fd(s->fd, POLLOUT, s->patience, err);
    case SSL_ERROR_SYSCALL:
        if (ERR_peek_last_error()) break;
        return mw_fail(err, MW_EIO, 0, 0, "TLS: %s: %s", doing,
                       e ? mw_words_errno(e) : "the other side closed the connection");
    default: break;
    }
    return fail_ssl(doing, err);
}

/* -- whom to trust ---------------------------------------------------------------------------- */

static int load_authorities(SSL_CTX *ctx, const mw_net_tls *tls, mw_err *err)
{
    if (tls->ca) {
        if (SSL_CTX_load_verify_file(ctx, tls->ca)) return MW_OK;
        ERR_clear_error();
        return mw_fail(err, MW_EARG, 0, 0, "tls: %s holds no certificates (PEM)", tls->ca);
    }
    SSL_CTX_set_default_verify_dir(ctx);
    ERR_clear_error();
    return MW_OK;
}

static int load_own(SSL_CTX *ctx, const mw_net_tls *tls, mw_err *err)
{
    if (!tls->cert) return MW_OK;
    if (SSL_CTX_use_certificate_chain_file(ctx, tls->cert) == 1 &&
        SSL_CTX_use_PrivateKey_file(ctx, tls->key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(ctx) == 1)
        return MW_OK;
    ERR_clear_error();
    return mw_fail(err, MW_EARG, 0, 0, "tls: %s and %s are no certificate and its key (PEM)",
                   tls->cert, tls->key);
}

static bool is_address(const char *host)
{
    unsigned char room[16];
    return inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;
}

static void set_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (is_address(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(param, name);
        return;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(param, name, 0);
    SSL_set_tlsext_host_name(ssl, name);
}

/* -- a connection ----------------------------------------------------------------------------- */

static int shake(mw_secure *s, mw_err *err)
{
    int code = MW_OK;
    for (int rc; code == MW_OK;) {
        ERR_clear_error();
        errno = 0;
        if ((rc = SSL_connect(s->ssl)) == 1) return MW_OK;
        code = again(s, rc, "no handshake", err);
    }
    return code;
}

mw_secure *mw_secure_open(int fd, const char *host, const mw_net_tls *tls,
                          const mw_patience *patience, mw_err *err)
{
    mw_secure *s = mw_zalloc(sizeof *s);
    *s = (mw_secure){.fd = fd, .patience = patience, .insecure = tls->insecure};
    s->ctx = SSL_CTX_new(TLS_client_method());
    MW_ASSERT(s->ctx);
    SSL_CTX_set_verify(s->ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_options(s->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_OFF);
    if (load_authorities(s->ctx, tls, err) != MW_OK || load_own(s->ctx, tls, err) != MW_OK)
        goto fail;
    s->ssl = SSL_new(s->ctx);
    MW_ASSERT(s->ssl && SSL_set_fd(s->ssl, fd));
    set_name(s->ssl, tls->server_name ? tls->server_name : host);
    if (shake(s, err) == MW_OK) return s;
fail:
    mw_secure_close(s);
    return NULL;
}

int mw_secure_trust(const mw_secure *s, mw_err *err)
{
    long verdict = SSL_get_verify_result(s->ssl);
    if (s->insecure || verdict == X509_V_OK) return MW_OK;
    return mw_fail(err, MW_EEXEC, 0, 0, "certificate: %s", X509_verify_cert_error_string(verdict));
}

mw_value *mw_secure_tell(const mw_secure *s) { return mw_certs_tell(s->ssl); }

int mw_secure_write(mw_secure *s, mw_str bytes, mw_err *err)
{
    int code = MW_OK;
    while (bytes.n && code == MW_OK) {
        ERR_clear_error();
        errno = 0;
        int n = SSL_write(s->ssl, bytes.p, bytes.n > 16384 ? 16384 : (int)bytes.n);
        if (n > 0)
            bytes = (mw_str){bytes.p + n, bytes.n - (size_t)n};
        else
            code = again(s, n, "send", err);
    }
    return code;
}

long mw_secure_read(mw_secure *s, char *out, size_t n, mw_err *err)
{
    int code = MW_OK;
    while (code == MW_OK) {
        ERR_clear_error();
        errno = 0;
        int got = SSL_read(s->ssl, out, n > 16384 ? 16384 : (int)n);
        if (got > 0) return got;
        if (SSL_get_error(s->ssl, got) == SSL_ERROR_ZERO_RETURN) return 0;
        code = again(s, got, "receive", err);
    }
    return code;
}

void mw_secure_close(mw_secure *s)
{
    if (!s) return;
    SSL_free(s->ssl);
    SSL_CTX_free(s->ctx);
    mw_free(s);
}
