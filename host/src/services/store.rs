//! Key-value stores in SQLite.
//!
//! All stores of an app are one table, in the file and with the columns that Spin has, so that the two can read each
//! other's: `sqlite_key_value.db` with `spin_key_value (store, key, value)`.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _, limits::Limit, params};

/// Spin's name for the file.
const FILE: &str = "sqlite_key_value.db";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";

/// The size that all stores in memory may have together, in pages of 4 KiB: 256 MiB.
const PAGES: u32 = 64 << 10;

/// The largest value, and the largest answer, in bytes. A key is no longer either.
const LARGEST: usize = 64 << 20;
const LARGEST_VALUE: i32 = 64 << 20;

/// How much a list of keys may take, in bytes.
const LISTED: usize = 16 << 20;

/// How long an operation waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// A value and its key.
pub(super) type Pair = (String, Vec<u8>);

/// The stores of an app.
#[derive(Clone)]
pub(crate) struct Stores(Option<Arc<Mutex<Connection>>>);

impl Stores {
    /// Opens them below `directory` or in memory; nothing where no component has a store.
    pub(super) fn open(directory: Option<&Path>, used: bool) -> Result<Self, String> {
        if !used {
            return Ok(Self(None));
        }
        let open = || {
            let connection = match directory {
                Some(directory) => {
                    let connection = Connection::open(directory.join(FILE))?;
                    connection.pragma_update(None, "journal_mode", "wal")?;
                    connection.pragma_update(None, "synchronous", "normal")?;
                    connection
                }
                None => Connection::open_in_memory()?,
            };
            if directory.is_none() {
                connection.pragma_update(None, "max_page_count", PAGES)?;
            }
            connection.busy_timeout(PATIENCE)?;
            connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_VALUE)?;
            connection.execute(TABLE, [])?;
            Ok(connection)
        };
        if let Some(directory) = directory {
            fs_err::create_dir_all(directory).map_err(|error| error.to_string())?;
        }
        let connection = open().map_err(|error: rusqlite::Error| error.to_string())?;
        Ok(Self(Some(Arc::new(Mutex::new(connection)))))
    }

    pub(super) fn store(&self, label: &str) -> Option<Store> {
        Some(Store { connection: Arc::clone(self.0.as_ref()?), label: label.into() })
    }
}

/// One store.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    label: Arc<str>,
}

/// What an operation gives; an error is a text for people.
type Outcome<T> = Result<T, String>;

impl Store {
    pub(super) async fn get(&self, key: String) -> Outcome<Option<Vec<u8>>> {
        self.run(move |connection, store| get(connection, store, &key)).await
    }

    pub(super) async fn get_many(&self, keys: Vec<String>) -> Outcome<Vec<(String, Option<Vec<u8>>)>> {
        self.run(move |connection, store| {
            let mut size = 0;
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                let value = get(connection, store, &key)?;
                size += key.len() + value.as_ref().map_or(0, Vec::len);
                if size > LARGEST {
                    return Err(Failure::TooLarge(LARGEST));
                }
                found.push((key, value));
            }
            Ok(found)
        })
        .await
    }

    pub(super) async fn exists(&self, key: String) -> Outcome<bool> {
        self.run(move |connection, store| {
            let sql = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
            let found = connection.query_row(sql, params![store, key], |_| Ok(())).optional()?;
            Ok(found.is_some())
        })
        .await
    }

    /// Sets all of them or, where one cannot be, none.
    pub(super) async fn set(&self, pairs: Vec<Pair>) -> Outcome<()> {
        self.run(move |connection, store| {
            let transaction = connection.transaction()?;
            for (key, value) in &pairs {
                set(&transaction, store, key, value)?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    pub(super) async fn delete(&self, keys: Vec<String>) -> Outcome<()> {
        self.run(move |connection, store| {
            let transaction = connection.transaction()?;
            for key in &keys {
                let sql = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
                transaction.execute(sql, params![store, key])?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// All keys, sorted.
    pub(super) async fn keys(&self) -> Outcome<Vec<String>> {
        self.run(|connection, store| {
            let mut statement =
                connection.prepare("SELECT key FROM spin_key_value WHERE store = ?1 ORDER BY key")?;
            let mut rows = statement.query(params![store])?;
            let (mut keys, mut size) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                let key: String = row.get(0)?;
                size += key.len();
                if size > LISTED {
                    return Err(Failure::TooLarge(LISTED));
                }
                keys.push(key);
            }
            Ok(keys)
        })
        .await
    }

    /// Adds to a number, kept as text as Spin does. Nothing is 0.
    pub(super) async fn increment(&self, key: String, delta: i64) -> Outcome<i64> {
        self.run(move |connection, store| {
            let transaction = connection.transaction()?;
            let old = match get(&transaction, store, &key)? {
                None => 0,
                Some(bytes) => std::str::from_utf8(&bytes)
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or(Failure::NoNumber)?,
            };
            let new = old.checked_add(delta).ok_or(Failure::NoNumber)?;
            set(&transaction, store, &key, new.to_string().as_bytes())?;
            transaction.commit()?;
            Ok(new)
        })
        .await
    }

    /// Sets a value if the present one is `expected`, and says whether.
    pub(super) async fn swap(&self, key: String, expected: Option<Vec<u8>>, value: Vec<u8>) -> Outcome<bool> {
        self.run(move |connection, store| {
            let transaction = connection.transaction()?;
            if get(&transaction, store, &key)? != expected {
                return Ok(false);
            }
            set(&transaction, store, &key, &value)?;
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &str) -> Result<T, Failure> + Send + 'static,
    ) -> Outcome<T> {
        let Self { connection, label } = self.clone();
        let work = move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection, &label).map_err(|failure| failure.to_string())
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
    }
}

fn get(connection: &Connection, store: &str, key: &str) -> Result<Option<Vec<u8>>, Failure> {
    let sql = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
    Ok(connection.query_row(sql, params![store, key], |row| row.get(0)).optional()?)
}

fn set(connection: &Connection, store: &str, key: &str, value: &[u8]) -> Result<(), Failure> {
    let sql = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
        ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
    connection.execute(sql, params![store, key, value])?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the value is not a number that this can be added to")]
    NoNumber,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stores_are_apart_and_are_kept_in_a_directory() {
        let place = tempfile::tempdir().unwrap();
        let open = || Stores::open(Some(place.path()), true).unwrap();
        {
            let stores = open();
            let (one, two) = (stores.store("one").unwrap(), stores.store("two").unwrap());
            one.set(vec![("a".into(), b"1".to_vec()), ("b".into(), vec![0, 255])]).await.unwrap();
            assert_eq!(two.keys().await.unwrap(), Vec::<String>::new());
            assert_eq!(two.increment("n".into(), 5).await.unwrap(), 5);
            assert_eq!(two.increment("n".into(), -7).await.unwrap(), -2);
            assert!(one.increment("b".into(), 1).await.is_err());
        }
        let stores = open();
        let one = stores.store("one").unwrap();
        assert_eq!(one.keys().await.unwrap(), ["a", "b"]);
        assert_eq!(one.get("b".into()).await.unwrap(), Some(vec![0, 255]));
        assert!(!one.swap("a".into(), None, b"2".to_vec()).await.unwrap());
        assert!(one.swap("a".into(), Some(b"1".to_vec()), b"2".to_vec()).await.unwrap());
        one.delete(vec!["a".into(), "z".into()]).await.unwrap();
        assert!(!one.exists("a".into()).await.unwrap());
    }

    #[tokio::test]
    async fn a_value_that_is_too_large_is_an_error() {
        let stores = Stores::open(None, true).unwrap();
        let store = stores.store("default").unwrap();
        assert!(store.set(vec![("a".into(), vec![0; LARGEST + 1])]).await.is_err());
        assert_eq!(store.get("a".into()).await.unwrap(), None);
    }
}
