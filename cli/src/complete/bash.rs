//! The script for bash.
//!
//! Bash takes `:`, `=` and `@` for the end of a word, while `acme:hash@1.2.0` is one word to everybody else. The script
//! joins again what no blank separates, and takes from each answer what stands before the part that bash is going to
//! replace. It gets by with bash 3.2, which macOS still has.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::Path,
};

use clap_complete::env::EnvCompleter;

/// Bash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bash;

const SCRIPT: &str = r#"_COMPLETER_complete() {
    local rest=${COMP_LINE:0:COMP_POINT} words=() word trimmed candidate i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        trimmed=${rest#"${rest%%[![:blank:]]*}"}
        if ((i == COMP_CWORD)); then
            word=$trimmed
        fi
        if ((i > 0)) && [[ $trimmed == "$rest" ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed#"$word"}
    done
    local current=${words[${#words[@]} - 1]#[\"\']}
    words[${#words[@]} - 1]=$current
    local before=${current%"$2"}
    COMPREPLY=()
    while IFS= read -r candidate || [[ -n $candidate ]]; do
        COMPREPLY+=("${candidate#"$before"}")
    done < <(
        _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) VARIABLE=bash \
            PROGRAM -- "${words[@]}" 2>/dev/null
    )
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/:@] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _COMPLETER_complete NAME 2>/dev/null || complete -F _COMPLETER_complete NAME
"#;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        clap_complete::env::Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        clap_complete::env::Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let script = SCRIPT
            .replace("COMPLETER", &name.replace('-', "_"))
            .replace("VARIABLE", var)
            .replace("PROGRAM", completer)
            .replace("NAME", bin);
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        clap_complete::env::Bash.write_complete(command, args, current_dir, buf)
    }
}
