//! The arguments of a program with their placeholders: parsed once, filled in for each entity.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use euterpe_actors::outcome::Fault;
use euterpe_actors::transform::{OpenContext, OptionProblem};

use crate::programs::beside;

/// A program's arguments, the program first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arguments(Vec<Vec<Piece>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Input(usize),
    Output(usize),
    Id,
    Scratch,
}

/// The values of the placeholders, for one entity.
pub(super) struct Values<'a> {
    pub(super) id: &'a str,
    pub(super) inputs: &'a [PathBuf],
    pub(super) outputs: &'a [PathBuf],
    pub(super) scratch: &'a Path,
}

impl Arguments {
    /// Reads `argv` for a job with these inputs and outputs.
    ///
    /// # Errors
    /// Every problem with it.
    pub(super) fn parse(argv: &[String], job: &OpenContext) -> Result<Self, Vec<OptionProblem>> {
        let mut problems = Vec::new();
        let mut arguments = Vec::new();
        for (index, text) in argv.iter().enumerate() {
            let path = format!("argv[{index}]");
            if text.contains('\0') {
                problems.push(OptionProblem::new(path.clone(), "an argument cannot hold a NUL character"));
            }
            match pieces(text, job) {
                Ok(pieces) => arguments.push(pieces),
                Err(message) => problems.push(OptionProblem::new(path, message)),
            }
        }
        for pieces in arguments.iter_mut().skip(1) {
            if let [Piece::Text(argument)] = pieces.as_mut_slice() {
                *argument = beside(&job.folder, argument).to_string_lossy().into_owned();
            }
        }
        match arguments.first_mut().map(Vec::as_mut_slice) {
            None if problems.is_empty() => {
                problems.push(OptionProblem::new("argv", "expected a program and its arguments, got an empty list"));
            }
            Some([]) => {
                problems.push(OptionProblem::new("argv[0]", "expected the name of a program, got an empty text"))
            }
            Some([Piece::Text(program)]) if program.contains('/') => {
                *program = job.folder.join(&*program).to_string_lossy().into_owned();
            }
            Some([Piece::Text(_)]) | None => {}
            Some(_) => problems
                .push(OptionProblem::new("argv[0]", "the program is the same for every entity: no placeholders")),
        }
        if problems.is_empty() { Ok(Self(arguments)) } else { Err(problems) }
    }

    /// Whether an argument holds the path of an output.
    pub(super) fn names_output(&self, index: usize) -> bool {
        self.0.iter().flatten().any(|piece| *piece == Piece::Output(index))
    }

    /// The program and its arguments for one entity.
    ///
    /// # Errors
    /// The id would be read as an option.
    pub(super) fn fill(&self, values: &Values<'_>) -> Result<Vec<OsString>, Fault> {
        let mut filled: Vec<OsString> = Vec::with_capacity(self.0.len());
        for pieces in &self.0 {
            let leads = matches!(pieces.first(), Some(Piece::Id)) && values.id.starts_with('-');
            if leads && !filled.iter().any(|argument| argument == "--") {
                return Err(Fault::fatal(format!(
                    "the id `{}` would be read as an option: put text or an argument `--` before `{{id}}` in argv",
                    values.id
                )));
            }
            let mut argument = OsString::new();
            for piece in pieces {
                let part: &OsStr = match piece {
                    Piece::Text(text) => text.as_ref(),
                    Piece::Input(index) => values.inputs[*index].as_ref(),
                    Piece::Output(index) => values.outputs[*index].as_ref(),
                    Piece::Id => values.id.as_ref(),
                    Piece::Scratch => values.scratch.as_ref(),
                };
                argument.push(part);
            }
            filled.push(argument);
        }
        Ok(filled)
    }
}

/// Splits one argument at its placeholders.
fn pieces(text: &str, job: &OpenContext) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
            return Err(format!("a lone `{brace}`; write `{brace}{brace}` for the character itself"));
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(placeholder(name, job)?);
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

fn placeholder(name: &str, job: &OpenContext) -> Result<Piece, String> {
    match name.split_once('.') {
        None => match name {
            "id" => Ok(Piece::Id),
            "scratch" => Ok(Piece::Scratch),
            "output" => Ok(Piece::Output(0)),
            "input" if job.inputs.len() == 1 => Ok(Piece::Input(0)),
            "input" if job.inputs.is_empty() => Err("`{input}`: the job has no input".to_owned()),
            "input" => Err(format!("`{{input}}`: the job has several; write {}", each("input", &job.inputs))),
            _ => {
                Err(format!("`{{{name}}}` is no placeholder; there are {{input}}, {{output}}, {{id}} and {{scratch}}"))
            }
        },
        Some(("input", wanted)) => match job.inputs.iter().position(|input| input == wanted) {
            Some(index) => Ok(Piece::Input(index)),
            None => Err(format!("no input named `{wanted}`; there are {}", each("input", &job.inputs))),
        },
        Some(("output", wanted)) => {
            let named = job.outputs.iter().position(|output| output.name == wanted && !wanted.is_empty());
            let counted = wanted.parse().ok().filter(|number| (1..=job.outputs.len()).contains(number));
            named.or(counted.map(|number: usize| number - 1)).map(Piece::Output).ok_or_else(|| {
                let names: Vec<String> = job.outputs.iter().map(|output| output.name.clone()).collect();
                format!("no output named `{wanted}`; there are {}", each("output", &names))
            })
        }
        Some(_) => Err(format!("`{{{name}}}` is no placeholder; there are {{input.NAME}} and {{output.NAME}}")),
    }
}

fn each(kind: &str, names: &[String]) -> String {
    let names: Vec<String> = names
        .iter()
        .enumerate()
        .map(
            |(index, name)| {
                if name.is_empty() { format!("{{{kind}.{}}}", index + 1) } else { format!("{{{kind}.{name}}}") }
            },
        )
        .collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use euterpe_actors::transform::OutputShape;

    fn job() -> OpenContext {
        let output = |name: &str| OutputShape { name: name.into(), suffix: "txt".into() };
        OpenContext {
            inputs: vec!["a".into(), "b".into()],
            outputs: vec![output("main"), output("side")],
            folder: "/graphs".into(),
            ..Default::default()
        }
    }

    fn filled(argv: &[&str], id: &str) -> Result<Vec<String>, String> {
        let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
        let arguments = Arguments::parse(&argv, &job()).map_err(|problems| problems[0].to_string())?;
        let (inputs, outputs) = (["/in/a".into(), "/in/b".into()], ["/out/1".into(), "/out/2".into()]);
        let values = Values { id, inputs: &inputs, outputs: &outputs, scratch: Path::new("/s") };
        let filled = arguments.fill(&values).map_err(|fault| fault.text)?;
        Ok(filled.into_iter().map(|argument| argument.into_string().expect("text")).collect())
    }

    #[test]
    fn placeholders_are_filled_in_within_one_argument_and_never_split() {
        let argv = ["mix", "{input.b}", "--out={output}", "{output.side}{output.2}", "{{id}}", "t={id}", "{scratch}/x"];
        let want = ["mix", "/in/b", "--out=/out/1", "/out/2/out/2", "{id}", "t=$(rm -rf /) `x`; y", "/s/x"];
        assert_eq!(filled(&argv, "$(rm -rf /) `x`; y").expect("filled"), want);
    }

    #[test]
    fn an_id_never_becomes_an_option() {
        assert!(filled(&["echo", "{id}"], "--help").expect_err("an option").contains("`--` before `{id}`"));
        assert!(filled(&["echo", "{id}.txt"], "-rf").is_err());
        assert_eq!(filled(&["echo", "--", "{id}"], "--help").expect("filled")[2], "--help");
        assert_eq!(filled(&["echo", "--title={id}"], "--help").expect("filled")[1], "--title=--help");
        assert_eq!(filled(&["echo", "{id}"], "help").expect("filled")[1], "help");
    }

    #[test]
    fn a_program_with_a_slash_is_relative_to_the_graph_file() {
        assert_eq!(filled(&["./tool"], "t").expect("filled"), ["/graphs/./tool"]);
        assert_eq!(filled(&["/bin/tool"], "t").expect("filled"), ["/bin/tool"]);
        assert_eq!(filled(&["tool"], "t").expect("filled"), ["tool"]);
    }

    #[test]
    fn an_argument_that_names_a_file_beside_the_graph_file_is_found_from_any_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in ["helper.sh", "mix"] {
            std::fs::write(folder.path().join(file), "").expect("written");
        }
        let job = OpenContext { folder: folder.path().to_owned(), ..job() };
        let argv = ["sh", "helper.sh", "./mix", "mix", "-c", "x/helper.sh", "{id}.sh"].map(str::to_owned);
        let arguments = Arguments::parse(&argv, &job).expect("arguments");
        let values = Values { id: "helper", inputs: &[], outputs: &[], scratch: Path::new("/s") };
        let (helper, mix) = (folder.path().join("helper.sh"), folder.path().join("./mix"));
        let want: [&OsStr; 7] = [
            "sh".as_ref(),
            helper.as_ref(),
            mix.as_ref(),
            "mix".as_ref(),
            "-c".as_ref(),
            "x/helper.sh".as_ref(),
            "helper.sh".as_ref(),
        ];
        assert_eq!(arguments.fill(&values).expect("filled"), want);
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused_with_what_can() {
        for (argument, said) in [
            ("{input}", "write {input.a}, {input.b}"),
            ("{input.c}", "no input named `c`; there are {input.a}, {input.b}"),
            ("{output.third}", "there are {output.main}, {output.side}"),
            ("{output.0}", "no output named `0`"),
            ("{inptu}", "is no placeholder"),
            ("{x.y}", "is no placeholder"),
            ("a { b", "a lone `{`"),
            ("a } b", "a lone `}`"),
        ] {
            let message = filled(&["tool", argument], "t").expect_err(argument);
            assert!(message.contains(said) && message.starts_with("argv[1]: "), "{argument}: {message}");
        }
        assert!(filled(&[], "t").expect_err("nothing").contains("an empty list"));
        assert!(filled(&["{id}"], "t").expect_err("a placeholder").contains("no placeholders"));
    }
}
