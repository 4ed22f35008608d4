//! Identities and statements.

use super::super::identity::{Statement, StatementBody, check_statement};
use super::*;
use strongroom_wire::Message;

fn check(keys: &Keys, statement: &[u8]) -> Result<super::super::identity::CheckedStatement> {
    check_statement(&keys.installation.hardware_root_certificate, statement)
}

#[test]
fn a_sealed_identity_opens_on_its_hsm_only() {
    let keys = bare(CLUSTER, HSM);
    let sealed = keys.create_identity().unwrap();
    let again = bare(CLUSTER, HSM);
    again.open_identity(&sealed).unwrap();
    assert_eq!(again.serial_number().unwrap(), keys.serial_number().unwrap());
    let text = integrity(bare(CLUSTER, OTHER_HSM).open_identity(&sealed));
    assert!(text.starts_with("the identity of hsm-bbbbbbbbbbb in cluster-aaaaaaaaaaa was altered"), "{text}");
    integrity(bare(OTHER_CLUSTER, HSM).open_identity(&sealed));
    for at in (0..sealed.len()).step_by(7) {
        let mut altered = sealed.clone();
        altered[at] ^= 0x10;
        integrity(bare(CLUSTER, HSM).open_identity(&altered));
        integrity(bare(CLUSTER, HSM).open_identity(&sealed[..at]));
    }
}

#[test]
fn a_serial_number_is_twelve_decimal_digits_and_differs_between_hsms() {
    let (one, two) = (member().serial_number().unwrap(), member().serial_number().unwrap());
    assert!(
        one.len() == 12 && one.bytes().all(|digit| digit.is_ascii_digit()) && !one.starts_with('0'),
        "{one}"
    );
    assert_ne!(one, two);
}

#[test]
fn a_statement_of_this_installation_is_taken() {
    let keys = member();
    let checked = check(&keys, &keys.identity_statement().unwrap()).unwrap();
    assert_eq!((checked.cluster_id.as_str(), checked.hsm_id.as_str()), (CLUSTER, HSM));
    assert_eq!(checked.wrapping_public, keys.identity.get().unwrap().wrapping_public);
}

#[test]
fn a_statement_of_another_installation_is_refused() {
    let foreign = bare_in(&Installation::create(&root_key()).unwrap(), CLUSTER, HSM);
    foreign.create_identity().unwrap();
    assert_eq!(
        integrity(check(&member(), &foreign.identity_statement().unwrap())),
        "the identity certificate was not issued by this installation"
    );
}

#[test]
fn an_identity_certificate_of_a_host_that_is_not_the_named_one_is_refused() {
    let keys = member();
    let foreign = bare_in(&Installation::create(&root_key()).unwrap(), CLUSTER, HSM);
    foreign.create_identity().unwrap();
    let text = integrity(check(
        &keys,
        &edited(&foreign.identity_statement().unwrap(), |body| {
            body.host_certificate = keys.installation.hardware_certificate.clone();
        }),
    ));
    assert_eq!(text, "the identity certificate was not issued by the host that the statement names");
}

#[test]
fn an_hsm_cannot_certify_another_hsm() {
    // The identity certificate stands where the host's belongs: not signed by the root, and no authority.
    let keys = member();
    let text = integrity(check(
        &keys,
        &edited(&keys.identity_statement().unwrap(), |body| {
            body.host_certificate = body.identity_certificate.clone();
        }),
    ));
    assert_eq!(text, "the identity certificate was not issued by this installation");
    // The root's own certificate is signed by the root; what it did not sign directly fails at the next link.
    let text = integrity(check(
        &keys,
        &edited(&keys.identity_statement().unwrap(), |body| {
            body.host_certificate = keys.installation.hardware_root_certificate.clone();
        }),
    ));
    assert_eq!(text, "the identity certificate was not issued by the host that the statement names");
}

#[test]
fn an_edited_statement_is_refused() {
    let keys = member();
    let statement = keys.identity_statement().unwrap();
    let altered = "the identity statement was altered: its signature is not by its identity key";
    assert_eq!(integrity(check(&keys, &edited(&statement, |body| body.hsm_id = OTHER_HSM.into()))), altered);
    assert_eq!(
        integrity(check(&keys, &edited(&statement, |body| body.cluster_id = OTHER_CLUSTER.into()))),
        altered
    );
    let other = member().identity.get().unwrap().wrapping_public.clone();
    assert_eq!(integrity(check(&keys, &edited(&statement, |body| body.wrapping_public = other))), altered);
}

#[test]
fn a_statement_that_its_own_identity_signed_for_another_hsm_or_cluster_is_refused() {
    let keys = member();
    let identity = keys.identity.get().unwrap();
    let text = "the identity certificate was issued for another HSM or cluster";
    assert_eq!(integrity(check(&keys, &identity.statement(CLUSTER, OTHER_HSM).unwrap())), text);
    assert_eq!(integrity(check(&keys, &identity.statement(OTHER_CLUSTER, HSM).unwrap())), text);
}

#[test]
fn an_expired_identity_is_refused() {
    let keys = member();
    let identity = keys.identity().unwrap();
    let mut host_name = rcgen::DistinguishedName::new();
    host_name.push(rcgen::DnType::OrganizationName, "Strongroom");
    host_name.push(rcgen::DnType::CommonName, keys.installation.host.name.as_str());
    let mut host = rcgen::CertificateParams::default();
    host.distinguished_name = host_name;
    let issuer = rcgen::Issuer::new(host, &keys.installation.host.key);
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::OrganizationalUnitName, CLUSTER);
    params.distinguished_name.push(rcgen::DnType::CommonName, HSM);
    let statement = Statement::from_bytes(&keys.identity_statement().unwrap()).unwrap();
    let mut reissued = |last_year: i32| {
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        let certificate = params.signed_by(&identity.signing, &issuer).unwrap();
        let mut body = StatementBody::from_bytes(&statement.body).unwrap();
        body.identity_certificate = certificate.der().to_vec();
        let body = body.to_bytes();
        let message = [&b"strongroom identity statement 1\0"[..], &body].concat();
        Statement { body, signature: identity.signing.sign(&message).unwrap() }.to_bytes()
    };
    check(&keys, &reissued(4000)).unwrap();
    let text = integrity(check(&keys, &reissued(2020)));
    assert_eq!(text, "a certificate of the identity statement has expired");
}

#[test]
fn a_damaged_statement_is_refused_at_every_byte() {
    let keys = member();
    let statement = keys.identity_statement().unwrap();
    for at in 0..statement.len() {
        let mut altered = statement.clone();
        altered[at] ^= 1;
        integrity(check(&keys, &altered));
        integrity(check(&keys, &statement[..at]));
    }
}

/// The statement with another body and the old signature.
fn edited(statement: &[u8], edit: impl FnOnce(&mut StatementBody)) -> Vec<u8> {
    let statement = Statement::from_bytes(statement).unwrap();
    let mut body = StatementBody::from_bytes(&statement.body).unwrap();
    edit(&mut body);
    Statement { body: body.to_bytes(), signature: statement.signature }.to_bytes()
}
