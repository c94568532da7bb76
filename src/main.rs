//! The one program. Hands its arguments to `cli` and ends with the exit code that comes back.

fn main() -> std::process::ExitCode {
    rogatory::cli::main::run()
}
