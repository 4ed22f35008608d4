//! Each self-test made to fail, from outside. `make test` runs this in a build of its own, with the feature.
#![cfg(feature = "fail-selftest")]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use strongroom_boundary::keys::{Config, Installation};
use strongroom_boundary::{Keys, Objects, Options};
use strongroom_wire::{Rv, Secret};

/// The parent runs this test again, in a child whose environment names the test that shall fail.
#[test]
fn an_hsm_whose_self_test_fails_refuses_work_and_names_the_test() {
    let Ok(name) = std::env::var("STRONGROOM_FAIL_SELFTEST") else {
        assert!(strongroom_boundary::self_tests().count() > 10);
        for name in strongroom_boundary::self_tests() {
            let program = std::env::current_exe().unwrap();
            let child =
                std::process::Command::new(program).env("STRONGROOM_FAIL_SELFTEST", name).output().unwrap();
            assert!(child.status.success(), "{name}: {}", String::from_utf8_lossy(&child.stdout));
        }
        return;
    };
    let root_key = Secret::new(vec![7; 32]);
    let installation = Installation::create(&root_key).unwrap();
    let config = Config { cluster_id: "cluster-1".into(), hsm_id: "hsm-1".into(), root_key, installation };
    let keys = Arc::new(Keys::open(config).unwrap());
    let objects =
        Objects::new(keys, Options { fips: true, allow_unlocked_memory: true, ..Options::default() })
            .unwrap();
    assert_eq!(objects.failure(), Some(name.clone()));
    let refused = objects.random(1).unwrap_err();
    assert_eq!(refused.rv, Rv::FIPS_SELF_TEST_FAILED);
    assert!(refused.text.contains(&name));
}
