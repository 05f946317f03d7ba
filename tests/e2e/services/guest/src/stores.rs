//! Key-value stores and databases, through each generation of their interfaces.

use crate::{fermyon, say, spin, text, wasi};

/// `fermyon:spin/key-value`
pub fn first() {
    use fermyon::spin::key_value::*;
    say("first denied", open("other"));
    let store = open("default").expect("a store");
    say("first invalid", get(store + 100, "a"));
    say("first set", set(store, "a", b"1"));
    say("first get", get(store, "a").map(text));
    say("first absent", get(store, "b"));
    say("first exists", exists(store, "a"));
    say("first keys", get_keys(store));
    say("first delete", delete(store, "a"));
    close(store);
    say("first closed", get(store, "a"));
}

/// `fermyon:spin/key-value@2.0.0`
pub fn second() {
    use fermyon::spin2_0_0::key_value::Store;
    say("second denied", Store::open("other").map(|_| ()));
    let store = Store::open("default").expect("a store");
    say("second set", store.set("a", b"2"));
    say("second get", store.get("a").map(|value| value.map(text)));
    say("second absent", store.get("b"));
    say("second exists", store.exists("a"));
    say("second keys", store.get_keys());
    say("second delete", store.delete("a"));
}

/// `spin:key-value/key-value@3.0.0`
pub async fn third() {
    use spin::key_value::key_value::Store;
    say("third denied", Store::open("other".into()).await.map(|_| ()));
    let store = Store::open("default".into()).await.expect("a store");
    let (one, two) = (store.set("a".into(), b"3".to_vec()), store.set("b".into(), b"4".to_vec()));
    say("third set", (one.await, two.await));
    say("third get", store.get("a".into()).await.map(|value| value.map(text)));
    say("third exists", store.exists("z".into()).await);
    let (keys, end) = store.get_keys().await;
    say("third keys", keys.collect().await);
    say("third end", end.await);
    say("third delete", store.delete("b".into()).await);
}

/// `wasi:keyvalue`
pub fn wasi() {
    use wasi::keyvalue::{
        atomics::{self, Cas, CasError},
        batch,
        store::open,
    };
    say("wasi denied", open("other").map(|_| ()));
    let bucket = open("default").expect("a bucket");
    say("wasi get", bucket.get("a").map(|value| value.map(text)));
    let pairs = [("x".to_owned(), b"1".to_vec()), ("y".to_owned(), b"2".to_vec())];
    say("wasi set many", batch::set_many(&bucket, &pairs));
    let many = batch::get_many(&bucket, &["x".into(), "z".into()]).expect("values");
    say("wasi get many", many.into_iter().map(|(key, value)| (key, value.map(text))).collect::<Vec<_>>());
    let keys = bucket.list_keys(None).expect("keys");
    say("wasi keys", (keys.keys, keys.cursor));
    say("wasi delete many", batch::delete_many(&bucket, &["x".into()]));
    say("wasi increment", atomics::increment(&bucket, "n", 40).and_then(|_| atomics::increment(&bucket, "n", 2)));
    let (one, two) = (Cas::new(&bucket, "y").expect("a cas"), Cas::new(&bucket, "y").expect("a cas"));
    say("wasi current", one.current().map(|value| value.map(text)));
    say("wasi swap", atomics::swap(one, b"3").map_err(|_| ()));
    match atomics::swap(two, b"4") {
        Err(CasError::CasFailed(again)) => {
            say("wasi swapped meanwhile", again.current().map(|value| value.map(text)));
            say("wasi swap again", atomics::swap(again, b"5").map_err(|_| ()));
        }
        other => say("wasi swap", other.map_err(|_| ())),
    }
}

/// Counts the runs.
pub fn count() {
    let bucket = wasi::keyvalue::store::open("default").expect("a bucket");
    say("count", wasi::keyvalue::atomics::increment(&bucket, "count", 1));
}

/// `fermyon:spin/sqlite`
pub fn sqlite_first() {
    use fermyon::spin::sqlite::*;
    say("first denied", open("other"));
    let connection = open("default").expect("a connection");
    say("first invalid", execute(connection + 100, "SELECT 1", &[]).map(|_| ()));
    let values =
        [Value::Integer(-1), Value::Real(0.5), Value::Text("ä".into()), Value::Blob(vec![0, 255]), Value::Null];
    let answer = execute(connection, "SELECT ? a, ? b, ? c, ? d, ? e", &values).expect("an answer");
    say("first columns", answer.columns);
    say("first values", &answer.rows[0].values);
    close(connection);
    say("first closed", execute(connection, "SELECT 1", &[]).map(|_| ()));
}

/// `fermyon:spin/sqlite@2.0.0`
pub fn sqlite_second() {
    use fermyon::spin2_0_0::sqlite::Connection;
    say("second denied", Connection::open("other").map(|_| ()));
    let connection = Connection::open("default").expect("a connection");
    let run = |sql: &str| connection.execute(sql, &[]).map(|answer| answer.rows.len());
    say("second create", run("CREATE TABLE names (name TEXT UNIQUE)"));
    say("second wrong", run("SELEC 1"));
    say("second twice", run("INSERT INTO names VALUES ('a'), ('a')"));
    say("second file", run("ATTACH '/etc/passwd' AS files"));
}

/// `spin:sqlite/sqlite@3.1.0`
pub async fn sqlite_third() {
    use spin::sqlite::sqlite::{Connection, Value};
    say("third denied", Connection::open_async("other".into()).await.map(|_| ()));
    let connection = Connection::open("default").expect("a connection");
    let insert = connection.execute("INSERT INTO names VALUES (?), ('c')", &[Value::Text("b".into())]);
    say("third insert", insert.map(|answer| answer.rows.len()));
    say("third changes", (connection.changes(), connection.changes_async().await));
    say("third rowid", (connection.last_insert_rowid(), connection.last_insert_rowid_async().await));
    let other = Connection::open_async("default".into()).await.expect("a connection");
    let (columns, rows, end) =
        other.execute_async("SELECT * FROM names ORDER BY name".into(), Vec::new()).await.expect("an answer");
    say("third columns", columns);
    say("third rows", rows.collect().await.into_iter().map(|row| row.values).collect::<Vec<_>>());
    say("third end", end.await);
    say("third wrong", other.execute_async("SELEC 1".into(), Vec::new()).await.map(|_| ()));
}

/// Runs a statement.
pub fn sql(statement: &str) {
    let connection = spin::sqlite::sqlite::Connection::open("default").expect("a connection");
    let answer = connection.execute(statement, &[]);
    say("sql", answer.map(|answer| answer.rows.into_iter().map(|row| row.values).collect::<Vec<_>>()));
}
