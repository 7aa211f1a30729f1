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
