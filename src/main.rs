//! The program `euterpe`: the command line over the transforms that come with it.

fn main() -> std::process::ExitCode {
    euterpe::app::App::new().main()
}
