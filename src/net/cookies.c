/* cookies.c - libcurl's jar, filled and emptied.  SPDX-License-Identifier: MIT */
#include "net/cookies.h"

#include <string.h>

/* A line of a jar, and no command to libcurl. */
static bool is_line(const mw_value *v)
{
    return v->type == MW_TEXT && v->text.n <= MW_COOKIE_BYTES && strchr(v->text.p, '\t') &&
           strlen(v->text.p) == v->text.n && !strpbrk(v->text.p, "\r\n");
}

void mw_cookies_set(CURL *easy, const mw_value *lines)
{
    curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* no file, but a jar */
    for (size_t i = 0; lines->type == MW_LIST && i < lines->list.n && i < MW_COOKIES; i++)
        if (is_line(lines->list.item[i]))
            curl_easy_setopt(easy, CURLOPT_COOKIELIST, lines->list.item[i]->text.p);
}

mw_value *mw_cookies_tell(CURL *easy)
{
    mw_value *list = mw_list_new();
    struct curl_slist *lines = NULL;
    curl_easy_getinfo(easy, CURLINFO_COOKIELIST, &lines);
    for (struct curl_slist *l = lines; l && list->list.n < MW_COOKIES; l = l->next)
        if (strlen(l->data) <= MW_COOKIE_BYTES && mw_utf8_valid(mw_str_of(l->data)))
            mw_list_add(list, mw_text_new(mw_str_of(l->data)));
    curl_slist_free_all(lines);
    return list;
}
