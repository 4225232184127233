//! Variables of the environment: flags go before them, they go before what a run recorded, and nothing is as good as unset.

use super::chain;

#[test]
fn what_a_variable_gives_goes_before_what_a_run_was_given() {
    let bench = chain();
    bench.call("run g.yaml --store out=one").ends(4);
    let check = bench.call("runs check g.yaml last --json").ends(4).last();
    assert_eq!(check["done"], 2, "{check}");
    for variable in [("EUTERPE_STORE_OUT", "two"), ("EUTERPE_STORES", "two")] {
        let check = bench.call_with("runs check g.yaml last --json", &[variable]);
        assert_eq!(check.last()["done"], 0, "{variable:?}: {check:?}");
        assert!(!check.err.contains("as run"), "{variable:?}: {check:?}");
        let flag = bench.call_with("runs check g.yaml last --json --store out=one", &[variable]);
        assert_eq!(flag.last()["done"], 2, "{variable:?}: {flag:?}");
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_is_as_good_as_unset() {
    let bench = chain();
    let empty = ["EUTERPE_STATE", "EUTERPE_CACHE", "EUTERPE_BROKER", "EUTERPE_BROKER_FILE", "EUTERPE_BROKER_CA"];
    let empty = empty.map(|name| (name, ""));
    bench.call_with("run g.yaml", &empty).ends(4);
    bench.call_with("runs check g.yaml last", &empty).ends(4);
    assert!(bench.has(".euterpe/chain"));
}

#[test]
fn a_file_that_is_typed_goes_before_a_url_in_a_variable() {
    let bench = chain();
    bench.write("url", "amqp://127.0.0.1:1/typed\n");
    let variable = ("EUTERPE_BROKER", "amqp://127.0.0.1:1/variable");
    let typed = bench.call_with("status g.yaml --broker-file url", &[variable]).ends(1);
    assert!(typed.err.contains("/typed") && !typed.err.contains("/variable"), "{typed:?}");
    let both = bench.call_with("status g.yaml --broker-file url --broker amqp://127.0.0.1:1/flag", &[variable]).ends(1);
    assert!(both.err.contains("/flag"), "{both:?}");
    let file = bench.call_with("status g.yaml", &[variable, ("EUTERPE_BROKER_FILE", "url")]).ends(1);
    assert!(file.err.contains("/variable"), "{file:?}");
}

#[test]
fn a_variable_for_a_store_that_the_graph_does_not_have_is_told_once() {
    let bench = chain();
    let called = bench.call_with("runs ls g.yaml", &[("EUTERPE_STORE_OTU", "two"), ("EUTERPE_STORE_X", "")]).ends(0);
    let told = "the variable `EUTERPE_STORE_OTU` is for no store of graph `chain`; did you mean `EUTERPE_STORE_OUT`?";
    assert_eq!(called.err.matches(told).count(), 1, "{called:?}");
    assert!(!called.err.contains("EUTERPE_STORE_X"), "{called:?}");
    let called = bench.call_with("lint g.yaml", &[("EUTERPE_STORE_OUT", "two"), ("EUTERPE_STORES", "three")]).ends(0);
    assert!(!called.err.contains("is for no store"), "{called:?}");
}
