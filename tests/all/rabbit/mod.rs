//! RabbitMQ: a real one, started by each test on a port of its own.

mod server;
mod suite;

pub use server::Rabbit;
