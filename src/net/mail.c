/* mail.c - hands one message to a mail server: SMTP, with STARTTLS or TLS from the start, and
 * signing in.
 *
 * It runs on a thread of its own, not in the loop of net.c: libcurl says QUIT to a mail server and
 * waits for the answer, whoever else wants to use the loop meanwhile.  The conversation is watched
 * as libcurl shows it: which reply belongs to which recipient, and what the last refusal said, in
 * the words of the server.  What is signed in with passes by unlooked at. Not here: what a message
 * looks like (lua/moonwatch/to/mime.lua).
 * SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/mail_talk.h"
#include "net/probe.h"
#include "net/tls.h"
#include "net/words.h"

enum {
    MAX_ADDRESS = 320,
    MAX_RECIPIENTS = 1000,
    MAX_MESSAGE = 16 << 20,
    MAX_HEARD = 64 << 10, /* of all that a server says to one message */
    GOODBYE_S = 2
};

struct mail {
    CURL *easy;
    const mw_patience *patience;
    mw_str message;
    size_t sent, heard;
    mw_mail_talk talk;
    struct curl_slist *recipients, *connect_to;
    char trouble[CURL_ERROR_SIZE];
};

/* -- listening -------------------------------------------------------------------------------- */

/* Nobody waits for long for the answer to a goodbye. */
static void say(struct mail *m, mw_str line)
{
    mw_mail_said(&m->talk, line);
    if (mw_str_starts(line, "QUIT"))
        curl_easy_setopt(m->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)GOODBYE_S);
}

static int on_talk(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
    struct mail *m = arg;
    if (type == CURLINFO_HEADER_OUT) say(m, (mw_str){p, n});
    if (type == CURLINFO_HEADER_IN && m->heard < MAX_HEARD) {
        m->heard += n;
        if (m->heard < MAX_HEARD) mw_mail_heard(&m->talk, (mw_str){p, n});
    }
    return 0;
}

/* Words of the server that are no answer to anything end the conversation. */
static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct mail *m = arg;
    return atomic_load(m->patience->stop) || m->heard >= MAX_HEARD;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct mail *m = arg;
    size_t left = m->message.n - m->sent, take = size * n < left ? size * n : left;
    memcpy(out, m->message.p + m->sent, take);
    m->sent += take;
    return take;
}

static size_t on_nothing(char *p, size_t size, size_t n, void *arg) { return size * n; }

/* -- asking ----------------------------------------------------------------------------------- */

static bool good_text(mw_str s, size_t most)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f) return false;
    return s.n <= most;
}

static bool good_address(mw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (memchr(" <>", s.p[i], 3)) return false;
    return s.n && good_text(s, MAX_ADDRESS);
}

static int add_recipients(struct mail *m, const mw_value *to, mw_err *err)
{
    if (!to || to->type != MW_LIST || !to->list.n || to->list.n > MAX_RECIPIENTS)
        return mw_fail(err, MW_EARG, 0, 0, "mail: to must name 1 to %d recipients", MAX_RECIPIENTS);
    m->talk.to = to;
    for (size_t i = 0; i < to->list.n; i++) {
        const mw_value *one = to->list.item[i];
        if (one->type != MW_TEXT || !good_address(one->text))
            return mw_fail(err, MW_EARG, 0, 0, "mail: recipient %zu is no address", i + 1);
        char *line = mw_sprintf("<%s>", one->text.p);
        m->recipients = curl_slist_append(m->recipients, line);
        mw_free(line);
    }
    curl_easy_setopt(m->easy, CURLOPT_MAIL_RCPT, m->recipients);
    curl_easy_setopt(m->easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    return MW_OK;
}

/* smtp://host:port/hello, each in its place whatever it is made of. */
static char *make_url(mw_str host, int port, bool tls, mw_str hello)
{
    char number[16], *url = NULL;
    CURLU *u = curl_url();
    char *v6 = strchr(host.p, ':') && host.p[0] != '[' ? mw_sprintf("[%s]", host.p) : NULL;
    char *path = hello.n ? mw_sprintf("/%s", hello.p) : NULL;
    snprintf(number, sizeof number, "%d", port);
    if (curl_url_set(u, CURLUPART_SCHEME, tls ? "smtps" : "smtp", 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_HOST, v6 ? v6 : host.p, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_PORT, number, 0) == CURLUE_OK &&
        (!path || curl_url_set(u, CURLUPART_PATH, path, CURLU_URLENCODE) == CURLUE_OK))
        curl_url_get(u, CURLUPART_URL, &url, 0);
    curl_url_cleanup(u);
    mw_free(v6);
    mw_free(path);
    return url;
}

static int set_server(struct mail *m, const mw_value *arg, mw_err *err)
{
    mw_str host = mw_map_text(arg, "host"), hello = mw_map_text(arg, "hello");
    double port = mw_map_number(arg, "port", 0);
    bool at_once = mw_map_bool(arg, "implicit_tls", false);
    mw_net_tls tls;
    if (!host.n || !good_text(host, 255) || !good_text(hello, 255) || !(port >= 1 && port <= 65535))
        return mw_fail(err, MW_EARG, 0, 0, "mail: host and port (1 to 65535) are needed");
    if (mw_tls_read(mw_map_find(arg, "tls"), &tls, err)) return err->code;
    char *url = make_url(host, (int)port, at_once, hello);
    if (!url)
        return mw_fail(err, MW_EARG, 0, 0, "mail: \"%s\" is not a host name or address", host.p);
    char *renamed = mw_tls_rename(url, &tls, &m->connect_to, NULL);
    curl_easy_setopt(m->easy, CURLOPT_URL, renamed ? renamed : url);
    if (m->connect_to) curl_easy_setopt(m->easy, CURLOPT_CONNECT_TO, m->connect_to);
    curl_free(renamed);
    curl_free(url);
    mw_tls_set(m->easy, &tls);
    long use = mw_map_bool(arg, "require_tls", true) ? CURLUSESSL_ALL
               : mw_map_bool(arg, "try_tls", true)   ? CURLUSESSL_TRY
                                                     : CURLUSESSL_NONE;
    curl_easy_setopt(m->easy, CURLOPT_USE_SSL, use);
    return MW_OK;
}

static int set_auth(struct mail *m, const mw_value *arg, mw_err *err)
{
    mw_str user = mw_map_text(arg, "user"), password = mw_map_text(arg, "password");
    mw_str mechanism = mw_map_text(arg, "mechanism"), identity = mw_map_text(arg, "identity");
    if (!user.n) return MW_OK;
    static const char *const known[] = {"PLAIN", "LOGIN", "CRAM-MD5"};
    bool good = !mechanism.n;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        good |= mw_str_is(mechanism, known[i]);
    if (!good || !good_text(user, 1024) || !good_text(password, 4096) || !good_text(identity, 1024))
        return mw_fail(err, MW_EARG, 0, 0, "mail: user, password or mechanism is not valid");
    curl_easy_setopt(m->easy, CURLOPT_USERNAME, user.p);
    curl_easy_setopt(m->easy, CURLOPT_PASSWORD, password.p);
    if (identity.n) curl_easy_setopt(m->easy, CURLOPT_SASL_AUTHZID, identity.p);
    char *how = mechanism.n ? mw_sprintf("AUTH=%s", mechanism.p) : NULL;
    curl_easy_setopt(m->easy, CURLOPT_LOGIN_OPTIONS,
                     how ? how : "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
    mw_free(how);
    return MW_OK;
}

static int set_limits(struct mail *m, mw_err *err)
{
    int64_t left = (m->patience->deadline_ns - mw_mono_ns()) / 1000000;
    curl_easy_setopt(m->easy, CURLOPT_TIMEOUT_MS, (long)(left < 1 ? 1 : left));
    curl_easy_setopt(m->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, m->patience->timeout_ms / 1000L + 1);
    curl_easy_setopt(m->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(m->easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(m->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(m->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(m->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(m->easy, CURLOPT_ERRORBUFFER, m->trouble);
    curl_easy_setopt(m->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(m->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(m->easy, CURLOPT_XFERINFODATA, m);
    curl_easy_setopt(m->easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(m->easy, CURLOPT_DEBUGFUNCTION, on_talk);
    curl_easy_setopt(m->easy, CURLOPT_DEBUGDATA, m);
    curl_easy_setopt(m->easy, CURLOPT_WRITEFUNCTION, on_nothing);
    return MW_OK;
}

static int set_message(struct mail *m, const mw_value *arg, mw_err *err)
{
    mw_str from = mw_map_text(arg, "from");
    m->message = mw_map_text(arg, "message");
    if (!good_address(from)) return mw_fail(err, MW_EARG, 0, 0, "mail: from is no address");
    if (!m->message.n || m->message.n > MAX_MESSAGE)
        return mw_fail(err, MW_EARG, 0, 0, "mail: a message of 1 to %d bytes is needed",
                       MAX_MESSAGE);
    char *sender = mw_sprintf("<%s>", from.p);
    curl_easy_setopt(m->easy, CURLOPT_MAIL_FROM, sender);
    mw_free(sender);
    curl_easy_setopt(m->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(m->easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(m->easy, CURLOPT_READDATA, m);
    return MW_OK;
}

/* -- judging ---------------------------------------------------------------------------------- */

/* A message that the server answered for is taken, whatever became of the goodbye. */
static int judge(struct mail *m, CURLcode rc, mw_err *err)
{
    mw_buf words = {0};
    if (m->talk.taken) return MW_OK;
    if (atomic_load(m->patience->stop))
        return mw_fail(err, MW_ECANCEL, 0, 0, "moonwatch is stopping");
    if (m->heard >= MAX_HEARD)
        return mw_fail(err, MW_EIO, 0, 0, "the mail server said more than %d bytes", MAX_HEARD);
    if (rc == CURLE_OK)
        return mw_fail(err, MW_EIO, 0, 0, "the mail server did not take the message");
    if (rc == CURLE_USE_SSL_FAILED)
        mw_buf_text(&words, "the mail server offers no STARTTLS, and require_tls is true");
    else if (m->talk.status >= 400)
        mw_buf_printf(&words, "the mail server said: %s", m->talk.reply);
    else if (rc == CURLE_WEIRD_SERVER_REPLY)
        mw_buf_text(&words, "what the mail server says makes no sense");
    else if (rc == CURLE_LOGIN_DENIED)
        mw_buf_text(&words, "the mail server has no way to sign in that we may use");
    else
        mw_words_curl(&words, m->easy, rc, m->trouble, m->patience->timeout_ms);
    mw_fail(err, MW_EIO, 0, 0, "%s", words.p);
    mw_buf_deinit(&words);
    return err->code;
}

int mw_mail_run(const mw_value *arg, const mw_patience *patience, mw_value *answer, mw_err *err)
{
    struct mail m = {.easy = curl_easy_init(), .patience = patience, .talk.refused = mw_list_new()};
    MW_ASSERT(m.easy);
    int code;
    if ((code = set_server(&m, arg, err)) || (code = set_auth(&m, arg, err)) ||
        (code = add_recipients(&m, mw_map_find(arg, "to"), err)) ||
        (code = set_message(&m, arg, err)) || (code = set_limits(&m, err)))
        goto out;
    CURLcode rc = curl_easy_perform(m.easy);
    code = judge(&m, rc, err);
    if (m.talk.status) mw_map_set_number(answer, "status", (double)m.talk.status);
    if (m.talk.reply[0]) mw_map_set_text(answer, "reply", m.talk.reply);
    mw_map_set_bool(answer, "no_tls", rc == CURLE_USE_SSL_FAILED);
    mw_map_set_bool(answer, "login", rc == CURLE_LOGIN_DENIED);
    mw_map_set(answer, "refused", m.talk.refused);
    m.talk.refused = NULL;
out:
    mw_map_set_bool(answer, "bad", code == MW_EARG);
    mw_value_free(m.talk.refused);
    curl_slist_free_all(m.recipients);
    curl_slist_free_all(m.connect_to);
    curl_easy_cleanup(m.easy);
    return code;
}
