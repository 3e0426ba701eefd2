-- What indexers "by schedule" put on the tables they watch. Made after the rows, as they would record every one of them.

CREATE TRIGGER trg_catalog_product_entity_decimal_after_insert AFTER INSERT ON catalog_product_entity_decimal FOR EACH ROW
BEGIN
INSERT IGNORE INTO `catalog_product_price_cl` (`entity_id`) VALUES (NEW.`entity_id`);
END

CREATE TRIGGER trg_catalog_product_entity_decimal_after_update AFTER UPDATE ON catalog_product_entity_decimal FOR EACH ROW
BEGIN
IF (NOT(NEW.`value` <=> OLD.`value`)) THEN INSERT IGNORE INTO `catalog_product_price_cl` (`entity_id`) VALUES (NEW.`entity_id`); END IF;
END

CREATE TRIGGER trg_catalog_product_entity_decimal_after_delete AFTER DELETE ON catalog_product_entity_decimal FOR EACH ROW
BEGIN
INSERT IGNORE INTO `catalog_product_price_cl` (`entity_id`) VALUES (OLD.`entity_id`);
END

CREATE TRIGGER trg_cataloginventory_stock_status_after_update AFTER UPDATE ON cataloginventory_stock_status FOR EACH ROW
BEGIN
INSERT IGNORE INTO `cataloginventory_stock_cl` (`entity_id`) VALUES (NEW.`product_id`);
END

ALTER TABLE sequence_order_1 AUTO_INCREMENT = 3001

ALTER TABLE sequence_invoice_1 AUTO_INCREMENT = 2711

ALTER TABLE sequence_shipment_1 AUTO_INCREMENT = 2650

ALTER TABLE catalog_product_price_cl AUTO_INCREMENT = 48213

ALTER TABLE cataloginventory_stock_cl AUTO_INCREMENT = 9120
