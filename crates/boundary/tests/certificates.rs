//! OpenSSL's program checks what the boundary certifies, and signs the cluster's request as AWS's pages tell to.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_boundary::Keys;
use strongroom_boundary::keys::{Config, Installation, TlsSignature};
use strongroom_wire::Secret;

const CLUSTER: &str = "cluster-4a6d8f2b1c3";

/// A directory with the certificates of one HSM; removed when dropped.
struct Files {
    directory: PathBuf,
    keys: Keys,
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Files {
    fn new(name: &str, mode: &str) -> Self {
        let root_key = Secret::new(vec![3; 32]);
        let bundle = Installation::create(&root_key).unwrap();
        let installation = Installation::open(&root_key, &bundle).unwrap();
        let keys = Keys::open(Config {
            cluster_id: CLUSTER.into(),
            hsm_id: "hsm-7c1e9a4d2f6".into(),
            root_key,
            installation: bundle,
        })
        .unwrap();
        keys.create_identity().unwrap();
        keys.create_cluster_keys().unwrap();
        let directory =
            std::env::temp_dir().join(format!("strongroom-certificates-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let files = Self { directory, keys };
        for (name, pem) in files.keys.certificates(mode).unwrap() {
            files.write(name, pem.as_bytes());
        }
        files.write("HardwareRoot", installation.hardware_root_certificate().as_bytes());
        files.write("ManufacturerRoot", installation.manufacturer_root_certificate().as_bytes());
        files
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.directory.join(name), bytes).unwrap();
    }

    /// Runs `openssl` in the directory: whether it succeeded, and what it printed.
    fn openssl(&self, arguments: &str) -> (bool, String) {
        run(&self.directory, arguments)
    }

    /// Runs `openssl`, which must succeed.
    fn checked(&self, arguments: &str) -> String {
        let (succeeded, printed) = self.openssl(arguments);
        assert!(succeeded, "openssl {arguments}: {printed}");
        printed
    }
}

fn run(directory: &Path, arguments: &str) -> (bool, String) {
    let output =
        Command::new("openssl").args(arguments.split_whitespace()).current_dir(directory).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

#[test]
fn the_hsm_certificate_verifies_along_both_chains() {
    let files = Files::new("chains", "FIPS");
    for (root, host) in
        [("HardwareRoot", "AwsHardwareCertificate"), ("ManufacturerRoot", "ManufacturerHardwareCertificate")]
    {
        files.checked(&format!("verify -x509_strict -CAfile {root} {root}"));
        files.checked(&format!("verify -x509_strict -CAfile {root} {host}"));
        files.checked(&format!("verify -x509_strict -CAfile {root} -untrusted {host} HsmCertificate"));
    }
}

#[test]
fn the_hsm_certificate_does_not_verify_without_or_along_another_chain() {
    let files = Files::new("no-chain", "FIPS");
    let other = Files::new("other-chain", "FIPS");
    let other_root = other.directory.join("HardwareRoot");
    let other_host = other.directory.join("AwsHardwareCertificate");
    for arguments in [
        "verify -CAfile HardwareRoot HsmCertificate".to_owned(),
        "verify -CAfile HardwareRoot -untrusted ManufacturerHardwareCertificate HsmCertificate".to_owned(),
        format!("verify -CAfile {} -untrusted AwsHardwareCertificate HsmCertificate", other_root.display()),
        format!("verify -CAfile {} -untrusted {} HsmCertificate", other_root.display(), other_host.display()),
    ] {
        let (succeeded, printed) = files.openssl(&arguments);
        assert!(!succeeded, "openssl {arguments}: {printed}");
    }
}

#[test]
fn the_request_is_well_signed_and_names_the_cluster() {
    let files = Files::new("request", "FIPS");
    let printed =
        files.checked("req -in ClusterCsr -verify -noout -subject -nameopt esc_ctrl,sep_comma_plus_space");
    let serial = files.keys.serial_number().unwrap();
    assert!(
        printed.contains(&format!(
            "subject=C=US, ST=CA, O=Strongroom, OU={CLUSTER}, L=SanJose, CN=HSM:{serial}:PARTN:1, for FIPS mode"
        )),
        "{printed}"
    );
    let text = files.checked("req -in ClusterCsr -noout -text");
    assert!(text.contains("Public-Key: (2048 bit)") && text.contains("sha256WithRSAEncryption"), "{text}");
    let other_mode = Files::new("request-mode", "NON_FIPS");
    assert!(other_mode.checked("req -in ClusterCsr -noout -subject").contains("for non-FIPS mode"));
}

#[test]
fn the_hsm_certificate_has_the_key_and_subject_of_the_request() {
    let files = Files::new("same-key", "FIPS");
    assert_eq!(
        files.checked("req -in ClusterCsr -noout -pubkey"),
        files.checked("x509 -in HsmCertificate -noout -pubkey")
    );
    assert_eq!(
        files.checked("req -in ClusterCsr -noout -subject"),
        files.checked("x509 -in HsmCertificate -noout -subject")
    );
}

#[test]
fn authorities_and_the_rest_are_marked_and_valid_for_thirty_years() {
    let files = Files::new("extensions", "FIPS");
    let root = files.checked("x509 -in HardwareRoot -noout -text");
    assert!(
        root.contains("CA:TRUE") && root.contains("Certificate Sign") && root.contains("(384 bit)"),
        "{root}"
    );
    let host = files.checked("x509 -in AwsHardwareCertificate -noout -text");
    assert!(host.contains("CA:TRUE, pathlen:0") && host.contains("(384 bit)"), "{host}");
    let hsm = files.checked("x509 -in HsmCertificate -noout -text");
    assert!(
        hsm.contains("CA:FALSE") && hsm.contains("Digital Signature") && hsm.contains("2048 bit"),
        "{hsm}"
    );
    assert_eq!(
        files.checked("x509 -in AwsHardwareCertificate -noout -subject -pubkey"),
        files.checked("x509 -in ManufacturerHardwareCertificate -noout -subject -pubkey"),
        "one host, two certificates"
    );
    let twenty_nine_years = 29 * 365 * 86_400;
    for name in ["HardwareRoot", "ManufacturerRoot", "AwsHardwareCertificate", "HsmCertificate"] {
        files.checked(&format!("x509 -in {name} -noout -checkend {twenty_nine_years}"));
    }
}

#[test]
fn the_certificate_of_aws_published_commands_is_installed_and_speaks_for_tls() {
    let files = Files::new("install", "FIPS");
    files.checked("genrsa -out customerCA.key 2048");
    files.checked("req -new -x509 -days 3652 -key customerCA.key -out customerCA.crt -subj /CN=customer");
    files.checked(
        "x509 -req -days 3652 -in ClusterCsr -CA customerCA.crt -CAkey customerCA.key -CAcreateserial -out signed.crt",
    );
    files.checked("verify -purpose sslserver -CAfile customerCA.crt signed.crt");
    let text = files.checked("x509 -in signed.crt -noout -text");
    assert!(text.contains("Version: 1 "), "AWS's command makes X.509 v1: {text}");
    let pem = std::fs::read_to_string(files.directory.join("signed.crt")).unwrap();
    files.keys.install_certificate(&pem).unwrap();
    files.write("leaf.der", &files.keys.tls_certificate().unwrap());

    let public_key = files.checked("x509 -inform DER -in leaf.der -noout -pubkey");
    files.write("leaf.pub", public_key.as_bytes());
    files.write("message", b"a transcript");
    for (scheme, hash, salt) in [
        (TlsSignature::RsaPssSha256, "sha256", 32),
        (TlsSignature::RsaPssSha384, "sha384", 48),
        (TlsSignature::RsaPssSha512, "sha512", 64),
    ] {
        files.write("signature", &files.keys.tls_sign(scheme, b"a transcript").unwrap());
        files.checked(&format!(
            "dgst -{hash} -verify leaf.pub -signature signature -sigopt rsa_padding_mode:pss \
             -sigopt rsa_pss_saltlen:{salt} message"
        ));
    }
}

#[test]
fn a_certificate_for_another_clusters_request_is_refused() {
    let files = Files::new("foreign", "FIPS");
    let other = Files::new("foreign-request", "FIPS");
    other.checked("req -new -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=customer");
    other.checked("x509 -req -in ClusterCsr -CA ca.crt -CAkey ca.key -CAcreateserial -out signed.crt");
    let pem = std::fs::read_to_string(other.directory.join("signed.crt")).unwrap();
    let error = files.keys.install_certificate(&pem).unwrap_err();
    assert_eq!(
        error.text,
        "the certificate's public key is not the cluster certificate key: sign this cluster's ClusterCsr"
    );
    assert_eq!(files.keys.tls_certificate(), None);
}
