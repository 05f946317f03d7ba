//! Build profiles: a component can have another source, more environment, other dependencies and
//! another build command under a name such as `debug`.

use std::collections::HashMap;

use crate::{Build, Component, ErrorKind, Manifest, ManifestError, Profile, check, error::did_you_mean};

impl Manifest {
    /// The names of all profiles, sorted.
    pub fn profiles(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.components.values().flat_map(|c| c.profiles.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The manifest as it is in a profile. A component without that profile stays as it is.
    ///
    /// Fails if no component has the profile, or if the result breaks a rule, for instance because
    /// two dependencies now overlap.
    pub fn with_profile(&self, name: &str) -> Result<Self, ManifestError> {
        let names = self.profiles();
        if !names.contains(&name) {
            let hint = did_you_mean(name, &names).or_else(|| {
                (!names.is_empty()).then(|| format!("the profiles are {}", crate::error::quoted_list(&names)))
            });
            return Err(ManifestError::request(ErrorKind::UnknownProfile(name.to_owned())).with_hint_if(hint));
        }
        let mut manifest = self.clone();
        for component in manifest.components.values_mut() {
            if let Some(profile) = component.profiles.get(name).cloned() {
                apply(component, profile);
            }
        }
        check::check(&manifest)?;
        Ok(manifest)
    }
}

fn apply(component: &mut Component, profile: Profile) {
    if let Some(source) = profile.source {
        component.source = source;
    }
    if let Some(span) = profile.source_span {
        component.source_span = span;
    }
    component.environment.extend(profile.environment);
    let own = component.dependencies.iter().enumerate();
    let places: HashMap<_, _> = own.map(|(place, dependency)| (dependency.name.clone(), place)).collect();
    for dependency in profile.dependencies {
        let place = places.get(&dependency.name).and_then(|place| component.dependencies.get_mut(*place));
        match place {
            Some(existing) => *existing = dependency,
            None => component.dependencies.push(dependency),
        }
    }
    if let Some(command) = profile.build_command {
        match &mut component.build {
            Some(build) => build.command = command,
            None => {
                component.build = Some(Build { command, workdir: None, watch: Vec::new() });
            }
        }
    }
}
