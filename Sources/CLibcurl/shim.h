#include <curl/curl.h>

/* Swift cannot call variadic functions: one for each kind of argument. */

static inline CURLcode takeup_curl_set_number(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode takeup_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode takeup_curl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode takeup_curl_set_bytes(CURL *handle, const void *value, curl_off_t count) {
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, count);
  return curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, value);
}

static inline CURLcode takeup_curl_set_headers(CURL *handle, struct curl_slist *list) {
  return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
}

static inline CURLcode takeup_curl_set_receiver(CURL *handle, curl_write_callback body, curl_write_callback header,
                                                void *context) {
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, context);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, header);
  return curl_easy_setopt(handle, CURLOPT_HEADERDATA, context);
}

static inline CURLcode takeup_curl_set_sender(CURL *handle, curl_read_callback body, curl_seek_callback seek,
                                              void *context) {
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, body);
  curl_easy_setopt(handle, CURLOPT_READDATA, context);
  curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek);
  return curl_easy_setopt(handle, CURLOPT_SEEKDATA, context);
}

static inline CURLcode takeup_curl_set_progress(CURL *handle, curl_xferinfo_callback progress, void *context) {
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress);
  return curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context);
}

static inline curl_off_t takeup_curl_time(CURL *handle, CURLINFO info) {
  curl_off_t value = 0;
  return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}
