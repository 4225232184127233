//! The registry of transforms as the catalog that graph files are checked against.

use crate::{Catalog, Facts, InputRule, JobShape, OptionProblem};
use euterpe_actors::transform::{self, OpenContext, OutputShape, Registry};

impl Catalog for Registry {
    fn names(&self) -> Vec<String> {
        self.names().map(str::to_owned).collect()
    }

    fn facts(&self, name: &str) -> Option<Facts> {
        let entry = self.find(name)?;
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let suffix = entry.suffixes().first().copied().unwrap_or("");
        Some(Facts {
            summary: entry.summary().to_owned(),
            inputs: match entry.input_rule() {
                transform::InputRule::None => InputRule::Exact(Vec::new()),
                transform::InputRule::Exactly(names) => InputRule::Exact(owned(names)),
                transform::InputRule::OneOrMore => InputRule::Any { least: 1 },
                transform::InputRule::Any => InputRule::Any { least: 0 },
            },
            extensions: owned(entry.extensions()),
            suffixes: owned(entry.suffixes()),
            most_outputs: if entry.output_problem(&[suffix, suffix]).is_some() { 1 } else { usize::MAX },
            options: entry.schema().to_value(),
        })
    }

    fn option_problems(&self, name: &str, job: &JobShape<'_>) -> Vec<OptionProblem> {
        let Some(entry) = self.find(name) else { return Vec::new() };
        let shape = |(name, suffix): &(String, String)| OutputShape { name: name.clone(), suffix: suffix.clone() };
        let context = OpenContext {
            inputs: job.inputs.clone(),
            outputs: job.outputs.iter().map(shape).collect(),
            timeout: job.timeout,
            folder: job.folder.to_owned(),
            ..OpenContext::default()
        };
        let problems = entry.open(job.options, &context).err().unwrap_or_default();
        let problem = |problem: transform::OptionProblem| OptionProblem {
            path: problem.path.replace('[', ".").replace(']', ""),
            message: problem.message,
        };
        problems.into_iter().map(problem).collect()
    }
}
