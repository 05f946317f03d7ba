//! SQLite databases for guests.
//!
//! Every connection of a guest is one of SQLite, so that a transaction belongs to who began it and is rolled back when
//! the instance goes. A database in memory is one of SQLite's own `memdb`, which connections share by name.
//!
//! SQL is the guest's own, and it stays in its database: it attaches no other file (`ATTACH`, `VACUUM INTO`), loads
//! no extension, sets none of the limits that are the host's, and its answers are bounded.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, InterruptHandle, OpenFlags,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
    params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use wasmtime::component::{ComponentType, Lift, Lower};

/// The label of the database that Spin has without any configuration, and its file.
pub(super) const DEFAULT: &str = "default";
const DEFAULT_FILE: &str = "sqlite_db.db";

/// The largest answer, in bytes of its values.
const LARGEST: usize = 64 << 20;

/// The largest single value, in bytes.
const LARGEST_VALUE: i32 = 64 << 20;

/// The size of a database in memory, in pages of 4 KiB: 256 MiB.
const PAGES: u32 = 64 << 10;

/// How long a statement waits for another connection that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Settings that are the process's or bound what a guest takes.
const RESERVED: [&str; 8] = [
    "data_store_directory",
    "hard_heap_limit",
    "max_page_count",
    "mmap_size",
    "soft_heap_limit",
    "temp_store_directory",
    "threads",
    "trusted_schema",
];

/// Tells the databases in memory of one app from those of another.
static NEXT: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Debug, ComponentType, Lift, Lower, PartialEq)]
#[component(variant)]
pub(crate) enum Value {
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "real")]
    Real(f64),
    #[component(name = "text")]
    Text(String),
    #[component(name = "blob")]
    Blob(Vec<u8>),
    #[component(name = "null")]
    Null,
}

#[derive(Clone, Debug, ComponentType, Lift, Lower, PartialEq)]
#[component(record)]
pub(crate) struct RowResult {
    values: Vec<Value>,
}

#[derive(Clone, Debug, ComponentType, Lift, Lower, PartialEq)]
#[component(record)]
pub(crate) struct QueryResult {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<RowResult>,
}

#[derive(Clone, Debug, ComponentType, Lift, Lower, PartialEq)]
#[component(variant)]
pub(crate) enum Error {
    #[component(name = "no-such-database")]
    NoSuchDatabase,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "invalid-connection")]
    InvalidConnection,
    #[component(name = "database-full")]
    DatabaseFull,
    #[component(name = "io")]
    Io(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DatabaseFull,
            _ => Self::Io(error.to_string()),
        }
    }
}

/// The databases of an app.
#[derive(Clone)]
pub(crate) struct Databases(Arc<Inner>);

struct Inner {
    place: Place,
    /// One connection for each database in memory, which lives no longer than its last connection.
    _kept: Mutex<Vec<Connection>>,
}

enum Place {
    Directory(PathBuf),
    Memory(u64),
}

impl Databases {
    /// Makes those with these labels, below `directory` or in memory.
    pub(super) fn open(directory: Option<&Path>, labels: &BTreeSet<String>) -> Result<Self, String> {
        let place = match directory {
            Some(directory) => Place::Directory(directory.to_path_buf()),
            None => Place::Memory(NEXT.fetch_add(1, Ordering::Relaxed)),
        };
        if let Some(directory) = directory.filter(|_| !labels.is_empty()) {
            fs_err::create_dir_all(directory).map_err(|error| error.to_string())?;
        }
        let mut kept = Vec::new();
        for label in labels {
            kept.push(place.connect(label).map_err(|error| format!("database `{label}`: {error}"))?);
        }
        if directory.is_some() {
            kept.clear();
        }
        Ok(Self(Arc::new(Inner { place, _kept: Mutex::new(kept) })))
    }

    /// Runs statements on the default database.
    pub(super) fn run(&self, statements: &str) -> Result<(), String> {
        let run = || self.0.place.connect(DEFAULT)?.execute_batch(statements);
        run().map_err(|error| error.to_string())
    }

    /// Connects to the database with this label.
    pub(super) async fn connect(self, label: String) -> Result<Database, Error> {
        let connected = blocking(move || Ok(self.0.place.connect(&label)?)).await?;
        let interrupt = Arc::new(connected.get_interrupt_handle());
        Ok(Database { connection: Arc::new(Mutex::new(connected)), interrupt })
    }
}

impl Place {
    fn connect(&self, label: &str) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = match self {
            Self::Directory(directory) => {
                let file =
                    if label == DEFAULT { DEFAULT_FILE.to_owned() } else { format!("{}.db", plain(label)) };
                let connection = Connection::open_with_flags(directory.join(file), flags)?;
                connection.busy_timeout(PATIENCE)?;
                connection.pragma_update(None, "journal_mode", "wal")?;
                connection.pragma_update(None, "synchronous", "normal")?;
                connection
            }
            Self::Memory(app) => {
                let name = format!("file:/spin-deps-{app}-{}?vfs=memdb", plain(label));
                let connection = Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)?;
                connection.busy_timeout(PATIENCE)?;
                connection.pragma_update(None, "max_page_count", PAGES)?;
                connection
            }
        };
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_VALUE)?;
        connection.authorizer(Some(|context: AuthContext<'_>| authorize(&context.action)))?;
        Ok(connection)
    }
}

/// What a guest's SQL may do.
fn authorize(action: &AuthAction<'_>) -> Authorization {
    match action {
        // `VACUUM` attaches a temporary database, which has no name.
        AuthAction::Attach { filename } if !filename.is_empty() => Authorization::Deny,
        AuthAction::Unknown { .. } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, .. }
            if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(pragma_name)) =>
        {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

/// A label as part of a file's name: one to one, and nothing in it that a path or a URI gives a meaning.
fn plain(label: &str) -> String {
    label.bytes().fold(String::new(), |mut name, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "_{byte:02x}");
        }
        name
    })
}

/// A connection of a guest.
#[derive(Clone)]
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
    interrupt: Arc<InterruptHandle>,
}

impl Database {
    /// Runs one statement.
    pub(super) async fn execute(
        &self,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<QueryResult, Error> {
        // Interrupts what still runs when the guest that waits for it has gone.
        let mut waiting = Interrupt(Some(Arc::clone(&self.interrupt)));
        let answer = self.run(move |connection| query(connection, &statement, &parameters)).await;
        waiting.0 = None;
        answer
    }

    pub(super) async fn last_insert_rowid(&self) -> Result<i64, Error> {
        self.run(|connection| Ok(connection.last_insert_rowid())).await
    }

    pub(super) async fn changes(&self) -> Result<u64, Error> {
        self.run(|connection| Ok(connection.changes())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.connection);
        blocking(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

struct Interrupt(Option<Arc<InterruptHandle>>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.interrupt();
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Io(error.to_string()))?
}

fn query(connection: &Connection, statement: &str, parameters: &[Value]) -> Result<QueryResult, Error> {
    let mut statement = connection.prepare(statement)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query(params_from_iter(parameters))?;
    let (mut rows, mut size) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(columns.len());
        for column in 0..columns.len() {
            let value = read(row.get_ref(column)?)?;
            size += value.size();
            if size > LARGEST {
                return Err(Error::Io(format!("the answer is larger than {LARGEST} bytes")));
            }
            values.push(value);
        }
        rows.push(RowResult { values });
    }
    Ok(QueryResult { columns, rows })
}

fn read(value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| Error::Io("a text is not UTF-8".to_owned()))?;
            Value::Text(text.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

impl Value {
    /// About what it takes in memory.
    fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Blob(bytes) => bytes.len(),
                Self::Integer(_) | Self::Real(_) | Self::Null => 0,
            }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Null => ValueRef::Null,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn databases(directory: Option<&Path>) -> Databases {
        Databases::open(directory, &BTreeSet::from([DEFAULT.to_owned(), "other".to_owned()])).unwrap()
    }

    async fn connect(databases: &Databases, label: &str) -> Database {
        databases.clone().connect(label.to_owned()).await.unwrap()
    }

    async fn ask(database: &Database, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
        let answer = database.execute(sql.to_owned(), Vec::new()).await?;
        Ok(answer.rows.into_iter().map(|row| row.values).collect())
    }

    #[tokio::test]
    async fn values_come_back_as_they_went_in() {
        let database = connect(&databases(None), DEFAULT).await;
        let values = vec![
            Value::Integer(i64::MIN),
            Value::Real(0.5),
            Value::Text("ä\0b".into()),
            Value::Blob(vec![0, 255]),
            Value::Null,
        ];
        let answer = database.execute("SELECT ?, ?, ?, ?, ?".into(), values.clone()).await.unwrap();
        assert_eq!(answer.rows, [RowResult { values }]);
        let wrong = database.execute("SELECT ?".into(), Vec::new()).await.unwrap_err();
        assert!(matches!(wrong, Error::Io(_)), "{wrong:?}");
    }

    #[tokio::test]
    async fn connections_share_a_database_and_labels_do_not() {
        let place = tempfile::tempdir().unwrap();
        for directory in [None, Some(place.path())] {
            let databases = databases(directory);
            databases.run("CREATE TABLE t (n); INSERT INTO t VALUES (1)").unwrap();
            let (one, two) = (connect(&databases, DEFAULT).await, connect(&databases, DEFAULT).await);
            ask(&one, "INSERT INTO t VALUES (2)").await.unwrap();
            assert_eq!((one.changes().await.unwrap(), one.last_insert_rowid().await.unwrap()), (1, 2));
            assert_eq!(ask(&two, "SELECT count(*) FROM t").await.unwrap(), [[Value::Integer(2)]]);
            let other = connect(&databases, "other").await;
            assert!(ask(&other, "SELECT * FROM t").await.is_err());
        }
        assert!(place.path().join(DEFAULT_FILE).exists() && place.path().join("other.db").exists());
    }

    #[tokio::test]
    async fn sql_does_not_leave_its_database() {
        let place = tempfile::tempdir().unwrap();
        let databases = databases(Some(place.path()));
        let database = connect(&databases, DEFAULT).await;
        let outside = place.path().join("outside.db").display().to_string();
        for sql in [
            format!("ATTACH '{outside}' AS other"),
            format!("ATTACH 'file:{outside}' AS other"),
            format!("ATTACH '{outside}' || '' AS other"),
            format!("VACUUM INTO '{outside}'"),
            format!("VACUUM INTO '{outside}' || ''"),
            "PRAGMA max_page_count = 1000000".to_owned(),
            "PRAGMA HARD_HEAP_LIMIT = 1".to_owned(),
            "SELECT load_extension('x')".to_owned(),
        ] {
            let answer = ask(&database, &sql).await;
            assert!(matches!(answer, Err(Error::Io(_))), "{sql}: {answer:?}");
        }
        assert!(!place.path().join("outside.db").exists());
        ask(&database, "VACUUM").await.unwrap();
        ask(&database, "PRAGMA table_info(t)").await.unwrap();
    }

    #[tokio::test]
    async fn answers_and_databases_are_bounded() {
        let database = connect(&databases(None), DEFAULT).await;
        let endless = "WITH RECURSIVE n(i, b) AS (SELECT 1, zeroblob(1000000) UNION ALL SELECT i + 1, b FROM n) \
                       SELECT * FROM n";
        assert!(matches!(ask(&database, endless).await, Err(Error::Io(_))));
        assert!(ask(&database, "SELECT zeroblob(100000000)").await.is_err());
        ask(&database, "CREATE TABLE t (b)").await.unwrap();
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) \
                    INSERT INTO t SELECT zeroblob(1000000) FROM n";
        assert_eq!(ask(&database, fill).await, Err(Error::DatabaseFull));
    }

    #[tokio::test]
    async fn a_statement_that_nobody_waits_for_is_interrupted() {
        let database = connect(&databases(None), DEFAULT).await;
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        let waiting = tokio::time::timeout(Duration::from_millis(50), ask(&database, endless));
        assert!(waiting.await.is_err(), "it has no end");
        // It needs the same connection, and so waits for the end of the other.
        assert_eq!(ask(&database, "SELECT 1").await.unwrap(), [[Value::Integer(1)]]);
    }
}
