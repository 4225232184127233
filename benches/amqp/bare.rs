//! The same hops as a loop over the client library and nothing else: take, publish on, wait for the confirm, acknowledge.

use futures::future::{Either, join_all, ready};
use futures::stream::{FuturesOrdered, FuturesUnordered, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, Connection, ConnectionProperties};

use euterpe_amqp::Names;

use super::meter::Meter;
use super::{GRAPH, JOBS, PREFETCH, job, runtime};

/// How deliveries are acknowledged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Acking {
    /// Each for itself, as its confirm comes.
    OneByOne,
    /// All that are confirmed, together, in the order in which they came.
    Batches,
}

/// Takes so many messages through all queues.
pub fn run(url: &str, entities: usize, meter: &Meter, acking: Acking) {
    runtime().block_on(async {
        let connect = || Connection::connect(url, ConnectionProperties::default());
        let (consuming, publishing) = (connect().await.expect("connected"), connect().await.expect("connected"));
        let out = publishing.create_channel().await.expect("a channel");
        out.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        join_all((0..JOBS).map(|at| stage(&consuming, &out, at, entities, meter, acking))).await;
        // The broker hands acknowledgements on to a busy queue bit by bit, and forgets the rest when a channel ends.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        consuming.close(200, "bye".into()).await.expect("closed");
        publishing.close(200, "bye".into()).await.expect("closed");
    });
}

/// One queue to the next.
async fn stage(consuming: &Connection, out: &Channel, at: usize, entities: usize, meter: &Meter, acking: Acking) {
    let names = Names::of(GRAPH);
    let channel = consuming.create_channel().await.expect("a channel");
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.expect("a prefetch");
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(names.queue(&job(at)).into(), "bare".into(), options, FieldTable::default());
    let mut consumer = consumer.await.expect("a consumer");
    let mut any_order = FuturesUnordered::new();
    let mut in_order = FuturesOrdered::new();
    let mut left = entities;
    while left > 0 {
        let mut settled = Vec::new();
        tokio::select! {
            biased;
            Some(tag) = any_order.next(), if !any_order.is_empty() => settled.push(tag),
            Some(tag) = in_order.next(), if !in_order.is_empty() => {
                settled.push(tag);
                while let Some(Some(tag)) = futures::FutureExt::now_or_never(in_order.next()) {
                    settled.push(tag);
                }
            }
            Some(delivery) = consumer.next() => {
                meter.begins();
                let passed = pass_on(out, &names, delivery.expect("a delivery"), at);
                match acking {
                    Acking::OneByOne => any_order.push(passed),
                    Acking::Batches => in_order.push_back(passed),
                }
            }
        }
        left -= settled.len();
        if let Some(last) = settled.last() {
            let options = BasicAckOptions { multiple: acking == Acking::Batches };
            channel.basic_ack(*last, options).await.expect("acknowledged");
        }
    }
    if at + 1 == JOBS {
        meter.ends();
    }
}

/// Publishes a delivery to the next queue, if there is one; its tag, when that is confirmed.
async fn pass_on(out: &Channel, names: &Names, delivery: Delivery, at: usize) -> u64 {
    let Delivery { delivery_tag, data, properties, .. } = delivery;
    let confirm = match at + 1 < JOBS {
        false => Either::Left(ready(Ok(Confirmation::Ack(None)))),
        true => {
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let key = job(at + 1);
            let sent = out.basic_publish(names.exchange().into(), key.as_str().into(), options, &data, properties);
            Either::Right(sent.await.expect("sent"))
        }
    };
    assert!(matches!(confirm.await, Ok(Confirmation::Ack(None))), "not confirmed");
    delivery_tag
}
