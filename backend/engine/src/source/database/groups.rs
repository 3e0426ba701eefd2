//! Groups of tables by purpose, in the vocabulary that administrators of Magento know from n98-magerun2, and a few of our own.

#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// With its `@`.
    pub name: &'static str,
    pub description: &'static str,
    /// Noise that a restored store does without. Never merchant data, never what Magento cannot make again.
    pub suggested: bool,
    /// Patterns and other groups, separated by spaces.
    members: &'static str,
}

const fn group(
    name: &'static str,
    suggested: bool,
    description: &'static str,
    members: &'static str,
) -> Group {
    Group { name, description, suggested, members }
}

/// Every group. Groups may contain groups, without cycles.
pub const GROUPS: [Group; 26] = [
    group("@cache", true, "Caches kept in the database", "cache cache_tag"),
    group("@cron", true, "Past and planned runs of cron jobs", "cron_schedule"),
    group(
        "@log",
        true,
        "Visitor logs and reports of viewed products",
        "log_url log_url_info log_visitor log_visitor_info log_visitor_online report_event report_compared_product_index report_viewed_*",
    ),
    group("@sessions", true, "Sessions kept in the database", "session persistent_session"),
    group("@idx", true, "Working tables of indexers", "*_idx"),
    group("@replica", true, "Second copies of index tables; reindexing fills them", "*_replica"),
    group("@tmp", true, "Temporary tables of indexers", "*_tmp"),
    group("@temp", true, "Temporary tables of searches", "*__temp*"),
    group("@indexer_batches", true, "Batch sizes of running indexers", "*_index_batches"),
    group("@newrelic_reporting", true, "Counters for New Relic", "reporting_*"),
    group(
        "@ee_changelog",
        false,
        "Changes that indexers have not seen yet: without them everything has to be reindexed",
        "*_cl",
    ),
    group(
        "@search",
        false,
        "Search index, search terms and synonyms",
        "catalogsearch_* search_query search_synonyms",
    ),
    group(
        "@aggregated",
        false,
        "Aggregated reports; the cron jobs make them again from the orders",
        "*_aggregated *_aggregated_updated *_aggregated_created *_aggregated_daily *_aggregated_monthly *_aggregated_yearly *_aggregated_order",
    ),
    group(
        "@dotmailer",
        false,
        "Data of the dotdigital extension",
        "email_abandoned_cart email_automation email_campaign email_catalog email_contact email_contact_consent email_coupon_attribute \
         email_failed_auth email_importer email_order email_review email_rules email_wishlist",
    ),
    group("@klarna", false, "Data of the Klarna extension", "klarna_*"),
    group("@mailchimp", false, "Data of the Mailchimp extension", "mailchimp_*"),
    group("@2fa", false, "Second factors of administrators", "msp_tfa_user_config msp_tfa_trusted"),
    group("@oauth", false, "Tokens of integrations", "oauth_*"),
    group(
        "@admin",
        false,
        "Administrators, their roles, bookmarks and action logs",
        "admin* magento_logging_event magento_logging_event_changes ui_bookmark authorization_role authorization_rule",
    ),
    group(
        "@sales",
        false,
        "Orders, invoices, shipments, credit memos and their number sequences: merchant data",
        "sales_order sales_order_address sales_order_aggregated_created sales_order_aggregated_updated sales_order_grid sales_order_item \
         sales_order_payment sales_order_status_history sales_order_tax sales_order_tax_item sequence_order_* sales_invoice sales_invoice_* \
         sales_invoiced_* sequence_invoice_* sales_shipment sales_shipment_* sales_shipping_* sequence_shipment_* sales_creditmemo \
         sales_creditmemo_* sequence_creditmemo_* sales_recurring_* sales_refunded_* sales_payment_* enterprise_sales_* \
         enterprise_customer_sales_* sales_bestsellers_* magento_customercustomattributes_sales_flat_* inventory_reservation \
         paypal_billing_agreement* paypal_payment_transaction paypal_settlement_report* magento_rma magento_rma_grid \
         magento_rma_status_history magento_rma_shipping_label magento_rma_item_entity sequence_rma_item_* \
         magento_sales_order_grid_archive magento_sales_creditmemo_grid_archive magento_sales_invoice_grid_archive \
         magento_sales_shipment_grid_archive",
    ),
    group(
        "@quotes",
        false,
        "Carts and negotiable quotes: merchant data",
        "negotiable_quote negotiable_quote_* quote quote_*",
    ),
    group(
        "@customers",
        false,
        "Customers, addresses, wish lists, newsletter subscriptions: merchant data",
        "customer_address* customer_entity customer_entity_* customer_grid_flat customer_log customer_visitor newsletter_subscriber \
         product_alert* vault_payment_token vault_payment_token_* wishlist wishlist_* company company_* magento_giftcardaccount \
         magento_customerbalance magento_customerbalance_history magento_customersegment_customer magento_reward magento_reward_history",
    ),
    group(
        "@trade",
        false,
        "Everything about customers and their orders: merchant data",
        "@customers @sales @quotes @klarna @mailchimp",
    ),
    group(
        "@stripped",
        false,
        "Logs, sessions, change logs and other data that a copy for development does without",
        "@log @sessions @dotmailer @newrelic_reporting @temp @ee_changelog @indexer_batches system_config_snapshot",
    ),
    group(
        "@development",
        false,
        "Everything personal or secret, for a copy that developers work with",
        "@admin @oauth @trade @stripped @search @2fa @aggregated",
    ),
    group(
        "@noise",
        true,
        "All groups that are usually left out",
        "@cache @cron @log @sessions @idx @replica @tmp @temp @indexer_batches @newrelic_reporting",
    ),
];

/// The patterns a group stands for, groups within it resolved; none for a group that does not exist.
pub fn expand(name: &str) -> Vec<String> {
    let Some(group) = GROUPS.iter().find(|group| group.name == name) else { return Vec::new() };
    let mut patterns = Vec::new();
    for member in group.members.split_whitespace() {
        if member.starts_with('@') {
            patterns.extend(expand(member));
        } else {
            patterns.push(member.to_string());
        }
    }
    patterns
}
