//! Adapters of the broker port. The embedded one needs none: it lives beside the port.

pub mod amqp;
