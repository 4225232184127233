//! Python functions: their code, what it imports, their environment.

use super::case::{Case, case};
use super::change::Change::{self, *};

const CODE: &str = "its code, or what it was given as variables, was another";
const OTHER: Change = Beside(
    "code/t.py",
    "import words\n\n\ndef work(x: str, *, mark: str = '!') -> str:\n    return words.loud(x) + mark + '?'\n",
);
const COMMENT: Change = Beside(
    "code/t.py",
    "# a comment\nimport words\n\n\ndef work(x: str, *, mark: str = '!') -> str:\n    return words.loud(x) + mark\n",
);
const IMPORTED: Change = Beside("code/words.py", "def loud(text):\n    return text.title()\n");
const OPTION: Change = Graph("work, in:", "work, with: {mark: '.'}, in:");
const ENVIRONMENT: Change = Graph("work, in:", "work, env: {requirements: r.txt}, in:");

/// Python functions that are others now.
pub const PYTHON_JOBS: &[Case] = &[
    case("a Python function is changed", &[OTHER]).leaves(&[("a 2", CODE)]).explains_then("a t2", CODE, CODE),
    case("a Python function is changed, and the job is refreshed", &[OTHER])
        .asked("--refresh=a")
        .makes_all(&[("a 2 b 2", "a recipe")])
        .explains("a t2", CODE)
        .holds("out/b/t2.txt", "TWO!?"),
    case("a file beside it that a Python function imports is changed, and the job is refreshed", &[IMPORTED])
        .asked("--refresh")
        .makes_all(&[("a 2 b 2", "a recipe")])
        .explains("a t2", CODE)
        .holds("out/b/t2.txt", "Two!"),
    case("a comment in the file of a Python function is changed, and the job is refreshed", &[COMMENT])
        .asked("--refresh")
        .makes(&[("a 2 b 2", "a recipe")], "a 2")
        .explains("a t2", CODE),
    case(
        "a comment in a Python file that nobody imports is changed",
        &[Beside("code/other.py", "# another comment\n")],
    ),
    case("an option of a Python function is set", &[OPTION])
        .leaves(&[("a 2", "`mark` was not set and is `.`")])
        .explains_then("a t2", "`mark` was not set and is `.`", "`mark` was not set and is `.`"),
    case("an option of a Python function is set to its default", &[Graph("work, in:", "work, with: {mark: '!'}, in:")])
        .leaves(&[("a 2", "`mark` was not set and is `!`")])
        .explains_then("a t2", "`mark` was not set and is `!`", "`mark` was not set and is `!`"),
    case("a variable of its environment is set", &[Graph("work, in:", "work, env: {variables: {COLOUR: blue}}, in:")])
        .leaves(&[("a 2", CODE)])
        .explains_then("a t2", CODE, CODE),
    case(
        "the file of its requirements is changed",
        &[
            Beside("r.txt", "# nothing\n"),
            ENVIRONMENT,
            Called("accept g.yaml a", 0),
            Called("run g.yaml", 0),
            Beside("r.txt", "# nothing yet\n"),
        ],
    )
    .leaves(&[("a 2", CODE)])
    .explains_then("a t2", CODE, CODE),
];
