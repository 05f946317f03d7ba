//! Bindings for Python, which `componentize-py` makes: the same program that later makes the component.

use std::{path::Path, process::Stdio};

use spin_deps_component::GeneratedFile;
use tokio::process::Command;

use super::World;
use crate::{Error, files};

const PROGRAM: &str = "componentize-py";
/// How much of what the program says is shown.
const MAX_OUTPUT: usize = 4000;
/// How deep packages lie in each other.
const MAX_DEPTH: usize = 8;

/// The package that a component of `world` imports from, for editors and type checkers.
///
/// The program is looked for in `search_path`, which is the environment's `PATH`, and nowhere in the project: to sync a
/// stranger's project must run nothing of the stranger's.
pub(super) async fn python(world: &World, search_path: Option<&str>) -> Result<Vec<GeneratedFile>, Error> {
    let places = std::env::split_paths(search_path.unwrap_or_default()).filter(|place| place.is_absolute());
    let places = std::env::join_paths(places).ok();
    let place = tempfile::tempdir()?;
    let program = which::which_in(PROGRAM, places, place.path()).map_err(|_| Error::NoProgram {
        program: PROGRAM,
        needed: "to make bindings for Python".into(),
        hint: "install it with `pip install componentize-py`, or leave these bindings out with `bindings = false` in the component's `tool.deps`".into(),
    })?;
    let output = place.path().join("bindings");
    let mut command = Command::new(&program);
    match world {
        World::Dependencies { text, .. } => {
            let wit = place.path().join("wit");
            files::write(&wit.join("root.wit"), text.as_bytes())?;
            command.arg("-d").arg(wit).args(["-w", "root"]);
        }
        World::Authored { folder, guest, .. } => {
            command.arg("-d").arg(folder).args(["-w", guest.name()]);
        }
    }
    command.arg("bindings").arg(&output).current_dir(place.path()).stdin(Stdio::null()).kill_on_drop(true);
    let run = command.output().await?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        let start = said.len().saturating_sub(MAX_OUTPUT);
        let start = (start..=said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(start);
        return Err(Error::ProgramFailed {
            program: PROGRAM,
            status: run.status.to_string(),
            output: said.get(start..).unwrap_or_default().trim().to_owned(),
        });
    }
    let mut found = Vec::new();
    read_below(&output, "", MAX_DEPTH, &mut found)?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn read_below(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<GeneratedFile>,
) -> Result<(), Error> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            if depth > 0 {
                read_below(&entry.path(), &format!("{path}/"), depth - 1, found)?;
            }
        } else {
            // Black and Ruff would write it in their own way.
            let text = format!("# fmt: off\n\n{}", files::read_text(&entry.path())?);
            found.push(GeneratedFile { path, text });
        }
    }
    Ok(())
}
