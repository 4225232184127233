//! Where objects live: adapters of the storage port.
