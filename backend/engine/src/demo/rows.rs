//! The rows of the demo store: seeded, synthetic, in the proportions of a small shop.

use super::content::{self, Seed};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

const PRODUCTS: usize = 1600;
const CUSTOMERS: usize = 1500;
const ORDERS: usize = 3000;
const QUOTES: usize = 4000;
/// 2026-03-01, from which the shop's times are counted.
const EPOCH_DAY: usize = 1;

/// Collects rows into statements of about half a megabyte.
struct Insert<'a> {
    conn: &'a mut Conn,
    head: &'static str,
    text: String,
}

impl<'a> Insert<'a> {
    fn into(conn: &'a mut Conn, head: &'static str) -> Self {
        Insert { conn, head, text: String::new() }
    }

    async fn row(&mut self, values: std::fmt::Arguments<'_>) -> Result<(), mysql_async::Error> {
        use std::fmt::Write;
        self.text.push_str(if self.text.is_empty() { "" } else { "," });
        // Writing into a String cannot fail.
        let _ = write!(self.text, "({values})");
        if self.text.len() > 512 * 1024 { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), mysql_async::Error> {
        if self.text.is_empty() {
            return Ok(());
        }
        let statement = format!("INSERT INTO {} VALUES {}", self.head, self.text);
        self.text.clear();
        self.conn.query_drop(statement).await
    }
}

macro_rules! insert {
    ($into:expr, $($values:tt)*) => { $into.row(format_args!($($values)*)).await? };
}

/// A string literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn blob(bytes: &[u8]) -> String {
    format!("X'{}'", hex::encode(bytes))
}

/// A time within the year, to the second.
fn moment(seed: &mut Seed) -> String {
    format!(
        "'2026-{:02}-{:02} {:02}:{:02}:{:02}'",
        1 + seed.below(10),
        EPOCH_DAY + seed.below(28),
        4 + seed.below(19),
        seed.below(60),
        seed.below(60)
    )
}

pub async fn fill(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    conn.query_drop("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, unique_checks = 0, autocommit = 0")
        .await?;
    conn.query_drop("SET NAMES utf8mb4").await?;
    store(conn).await?;
    catalogue(conn).await?;
    texts(conn).await?;
    stock(conn).await?;
    customers(conn).await?;
    sales(conn).await?;
    rewrites(conn).await?;
    noise(conn).await?;
    blobs(conn).await?;
    conn.query_drop("COMMIT").await?;
    conn.query_drop("SET SESSION foreign_key_checks = 1, unique_checks = 1, autocommit = 1").await
}

async fn store(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    for statement in [
        "INSERT INTO store_website VALUES (0,'admin','Admin',0),(1,'base','Main Website',1)",
        "INSERT INTO store VALUES (0,'admin',0,'Admin',1),(1,'default',1,'Default Store View',1),(2,'de',1,'Deutsch',1)",
        "INSERT INTO eav_entity_type VALUES (1,'customer','Customer'),(3,'catalog_category','Category'),(4,'catalog_product','Product')",
        "INSERT INTO admin_user VALUES (1,'Ada','Admin','ada@example.com','ada','',20260301090000,'2026-10-30 08:11:12',1,'{}')",
        "INSERT INTO mview_state VALUES (1,'catalog_product_price','enabled','idle','2026-10-30 08:00:00',48212),(2,'cataloginventory_stock','enabled','idle','0000-00-00 00:00:00',9119)",
    ] {
        conn.query_drop(statement).await?;
    }
    let mut config = Insert::into(conn, "core_config_data (scope, scope_id, path, value)");
    insert!(config, "'default', 0, 'web/unsecure/base_url', 'http://shop.example.com/'");
    insert!(config, "'stores', 2, 'general/locale/code', 'de_DE'");
    for i in 0..600 {
        let seed = &mut Seed::new(i);
        insert!(
            config,
            "'default', 0, 'section/group{}/field{i}', {}",
            i % 40,
            quoted(&content::sentence(seed, 3))
        );
    }
    config.flush().await?;
    let mut modules = Insert::into(conn, "setup_module");
    for i in 0..180 {
        insert!(modules, "'Magento_Module{i}', '2.4.7', '2.4.7'");
    }
    modules.flush().await?;
    let mut attributes = Insert::into(conn, "eav_attribute");
    for id in 60..160 {
        let kind = ["varchar", "int", "text", "decimal", "datetime"][id % 5];
        insert!(attributes, "{id}, 4, 'attribute_{id}', '{kind}', 'text', {}, NULL", id % 2);
    }
    attributes.flush().await
}

async fn catalogue(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("catalogue");
    let mut products = Insert::into(conn, "catalog_product_entity");
    for id in 1..=PRODUCTS {
        let kind = seed.pick(&["simple", "simple", "simple", "configurable", "virtual"]);
        let (made, changed) = (moment(seed), moment(seed));
        insert!(products, "{id}, 4, '{kind}', 'SKU-{id:05}', {}, 0, {made}, {changed}", id % 2);
    }
    products.flush().await?;
    let mut values =
        Insert::into(conn, "catalog_product_entity_varchar (attribute_id, store_id, entity_id, value)");
    for id in 1..=PRODUCTS {
        for attribute in (60..130).step_by(5) {
            let text = content::sentence(seed, 2 + attribute % 4);
            insert!(values, "{attribute}, 0, {id}, {}", quoted(&format!("{text} {id}")));
        }
    }
    values.flush().await?;
    let mut values =
        Insert::into(conn, "catalog_product_entity_int (attribute_id, store_id, entity_id, value)");
    for id in 1..=PRODUCTS {
        for attribute in (61..121).step_by(5) {
            insert!(values, "{attribute}, 0, {id}, {}", seed.below(9));
        }
    }
    values.flush().await?;
    let mut values =
        Insert::into(conn, "catalog_product_entity_decimal (attribute_id, store_id, entity_id, value)");
    for id in 1..=PRODUCTS {
        for attribute in [77, 78, 83] {
            insert!(values, "{attribute}, 0, {id}, {}.{:02}0000", seed.below(300), seed.below(100));
        }
    }
    values.flush().await?;
    let mut values =
        Insert::into(conn, "catalog_product_entity_datetime (attribute_id, store_id, entity_id, value)");
    for id in 1..=PRODUCTS {
        let time = if id % 7 == 0 { "'0000-00-00 00:00:00'".into() } else { moment(seed) };
        insert!(values, "64, 0, {id}, {time}");
    }
    values.flush().await?;
    let mut categories = Insert::into(conn, "catalog_category_entity");
    insert!(categories, "1, 3, 0, '1', 0, 0, 60");
    for id in 2..=60 {
        insert!(categories, "{id}, 3, 1, '1/{id}', {id}, 1, 0");
    }
    categories.flush().await?;
    for head in [
        "catalog_category_product (category_id, product_id, position)",
        "catalog_category_product_index_store1 (category_id, product_id, visibility)",
        "catalog_category_product_index_store1_replica (category_id, product_id, visibility)",
    ] {
        let mut links = Insert::into(conn, head);
        for id in 1..=PRODUCTS {
            for n in 0..3 {
                insert!(links, "{}, {id}, {n}", 2 + (id * 7 + n * 19) % 59);
            }
        }
        links.flush().await?;
    }
    Ok(())
}

async fn texts(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("texts");
    let mut values =
        Insert::into(conn, "catalog_product_entity_text (attribute_id, store_id, entity_id, value)");
    for id in 1..=PRODUCTS {
        for (attribute, store) in [(62, 0), (67, 0), (62, 2)] {
            let words = seed.skewed(120, 2500);
            let text = format!(
                "<p>{}</p>\n<ul><li>It's 100% \\ \"{}\"</li></ul> Größe ✓ 👕",
                content::sentence(seed, words),
                content::sentence(seed, 3)
            );
            insert!(values, "{attribute}, {store}, {id}, {}", quoted(&text));
        }
    }
    values.flush().await?;
    let mut reviews = Insert::into(conn, "review_detail (product_id, title, detail, nickname)");
    for i in 0..1200 {
        let mood = seed.pick(&["😀", "👍🏽", "🔥", "", "💔"]);
        let (title, text) = (content::sentence(seed, 3), content::sentence(seed, 30));
        insert!(reviews, "{}, '{title} {mood}', '{text} {mood}', 'Käufer{i}'", 1 + seed.below(PRODUCTS));
    }
    reviews.flush().await
}

async fn stock(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("stock");
    let mut status = Insert::into(conn, "cataloginventory_stock_status");
    for id in 1..=PRODUCTS {
        insert!(status, "{id}, 0, 1, {}, {}", seed.below(500), u8::from(id % 11 != 0));
    }
    status.flush().await?;
    let mut items = Insert::into(conn, "inventory_source_item (source_code, sku, quantity, status)");
    for id in 1..=PRODUCTS {
        insert!(items, "'default', 'SKU-{id:05}', {}, 1", seed.below(500));
    }
    items.flush().await?;
    let mut reservations = Insert::into(conn, "inventory_reservation (stock_id, sku, quantity, metadata)");
    for id in 1..=ORDERS {
        let sku = 1 + seed.below(PRODUCTS);
        insert!(
            reservations,
            "1, 'SKU-{sku:05}', -1, '{{\"event_type\":\"order_placed\",\"object_id\":\"{id}\"}}'"
        );
    }
    reservations.flush().await
}

async fn customers(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("customers");
    let mut people = Insert::into(conn, "customer_entity");
    for id in 1..=CUSTOMERS {
        let (first, last) = (
            seed.pick(&["Zoë", "Jürgen", "Ana", "Lê", "Søren", "O'Neil", "Mia 🌷", "Noah"]),
            seed.pick(&["Müller", "García", "Nguyễn", "Smith", "D'Angelo", "Kowalska"]),
        );
        let born = if id % 9 == 0 {
            "'0000-00-00'".into()
        } else {
            format!("'19{}-0{}-11'", 50 + id % 50, 1 + id % 9)
        };
        let hash =
            format!("{:016x}{:016x}:{:08x}:3_32_2_67108864", seed.word(), seed.word(), seed.word() >> 32);
        let made = moment(seed);
        insert!(
            people,
            "{id}, 1, 'customer{id}@example.com', 1, {made}, {}, {}, {born}, '{hash}'",
            quoted(first),
            quoted(last)
        );
    }
    people.flush().await?;
    let mut addresses = Insert::into(
        conn,
        "customer_address_entity (parent_id, city, country_id, postcode, street, telephone)",
    );
    for id in 1..=CUSTOMERS {
        let city = seed.pick(&["Köln", "Łódź", "São Paulo", "東京", "Austin"]);
        insert!(
            addresses,
            "{id}, '{city}', 'DE', '{:05}', 'Street {}\\nBuilding {}', '555-{:04}'",
            seed.below(99_999),
            seed.below(200),
            seed.below(9),
            seed.below(9999)
        );
    }
    addresses.flush().await?;
    let mut scores =
        Insert::into(conn, "acme_loyalty_score (customer_id, score, weight, tier, flags, seen_at)");
    for id in 1..=CUSTOMERS {
        let score = seed.word() as f32 / 1.0e13;
        let weight = seed.word() as f64 / 3.0e19;
        let tier = seed.pick(&["bronze", "silver", "gold"]);
        let micros = seed.below(1_000_000);
        insert!(
            scores,
            "{id}, {score:e}, {weight:e}, '{tier}', {}, '2026-09-03 10:11:12.{micros:06}'",
            id % 16
        );
    }
    scores.flush().await?;
    let mut log = Insert::into(conn, "customer_log (customer_id, last_login_at)");
    for id in 1..=CUSTOMERS {
        let time = moment(seed);
        insert!(log, "{id}, {time}");
    }
    log.flush().await
}

async fn sales(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("sales");
    let mut orders = Insert::into(conn, "sales_order");
    let mut grid = Vec::with_capacity(ORDERS);
    for id in 1..=ORDERS {
        let (status, total, time) =
            (seed.pick(&["complete", "processing", "canceled", "closed"]), seed.below(90_000), moment(seed));
        let customer = 1 + seed.below(CUSTOMERS);
        let code = format!("{:016x}{:016x}", seed.word(), seed.word());
        let total = format!("{}.{:02}", total / 100, total % 100);
        insert!(
            orders,
            "{id}, '{status}', '{status}', '{code}', 1, {customer}, {total}, {total}, '{id:09}', 'customer{customer}@example.com', 'Name {customer}', {time}, {time}"
        );
        grid.push((status, total, time, customer));
    }
    orders.flush().await?;
    let mut rows = Insert::into(conn, "sales_order_grid");
    for (id, (status, total, time, customer)) in grid.iter().enumerate() {
        insert!(rows, "{0}, '{status}', '{0:09}', 'Name {customer} 🚚', {total}, {time}", id + 1);
    }
    rows.flush().await?;
    let mut items = Insert::into(
        conn,
        "sales_order_item (order_id, product_id, product_type, product_options, sku, name, qty_ordered, price)",
    );
    for id in 1..=ORDERS {
        for _ in 0..1 + seed.below(4) {
            let product = 1 + seed.below(PRODUCTS);
            let options = format!(
                "{{\"info_buyRequest\":{{\"uenc\":\"{:x}\",\"product\":\"{product}\",\"qty\":\"1\",\"options\":{{\"{}\":\"{}\"}}}}}}",
                seed.word(),
                seed.below(300),
                content::sentence(seed, 4)
            );
            insert!(
                items,
                "{id}, {product}, 'simple', '{options}', 'SKU-{product:05}', '{}', 1, {}.99",
                content::sentence(seed, 4),
                seed.below(200)
            );
        }
    }
    items.flush().await?;
    for (head, last) in
        [("sequence_order_1", ORDERS), ("sequence_invoice_1", 2710), ("sequence_shipment_1", 2649)]
    {
        let mut sequence = Insert::into(conn, head);
        for value in 1..=last {
            insert!(sequence, "{value}");
        }
        sequence.flush().await?;
    }
    let mut quotes = Insert::into(
        conn,
        "quote (store_id, created_at, updated_at, is_active, items_count, grand_total, customer_id, customer_email, remote_ip)",
    );
    for i in 0..QUOTES {
        let (made, customer) = (moment(seed), seed.below(CUSTOMERS));
        let changed = if i % 5 == 0 { "'0000-00-00 00:00:00'".into() } else { moment(seed) };
        insert!(
            quotes,
            "1, {made}, {changed}, {}, {}, {}.5, {customer}, NULL, '198.51.100.{}'",
            i % 2,
            seed.below(9),
            seed.below(900),
            seed.below(250)
        );
    }
    quotes.flush().await
}

async fn rewrites(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("rewrites");
    let mut rows = Insert::into(
        conn,
        "url_rewrite (entity_type, entity_id, request_path, target_path, store_id, is_autogenerated, metadata)",
    );
    for id in 1..=PRODUCTS {
        for store in 1..=2 {
            let path = content::sentence(seed, 4).replace(' ', "-");
            insert!(
                rows,
                "'product', {id}, '{path}-{id}.html', 'catalog/product/view/id/{id}', {store}, 1, NULL"
            );
            let category = 2 + seed.below(59);
            insert!(
                rows,
                "'product', {id}, 'c{category}/{path}-{id}.html', 'catalog/product/view/id/{id}/category/{category}', {store}, 1, '{{\"category_id\":\"{category}\"}}'"
            );
        }
    }
    rows.flush().await
}

/// What a backup may well leave out: schedules, visitors, reports, search terms.
async fn noise(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("noise");
    let mut rows = Insert::into(
        conn,
        "cron_schedule (job_code, status, messages, created_at, scheduled_at, executed_at)",
    );
    for i in 0..6000 {
        let job = seed.pick(&[
            "indexer_update_all_views",
            "sales_clean_quotes",
            "consumers_runner",
            "backend_clean_cache",
            "newsletter_send_all",
        ]);
        let (status, time) = (["success", "success", "missed", "error", "pending"][i % 5], moment(seed));
        let message = if status == "error" { quoted(&content::sentence(seed, 40)) } else { "NULL".into() };
        insert!(rows, "'{job}', '{status}', {message}, {time}, {time}, NULL");
    }
    rows.flush().await?;
    let mut rows = Insert::into(conn, "customer_visitor (customer_id, created_at, last_visit_at)");
    for _ in 0..5000 {
        let (a, b) = (moment(seed), moment(seed));
        insert!(rows, "NULL, {a}, {b}");
    }
    rows.flush().await?;
    let mut rows =
        Insert::into(conn, "report_event (logged_at, event_type_id, object_id, subject_id, store_id)");
    for _ in 0..12_000 {
        let time = moment(seed);
        insert!(rows, "{time}, {}, {}, {}, 1", 1 + seed.below(6), 1 + seed.below(PRODUCTS), seed.below(5000));
    }
    rows.flush().await?;
    let mut rows = Insert::into(conn, "report_viewed_product_index (visitor_id, product_id, added_at)");
    for _ in 0..8000 {
        let time = moment(seed);
        insert!(rows, "{}, {}, {time}", seed.below(5000), 1 + seed.below(PRODUCTS));
    }
    rows.flush().await?;
    let mut rows = Insert::into(
        conn,
        "search_query (query_id, query_text, num_results, popularity, store_id, updated_at)",
    );
    for id in 1..=1500 {
        let (text, time) = (content::sentence(seed, 2), moment(seed));
        insert!(rows, "{id}, '{text} {id}', {}, {}, 1, {time}", seed.below(90), seed.below(900));
    }
    rows.flush().await?;
    let mut rows = Insert::into(conn, "catalogsearch_recommendations (query_id, relation_id)");
    for id in 1..=40 {
        insert!(rows, "{id}, {}", id + 1);
    }
    rows.flush().await?;
    let mut rows = Insert::into(conn, "catalog_product_price_cl");
    for version in 48_000..=48_212 {
        insert!(rows, "{version}, {}", 1 + seed.below(PRODUCTS));
    }
    rows.flush().await
}

/// Cache entries, sessions, message bodies, identifiers: bytes of any value.
async fn blobs(conn: &mut Conn) -> Result<(), mysql_async::Error> {
    let seed = &mut Seed::of("blobs");
    let mut rows = Insert::into(conn, "cache");
    for i in 0..700 {
        let size = seed.skewed(4000, 120_000);
        let mut data = content::xml(seed, size).into_bytes();
        let noise = seed.bytes(64);
        data.extend_from_slice(&noise);
        data.extend_from_slice(b"\0'\\\"\r\n\x1a");
        insert!(rows, "'{:016X}_{i}', {}, 1761800000, 1761800000, {}", seed.word(), blob(&data), i % 2);
    }
    rows.flush().await?;
    let mut rows = Insert::into(conn, "cache_tag");
    for i in 0..1400 {
        insert!(rows, "'tag_{}', 'entry_{i}'", i % 50);
    }
    rows.flush().await?;
    let mut rows = Insert::into(conn, "session");
    for i in 0..400 {
        let size = seed.skewed(1200, 30_000);
        let data = if i % 40 == 0 { Vec::new() } else { seed.bytes(size) };
        insert!(rows, "'{:016x}{i:04x}', 1761800000, {}", seed.word(), blob(&data));
    }
    rows.flush().await?;
    let mut bulks =
        Insert::into(conn, "magento_bulk (uuid, user_id, description, operation_count, start_time)");
    let uuids: Vec<Vec<u8>> = (0..120).map(|_| seed.bytes(16)).collect();
    for uuid in &uuids {
        let time = moment(seed);
        insert!(bulks, "{}, 1, 'Update attributes', 2, {time}", blob(uuid));
    }
    bulks.flush().await?;
    let mut operations =
        Insert::into(conn, "magento_operation (bulk_uuid, topic_name, serialized_data, status)");
    for uuid in uuids.iter().chain(&uuids) {
        let data = seed.bytes(300);
        insert!(operations, "{}, 'product_action_attribute.update', {}, 1", blob(uuid), blob(&data));
    }
    operations.flush().await
}
