//! The store: what it gives back is what was put in, or it says so.

use std::io::{Read, Write as _};

use spin_deps_registry::{Removed, Store, StoreError, digest_of};

use crate::support::content;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn only_blob(store: &Store) -> std::path::PathBuf {
    let mut entries = fs_err::read_dir(store.dir().join("blobs/sha256")).unwrap();
    let path = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    path
}

#[tokio::test]
async fn what_is_put_is_found_by_its_digest() {
    let (_dir, store) = store();
    let bytes = content(1, 3_000_000);
    let digest = store.put(bytes.clone()).await.unwrap();
    assert_eq!(digest, digest_of(&bytes));
    assert_eq!(store.get(&digest).await.unwrap().unwrap(), bytes);
    assert_eq!(store.get(&digest_of(b"other")).await.unwrap(), None);
    assert!(store.verify().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_flipped_bit_and_a_missing_end_are_noticed_and_mended_by_the_next_put() {
    let (_dir, store) = store();
    let bytes = content(2, 10_000);
    let digest = store.put(bytes.clone()).await.unwrap();
    let path = only_blob(&store);

    let mut flipped = bytes.to_vec();
    flipped[5_000] ^= 1;
    for damaged in [&flipped[..], &bytes[..9_999], b""] {
        fs_err::write(&path, damaged).unwrap();
        let error = store.get(&digest).await.unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { path: named, .. } if *named == path), "{error}");
        assert_eq!(store.get_sound(&digest).await.unwrap(), None);
        let damages = store.verify().await.unwrap();
        assert_eq!((damages.len(), &damages[0].path), (1, &path));
        store.put(bytes.clone()).await.unwrap();
        assert_eq!(store.get(&digest).await.unwrap().unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_file_that_is_no_digest_is_damage() {
    let (_dir, store) = store();
    fs_err::write(store.dir().join("blobs/sha256/readme"), "x").unwrap();
    assert_eq!(store.verify().await.unwrap()[0].digest, None);
}

#[tokio::test]
async fn a_writer_refuses_other_content_and_too_much_of_it() {
    let (_dir, store) = store();
    let mut writer = store.writer(Some(&digest_of(b"good")), 100);
    writer.write(b"evil").await.unwrap();
    assert!(matches!(writer.commit().await, Err(StoreError::Mismatch { .. })));

    let mut writer = store.writer(None, 5);
    writer.write(b"123").await.unwrap();
    assert!(matches!(writer.write(b"456").await, Err(StoreError::TooLarge { limit: 5 })));
    drop(writer);
    let info = store.info().unwrap();
    assert_eq!((info.blobs, info.temporary), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_writers_of_one_content_all_succeed() {
    let (_dir, store) = store();
    let bytes = content(3, 1_500_000);
    let digest = digest_of(&bytes);
    let writers = (0..8).map(|_| {
        // Each with a handle of its own, as another process would have.
        let (store, bytes, digest) = (Store::open(store.dir()).unwrap(), bytes.clone(), digest.clone());
        tokio::spawn(async move {
            let mut writer = store.writer(Some(&digest), u64::MAX);
            for chunk in bytes.chunks(100_000) {
                writer.write(chunk).await.unwrap();
                if let Some(read) = store.get(&digest).await.unwrap() {
                    assert_eq!(read, bytes);
                }
            }
            writer.commit().await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(store.get(&digest).await.unwrap().unwrap(), bytes);
    let info = store.info().unwrap();
    assert_eq!((info.blobs, info.bytes, info.temporary), (1, 1_500_000, 0));
}

#[tokio::test]
async fn leftovers_of_a_killed_process_are_ignored_and_cleaned() {
    let (_dir, store) = store();
    let digest = store.put("kept").await.unwrap();
    store.remember("t", "k", &1).await.unwrap();
    let leftover = store.dir().join("blobs/sha256/.tmp-leftover");
    fs_err::File::create(&leftover).unwrap().write_all(b"half a bl").unwrap();

    assert_eq!(store.get(&digest).await.unwrap().unwrap(), "kept");
    assert!(store.verify().await.unwrap().is_empty());
    let info = store.info().unwrap();
    assert_eq!((info.blobs, info.records, info.temporary), (1, 1, 1));

    let Removed { files, .. } = store.clean().unwrap();
    assert_eq!(files, 3);
    assert!(!leftover.exists());
    assert_eq!(store.get(&digest).await.unwrap(), None);
    assert_eq!(store.recall::<i32>("t", "k").await, None);
}

#[tokio::test]
async fn cleaning_leaves_a_writer_at_work_alone() {
    let (_dir, store) = store();
    let bytes = content(4, 2_000_000);
    let mut writer = store.writer(None, u64::MAX);
    writer.write(&bytes).await.unwrap();
    assert_eq!(store.info().unwrap().temporary, 1);
    store.clean().unwrap();
    let (digest, size) = writer.commit().await.unwrap();
    assert_eq!(size, 2_000_000);
    assert_eq!(store.get(&digest).await.unwrap().unwrap(), bytes);
}

#[tokio::test]
async fn records_are_kept_by_table_and_key_and_a_damaged_one_is_absent() {
    let (_dir, store) = store();
    store.remember("tags", "a", &vec!["1.0.0"]).await.unwrap();
    store.remember("tags", "../../b", &vec!["2.0.0"]).await.unwrap();
    assert_eq!(store.recall::<Vec<String>>("tags", "a").await.unwrap(), ["1.0.0"]);
    assert_eq!(store.recall::<Vec<String>>("tags", "../../b").await.unwrap(), ["2.0.0"]);
    assert_eq!(store.recall::<Vec<String>>("other", "a").await, None);
    assert_eq!(store.recall::<u32>("tags", "a").await, None);

    for entry in fs_err::read_dir(store.dir().join("records")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs_err::read(&path).unwrap();
        let last = bytes.len() - 5;
        bytes[last] ^= 1;
        fs_err::write(&path, bytes).unwrap();
    }
    assert_eq!(store.recall::<Vec<String>>("tags", "a").await, None);
    store.remember("tags", "a", &vec!["3.0.0"]).await.unwrap();
    assert_eq!(store.recall::<Vec<String>>("tags", "a").await.unwrap(), ["3.0.0"]);
    store.forget("tags", "a").await.unwrap();
    store.forget("tags", "a").await.unwrap();
    assert_eq!(store.recall::<Vec<String>>("tags", "a").await, None);
}

#[test]
fn a_store_that_cannot_be_made_names_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs_err::write(&file, "").unwrap();
    let error = Store::open(file.join("cache")).unwrap_err().to_string();
    assert!(error.contains(file.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn a_stream_counts_only_if_all_of_it_was_sound() {
    let (_dir, store) = store();
    let bytes = content(5, 700_000);
    let digest = store.put(bytes.clone()).await.unwrap();
    let whole = |reader: &mut dyn Read| {
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen).unwrap();
        seen
    };
    // One that looks at the beginning only, and is done.
    let start = |reader: &mut dyn Read| {
        let mut seen = [0; 4];
        reader.read_exact(&mut seen).unwrap();
        seen.to_vec()
    };
    assert_eq!(store.read(&digest, whole).await.unwrap().unwrap(), bytes);
    assert_eq!(store.read(&digest, start).await.unwrap().unwrap(), bytes[..4]);
    assert!(store.contains(&digest).await.unwrap());
    let other = digest_of(b"other");
    assert_eq!(store.read(&other, whole).await.unwrap(), None);
    assert!(!store.contains(&other).await.unwrap());

    let path = only_blob(&store);
    let mut damaged = bytes.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    for damaged in [&damaged[..], &bytes[..600_000], b"less"] {
        fs_err::write(&path, damaged).unwrap();
        for outcome in [
            store.read(&digest, whole).await.map(|_| ()),
            store.read(&digest, start).await.map(|_| ()),
            store.contains(&digest).await.map(|_| ()),
        ] {
            assert!(matches!(&outcome, Err(StoreError::Damaged { path: named, .. }) if *named == path));
        }
    }
}
