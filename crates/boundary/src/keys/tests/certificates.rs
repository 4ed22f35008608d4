//! Certificates, the request, installing, and signing for TLS. `tests/certificates.rs` has OpenSSL check them.

use aws_lc_rs::signature::{
    KeyPair as _, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    UnparsedPublicKey,
};

use super::super::TlsSignature;
use super::*;

fn named(keys: &Keys, mode: &str, name: &str) -> String {
    keys.certificates(mode).unwrap().into_iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn certificates_are_named_as_in_the_api() {
    let names: Vec<_> = member().certificates("FIPS").unwrap().iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["ClusterCsr", "HsmCertificate", "AwsHardwareCertificate", "ManufacturerHardwareCertificate"]
    );
}

#[test]
fn a_mode_that_is_none_is_refused() {
    assert!(refused(member().certificates("fips")).text.contains("neither FIPS nor NON_FIPS"));
}

#[test]
fn the_same_hsm_gives_the_same_request_each_time() {
    let keys = member();
    assert_eq!(named(&keys, "FIPS", "ClusterCsr"), named(&keys, "FIPS", "ClusterCsr"));
    assert_ne!(named(&keys, "FIPS", "ClusterCsr"), named(&keys, "NON_FIPS", "ClusterCsr"));
}

#[test]
fn a_certificate_of_the_cluster_key_is_installed_and_shown_to_tls() {
    let keys = member();
    assert_eq!(keys.tls_certificate(), None);
    let certificate = named(&keys, "FIPS", "HsmCertificate");
    keys.install_certificate(&certificate).unwrap();
    assert_eq!(keys.tls_certificate().unwrap(), pem::parse(&certificate).unwrap().contents());
    let with_text = format!("Certificate:\n    Data:\n{certificate}");
    keys.install_certificate(&with_text).unwrap();
}

#[test]
fn what_is_not_one_certificate_of_the_cluster_key_is_refused_by_name() {
    let keys = member();
    let text = |pem: &str| refused(keys.install_certificate(pem)).text.into_owned();
    let foreign = member();
    foreign.cluster.get().unwrap();
    assert_eq!(
        text(&named(&keys, "FIPS", "AwsHardwareCertificate")),
        "the certificate's public key is not the cluster certificate key: sign this cluster's ClusterCsr"
    );
    assert_eq!(text(""), "the PEM text holds no certificate");
    assert_eq!(
        text(&named(&keys, "FIPS", "ClusterCsr")),
        "the PEM text holds a CERTIFICATE REQUEST where a CERTIFICATE is expected"
    );
    let own = named(&keys, "FIPS", "HsmCertificate");
    assert!(text(&format!("{own}{own}")).starts_with("the PEM text holds more than one block"));
    assert_eq!(
        text("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
        "the cluster certificate is not an X.509 certificate"
    );
    assert_eq!(text(&own[..own.len() / 2]), "the PEM text holds no certificate");
    assert_eq!(keys.tls_certificate(), None);
}

#[test]
fn tls_signatures_are_pss_by_the_cluster_key() {
    let keys = keyed(CLUSTER, HSM);
    let public = keys.cluster.get().unwrap().certificate_key.public_key().as_ref().to_vec();
    for (scheme, algorithm) in [
        (TlsSignature::RsaPssSha256, &RSA_PSS_2048_8192_SHA256),
        (TlsSignature::RsaPssSha384, &RSA_PSS_2048_8192_SHA384),
        (TlsSignature::RsaPssSha512, &RSA_PSS_2048_8192_SHA512),
    ] {
        let signature = keys.tls_sign(scheme, b"transcript").unwrap();
        let public = UnparsedPublicKey::new(algorithm, &public);
        public.verify(b"transcript", &signature).unwrap();
        public.verify(b"transcripT", &signature).unwrap_err();
    }
}
