//! Upload: a picture on its way over a bad line, in as many parts as it takes.

pub mod entity;

pub use entity::Model;
