//! Key-value stores, databases and variables.

use super::{told, tool, up};

const KEEPS: &str = "key_value_stores = [\"default\"]\nsqlite_databases = [\"default\"]";

#[test]
fn every_generation_of_key_value_stores_is_served() {
    insta::assert_snapshot!(told(&tool(KEEPS, ""), &["key-value"]), @r#"
    first denied: Err(Error::AccessDenied)
    first invalid: Err(Error::InvalidStore)
    first set: Ok(())
    first get: Ok("1")
    first absent: Err(Error::NoSuchKey)
    first exists: Ok(true)
    first keys: Ok(["a"])
    first delete: Ok(())
    first closed: Err(Error::InvalidStore)
    second denied: Err(Error::AccessDenied)
    second set: Ok(())
    second get: Ok(Some("2"))
    second absent: Ok(None)
    second exists: Ok(true)
    second keys: Ok(["a"])
    second delete: Ok(())
    third denied: Err(Error::AccessDenied)
    third set: (Ok(()), Ok(()))
    third get: Ok(Some("3"))
    third exists: Ok(false)
    third keys: ["a", "b"]
    third end: Ok(())
    third delete: Ok(())
    wasi denied: Err(Error::AccessDenied)
    wasi get: Ok(Some("3"))
    wasi set many: Ok(())
    wasi get many: [("x", Some("1")), ("z", None)]
    wasi keys: (["a", "x", "y"], None)
    wasi delete many: Ok(())
    wasi increment: Ok(42)
    wasi current: Ok(Some("2"))
    wasi swap: Ok(())
    wasi swapped meanwhile: Ok(Some("3"))
    wasi swap again: Ok(())
    "#);
}

#[test]
fn every_generation_of_sqlite_is_served() {
    insta::assert_snapshot!(told(&tool(KEEPS, ""), &["sqlite"]), @r#"
    first denied: Err(Error::AccessDenied)
    first invalid: Err(Error::InvalidConnection)
    first columns: ["a", "b", "c", "d", "e"]
    first values: [Value::Integer(-1), Value::Real(0.5), Value::Text("ä"), Value::Blob([0, 255]), Value::Null]
    first closed: Err(Error::InvalidConnection)
    second denied: Err(Error::AccessDenied)
    second create: Ok(0)
    second wrong: Err(Error::Io("near \"SELEC\": syntax error in SELEC 1 at offset 0"))
    second twice: Err(Error::Io("UNIQUE constraint failed: names.name"))
    second file: Err(Error::Io("not authorized"))
    third denied: Err(Error::AccessDenied)
    third insert: Ok(0)
    third changes: (2, 2)
    third rowid: (2, 2)
    third columns: ["name"]
    third rows: [[Value::Text("b")], [Value::Text("c")]]
    third end: Ok(())
    third wrong: Err(Error::Io("near \"SELEC\": syntax error in SELEC 1 at offset 0"))
    "#);
}

#[test]
fn what_is_kept_is_in_memory_or_in_the_directory_that_is_named() {
    let sandbox = tool(KEEPS, "");
    for _ in 0..2 {
        assert_eq!(told(&sandbox, &["count"]), "count: Ok(1)\n");
    }
    assert!(!sandbox.project().join(".spin").exists());
    let kept = ["--state-dir", ".spin"];
    for times in 1..3 {
        assert_eq!(up(&sandbox, &kept, &["count"]).done().stdout, format!("count: Ok({times})\n"));
    }
    assert!(sandbox.project().join(".spin/sqlite_key_value.db").exists());

    let create = ["--state-dir", ".spin", "--sqlite", "CREATE TABLE t (n)", "--sqlite", "@fill.sql"];
    sandbox.write("fill.sql", "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n");
    let sum = ["sql", "SELECT sum(n) FROM t"];
    assert_eq!(up(&sandbox, &create, &sum).done().stdout, "sql: Ok([[Value::Integer(3)]])\n");
    assert_eq!(up(&sandbox, &kept, &sum).done().stdout, "sql: Ok([[Value::Integer(3)]])\n");
    assert!(sandbox.project().join(".spin/sqlite_db.db").exists());

    let failed = [
        up(&sandbox, &["--sqlite", "CREATE"], &sum).failed(),
        up(&sandbox, &["--state-dir", "spin.toml"], &sum).failed(),
    ];
    for (run, expected) in
        failed.iter().zip(["the SQL statement `CREATE` went wrong", "the state of the app in"])
    {
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[test]
fn variables_come_from_all_that_spin_knows() {
    let sandbox = tool(
        "variables = { greeting = \"{{ greeting }}!\" }",
        "[variables]\ngreeting = { default = \"default\" }\n",
    );
    let greeting = |options: &[&str]| up(&sandbox, options, &["variables", "greeting"]).done().stdout;
    let said = |value: &str| {
        format!("config: Ok(\"{value}!\")\nfermyon: Ok(\"{value}!\")\nspin: Ok(\"{value}!\")\n")
    };
    assert_eq!(greeting(&[]), said("default"));
    sandbox.write(".env", "# for development\nSPIN_VARIABLE_GREETING='from .env'\n");
    assert_eq!(greeting(&[]), said("from .env"));
    sandbox.write("values.toml", "greeting = \"from a file\"\n");
    sandbox.write("values.json", "{ \"greeting\": 1 }\n");
    let files = ["--variables-file", "values.json", "--variables-file", "values.toml"];
    assert_eq!(greeting(&files), said("from a file"));
    assert_eq!(greeting(&files[..2]), said("1"));
    assert_eq!(greeting(&[&files[..], &["--variable", "greeting=given"]].concat()), said("given"));
    assert_eq!(
        told(&sandbox, &["variables", "other"]),
        "config: Err(Error::InvalidKey(\"other\"))\nfermyon: Err(Error::Undefined(\"other\"))\nspin: Err(Error::Undefined(\"other\"))\n"
    );
    sandbox.write("values.toml", "greting = \"x\"\n");
    let run = up(&sandbox, &["--variables-file", "values.toml"], &[]).failed();
    assert!(run.stderr.contains("the app has no variable `greting`"), "{}", run.stderr);
}
