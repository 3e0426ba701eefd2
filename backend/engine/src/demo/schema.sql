-- The tables of a Magento 2.4.7 store that matter to a backup, in Magento's own shapes, and those of an extension.
-- A blank line ends each statement.

CREATE TABLE store_website (website_id smallint unsigned NOT NULL AUTO_INCREMENT, code varchar(32) DEFAULT NULL, name varchar(64) DEFAULT NULL, is_default smallint unsigned DEFAULT 0, PRIMARY KEY (website_id), UNIQUE KEY STORE_WEBSITE_CODE (code)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Websites'

CREATE TABLE store (store_id smallint unsigned NOT NULL AUTO_INCREMENT, code varchar(32) DEFAULT NULL, website_id smallint unsigned NOT NULL DEFAULT 0, name varchar(255) NOT NULL, is_active smallint unsigned NOT NULL DEFAULT 0, PRIMARY KEY (store_id), UNIQUE KEY STORE_CODE (code), CONSTRAINT STORE_WEBSITE_ID_STORE_WEBSITE_WEBSITE_ID FOREIGN KEY (website_id) REFERENCES store_website (website_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Stores'

CREATE TABLE core_config_data (config_id int unsigned NOT NULL AUTO_INCREMENT, scope varchar(8) NOT NULL DEFAULT 'default', scope_id int NOT NULL DEFAULT 0, path varchar(255) NOT NULL DEFAULT 'general', value text DEFAULT NULL, updated_at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), PRIMARY KEY (config_id), UNIQUE KEY CORE_CONFIG_DATA_SCOPE_SCOPE_ID_PATH (scope, scope_id, path)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Config Data'

CREATE TABLE setup_module (module varchar(50) NOT NULL, schema_version varchar(50) DEFAULT NULL, data_version varchar(50) DEFAULT NULL, PRIMARY KEY (module)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Module versions registry'

CREATE TABLE admin_user (user_id int unsigned NOT NULL AUTO_INCREMENT, firstname varchar(32) DEFAULT NULL, lastname varchar(32) DEFAULT NULL, email varchar(128) DEFAULT NULL, username varchar(40) DEFAULT NULL, password varchar(255) NOT NULL, created timestamp NOT NULL DEFAULT current_timestamp(), logdate timestamp NULL DEFAULT NULL, is_active smallint NOT NULL DEFAULT 1, extra text DEFAULT NULL, PRIMARY KEY (user_id), UNIQUE KEY ADMIN_USER_USERNAME (username)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Admin User Table'

CREATE TABLE eav_entity_type (entity_type_id smallint unsigned NOT NULL AUTO_INCREMENT, entity_type_code varchar(50) NOT NULL, entity_model varchar(255) NOT NULL, PRIMARY KEY (entity_type_id), KEY EAV_ENTITY_TYPE_ENTITY_TYPE_CODE (entity_type_code)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Eav Entity Type'

CREATE TABLE eav_attribute (attribute_id smallint unsigned NOT NULL AUTO_INCREMENT, entity_type_id smallint unsigned NOT NULL DEFAULT 0, attribute_code varchar(255) NOT NULL, backend_type varchar(8) NOT NULL DEFAULT 'static', frontend_input varchar(50) DEFAULT NULL, is_required smallint unsigned NOT NULL DEFAULT 0, default_value text DEFAULT NULL, PRIMARY KEY (attribute_id), UNIQUE KEY EAV_ATTRIBUTE_ENTITY_TYPE_ID_ATTRIBUTE_CODE (entity_type_id, attribute_code), CONSTRAINT EAV_ATTRIBUTE_ENTITY_TYPE_ID_EAV_ENTITY_TYPE_ENTITY_TYPE_ID FOREIGN KEY (entity_type_id) REFERENCES eav_entity_type (entity_type_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Eav Attribute'

CREATE TABLE catalog_product_entity (entity_id int unsigned NOT NULL AUTO_INCREMENT COMMENT 'Entity ID', attribute_set_id smallint unsigned NOT NULL DEFAULT 0, type_id varchar(32) NOT NULL DEFAULT 'simple', sku varchar(64) NOT NULL, has_options smallint NOT NULL DEFAULT 0, required_options smallint unsigned NOT NULL DEFAULT 0, created_at timestamp NOT NULL DEFAULT current_timestamp(), updated_at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), PRIMARY KEY (entity_id), KEY CATALOG_PRODUCT_ENTITY_SKU (sku)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Product Table'

CREATE TABLE catalog_product_entity_varchar (value_id int NOT NULL AUTO_INCREMENT, attribute_id smallint unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL DEFAULT 0, entity_id int unsigned NOT NULL DEFAULT 0, value varchar(255) DEFAULT NULL, PRIMARY KEY (value_id), UNIQUE KEY CATALOG_PRODUCT_ENTITY_VARCHAR_ENTITY_ID_ATTRIBUTE_ID_STORE_ID (entity_id, attribute_id, store_id), KEY CATALOG_PRODUCT_ENTITY_VARCHAR_ATTRIBUTE_ID (attribute_id), CONSTRAINT CAT_PRD_ENTT_VCHR_ATTR_ID_EAV_ATTR_ATTR_ID FOREIGN KEY (attribute_id) REFERENCES eav_attribute (attribute_id) ON DELETE CASCADE, CONSTRAINT CAT_PRD_ENTT_VCHR_ENTT_ID_CAT_PRD_ENTT_ENTT_ID FOREIGN KEY (entity_id) REFERENCES catalog_product_entity (entity_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Product Varchar Attribute Backend Table'

CREATE TABLE catalog_product_entity_int (value_id int NOT NULL AUTO_INCREMENT, attribute_id smallint unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL DEFAULT 0, entity_id int unsigned NOT NULL DEFAULT 0, value int DEFAULT NULL, PRIMARY KEY (value_id), UNIQUE KEY CATALOG_PRODUCT_ENTITY_INT_ENTITY_ID_ATTRIBUTE_ID_STORE_ID (entity_id, attribute_id, store_id), CONSTRAINT CAT_PRD_ENTT_INT_ENTT_ID_CAT_PRD_ENTT_ENTT_ID FOREIGN KEY (entity_id) REFERENCES catalog_product_entity (entity_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Product Integer Attribute Backend Table'

CREATE TABLE catalog_product_entity_decimal (value_id int NOT NULL AUTO_INCREMENT, attribute_id smallint unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL DEFAULT 0, entity_id int unsigned NOT NULL DEFAULT 0, value decimal(20,6) DEFAULT NULL, PRIMARY KEY (value_id), UNIQUE KEY CATALOG_PRODUCT_ENTITY_DECIMAL_ENTITY_ID_ATTRIBUTE_ID_STORE_ID (entity_id, attribute_id, store_id), CONSTRAINT CAT_PRD_ENTT_DEC_ENTT_ID_CAT_PRD_ENTT_ENTT_ID FOREIGN KEY (entity_id) REFERENCES catalog_product_entity (entity_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Product Decimal Attribute Backend Table'

CREATE TABLE catalog_product_entity_text (value_id int NOT NULL AUTO_INCREMENT, attribute_id smallint unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL DEFAULT 0, entity_id int unsigned NOT NULL DEFAULT 0, value mediumtext DEFAULT NULL, PRIMARY KEY (value_id), UNIQUE KEY CATALOG_PRODUCT_ENTITY_TEXT_ENTITY_ID_ATTRIBUTE_ID_STORE_ID (entity_id, attribute_id, store_id), CONSTRAINT CAT_PRD_ENTT_TEXT_ENTT_ID_CAT_PRD_ENTT_ENTT_ID FOREIGN KEY (entity_id) REFERENCES catalog_product_entity (entity_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='Catalog Product Text Attribute Backend Table'

CREATE TABLE catalog_product_entity_datetime (value_id int NOT NULL AUTO_INCREMENT, attribute_id smallint unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL DEFAULT 0, entity_id int unsigned NOT NULL DEFAULT 0, value datetime DEFAULT NULL, PRIMARY KEY (value_id), UNIQUE KEY CATALOG_PRODUCT_ENTITY_DATETIME_ENTITY_ID_ATTRIBUTE_ID_STORE_ID (entity_id, attribute_id, store_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Product Datetime Attribute Backend Table'

CREATE TABLE catalog_category_entity (entity_id int unsigned NOT NULL AUTO_INCREMENT, attribute_set_id smallint unsigned NOT NULL DEFAULT 0, parent_id int unsigned NOT NULL DEFAULT 0, path varchar(255) NOT NULL, position int NOT NULL, level int NOT NULL DEFAULT 0, children_count int NOT NULL, PRIMARY KEY (entity_id), KEY CATALOG_CATEGORY_ENTITY_PATH (path)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Category Table'

CREATE TABLE catalog_category_product (entity_id int NOT NULL AUTO_INCREMENT, category_id int unsigned NOT NULL DEFAULT 0, product_id int unsigned NOT NULL DEFAULT 0, position int NOT NULL DEFAULT 0, PRIMARY KEY (entity_id, category_id, product_id), UNIQUE KEY CATALOG_CATEGORY_PRODUCT_CATEGORY_ID_PRODUCT_ID (category_id, product_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Product To Category Linkage Table'

CREATE TABLE catalog_category_product_index_store1 (category_id int unsigned NOT NULL DEFAULT 0, product_id int unsigned NOT NULL DEFAULT 0, position int DEFAULT NULL, visibility smallint unsigned NOT NULL, PRIMARY KEY (category_id, product_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Category Product Index Store1'

CREATE TABLE catalog_category_product_index_store1_replica LIKE catalog_category_product_index_store1

CREATE TABLE catalog_product_index_price_tmp (entity_id int unsigned NOT NULL, customer_group_id int unsigned NOT NULL, website_id smallint unsigned NOT NULL, price decimal(20,6) DEFAULT NULL, PRIMARY KEY (entity_id, customer_group_id, website_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Catalog Product Price Index Temp Table'

CREATE TABLE cataloginventory_stock_status (product_id int unsigned NOT NULL, website_id smallint unsigned NOT NULL, stock_id smallint unsigned NOT NULL, qty decimal(12,4) NOT NULL DEFAULT 0.0000, stock_status smallint unsigned NOT NULL, PRIMARY KEY (product_id, website_id, stock_id), KEY CATALOGINVENTORY_STOCK_STATUS_STOCK_ID (stock_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Cataloginventory Stock Status'

CREATE TABLE inventory_source_item (source_item_id int unsigned NOT NULL AUTO_INCREMENT, source_code varchar(255) NOT NULL, sku varchar(64) NOT NULL, quantity decimal(12,4) NOT NULL DEFAULT 0.0000, status smallint unsigned NOT NULL DEFAULT 0, PRIMARY KEY (source_item_id), UNIQUE KEY INVENTORY_SOURCE_ITEM_SOURCE_CODE_SKU (source_code, sku)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Inventory Source Item Table'

CREATE TABLE inventory_reservation (reservation_id int unsigned NOT NULL AUTO_INCREMENT, stock_id int unsigned NOT NULL, sku varchar(64) NOT NULL, quantity decimal(10,4) NOT NULL DEFAULT 0.0000, metadata varchar(255) DEFAULT NULL, PRIMARY KEY (reservation_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Reservation Table'

CREATE TABLE customer_entity (entity_id int unsigned NOT NULL AUTO_INCREMENT, website_id smallint unsigned DEFAULT NULL, email varchar(255) DEFAULT NULL, group_id smallint unsigned NOT NULL DEFAULT 0, created_at timestamp NOT NULL DEFAULT current_timestamp(), firstname varchar(255) DEFAULT NULL, lastname varchar(255) DEFAULT NULL, dob date DEFAULT NULL, password_hash varchar(128) DEFAULT NULL, PRIMARY KEY (entity_id), UNIQUE KEY CUSTOMER_ENTITY_EMAIL_WEBSITE_ID (email, website_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='Customer Entity'

CREATE TABLE customer_address_entity (entity_id int unsigned NOT NULL AUTO_INCREMENT, parent_id int unsigned DEFAULT NULL, city varchar(255) NOT NULL, country_id varchar(255) NOT NULL, postcode varchar(255) DEFAULT NULL, street text NOT NULL, telephone varchar(255) NOT NULL, PRIMARY KEY (entity_id), KEY CUSTOMER_ADDRESS_ENTITY_PARENT_ID (parent_id), CONSTRAINT CUSTOMER_ADDRESS_ENTITY_PARENT_ID_CUSTOMER_ENTITY_ENTITY_ID FOREIGN KEY (parent_id) REFERENCES customer_entity (entity_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='Customer Address Entity'

CREATE TABLE customer_log (log_id int NOT NULL AUTO_INCREMENT, customer_id int NOT NULL, last_login_at timestamp NULL DEFAULT NULL, last_logout_at timestamp NULL DEFAULT NULL, PRIMARY KEY (log_id), UNIQUE KEY CUSTOMER_LOG_CUSTOMER_ID (customer_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Customer Log Table'

CREATE TABLE customer_visitor (visitor_id bigint unsigned NOT NULL AUTO_INCREMENT, customer_id int DEFAULT NULL, session_id varchar(1) DEFAULT NULL, created_at timestamp NOT NULL DEFAULT current_timestamp(), last_visit_at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), PRIMARY KEY (visitor_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Visitor Table'

CREATE TABLE quote (entity_id int unsigned NOT NULL AUTO_INCREMENT, store_id smallint unsigned NOT NULL DEFAULT 0, created_at timestamp NOT NULL DEFAULT current_timestamp(), updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00', is_active smallint unsigned DEFAULT 1, items_count int unsigned DEFAULT 0, grand_total decimal(20,4) DEFAULT 0.0000, customer_id int unsigned DEFAULT NULL, customer_email varchar(255) DEFAULT NULL, remote_ip varchar(45) DEFAULT NULL, PRIMARY KEY (entity_id), KEY QUOTE_CUSTOMER_ID_STORE_ID_IS_ACTIVE (customer_id, store_id, is_active)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Sales Flat Quote'

CREATE TABLE sales_order (entity_id int unsigned NOT NULL AUTO_INCREMENT, state varchar(32) DEFAULT NULL, status varchar(32) DEFAULT NULL, protect_code varchar(255) DEFAULT NULL, store_id smallint unsigned DEFAULT NULL, customer_id int unsigned DEFAULT NULL, base_grand_total decimal(20,4) DEFAULT NULL, grand_total decimal(20,4) DEFAULT NULL, increment_id varchar(50) DEFAULT NULL, customer_email varchar(128) DEFAULT NULL, customer_firstname varchar(128) DEFAULT NULL, created_at timestamp NOT NULL DEFAULT current_timestamp(), updated_at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), PRIMARY KEY (entity_id), UNIQUE KEY SALES_ORDER_INCREMENT_ID_STORE_ID (increment_id, store_id), KEY SALES_ORDER_CREATED_AT (created_at)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Sales Flat Order'

CREATE TABLE sales_order_item (item_id int unsigned NOT NULL AUTO_INCREMENT, order_id int unsigned NOT NULL DEFAULT 0, product_id int unsigned DEFAULT NULL, product_type varchar(255) DEFAULT NULL, product_options longtext DEFAULT NULL, sku varchar(255) DEFAULT NULL, name varchar(255) DEFAULT NULL, qty_ordered decimal(12,4) DEFAULT 0.0000, price decimal(12,4) NOT NULL DEFAULT 0.0000, PRIMARY KEY (item_id), KEY SALES_ORDER_ITEM_ORDER_ID (order_id), CONSTRAINT SALES_ORDER_ITEM_ORDER_ID_SALES_ORDER_ENTITY_ID FOREIGN KEY (order_id) REFERENCES sales_order (entity_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Sales Flat Order Item'

CREATE TABLE sales_order_grid (entity_id int unsigned NOT NULL, status varchar(32) DEFAULT NULL, increment_id varchar(50) DEFAULT NULL, shipping_name varchar(255) DEFAULT NULL, grand_total decimal(20,4) DEFAULT NULL, created_at timestamp NULL DEFAULT NULL, PRIMARY KEY (entity_id), FULLTEXT KEY FTI_65B9E9925EC58F0C7C2E2F6379C233E7 (increment_id, shipping_name)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='Sales Flat Order Grid'

CREATE TABLE sequence_order_1 (sequence_value int unsigned NOT NULL AUTO_INCREMENT, PRIMARY KEY (sequence_value)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3

CREATE TABLE sequence_invoice_1 LIKE sequence_order_1

CREATE TABLE sequence_shipment_1 LIKE sequence_order_1

CREATE TABLE url_rewrite (url_rewrite_id int unsigned NOT NULL AUTO_INCREMENT, entity_type varchar(32) NOT NULL, entity_id int unsigned NOT NULL, request_path varchar(255) DEFAULT NULL, target_path varchar(255) DEFAULT NULL, redirect_type smallint unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL, is_autogenerated smallint unsigned NOT NULL DEFAULT 0, metadata varchar(255) DEFAULT NULL, PRIMARY KEY (url_rewrite_id), UNIQUE KEY URL_REWRITE_REQUEST_PATH_STORE_ID (request_path, store_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Url Rewrites'

CREATE TABLE cache (id varchar(200) NOT NULL, data mediumblob DEFAULT NULL, create_time int DEFAULT NULL, update_time int DEFAULT NULL, expire_time int DEFAULT NULL, PRIMARY KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Caches'

CREATE TABLE cache_tag (tag varchar(100) NOT NULL, cache_id varchar(200) NOT NULL, PRIMARY KEY (tag, cache_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Tag Caches'

CREATE TABLE session (session_id varchar(255) NOT NULL, session_expires int unsigned NOT NULL DEFAULT 0, session_data mediumblob NOT NULL, PRIMARY KEY (session_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Database Sessions Storage'

CREATE TABLE cron_schedule (schedule_id int unsigned NOT NULL AUTO_INCREMENT, job_code varchar(255) NOT NULL DEFAULT '0', status varchar(7) NOT NULL DEFAULT 'pending', messages text DEFAULT NULL, created_at timestamp NOT NULL DEFAULT current_timestamp(), scheduled_at timestamp NULL DEFAULT NULL, executed_at timestamp NULL DEFAULT NULL, finished_at timestamp NULL DEFAULT NULL, PRIMARY KEY (schedule_id), KEY CRON_SCHEDULE_JOB_CODE_STATUS_SCHEDULED_AT (job_code, status, scheduled_at)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Cron Schedule'

CREATE TABLE report_event (event_id bigint unsigned NOT NULL AUTO_INCREMENT, logged_at timestamp NOT NULL DEFAULT current_timestamp(), event_type_id smallint unsigned NOT NULL DEFAULT 0, object_id int unsigned NOT NULL DEFAULT 0, subject_id int unsigned NOT NULL DEFAULT 0, subtype smallint unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL, PRIMARY KEY (event_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Reports Event Table'

CREATE TABLE report_viewed_product_index (index_id bigint unsigned NOT NULL AUTO_INCREMENT, visitor_id int unsigned DEFAULT NULL, customer_id int unsigned DEFAULT NULL, product_id int unsigned NOT NULL, added_at timestamp NOT NULL DEFAULT current_timestamp(), PRIMARY KEY (index_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Reports Viewed Product Index Table'

CREATE TABLE search_query (query_id int unsigned NOT NULL AUTO_INCREMENT, query_text varchar(255) DEFAULT NULL, num_results int unsigned NOT NULL DEFAULT 0, popularity int unsigned NOT NULL DEFAULT 0, store_id smallint unsigned NOT NULL DEFAULT 0, updated_at timestamp NOT NULL DEFAULT current_timestamp(), PRIMARY KEY (query_id), UNIQUE KEY SEARCH_QUERY_QUERY_TEXT_STORE_ID (query_text, store_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='Search query table'

CREATE TABLE catalogsearch_recommendations (id int unsigned NOT NULL AUTO_INCREMENT, query_id int unsigned NOT NULL DEFAULT 0, relation_id int unsigned NOT NULL DEFAULT 0, PRIMARY KEY (id), CONSTRAINT CATALOGSEARCH_RECOMMENDATIONS_QUERY_ID_SEARCH_QUERY_QUERY_ID FOREIGN KEY (query_id) REFERENCES search_query (query_id) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Advanced Search Recommendations'

CREATE TABLE magento_bulk (id int unsigned NOT NULL AUTO_INCREMENT, uuid varbinary(39) DEFAULT NULL, user_id int unsigned DEFAULT NULL, description varchar(255) DEFAULT NULL, operation_count int unsigned NOT NULL, start_time timestamp NOT NULL DEFAULT current_timestamp(), PRIMARY KEY (id), UNIQUE KEY MAGENTO_BULK_UUID (uuid)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Bulk entity that represents set of related asynchronous operations'

CREATE TABLE magento_operation (id int unsigned NOT NULL AUTO_INCREMENT, bulk_uuid varbinary(39) DEFAULT NULL, topic_name varchar(255) DEFAULT NULL, serialized_data blob DEFAULT NULL, status smallint DEFAULT 0, PRIMARY KEY (id), CONSTRAINT MAGENTO_OPERATION_BULK_UUID_MAGENTO_BULK_UUID FOREIGN KEY (bulk_uuid) REFERENCES magento_bulk (uuid) ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='Operation entity'

CREATE TABLE review_detail (detail_id bigint unsigned NOT NULL AUTO_INCREMENT, product_id int unsigned NOT NULL, title varchar(255) NOT NULL, detail text NOT NULL, nickname varchar(128) NOT NULL, PRIMARY KEY (detail_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='Review detail information'

CREATE TABLE mview_state (state_id int unsigned NOT NULL AUTO_INCREMENT, view_id varchar(255) DEFAULT NULL, mode varchar(16) DEFAULT 'disabled', status varchar(16) DEFAULT 'idle', updated datetime DEFAULT NULL, version_id int unsigned DEFAULT NULL, PRIMARY KEY (state_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='View State'

CREATE TABLE catalog_product_price_cl (version_id int unsigned NOT NULL AUTO_INCREMENT, entity_id int unsigned NOT NULL DEFAULT 0, PRIMARY KEY (version_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='catalog_product_price_cl'

CREATE TABLE cataloginventory_stock_cl (version_id int unsigned NOT NULL AUTO_INCREMENT, entity_id int unsigned NOT NULL DEFAULT 0, PRIMARY KEY (version_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='cataloginventory_stock_cl'

CREATE TABLE acme_loyalty_score (customer_id int unsigned NOT NULL, score float NOT NULL, weight double NOT NULL, tier enum('bronze','silver','gold') NOT NULL DEFAULT 'bronze', flags bit(4) NOT NULL DEFAULT b'0', seen_at datetime(6) NOT NULL, label varchar(80) GENERATED ALWAYS AS (concat(tier, '-', customer_id)) STORED, PRIMARY KEY (customer_id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='Loyalty score, it''s exact'

CREATE SQL SECURITY INVOKER VIEW inventory_stock_1 AS SELECT DISTINCT legacy_stock_status.product_id AS product_id, legacy_stock_status.website_id AS website_id, legacy_stock_status.stock_id AS stock_id, legacy_stock_status.qty AS quantity, legacy_stock_status.stock_status AS is_salable, product.sku AS sku FROM (cataloginventory_stock_status legacy_stock_status JOIN catalog_product_entity product ON (legacy_stock_status.product_id = product.entity_id))

CREATE FUNCTION acme_gross(net decimal(12,4), rate decimal(6,4)) RETURNS decimal(12,4) DETERMINISTIC NO SQL COMMENT 'Price with tax' RETURN ROUND(net * (1 + rate / 100), 4)

CREATE VIEW acme_price_list AS SELECT d.entity_id AS entity_id, acme_gross(d.value, 19) AS gross FROM catalog_product_entity_decimal d WHERE d.attribute_id = 77

CREATE PROCEDURE acme_forget_visitors(IN days int)
BEGIN
  DELETE FROM customer_visitor WHERE last_visit_at < NOW() - INTERVAL days DAY;
  SELECT ROW_COUNT() AS forgotten;
END

CREATE EVENT acme_nightly ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'Old visitors' DO CALL acme_forget_visitors(30)
