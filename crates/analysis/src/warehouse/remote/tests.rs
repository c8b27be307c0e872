use super::*;
use crate::warehouse::dialect::CastType;
use crate::warehouse::expression;

fn dialects() -> impl Iterator<Item = (&'static str, &'static dyn Dialect)> {
    SERVERS.iter().map(|definition| (definition.server.as_str(), definition.dialect()))
}

#[test]
fn every_server_that_a_book_can_name_is_registered_once() {
    let mut registered: Vec<_> = SERVERS.iter().map(|definition| definition.server.as_str()).collect();
    registered.sort_unstable();
    let mut named: Vec<_> = ServerEngine::ALL.iter().map(|server| server.as_str()).collect();
    named.sort_unstable();
    assert_eq!(registered, named);
}

#[test]
fn names_and_texts_cannot_end_their_quotes() {
    for (engine, dialect) in dialects() {
        for text in [r"it's \' so", r"\", "'; DROP TABLE x; --", "\\\\'", "a\nb'"] {
            let sql = dialect.text(text);
            let inner = sql.as_str().strip_prefix('\'').and_then(|sql| sql.strip_suffix('\'')).expect(engine);
            // What ends a text here is a quote that neither a backslash nor another quote escapes.
            let escapes = dialect.text(r"\").as_str() == r"'\\'";
            let mut rest = inner.chars().peekable();
            while let Some(c) = rest.next() {
                match c {
                    '\\' if escapes => assert!(rest.next().is_some(), "{engine}: {sql}"),
                    '\'' => assert_eq!(rest.next(), Some('\''), "{engine}: {sql}"),
                    _ => {}
                }
            }
        }
        let quote = dialect.identifier("a").as_str().chars().next().expect(engine);
        let name = dialect.identifier(&format!("a{quote}; DROP"));
        assert_eq!(name.as_str(), format!("{quote}a{quote}{quote}; DROP{quote}"), "{engine}");
    }
}

#[test]
fn nesting_does_not_make_an_expression_long() {
    let columns = [Column { name: "status".into(), kind: ColumnType::Text }];
    for (engine, dialect) in dialects() {
        let nested = (0..20)
            .fold("status".to_owned(), |text, _| format!("TRY_CAST(ends_with({text}, 'a') AS BIGINT)"));
        let printed = expression(&format!("{nested} = 1"), &columns, dialect).map(|sql| sql.to_string());
        let printed = printed.unwrap_or_else(|error| panic!("{engine}: {error}"));
        assert!(printed.len() < 20 * 1500, "{engine}: {}", printed.len());
    }
}

#[test]
fn what_an_engine_lacks_is_written_otherwise_or_refused() {
    let columns = [("sku", ColumnType::Text), ("items", ColumnType::Integer)]
        .map(|(name, kind)| Column { name: name.into(), kind });
    let read = |dialect: &dyn Dialect, text: &str| match expression(text, &columns, dialect) {
        Ok(sql) => sql.to_string(),
        Err(error) => error.to_string(),
    };
    for (engine, dialect) in dialects() {
        let ilike = read(dialect, "sku ilike 'A%'");
        assert!(ilike.contains("ILIKE") || ilike.matches("lower(").count() == 2, "{engine}: {ilike}");
        let negated = read(dialect, "sku not ilike 'A%'");
        assert!(negated.contains("NOT "), "{engine}: {negated}");
        let modulo = read(dialect, "items % 2 = 1");
        assert_eq!(modulo.contains("MOD("), engine == "bigquery", "{engine}: {modulo}");
        let refused = read(dialect, "left(sku, items) = 'a'");
        assert!(refused.contains("whole number as its second argument"), "{engine}: {refused}");
    }
}

#[test]
fn no_part_of_an_address_that_may_be_secret_is_shown() {
    let server = |uri: &str| Server {
        uri: uri.to_owned(),
        variable: "WAREHOUSE_URI".to_owned(),
        time_limit: Duration::from_secs(1),
    };
    for (uri, message) in [
        ("databricks://token:planted@host:443/x", "cannot parse \"token:planted\""),
        ("sc://host:15002/;token=planted-one", "bad header planted-one"),
        ("user:p@ss@account/db", "cannot read user:p@ss"),
    ] {
        let error = cannot_connect(&spark::ENGINE, &server(uri), &Trouble::of(message));
        assert!(matches!(error, WarehouseError::Address { .. }), "{uri}: {error}");
    }
    let error = cannot_connect(
        &spark::ENGINE,
        &server("sc://host:1/;token=planted-one"),
        &Trouble::of("host:1 refused"),
    );
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn columns_are_known_by_their_types_in_arrow() {
    use arrow_schema::TimeUnit;
    for (data_type, kind) in [
        (DataType::Decimal128(38, 0), ColumnType::Integer),
        (DataType::Decimal128(10, 2), ColumnType::Fraction),
        (DataType::Timestamp(TimeUnit::Microsecond, None), ColumnType::Timestamp),
        (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), ColumnType::Instant),
        (DataType::Utf8View, ColumnType::Text),
        (DataType::Int16, ColumnType::Integer),
        (DataType::Binary, ColumnType::Other("Binary".to_owned())),
    ] {
        assert_eq!(column(&Field::new("c", data_type, true)).kind, kind);
    }
}

#[test]
fn a_lenient_cast_reads_no_text_that_only_one_engine_takes_for_a_number() {
    for (engine, dialect) in dialects() {
        let cast = dialect.expressions().cast(&Sql::code("note"), CastType::Double, true);
        assert_eq!(cast.as_str().matches("note").count(), 1, "{engine}: {cast}");
        assert!(cast.as_str().contains("[nN]a[nN]"), "{engine}: {cast}");
    }
}

#[test]
fn a_drivers_words_are_shown_only_where_they_hold_nothing_of_the_address() {
    let refused_by = |uri: &str, message: &str| {
        let server = Server {
            uri: uri.to_owned(),
            variable: "SHOP_URI".to_owned(),
            time_limit: Duration::from_secs(5),
        };
        let error = refused(&server, Trouble::of(message));
        format!("{error} {error:?} {}", error.published())
    };
    for (uri, shown) in [
        ("trino://reader:hunter2@db.test:8443/shop/public?role=a@b", "hunter2"),
        ("USER:hunter2@ACCOUNT/SHOP/PUBLIC?role=a@b", "hunter2"),
        ("redshift://reader:p%40hunter2@db.test/shop", "p@hunter2"),
        ("sc://db.test:15002/;token=xy-hunter2", "xy-hunter2"),
    ] {
        let refused = refused_by(uri, &format!("cannot sign in with {shown}"));
        assert!(!refused.contains("hunter2"), "{uri}: {refused}");
        assert!(refused_by(uri, "no such table").contains("no such table"), "{uri}");
    }
}
