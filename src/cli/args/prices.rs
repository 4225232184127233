//! Prices, as a person types them: `write=0.005,read=0.0004,gib-month=0.023,core-hour=0.04`.

use euterpe_engine::Cost;

/// The names, and what each is the price of.
const NAMES: [&str; 4] = ["write", "read", "gib-month", "core-hour"];

/// What a bucket and a machine cost, in whatever currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    /// Of 1,000 requests that write or list.
    pub write: f64,
    /// Of 1,000 requests that read.
    pub read: f64,
    /// Of a GiB that is kept for a month.
    pub gib_month: f64,
    /// Of one core for an hour.
    pub core_hour: f64,
}

/// What a run costs by such prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Money {
    /// The requests.
    pub requests: f64,
    /// What is written, for each month in which it is kept.
    pub month: f64,
    /// The work, where each takes one core.
    pub work: f64,
}

impl Prices {
    /// Reads prices; what is not named costs nothing.
    ///
    /// # Errors
    /// What is wrong with the text, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut prices = Self::default();
        for part in text.split(',') {
            let (name, price) = part.split_once('=').unwrap_or((part, ""));
            let price: Option<f64> = price.trim().parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
            let place = match name.trim() {
                "write" => &mut prices.write,
                "read" => &mut prices.read,
                "gib-month" => &mut prices.gib_month,
                "core-hour" => &mut prices.core_hour,
                other => return Err(format!("no price is called `{other}`; they are {}", NAMES.join(", "))),
            };
            *place = price.ok_or_else(|| format!("`{part}` is no price; write `{name}=0.005`"))?;
        }
        Ok(prices)
    }

    /// What a run costs.
    pub fn of(&self, cost: &Cost) -> Money {
        let requests = cost.all_requests();
        let thousand = |count: u64| count as f64 / 1000.0;
        Money {
            requests: thousand(requests.writes + requests.lists) * self.write + thousand(requests.reads) * self.read,
            month: cost.bytes().1 / f64::from(1 << 30) * self.gib_month,
            work: cost.seconds() / 3600.0 * self.core_hour,
        }
    }
}

#[cfg(test)]
mod tests {
    use euterpe_engine::{JobCost, Mean, Requests};

    use super::*;

    #[test]
    fn prices_are_read_by_name_and_a_wrong_one_is_named() {
        let prices = Prices::parse("write=5, core-hour=0.5").expect("prices");
        assert_eq!(prices, Prices { write: 5.0, core_hour: 0.5, ..Prices::default() });
        for (text, why) in [
            ("put=1", "no price is called `put`; they are write, read, gib-month, core-hour"),
            ("read", "`read` is no price; write `read=0.005`"),
            ("read=-1", "`read=-1` is no price; write `read=0.005`"),
        ] {
            assert_eq!(Prices::parse(text), Err(why.to_owned()));
        }
    }

    #[test]
    fn money_is_of_requests_of_what_is_kept_and_of_work() {
        let job = JobCost {
            works: 3600,
            seconds: Some(Mean { value: 2.0, of: 9 }),
            reads: Some(1.0),
            writes: Some(f64::from(1 << 20)),
        };
        let requests = [("out".parse().expect("a name"), Requests { lists: 1000, reads: 2000, writes: 3000 })];
        let cost = Cost { jobs: vec![job, JobCost::default()], requests: requests.into(), ..Cost::default() };
        let prices = Prices { write: 5.0, read: 0.5, gib_month: 1.0, core_hour: 10.0 };
        assert_eq!(prices.of(&cost), Money { requests: 21.0, month: 3600.0 / 1024.0, work: 20.0 });
    }
}
