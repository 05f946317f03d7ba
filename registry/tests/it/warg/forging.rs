//! A registry that lies: each lie is refused with its own error, and the state stays as it was.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Value, json};
use spin_deps_registry::{Error, Unproven};
use warg_crypto::hash::{HashAlgorithm, Sha256};
use warg_protocol::package::PackageEntry;
use warg_protocol::registry::{Checkpoint, LogLeaf, PackageName};
use warg_transparency::log::{LogBuilder as _, LogData as _, LogProofBundle, Node, VecLog};

use super::support::{
    CHECKPOINT, CONSISTENCY, INCLUSION, LOGS, Scene, decode, hash_of, key, key_id, resigned, signed,
    stock_client,
};
use crate::support::version;

/// The package's records in an answer for its log.
fn records(answer: &mut Value) -> &mut Vec<Value> {
    answer["packages"].as_object_mut().unwrap().values_mut().next().unwrap().as_array_mut().unwrap()
}

/// Hides the last record of the package, and proves as much as can be proven: that the one before is in the log, and
/// that the hidden one is the last.
async fn hide_the_last_record(scene: &Scene) {
    let (leaves, map) = scene.truth("acme:base").await;
    scene.forger.rule(move |asked, upstream| {
        let (leaves, map) = (leaves.clone(), map.clone());
        async move {
            if asked.is(INCLUSION) {
                let question = asked.json();
                let asked_for = question["leafs"].as_array().unwrap().iter();
                let places = asked_for.map(|place| usize::try_from(place.as_u64().unwrap()).unwrap());
                let log = log_proof(&leaves, &places.collect::<Vec<_>>());
                return (200, json!({ "log": log, "map": map }).to_string().into());
            }
            let (status, body) = upstream.pass(&asked).await;
            if !asked.is(LOGS) {
                return (status, body);
            }
            let mut answer: Value = serde_json::from_slice(&body).unwrap();
            records(&mut answer).pop();
            (200, Bytes::from(answer.to_string()))
        }
    });
}

/// A true proof that what is at these places of the log is there.
fn log_proof(leaves: &[LogLeaf], places: &[usize]) -> String {
    let mut log = VecLog::<Sha256, LogLeaf>::default();
    let nodes: Vec<Node> = leaves.iter().map(|leaf| log.push(leaf)).collect();
    let proofs = places.iter().map(|place| log.prove_inclusion(nodes[*place], leaves.len())).collect();
    let bundle = LogProofBundle::bundle(Vec::new(), proofs, &log).unwrap();
    base64::engine::general_purpose::STANDARD.encode(bundle.encode())
}

#[tokio::test]
async fn no_proofs_at_all() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.forger.change(INCLUSION, |_| json!({ "log": "", "map": "" }));
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it was asked for 2 proofs and sent 0");
    // A proof of one of the two heads only.
    scene.forger.rule(|asked, upstream| async move {
        let mut asked = asked;
        if asked.is(INCLUSION) {
            let mut question = asked.json();
            question["leafs"].as_array_mut().unwrap().pop();
            asked.body = question.to_string().into();
        }
        upstream.pass(&asked).await
    });
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it was asked for 2 proofs and sent 1");
    scene.forger.be_honest();
    assert_eq!(scene.versions().await.unwrap(), "1.0.0");
}

/// Why all this: with no proofs, the stock client believes a log that was cut off.
#[tokio::test]
async fn the_stock_client_is_content_with_no_proofs() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    scene.forger.rule(|asked, upstream| async move {
        let (status, body) = upstream.pass(&asked).await;
        if asked.is(INCLUSION) {
            return (200, json!({ "log": "", "map": "" }).to_string().into());
        } else if !asked.is(LOGS) {
            return (status, body);
        }
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        records(&mut answer).pop();
        (200, answer.to_string().into())
    });
    let dir = tempfile::tempdir().unwrap();
    let client = stock_client(dir.path(), &scene.server.address).await;
    let name = PackageName::new("acme:base").unwrap();
    assert_eq!(client.fetch_package(&name).await.unwrap().state.releases().count(), 2);
    let dir = tempfile::tempdir().unwrap();
    let client = stock_client(dir.path(), &scene.forger.address).await;
    assert_eq!(client.fetch_package(&name).await.unwrap().state.releases().count(), 1);
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it was asked for 2 proofs and sent 0");
}

#[tokio::test]
async fn a_truncated_log() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    hide_the_last_record(&scene).await;
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: the records of the log of acme:base are not complete: its checkpoint stands for another last record");
    // Without forged proofs, the server itself cannot prove it.
    scene.forger.change(LOGS, |mut answer| {
        records(&mut answer).pop();
        answer
    });
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it has no proof that its records are complete");
}

#[tokio::test]
async fn an_omitted_yank() {
    let scene = Scene::with(&["1.0.0", "1.1.0"]).await;
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 1.1.0");
    scene.yank("1.1.0").await;
    hide_the_last_record(&scene).await;
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: the records of the log of acme:base are not complete: its checkpoint stands for another last record");
    scene.forger.be_honest();
    assert_eq!(scene.versions().await.unwrap(), "1.0.0 [1.1.0]");
}

#[tokio::test]
async fn a_release_signed_by_another_key() {
    let scene = Scene::with(&["1.0.0"]).await;
    let eve = key();
    let id = key_id(&eve);
    scene.forger.change(LOGS, move |mut answer| {
        let records = records(&mut answer);
        let mut last = records.last().unwrap().clone();
        let release = PackageEntry::Release { version: version("1.1.0"), content: hash_of("evil") };
        let forged = signed(&eve, Some(&last), vec![release]);
        for (name, value) in forged.as_object().unwrap() {
            last[name] = value.clone();
        }
        records.push(last);
        answer
    });
    let refusal = scene.refusal().await.to_string().replace(&id, "EVE");
    insta::assert_snapshot!(refusal, @"registry `warg.test` does not prove its answer for acme:base: a record of the log of acme:base is not valid: the key with ID EVE did not have required permission release");
    // Nor does it help to put the author's name under it.
    let (eve, author) = (key(), key_id(&scene.key));
    scene.forger.change(LOGS, move |mut answer| {
        let records = records(&mut answer);
        let mut last = records.last().unwrap().clone();
        let release = PackageEntry::Release { version: version("1.1.0"), content: hash_of("evil") };
        let forged = signed(&eve, Some(&last), vec![release]);
        for (name, value) in forged.as_object().unwrap() {
            last[name] = value.clone();
        }
        last["keyId"] = json!(author);
        records.push(last);
        answer
    });
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: a record of the log of acme:base is not valid: unable to verify signature");
}

#[tokio::test]
async fn a_whole_log_of_another_author() {
    let scene = Scene::with(&["1.0.0"]).await;
    let eve = key();
    scene.forger.change(LOGS, move |mut answer| {
        let init =
            PackageEntry::Init { hash_algorithm: HashAlgorithm::Sha256, key: decode(&eve).public_key() };
        let release = PackageEntry::Release { version: version("1.0.0"), content: hash_of("evil") };
        let forged = signed(&eve, None, vec![init, release]);
        let records = records(&mut answer);
        let mut last = records.pop().unwrap();
        for (name, value) in forged.as_object().unwrap() {
            last[name] = value.clone();
        }
        *records = vec![last];
        answer
    });
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: the newest record of the log of acme:base is not in the log that its checkpoint stands for");
}

#[tokio::test]
async fn a_package_that_is_known_and_now_denied() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.versions().await.unwrap();
    scene.publish("acme:other", "1.0.0").await;
    scene.forger.change(LOGS, |mut answer| {
        records(&mut answer).clear();
        answer
    });
    // Nothing new is true: the log did not change.
    assert_eq!(scene.versions().await.unwrap(), "1.0.0");

    scene.publish("acme:other", "1.1.0").await;
    scene.forger.rule(|asked, upstream| async move {
        if !asked.is(LOGS) {
            return upstream.pass(&asked).await;
        }
        let question = asked.json();
        let id = question["packages"].as_object().unwrap().keys().next().unwrap().clone();
        (404, json!({ "status": 404, "type": "log", "id": id }).to_string().into())
    });
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it no longer has records of the log of acme:base that it showed before");
}

#[tokio::test]
async fn an_older_checkpoint() {
    let scene = Scene::with(&["1.0.0"]).await;
    let old = serde_json::to_value(scene.forger.checkpoint().await).unwrap();
    scene.publish("acme:base", "1.1.0").await;
    scene.versions().await.unwrap();
    scene.forger.change(CHECKPOINT, move |_| old.clone());
    let error = scene.refusal().await;
    insta::assert_snapshot!(error, @"registry `warg.test` does not prove its answer for acme:base: it answers with an old state: its log has 2 records, and had 3 before");
    insta::assert_snapshot!(error.hint().unwrap(), @"the answer was not used; a replica of the registry may be behind: try again later, and ask its operator if it stays so");
}

#[tokio::test]
async fn garbage_instead_of_a_consistency_proof() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.versions().await.unwrap();
    scene.publish("acme:base", "1.1.0").await;
    // The first of these makes the stock client panic.
    for proof in ["AAAA", "", "CAE=", "CAMSAQU="] {
        scene.forger.change(CONSISTENCY, move |_| json!({ "proof": proof }));
        let error = scene.refusal().await;
        assert!(
            matches!(
                error,
                Error::Unproven {
                    reason: Unproven::ProofUnreadable | Unproven::OtherProof | Unproven::ProofCount { .. },
                    ..
                }
            ),
            "{error}"
        );
    }
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it proves something else than it was asked for");
}

#[tokio::test]
async fn another_history() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.versions().await.unwrap();
    let checkpoint = scene.forger.checkpoint().await.as_ref().checkpoint.clone();
    let operator = scene.server.operator.clone();
    // As long as the known one.
    let other = Checkpoint { log_root: hash_of("other"), ..checkpoint.clone() };
    let forged = resigned(&operator, other, Duration::ZERO);
    scene.forger.change(CHECKPOINT, move |_| forged.clone());
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it shows another history than before: its log of 2 records has changed");
    // Longer, and with the proof of a true checkpoint.
    scene.publish("acme:base", "1.1.0").await;
    let truth = scene.forger.checkpoint().await.as_ref().checkpoint.clone();
    let forged = resigned(&operator, Checkpoint { log_root: hash_of("other"), ..truth }, Duration::ZERO);
    scene.forger.change(CHECKPOINT, move |_| forged.clone());
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it shows another history than before: its log of 3 records does not continue the one of 2");
}

#[tokio::test]
async fn a_registry_that_has_begun_anew_with_other_keys() {
    let scene = Scene::with(&["1.0.0", "1.1.0", "1.2.0"]).await;
    scene.versions().await.unwrap();
    let other = Scene::with(&["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"]).await;
    let address = other.server.address.clone();
    scene.forger.rule(move |asked, _| {
        let address = address.clone();
        async move { super::support::Upstream::at(&address).pass(&asked).await }
    });
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: it shows another history than before: its log of 6 records does not continue the one of 4");
}

#[tokio::test]
async fn a_checkpoint_of_another_operator() {
    let scene = Scene::with(&["1.0.0"]).await;
    let checkpoint = scene.forger.checkpoint().await.as_ref().checkpoint.clone();
    let forged = resigned(&key(), checkpoint, Duration::ZERO);
    scene.forger.change(CHECKPOINT, move |_| forged.clone());
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: its checkpoint is not signed by a key of its operator");
    // Also where nothing is new.
    scene.forger.be_honest();
    scene.versions().await.unwrap();
    let checkpoint = scene.forger.checkpoint().await.as_ref().checkpoint.clone();
    let forged = resigned(&key(), checkpoint, Duration::ZERO);
    scene.forger.change(CHECKPOINT, move |_| forged.clone());
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: its checkpoint is not signed by a key of its operator");
}

#[tokio::test]
async fn a_frozen_server() {
    let scene = Scene::with(&["1.0.0"]).await;
    scene.versions().await.unwrap();
    let checkpoint = scene.forger.checkpoint().await.as_ref().checkpoint.clone();
    let operator = scene.server.operator.clone();
    let frozen = move |days: u64| {
        let forged = resigned(&operator, checkpoint.clone(), Duration::from_hours(24 * days));
        move |_| forged.clone()
    };
    scene.publish("acme:base", "1.1.0").await;
    // Nothing tells a young checkpoint from that of a quiet registry.
    scene.forger.change(CHECKPOINT, frozen(6));
    assert_eq!(scene.versions().await.unwrap(), "1.0.0");
    scene.forger.change(CHECKPOINT, frozen(30));
    let error = scene.refusal().await;
    insta::assert_snapshot!(error, @"registry `warg.test` does not prove its answer for acme:base: its newest checkpoint was signed 30 days ago, and at most 7 are accepted");
    insta::assert_snapshot!(error.hint().unwrap(), @r#"the registry, or somebody between it and you, shows an old state; if it is really that quiet, set `max_checkpoint_age` in `[registry."NAME".warg]` to more days"#);

    let config = scene.settings.config_file.as_ref().unwrap();
    let text = fs_err::read_to_string(config).unwrap();
    fs_err::write(config, format!("{text}max_checkpoint_age = 60\n")).unwrap();
    assert_eq!(scene.versions().await.unwrap(), "1.0.0");
}

#[tokio::test]
async fn a_server_that_stalls() {
    let mut scene = Scene::with(&["1.0.0"]).await;
    scene.settings.limits.read = Duration::from_millis(200);
    for path in [CHECKPOINT, LOGS, INCLUSION] {
        scene.forger.rule(move |asked, upstream| async move {
            if asked.is(path) { std::future::pending().await } else { upstream.pass(&asked).await }
        });
        let error = scene.refusal().await;
        assert_eq!(error.to_string(), "could not reach registry `warg.test`: it did not answer in time");
    }
}

#[tokio::test]
async fn a_server_that_cannot_answer_now_and_then_can() {
    let scene = Scene::with(&["1.0.0"]).await;
    for path in [CHECKPOINT, LOGS, INCLUSION] {
        scene.forger.rule(move |asked, upstream| async move {
            if asked.is(path) { (503, Bytes::new()) } else { upstream.pass(&asked).await }
        });
        let error = scene.refusal().await;
        assert_eq!(error.to_string(), "registry `warg.test` is not able to answer now (HTTP status 503)");
    }
    let failures = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(2));
    scene.forger.rule(move |asked, upstream| {
        let fails = failures.fetch_update(
            std::sync::atomic::Ordering::SeqCst,
            std::sync::atomic::Ordering::SeqCst,
            |left| left.checked_sub(1),
        );
        async move { if fails.is_ok() { (500, Bytes::new()) } else { upstream.pass(&asked).await } }
    });
    assert_eq!(scene.versions().await.unwrap(), "1.0.0");
}

#[tokio::test]
async fn answers_that_are_none() {
    let scene = Scene::with(&["1.0.0"]).await;
    for (path, body) in [
        (CHECKPOINT, "<html>Please log in</html>".to_owned()),
        (CHECKPOINT, "{}".to_owned()),
        (LOGS, "[]".to_owned()),
        (LOGS, "{}".to_owned()),
        (LOGS, "[".repeat(100_000)),
        (INCLUSION, "null".to_owned()),
    ] {
        scene.forger.rule(move |asked, upstream| {
            let body = body.clone();
            async move { if asked.is(path) { (200, body.into()) } else { upstream.pass(&asked).await } }
        });
        let error = scene.refusal().await;
        assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    }
}

#[tokio::test]
async fn pages_without_end() {
    let scene = Scene::with(&["1.0.0"]).await;
    // The same records for ever.
    scene.forger.rule(|asked, upstream| async move {
        let mut asked = asked;
        if !asked.is(LOGS) {
            return upstream.pass(&asked).await;
        }
        let mut question = asked.json();
        question.as_object_mut().unwrap().remove("operator");
        for token in question["packages"].as_object_mut().unwrap().values_mut() {
            *token = Value::Null;
        }
        asked.body = question.to_string().into();
        let mut answer = upstream.ask(&asked).await;
        answer["more"] = json!(true);
        (200, answer.to_string().into())
    });
    insta::assert_snapshot!(scene.refusal().await, @"registry `warg.test` does not prove its answer for acme:base: a record of its operator's log is not valid: non-initial record contained no previous hash");
    // More is promised, and nothing comes: what came is proven to be all.
    scene.forger.change(LOGS, |mut answer| {
        answer["more"] = json!(true);
        answer
    });
    assert_eq!(scene.versions().await.unwrap(), "1.0.0");
}

#[tokio::test]
async fn content_that_is_not_the_releases() {
    let scene = Scene::with(&["1.0.0"]).await;
    let other = crate::support::Server::start(|_| Some(crate::support::Answer::new(200, "evil"))).await;
    let url = format!("http://{}/content", other.address());
    scene.forger.rule(move |asked, upstream| {
        let url = url.clone();
        async move {
            let Some(digest) = asked.path.strip_prefix("/v1/content/") else {
                return upstream.pass(&asked).await;
            };
            let source = json!({ "type": "httpGet", "url": url });
            (200, json!({ "contentSources": { digest: [source] } }).to_string().into())
        }
    });
    let registries = scene.open().await;
    let name = crate::support::package("acme:base");
    let error = registries.release(&name, &version("1.0.0"), &scene.registry).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
    assert_eq!(registries.store().info().unwrap().blobs, 0);
    let asked = other.take_all();
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.authorization().is_none()));
}
