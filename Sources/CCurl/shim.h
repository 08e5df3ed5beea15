#include <curl/curl.h>
#include <stdio.h>

// libcurl's setters and getters are variadic, which Swift does not call: one name for each type of argument.

typedef size_t (*lam_curl_bytes)(char *bytes, size_t size, size_t count, void *context);
typedef int (*lam_curl_progress)(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up);

static inline CURLcode lam_curl_set_long(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode lam_curl_set_text(CURL *curl, CURLoption option, const char *value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode lam_curl_set_list(CURL *curl, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode lam_curl_set_callbacks(CURL *curl, lam_curl_bytes header, lam_curl_bytes body,
                                              lam_curl_progress progress, void *context) {
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, context);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, context);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, context);
    return curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/// What is sent: `count` bytes, which must stay as they are during the transfer.
static inline CURLcode lam_curl_set_bytes(CURL *curl, const void *bytes, size_t count) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    return curl_easy_setopt(curl, CURLOPT_POSTFIELDS, count ? bytes : "");
}

/// What is sent: `count` bytes of a file from where it stands.
static inline CURLcode lam_curl_set_file(CURL *curl, FILE *file, long long count) {
    curl_easy_setopt(curl, CURLOPT_READDATA, file);
    return curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)count);
}

static inline CURLcode lam_curl_set_error_buffer(CURL *curl, char *buffer) {
    return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, buffer);
}

static inline const char *lam_curl_redirect(CURL *curl) {
    char *url = NULL;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &url);
    return url;
}

/// Connections, names and TLS sessions that transfers of one thread take over from each other.
static inline CURLSH *lam_curl_new_share(void) {
    CURLSH *share = curl_share_init();
    if (!share) return NULL;
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return share;
}

static inline CURLcode lam_curl_set_share(CURL *curl, CURLSH *share) {
    return curl_easy_setopt(curl, CURLOPT_SHARE, share);
}

static inline const char *lam_curl_error(CURLcode code) { return curl_easy_strerror(code); }
static inline CURLcode lam_curl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
