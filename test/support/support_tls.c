/*
 * support_tls.c - certificates for tests: keys of P-256, made anew for each test.
 */
#include "support_tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "support_check.h"

enum { DAY_S = 24 * 3600 };

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: by itself. */
static X509 *make(struct wr_certificates *all, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                  const char *subject, const char *name, int days)
{
    X509 *cert = X509_new();
    ck_assert_ptr_nonnull(cert);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++all->serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), days < 0 ? (long)(days - 1) * DAY_S : -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * DAY_S);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)subject, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert));
    if (name == NULL) {
        add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    } else if (name[0] != '\0') {
        add_extension(cert, issuer != NULL ? issuer : cert, NID_subject_alt_name, name);
    }
    ck_assert_int_gt(X509_sign(cert, issuer != NULL ? issuer_key : key, EVP_sha256()), 0);
    return cert;
}

static const char *save(struct wr_certificates *all, const char *file, X509 *cert, EVP_PKEY *key)
{
    const char *path = wr_folder_path(&all->folder, file);
    FILE *to = fopen(path, "w");
    ck_assert_ptr_nonnull(to);
    ck_assert_int_eq(PEM_write_X509(to, cert), 1);
    if (key != NULL) {
        ck_assert_int_eq(PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL), 1);
    }
    fclose(to);
    return path;
}

void wr_certificates_make(struct wr_certificates *all)
{
    *all = (struct wr_certificates){.serial = 0};
    wr_folder_make(&all->folder);
    all->ca_key = EVP_EC_gen("P-256");
    ck_assert_ptr_nonnull(all->ca_key);
    all->ca = make(all, all->ca_key, NULL, NULL, "weir test authority", NULL, 2);
    (void)save(all, "ca.pem", all->ca, NULL);
}

void wr_certificates_remove(struct wr_certificates *all)
{
    X509_free(all->ca);
    EVP_PKEY_free(all->ca_key);
    wr_folder_remove(&all->folder);
}

static const char *make_one(struct wr_certificates *all, const char *file, const char *name,
                            int days, X509 *issuer)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ck_assert_ptr_nonnull(key);
    X509 *cert = make(all, key, issuer, all->ca_key, "somebody", name, days);
    const char *path = save(all, file, cert, key);
    X509_free(cert);
    EVP_PKEY_free(key);
    return path;
}

const char *wr_certificate(struct wr_certificates *all, const char *file, const char *name,
                           int days)
{
    return make_one(all, file, name, days, all->ca);
}

const char *wr_certificate_of_its_own(struct wr_certificates *all, const char *file,
                                      const char *name)
{
    return make_one(all, file, name, 2, NULL);
}
