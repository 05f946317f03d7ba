//! By which name the code of a project imports the folder of its bindings, where files of the bindings do so themselves.

use std::path::Path;

use super::language::read_json;
use crate::{Error, files};

/// The import path of `folder` in the Go module that `build` belongs to: that of the nearest `go.mod`, up to the
/// project's own directory.
pub(super) fn go(project: &Path, build: &Path, folder: &str) -> Result<String, Error> {
    for place in build.ancestors().take_while(|place| place.starts_with(project)) {
        let Some(text) = files::read_text_if_there(&place.join("go.mod"))? else { continue };
        let module = text.lines().find_map(|line| line.trim().strip_prefix("module")).unwrap_or_default();
        let module = module.split("//").next().unwrap_or_default().trim().trim_matches(['"', '`']);
        let below = build.join(folder);
        let below = below.strip_prefix(place).unwrap_or(&below);
        return Ok(joined(module, below));
    }
    Err(Error::Unknown {
        message:
            "there is no go.mod where the component is built, by which its bindings could import each other"
                .into(),
        hint: Some("`go mod init` makes one".into()),
    })
}

/// The import path of `folder` in the MoonBit module in `build`.
pub(super) fn moonbit(build: &Path, folder: &str) -> Result<String, Error> {
    let manifest = build.join("moon.mod.json");
    if !manifest.is_file() {
        return Err(Error::Unknown {
            message:
                "there is no moon.mod.json where the component is built, by which its bindings could import each other"
                    .into(),
            hint: Some("`moon new` makes one".into()),
        });
    }
    let manifest = read_json(&manifest)?;
    let text = |key: &str| manifest.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    // Packages are named from the folder of the sources.
    let below = Path::new(folder).strip_prefix(text("source")).unwrap_or(Path::new(folder));
    Ok(joined(text("name"), below))
}

fn joined(module: &str, below: &Path) -> String {
    let parts = below.components().filter_map(|part| match part {
        std::path::Component::Normal(part) => part.to_str(),
        _ => None,
    });
    std::iter::once(module).filter(|module| !module.is_empty()).chain(parts).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::{go, moonbit};

    #[test]
    fn the_nearest_go_module_counts() {
        let project = tempfile::tempdir().unwrap();
        let build = project.path().join("cmd/api");
        fs_err::create_dir_all(&build).unwrap();
        assert!(go(project.path(), &build, "gen").is_err());
        fs_err::write(
            project.path().join("go.mod"),
            "// mine\nmodule \"example.com/app\" // it\n\ngo 1.25\n",
        )
        .unwrap();
        assert_eq!(go(project.path(), &build, "./gen").unwrap(), "example.com/app/cmd/api/gen");
        fs_err::write(build.join("go.mod"), "module api\n").unwrap();
        assert_eq!(go(project.path(), &build, "gen").unwrap(), "api/gen");
    }

    #[test]
    fn packages_of_moonbit_are_named_from_the_sources() {
        let build = tempfile::tempdir().unwrap();
        assert!(moonbit(build.path(), "gen").is_err());
        fs_err::write(build.path().join("moon.mod.json"), r#"{"name": "acme/app", "source": "src"}"#)
            .unwrap();
        assert_eq!(moonbit(build.path(), "src/gen").unwrap(), "acme/app/gen");
    }
}
