//! stub
pub mod db;
pub mod entity;
