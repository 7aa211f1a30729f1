// pem.h before cms.h, or the PEM readers of CMS do not exist.
#include <openssl/pem.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

// Typed stacks and control calls of libcrypto are macros, which Swift cannot see.

static inline int takeup_cms_recipient_count(CMS_ContentInfo *cms) {
    STACK_OF(CMS_RecipientInfo) *recipients = CMS_get0_RecipientInfos(cms);
    return recipients ? sk_CMS_RecipientInfo_num(recipients) : 0;
}

static inline CMS_RecipientInfo *takeup_cms_recipient(CMS_ContentInfo *cms, int index) {
    return sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), index);
}

static inline int takeup_cms_agreed_key_count(CMS_RecipientInfo *recipient) {
    STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(recipient);
    return keys ? sk_CMS_RecipientEncryptedKey_num(keys) : 0;
}

static inline CMS_RecipientEncryptedKey *takeup_cms_agreed_key(CMS_RecipientInfo *recipient, int index) {
    return sk_CMS_RecipientEncryptedKey_value(CMS_RecipientInfo_kari_get0_reks(recipient), index);
}

/// The cipher context of a cipher BIO, owned by the BIO; NULL where it has none.
static inline EVP_CIPHER_CTX *takeup_bio_cipher_context(BIO *bio) {
    EVP_CIPHER_CTX *context = NULL;
    return BIO_get_cipher_ctx(bio, &context) > 0 ? context : NULL;
}

/// A list of one certificate, which keeps a reference of its own.
static inline STACK_OF(X509) *takeup_certificate_list(X509 *certificate) {
    STACK_OF(X509) *list = sk_X509_new_null();
    if (list && X509_up_ref(certificate)) sk_X509_push(list, certificate);
    return list;
}

static inline void takeup_free_certificate_list(STACK_OF(X509) *list) { sk_X509_pop_free(list, X509_free); }

/// Writes out what a chain still holds.
static inline int takeup_flush(BIO *chain) { return (int)BIO_flush(chain); }

/// Frees a chain up to the BIO that it was put on.
static inline void takeup_free_chain(BIO *chain, BIO *end) {
    while (chain && chain != end) {
        BIO *next = BIO_pop(chain);
        BIO_free(chain);
        chain = next;
    }
}
