//! TLS: one cryptography for every connection of the process.
//!
//! It is that of the connections to PostgreSQL, so that no second one is built and kept up to date.

/// Chooses it, unless another was chosen before. A client that speaks HTTPS cannot be made earlier.
pub fn choose() {
    // Fails only where one is chosen already: then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
