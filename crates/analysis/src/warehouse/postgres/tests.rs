//! What needs no server. `tests/engines/run` asks one.

use super::*;
use adbc_core::error::Status;

fn server(uri: &str) -> Server {
    Server { uri: uri.to_owned(), variable: "SHOP_URI".to_owned(), time_limit: Duration::from_secs(5) }
}

#[test]
fn an_address_is_shown_nowhere() {
    let secret = "postgresql://reader:hunter2@db.example.test/shop";
    assert!(!format!("{:?}", server(secret)).contains("hunter2"));
    for written in [
        "[libpq] Failed to connect: missing \"=\" after \"hunter2\" in connection info string",
        "[libpq] Failed to connect: invalid percent-encoded token: \"hunter2\"",
        "[libpq] Failed to connect: connection to server at \"hunter2\" failed",
    ] {
        let error = cannot_connect(&server(secret), &Trouble::of(written));
        assert!(!format!("{error} {error:?} {}", error.published()).contains("hunter2"), "{error:?}");
        assert!(error.to_string().contains("SHOP_URI"), "{error}");
    }
    let written =
        "[libpq] Failed to connect: connection to server at \"10.0.0.1\", port 5432 failed: refused\n";
    let error = cannot_connect(&server(secret), &Trouble::of(written));
    assert!(error.to_string().ends_with("port 5432 failed: refused"), "{error}");
}

#[test]
fn what_is_no_address_is_refused_before_a_driver_is_looked_for() {
    for uri in ["", "ghp_secret", "host=localhost password=x", "mysql://x"] {
        let error = Postgres::open(&server(uri)).err().expect("a refusal");
        assert!(matches!(error, WarehouseError::Address { .. }), "{error}");
        assert!(uri.is_empty() || !error.to_string().contains(uri), "{error}");
    }
}

#[test]
fn a_servers_words_come_without_the_query() {
    let written = "[libpq] Failed to execute query 'SELECT 'ERROR: x'': ERROR:  column \"b\" does not exist\nLINE 1: SELECT b\n . SQLSTATE: 42703";
    let trouble =
        Trouble::Engine { message: written.to_owned(), state: "42703".to_owned(), status: Status::Unknown };
    match refused(trouble, Duration::from_secs(1)) {
        WarehouseError::Refused { message, why } => {
            assert_eq!((message.as_str(), why), ("column \"b\" does not exist", Why::WrongColumn));
        }
        other => panic!("{other:?}"),
    }
    let stopped =
        Trouble::Engine { message: String::new(), state: "57014".to_owned(), status: Status::Cancelled };
    assert!(matches!(refused(stopped, Duration::from_secs(9)), WarehouseError::Stopped(_)));
}

#[test]
fn what_is_no_single_query_never_reaches_the_server() {
    for sql in
        ["SELECT 1; SELECT 2", "SELECT 1 -- a", "SELECT set_config('a', 'b', false)", "SELECT pg_sleep(9)"]
    {
        assert!(Postgres::check(sql).is_err(), "{sql}");
    }
    assert!(Postgres::check("SELECT 1").is_ok());
}
