//! Tables, columns, indexes and rows that mean the same on every database, and that bear being made twice: MySQL keeps what a
//! migration did before it broke off.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

/// A new table, unless it is there. On MySQL its text compares byte by byte, as it does on the others: what has to be unique whatever its
/// case has a lower-cased `…_key` column.
pub fn table(m: &SchemaManager, name: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).if_not_exists();
    if m.get_database_backend() == DatabaseBackend::MySql {
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

/// `id`: a number that is never given twice.
pub fn id() -> ColumnDef {
    let mut column = ColumnDef::new("id");
    column.big_integer().not_null().auto_increment().primary_key();
    column
}

pub fn string(name: &'static str, len: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.string_len(len);
    column
}

pub fn integer(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.integer();
    column
}

pub fn big_integer(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

pub fn boolean(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean();
    column
}

pub fn double(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.double();
    column
}

/// An instant in UTC with microseconds. MySQL's `timestamp` would round to seconds and end in 2038.
pub fn instant(m: &SchemaManager, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match m.get_database_backend() {
        DatabaseBackend::MySql => column.custom("datetime(6)"),
        _ => column.timestamp_with_time_zone(),
    };
    column
}

/// Text of any length; also JSON, which no query looks into. MySQL's `text` would end at 64 KiB.
pub fn long_text(m: &SchemaManager, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match m.get_database_backend() {
        DatabaseBackend::MySql => column.custom("longtext"),
        _ => column.text(),
    };
    column
}

/// The counter behind a row's `ETag`.
pub fn revision() -> ColumnDef {
    let mut column = ColumnDef::new("revision");
    column.big_integer().not_null().default(1);
    column
}

/// A further column of a table that is there; not again when a migration that was cut short had added it.
pub async fn add_column(
    m: &SchemaManager<'_>,
    table: &'static str,
    mut column: ColumnDef,
) -> Result<(), DbErr> {
    if m.has_column(table, column.get_column_name()).await? {
        return Ok(());
    }
    m.alter_table(Table::alter().table(table).add_column(&mut column).to_owned()).await
}

pub async fn unique(
    m: &SchemaManager<'_>,
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    add_index(m, table, name, index_on(table, name, columns).unique().to_owned()).await
}

pub async fn index(
    m: &SchemaManager<'_>,
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    add_index(m, table, name, index_on(table, name, columns)).await
}

/// Not every database knows `IF NOT EXISTS` here.
async fn add_index(
    m: &SchemaManager<'_>,
    table: &str,
    name: &str,
    index: IndexCreateStatement,
) -> Result<(), DbErr> {
    if m.has_index(table, name).await? { Ok(()) } else { m.create_index(index).await }
}

fn index_on(table: &'static str, name: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// A reference from `column` of `table` to the `id` of `target`.
pub fn reference(
    name: &'static str,
    (table, column): (&'static str, &'static str),
    target: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(name).from(table, column).to(target, "id").on_delete(on_delete).to_owned()
}

/// Adds a row, unless one has the same value in the first of the columns.
pub async fn seed<const N: usize>(
    m: &SchemaManager<'_>,
    table: &'static str,
    columns: [&'static str; N],
    values: [Value; N],
) -> Result<(), DbErr> {
    let same = Expr::col(columns[0]).eq(values[0].clone());
    let known = Query::select().column(columns[0]).from(table).and_where(same).to_owned();
    if m.get_connection().query_one(&known).await?.is_some() {
        return Ok(());
    }
    let values = values.map(Expr::value);
    m.execute(Query::insert().into_table(table).columns(columns).values_panic(values).to_owned()).await
}
