/*
 * support_tls.h - an authority and certificates of the test's own, in files of its folder.
 */
#ifndef WR_SUPPORT_TLS_H
#define WR_SUPPORT_TLS_H

#include "support_folder.h"

struct wr_certificates {
    struct wr_folder folder;
    void *ca_key, *ca; /* EVP_PKEY *, X509 * */
    long serial;
};

/* Makes "ca.pem". */
void wr_certificates_make(struct wr_certificates *all);
void wr_certificates_remove(struct wr_certificates *all);
/* A certificate and its key in one file. name: "DNS:a.example", "IP:127.0.0.1", "" for a client's;
 * days: it is valid from a day ago on; < 0: it was. Returns the path, as wr_folder_path. */
const char *wr_certificate(struct wr_certificates *all, const char *file, const char *name,
                           int days);
/* The same, signed by itself. */
const char *wr_certificate_of_its_own(struct wr_certificates *all, const char *file,
                                      const char *name);

#endif
